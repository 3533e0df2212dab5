//! What happens on a day.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wechat_simulator::{Simulator, World};

use crate::bot::{self, Store};

/// How many messages come together: more than one answer holds, too.
const BATCHES: [usize; 10] = [1, 1, 2, 1, 5, 1, 1, 12, 1, 15];

/// Messages come in batches, from persons and in rooms, one of them with a new key for the session.
///
/// The first batch is there from the beginning: what the service changes (cookies, keys) with an
/// answer that brings no message is not stored by a bot that stores after messages, and the simulator
/// wants it back from whoever has shown that it came.
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

/// Ends the session by a login elsewhere, once all messages are handled: those that a bot holds then
/// are not sent again.
pub(crate) struct End {
    simulator: Simulator,
    store: Store,
    messages: usize,
    /// How many were handled when that changed last.
    handled: usize,
    changed: Instant,
}

impl End {
    /// How long nothing changes before the messages that are not handled are lost.
    const LOST: Duration = Duration::from_secs(30);

    pub(crate) fn new(simulator: Simulator, store: Store, messages: usize) -> Self {
        Self { simulator, store, messages, handled: 0, changed: Instant::now() }
    }

    /// Ends the session when it is time.
    pub(crate) fn wait(mut self) {
        let simulator = self.simulator.clone();
        simulator.then(Duration::from_millis(1), move |world| {
            let handled = self.store.acts().lines().collect::<BTreeSet<_>>().len();
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
