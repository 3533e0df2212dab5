//! Copies of the worlds of all accounts, and their restoration.

use std::sync::atomic::Ordering;

use crate::simulator::{Simulator, WorldGuard};
use crate::world::World;

impl Simulator {
    /// Locks the worlds of all accounts at the same time.
    fn lock_all(accounts: &[Self]) -> Vec<WorldGuard<'_>> {
        let mut all: Vec<WorldGuard<'_>> = accounts.iter().map(Self::locked).collect();
        // Accounts that were locked later may have sent something to those that were locked before.
        for (world, account) in all.iter_mut().zip(accounts) {
            account.receive(world);
        }
        all
    }

    /// Returns copies of the worlds of all accounts at the same time, and the number of steps left in each script.
    pub(crate) fn copy_all(accounts: &[Self]) -> (Vec<World>, Vec<usize>) {
        let all = Self::lock_all(accounts);
        let steps = accounts.iter().map(Self::steps_left).collect();
        (all.iter().map(|world| (**world).clone()).collect(), steps)
    }

    /// Resets the worlds of all accounts at the same time. Clients that are logged in both before and after the reset
    /// stay logged in.
    pub(crate) fn reset_all(accounts: &[Self], worlds: Vec<World>) {
        let mut all = Self::lock_all(accounts);
        let clock = worlds.iter().map(|world| world.now).max().unwrap_or_default();
        for ((guard, account), mut world) in all.iter_mut().zip(accounts).zip(worlds) {
            world.continue_session(guard);
            account.replace(guard, world);
        }
        if let Some(first) = accounts.first() {
            first.group().clock.store(clock, Ordering::Relaxed);
        }
    }
}

impl World {
    /// Keeps the client logged in if `now`, the world that this one replaces, has the same session. Ids are not
    /// repeated, and the clock does not go back: clients discard a `MsgId` that they have received before.
    pub(crate) fn continue_session(&mut self, now: &Self) {
        if let Some(session) = &mut self.session
            && let Some(current) = &now.session
            && self.account.sid == now.account.sid
        {
            *session = session.continued(current, self.timeline.len());
            self.account.skey.clone_from(&now.account.skey);
            self.jar.clone_from(&now.jar);
            self.rng.clone_from(&now.rng);
            self.now = now.now;
        }
    }
}
