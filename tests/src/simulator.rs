//! A world shared between threads, and its script.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Notify;

use crate::world::World;

/// The result of handling a request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a request is either answered or held")]
pub enum Answer {
    /// An immediate reply.
    Reply(Response<Bytes>),
    /// A pending long poll: it is held, and answered with this reply when it times out.
    Hold(Response<Bytes>),
}

/// The duration of a request.
pub(crate) const TICK: Duration = Duration::from_millis(7);
/// The duration for which the service holds a long poll.
pub(crate) const HOLD: Duration = Duration::from_secs(25);

type Deed = Box<dyn FnOnce(&mut World) + Send>;

struct Step {
    after: Duration,
    deed: Deed,
    /// When it is due, counted from the first wait for it; in real time only.
    due: Option<Instant>,
}

struct Shared {
    world: Mutex<World>,
    script: Mutex<VecDeque<Step>>,
    changed: Notify,
    /// The number of resets.
    resets: AtomicU64,
}

/// A world and a script, shared between threads. Clones share the same world.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

/// A lock guard of the world. Dropping it wakes the held polls.
#[derive(Debug)]
pub struct WorldGuard<'a> {
    world: MutexGuard<'a, World>,
    changed: &'a Notify,
}

impl Deref for WorldGuard<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for WorldGuard<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Drop for WorldGuard<'_> {
    fn drop(&mut self) {
        self.changed.notify_waiters();
    }
}

