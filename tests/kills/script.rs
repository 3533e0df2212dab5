//! The events of a run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wechat_simulator::{Simulator, World};

use crate::bot::{self, Store};

/// The sizes of batches; some exceed one sync response.
const BATCHES: [usize; 10] = [1, 1, 2, 1, 5, 1, 1, 12, 1, 15];

/// Delivers messages in batches, from persons and in rooms; one batch comes with a new skey.
///
/// The first batch exists from the beginning. A bot that stores after messages does not store
/// changes made by a response without messages (cookies, keys), and the simulator requires those
/// values from a client that received them.
pub(crate) fn script(
    simulator: &Simulator,
    messages: usize,
    written: &Arc<Mutex<Vec<String>>>,
    friends: &[String],
    rooms: &[String],
) {
    let mut number = 0;
    for size in BATCHES.into_iter().cycle() {
        let batch: Vec<(usize, String, Option<String>)> = (number..messages.min(number + size))
            .map(|n| {
                let room = (n % 3 == 0).then(|| rooms[n / 3 % rooms.len()].clone());
                (n, friends[n % 3].clone(), room)
            })
            .collect();
        if batch.is_empty() {
            break;
        }
        number += batch.len();
        let written = Arc::clone(written);
        let step = move |world: &mut World| {
            if number == 24 {
                world.refresh_skey();
            }
            for (n, friend, room) in batch {
                let text = format!("number {n}");
                let id = match &room {
                    Some(room) => world.member_writes(room, &friend, &text),
                    None => world.person_writes(&friend, &text),
                };
                let peer = room.unwrap_or(friend);
                written.lock().unwrap().push(bot::line(&id, &peer, &text));
            }
        };
        if number == 1 {
            step(&mut simulator.world());
        } else {
            simulator.then(Duration::ZERO, step);
        }
    }
}

/// The end of a run, by a login elsewhere once all messages are handled. Messages that a bot still
/// holds would not be delivered again.
pub(crate) struct End {
    simulator: Simulator,
    store: Store,
    messages: usize,
    /// The number of handled messages at the last change.
    handled: usize,
    changed: Instant,
}

impl End {
    /// The time without changes after which unhandled messages are considered lost.
    const LOST: Duration = Duration::from_secs(30);

    pub(crate) fn new(simulator: Simulator, store: Store, messages: usize) -> Self {
        Self { simulator, store, messages, handled: 0, changed: Instant::now() }
    }

    /// Ends the session once all messages are handled or lost.
    pub(crate) fn wait(mut self) {
        let simulator = self.simulator.clone();
        simulator.then(Duration::from_millis(1), move |world| {
            let handled = self.store.ledger_text().lines().collect::<BTreeSet<_>>().len();
            if handled != self.handled {
                (self.handled, self.changed) = (handled, Instant::now());
            }
            if handled < self.messages && self.changed.elapsed() < Self::LOST {
                self.wait();
            } else {
                world.phone().kick();
            }
        });
    }
}
