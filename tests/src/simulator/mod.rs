//! A world shared between threads, and its script.

mod accounts;
#[cfg(feature = "serve")]
mod reset;

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Notify;

use crate::lock::lock;
use crate::session::{FileSent, Stage};
use crate::wire::reply::Answer;
use crate::world::{Group, Shared, Step, World};

/// The duration of a request.
pub(crate) const TICK: Duration = Duration::from_millis(7);
/// The duration for which the service holds a long poll.
pub(crate) const HOLD: Duration = Duration::from_secs(25);

/// A world and a script, shared between threads. Clones share the same world. It is one account of a service, to which
/// [`Simulator::add_account`] adds others.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
    group: Arc<Group>,
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}

/// A lock guard of the world. Dropping it wakes the account's held polls if they may have news.
#[derive(Debug)]
pub struct WorldGuard<'a> {
    simulator: &'a Simulator,
    world: MutexGuard<'a, World>,
    /// The state of the polls at the beginning; `None` if the world was replaced since.
    before: Option<Pulse>,
    /// Whether dropping it wakes observers, too.
    is_observed: bool,
}

impl Deref for WorldGuard<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for WorldGuard<'_> {
    fn deref_mut(&mut self) -> &mut World {
        self.enter();
        &mut self.world
    }
}

impl WorldGuard<'_> {
    /// Joins the world to its account if it has replaced another one.
    fn enter(&mut self) {
        let Simulator { shared, group } = self.simulator;
        if group.enter(shared, &mut self.world) {
            self.before = None;
        }
    }
}

impl Drop for WorldGuard<'_> {
    fn drop(&mut self) {
        self.enter();
        let Simulator { shared, group } = self.simulator;
        group.leave(shared, &self.world);
        let has_news = self.before.as_ref() != Some(&Pulse::of(&self.world));
        if has_news {
            shared.polls.notify_waiters();
        }
        if has_news || self.is_observed {
            group.changed.notify_waiters();
        }
    }
}

/// The part of a world that decides the answers to held polls.
#[derive(Debug, Eq, PartialEq)]
struct Pulse {
    events: usize,
    /// The number, the code of its end, and the number of its keys.
    session: Option<(usize, Option<i64>, usize)>,
    file_sent: Option<FileSent>,
    codes: Vec<Stage>,
}

impl Pulse {
    fn of(world: &World) -> Self {
        let session = world.session.as_ref();
        Self {
            events: world.timeline.len(),
            file_sent: session.and_then(|now| now.file_sent),
            session: session.map(|now| (world.former.len(), now.ended, now.pairs.len())),
            codes: world.codes.iter().map(|code| code.stage).collect(),
        }
    }
}

