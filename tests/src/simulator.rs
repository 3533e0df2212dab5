//! A world that several threads share, and the script of what happens in it.

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Notify;

use crate::world::World;

/// What a request brings about.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing else to do with a request")]
pub enum Answer {
    /// This, at once.
    Reply(Response<Bytes>),
    /// A long poll with nothing to say yet: it waits, and answers this when its time is up.
    Hold(Response<Bytes>),
}

/// How long a request takes.
const TICK: Duration = Duration::from_millis(7);
/// How long the service holds a poll.
pub(crate) const HOLD: Duration = Duration::from_secs(25);

type Deed = Box<dyn FnOnce(&mut World) + Send>;

struct Step {
    after: Duration,
    deed: Deed,
    /// When it is due, from the moment at which somebody began to wait for it; in real time only.
    due: Option<Instant>,
}

struct Shared {
    world: Mutex<World>,
    script: Mutex<VecDeque<Step>>,
    changed: Notify,
}

/// A world and a script, shared between threads: clones are the same one.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

/// The world, held by one thread. When it is let go, held polls look at it again.
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
        }))
    }

    /// The world, locked: let it go before the next request.
    ///
    /// Every request takes the same lock. A client that is used while its thread holds the guard waits for itself, for
    /// ever (over a socket: until its deadline): end the statement or the block, or `drop` the guard, first.
    pub fn world(&self) -> WorldGuard<'_> {
        WorldGuard { world: self.locked(), changed: &self.0.changed }
    }

    /// The same, without waking anybody.
    pub(crate) fn locked(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, VecDeque<Step>> {
        self.0.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changed(&self) -> &Notify {
        &self.0.changed
    }

    /// Appends to the script. A step runs when a long poll finds nothing to say, and at no other time: so every wire
    /// sees the same things in the same order.
    pub fn then(&self, after: Duration, step: impl FnOnce(&mut World) + Send + 'static) {
        self.script().push_back(Step { after, deed: Box::new(step), due: None });
        self.0.changed.notify_waiters();
    }

    /// Whether the script has come to its end.
    pub fn is_done(&self) -> bool {
        self.script().is_empty()
    }

    /// The world's clock.
    pub fn now(&self) -> u64 {
        self.locked().now()
    }

    /// Answers in memory: waiting takes no time but the world's.
    pub fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut answer = self.take_in(request);
        loop {
            answer = match answer {
                Answer::Reply(reply) => return reply,
                Answer::Hold(quiet) => match self.step(request) {
                    Some(next) => next,
                    None => {
                        self.locked().advance(HOLD);
                        return quiet;
                    }
                },
            }
        }
    }

    /// One request, and the time that it takes.
    pub(crate) fn take_in(&self, request: &Request<Bytes>) -> Answer {
        let mut world = self.locked();
        world.advance(TICK);
        world.handle(request)
    }

    /// Runs the script's next step, and looks at a held poll again; `None` when there is no step.
    pub(crate) fn step(&self, request: &Request<Bytes>) -> Option<Answer> {
        // The world first: two polls must not run the steps in another order than they took them in.
        let world = self.locked();
        let step = self.script().pop_front()?;
        // Only now is there anything for other polls to hear of: two held at once would wake each other all the time.
        let mut world = WorldGuard { world, changed: &self.0.changed };
        world.advance(step.after);
        (step.deed)(&mut world);
        Some(world.ask_again(request))
    }

    /// When the next step is due in real time; the wait for it begins with the first to ask.
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
    fn a_step_runs_when_a_poll_has_nothing_to_say() {
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
    fn polls_are_woken_by_steps_alone() {
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
    fn a_reply_can_be_prescribed() {
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