impl Simulator {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Shared {
            world: Mutex::new(world),
            script: Mutex::new(VecDeque::new()),
            changed: Notify::new(),
            resets: AtomicU64::new(0),
        }))
    }

    /// Locks the world. Drop the guard before the next request.
    ///
    /// Every request takes the same lock. A client that is used while its own thread holds the guard deadlocks (over a
    /// socket: fails at its deadline). End the statement or the block, or `drop` the guard, first.
    pub fn world(&self) -> WorldGuard<'_> {
        WorldGuard { world: self.locked(), changed: &self.0.changed }
    }

    /// Locks the world without waking held polls.
    pub(crate) fn locked(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, VecDeque<Step>> {
        self.0.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changed(&self) -> &Notify {
        &self.0.changed
    }

    /// Appends a step to the script. Steps run only when a long poll finds no news, so that every transport sees the
    /// same events in the same order.
    pub fn then(&self, after: Duration, step: impl FnOnce(&mut World) + Send + 'static) {
        self.script().push_back(Step { after, deed: Box::new(step), due: None });
        self.0.changed.notify_waiters();
    }

    /// Replaces the world, keeping its hosts, and discards the rest of the script. The new world answers the held polls.
    pub fn reset(&self, world: World) {
        let mut guard = self.world();
        let layout = guard.layout.clone();
        *guard = world;
        guard.layout = layout;
        self.script().clear();
        self.0.resets.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of resets. It changes only while the world is locked.
    #[cfg(feature = "serve")]
    pub(crate) fn resets(&self) -> u64 {
        self.0.resets.load(Ordering::Relaxed)
    }

    /// Returns whether all steps of the script have run.
    pub fn is_done(&self) -> bool {
        self.script().is_empty()
    }

    /// Returns the world's clock, in milliseconds since the epoch.
    pub fn now(&self) -> u64 {
        self.locked().now()
    }

    /// Answers a request in memory. Waiting advances only the world's clock.
    pub fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut answer = {
            let mut world = self.locked();
            world.advance(TICK);
            world.handle(request)
        };
        let reply = loop {
            answer = match answer {
                Answer::Reply(reply) => break reply,
                Answer::Hold(quiet) => match self.step(request) {
                    Some(next) => next,
                    None => {
                        self.locked().advance(HOLD);
                        break quiet;
                    }
                },
            }
        };
        self.locked().record_status(request, reply.status());
        reply
    }

    /// Runs the script's next step and handles a held poll again. Returns `None` if there is no step.
    pub(crate) fn step(&self, request: &Request<Bytes>) -> Option<Answer> {
        // The world is locked first, so that two polls run the steps in the order in which they took them.
        let world = self.locked();
        let step = self.script().pop_front()?;
        // The guard, which wakes other polls, is created only now: otherwise two held polls would keep waking each
        // other.
        let mut world = WorldGuard { world, changed: &self.0.changed };
        world.advance(step.after);
        (step.deed)(&mut world);
        Some(world.ask_again(request))
    }

    /// Returns when the next step is due in real time. The first call starts the wait for it.
    pub(crate) fn due(&self) -> Option<Instant> {
        let mut script = self.script();
        let step = script.front_mut()?;
        Some(*step.due.get_or_insert_with(|| Instant::now() + step.after))
    }

    /// Runs the next step if it is due in real time.
    pub(crate) fn step_if_due(&self) {
        let mut world = self.world();
        let mut script = self.script();
        let due = script.front().and_then(|step| step.due).is_some_and(|due| due <= Instant::now());
        let step = if due { script.pop_front() } else { None };
        drop(script);
        if let Some(step) = step {
            (step.deed)(&mut world);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;
    use crate::Layout;
    use crate::client::{Client, text};

    #[test]
    fn steps_run_when_a_poll_has_no_news() {
        let mut client = Client::new(World::demo());
        client.simulator.then(Duration::from_secs(3), |world| world.phone().scan());
        client.simulator.then(Duration::from_secs(60), |_| {});
        client.simulator.then(Duration::from_secs(2), |world| world.phone().confirm());
        client.jslogin();
        let start = client.now();
        assert!(text(&client.poll()).starts_with("window.code=201;"));
        assert_eq!(client.now() - start, 3_007);
        assert!(text(&client.poll()).starts_with("window.code=200;"));
        assert_eq!(client.now() - start, 65_014);
        assert!(client.simulator.is_done());
        client.login_page();
        client.init();
        client.sync();
        let start = client.now();
        assert!(text(&client.check()).contains("selector:\"0\""));
        assert_eq!(client.now() - start, 25_007);
        client.simulator.then(Duration::from_secs(1), |world| world.phone().kick());
        assert!(text(&client.check()).contains("retcode:\"1101\""));
        client.assert_clean();
    }

    #[test]
    fn polls_are_woken_only_by_steps() {
        let mut client = Client::new(World::demo());
        client.jslogin();
        let request = client.poll_request();
        let simulator = client.simulator.clone();
        let mut held = std::pin::pin!(simulator.changed().notified());
        let mut wakes = || held.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!wakes());
        assert!(simulator.step(&request).is_none());
        assert!(!wakes());
        simulator.script().push_back(Step { after: HOLD, deed: Box::new(|_| {}), due: None });
        assert!(simulator.step(&request).is_some());
        assert!(wakes());
    }

    #[test]
    fn reply_with_overrides_the_next_reply() {
        let mut client = Client::new(World::demo());
        client.jslogin();
        let garbage =
            Response::builder().status(503).body(Bytes::from_static(b"<html>")).expect("a reply");
        client.simulator.world().reply_with("login", garbage);
        assert_eq!(client.poll().status(), 503);
        client.simulator.world().refuse("jslogin", 400, "");
        assert!(text(&client.jslogin()).starts_with("window.QRLogin.code = 400;"));
        client.assert_clean();
    }

    #[test]
    fn one_origin_serves_every_role() {
        let mut world = World::demo();
        world.layout(Layout::One { origin: "http://127.0.0.1:8080".into() });
        let mut client = Client::new(world);
        client.page = "http://127.0.0.1:8080".into();
        client.log_in();
        client.sync();
        client.simulator.world().person_writes("filehelper", "hi");
        assert!(text(&client.check()).contains("selector:\"2\""));
        client.sync();
        client.message("filehelper", "ho");
        client.log_out();
        client.assert_clean();
        let log = client.simulator.world().log()[0].render();
        assert!(log.starts_with("GET //127.0.0.1:8080/jslogin?appid=wx782c26e4c19acffb&redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2F"), "{log}");
    }
}