impl Simulator {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        let group = Arc::<Group>::default();
        let simulator = Self::of(&group, world, false);
        group.add(Arc::clone(&simulator.shared));
        simulator
    }

    /// Creates an account without adding it.
    pub(crate) fn of(group: &Arc<Group>, world: World, is_login: bool) -> Self {
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            script: Mutex::new(VecDeque::new()),
            inbox: Mutex::default(),
            keys: Mutex::default(),
            polls: Notify::new(),
            resets: AtomicU64::new(0),
            restored: Mutex::default(),
            is_login,
            claimed_by: OnceLock::new(),
        });
        Self { shared, group: Arc::clone(group) }
    }

    pub(crate) const fn group(&self) -> &Arc<Group> {
        &self.group
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Returns another account of the same service.
    pub(crate) fn beside(&self, shared: Arc<Shared>) -> Self {
        Self { shared, group: Arc::clone(&self.group) }
    }

    /// Locks the world. Drop the guard before the next request.
    ///
    /// Every request of the account takes the same lock. A client that is used while its own thread holds the guard
    /// deadlocks (over a socket: fails at its deadline). End the statement or the block, or `drop` the guard, first.
    ///
    /// A clone of the world is a snapshot: [`Simulator::reset`] restores it. Assigning a world to the guard replaces it
    /// like a reset, but keeps the script.
    pub fn world(&self) -> WorldGuard<'_> {
        let mut world = self.locked();
        world.is_observed = true;
        world
    }

    /// Locks the world without waking observers.
    pub(crate) fn locked(&self) -> WorldGuard<'_> {
        let mut world = lock(&self.shared.world);
        let is_new = self.group.enter(&self.shared, &mut world);
        self.receive(&mut world);
        self.group.set_clock(&mut world);
        let before = (!is_new).then(|| Pulse::of(&world));
        WorldGuard { simulator: self, world, before, is_observed: false }
    }

    /// Applies the messages and changes that other accounts have sent.
    pub(crate) fn receive(&self, world: &mut World) {
        let sent = std::mem::take(&mut *lock(&self.shared.inbox));
        sent.into_iter().for_each(|outgoing| world.receive(outgoing));
    }

    fn script(&self) -> MutexGuard<'_, VecDeque<Step>> {
        lock(&self.shared.script)
    }

    /// Returns the notifier of every request, and of every change of any account.
    pub(crate) fn changed(&self) -> &Notify {
        &self.group.changed
    }

    /// Appends a step to the script. Steps run only when a long poll finds no news, so that every transport sees the
    /// same events in the same order. With several accounts, the poll must be of this account, or of a QR code that no
    /// phone has scanned while this account is the first one that has steps and no session.
    pub fn then(&self, after: Duration, step: impl FnOnce(&mut World) + Send + 'static) {
        self.script().push_back(Step { after, deed: Box::new(step), due: None });
        // A pending poll must be notified of the first step to wait for it.
        self.shared.polls.notify_waiters();
        self.group.wake_logins();
    }

    /// Replaces the world, keeping its hosts, and discards the rest of the script. The new world answers the held polls.
    pub fn reset(&self, world: World) {
        self.replace(&mut self.world(), world);
    }

    /// Replaces the locked world of this account, keeping its hosts, and discards the rest of the script.
    pub(crate) fn replace(&self, guard: &mut WorldGuard<'_>, world: World) {
        let layout = guard.layout.clone();
        *lock(&self.shared.restored) = (world.log.len(), world.violations.len());
        **guard = world;
        guard.layout = layout;
        self.script().clear();
        lock(&self.shared.inbox).clear();
        self.shared.resets.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the numbers of requests and of violations that the last reset has restored.
    #[cfg(feature = "serve")]
    pub(crate) fn restored(&self) -> (usize, usize) {
        *lock(&self.shared.restored)
    }

    /// Returns the number of steps that have not run.
    #[cfg(feature = "serve")]
    pub(crate) fn steps_left(&self) -> usize {
        self.script().len()
    }

    /// Returns the number of resets. It changes only while the world is locked.
    pub(crate) fn resets(&self) -> u64 {
        self.shared.resets.load(Ordering::Relaxed)
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
        let mut account = self.of_request(request);
        let mut answer = account.with(|world| {
            world.advance(TICK);
            world.handle(request)
        });
        account.keep_log();
        let reply = loop {
            answer = match answer {
                Answer::Reply(reply) => break reply,
                Answer::Hold(_) if account.step() => account.with(|world| world.ask_again(request)),
                Answer::Hold(quiet) => {
                    account.locked().advance(HOLD);
                    break quiet;
                }
            }
        };
        account.locked().record_status(request, reply.status());
        reply
    }

    /// Locks the world, or that of the account that has taken over this login, and continues there.
    pub(crate) fn with<T>(&mut self, act: impl FnOnce(&mut World) -> T) -> T {
        loop {
            let mut world = self.locked();
            let Some(account) = self.shared.claimed_by.get() else { return act(&mut world) };
            let account = self.beside(Arc::clone(account));
            drop(world);
            *self = account;
        }
    }

    /// Returns the account whose script runs while a poll of this one waits.
    fn scripted(&self) -> Self {
        if !self.shared.is_login {
            return self.clone();
        }
        let mut others = self.accounts().into_iter();
        let found = others.find(|other| !other.is_done() && other.locked().session.is_none());
        found.unwrap_or_else(|| self.clone())
    }

    /// Runs the next step of the script. Returns whether there is one.
    pub(crate) fn step(&self) -> bool {
        let account = self.scripted();
        // The world is locked first, so that two polls run their steps in order.
        let mut world = account.locked();
        let Some(step) = account.script().pop_front() else { return false };
        // Observers are woken only by a step.
        world.is_observed = true;
        world.advance(step.after);
        (step.deed)(&mut world);
        true
    }

    /// Returns when the next step is due in real time. The first call starts the wait for it.
    pub(crate) fn due(&self) -> Option<Instant> {
        let account = self.scripted();
        let mut script = account.script();
        let step = script.front_mut()?;
        Some(*step.due.get_or_insert_with(|| Instant::now() + step.after))
    }

    /// Runs the next step if it is due in real time.
    pub(crate) fn step_if_due(&self) {
        let account = self.scripted();
        let mut world = account.world();
        let mut script = account.script();
        let due = script.front().and_then(|step| step.due).is_some_and(|due| due <= Instant::now());
        let step = if due { script.pop_front() } else { None };
        drop(script);
        if let Some(step) = step {
            (step.deed)(&mut world);
        }
    }
}

#[cfg(test)]
#[path = "simulator_tests.rs"]
mod tests;
