//! The accounts of one service, and what a world does with the others.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crate::lock::lock;
use crate::rng::Rng;
use crate::violation::Violation;
use crate::wire::request::{Decoded, MOST, decode};
use crate::world::credentials::credentials;
use crate::world::layout::Layout;
use crate::world::log::Logged;
use crate::world::outgoing::Outgoing;
use crate::world::{AccountKeys, Group, Link, Shared, World};

impl Link {
    fn group(&self) -> Option<(Arc<Group>, Arc<Shared>)> {
        let (group, own) = self.0.as_ref()?;
        Some((group.upgrade()?, own.upgrade()?))
    }
}

impl Group {
    pub(crate) fn accounts(&self) -> Vec<Arc<Shared>> {
        lock(&self.accounts).clone()
    }

    pub(crate) fn add(&self, account: Arc<Shared>) {
        lock(&self.accounts).push(account);
    }

    pub(crate) fn is_shared(&self) -> bool {
        lock(&self.accounts).len() > 1
    }

    /// Returns the codes that no phone has scanned, the newest last.
    pub(crate) fn unscanned(&self) -> Vec<String> {
        lock(&self.codes).unscanned.clone()
    }

    pub(crate) fn set_layout(&self, layout: Layout) {
        *lock(&self.layout) = Some(layout);
    }

    /// Prepares a world for an account: sets the layout, and an identity that no other account has.
    fn prepare(&self, own: &Arc<Shared>, world: &mut World) {
        if let Some(layout) = lock(&self.layout).clone() {
            world.layout = layout;
        }
        let others = self.accounts().into_iter().filter(|other| !Arc::ptr_eq(other, own));
        let taken: Vec<AccountKeys> = others.map(|other| lock(&other.keys).clone()).collect();
        if taken.is_empty() {
            return;
        }
        world.uploads.keep = world.uploads.keep.max(MOST as u64);
        let is_taken = |uin| taken.iter().any(|keys| keys.uin == uin);
        while is_taken(world.account.uin) {
            world.account.identify(world.account.uin + 1);
            world.rng = Rng::new(world.rng.next() ^ world.account.uin);
        }
    }

    /// Joins the world of an account to the group. Returns whether it is new there.
    pub(crate) fn enter(self: &Arc<Self>, own: &Arc<Shared>, world: &mut World) -> bool {
        let is_bound =
            |(_, bound): &(_, Weak<Shared>)| std::ptr::eq(bound.as_ptr(), Arc::as_ptr(own));
        let is_new = !world.link.0.as_ref().is_some_and(is_bound);
        if is_new {
            world.link = Link(Some((Arc::downgrade(self), Arc::downgrade(own))));
            self.prepare(own, world);
            *lock(&own.keys) = AccountKeys::of(world);
        }
        is_new
    }

    /// Advances the clock of a world to that of the other accounts.
    pub(crate) fn set_clock(&self, world: &mut World) {
        if self.is_shared() {
            world.now = world.now.max(self.clock.load(Ordering::Relaxed));
        }
    }

    /// Records the credentials and codes of a world that was changed.
    pub(crate) fn leave(&self, own: &Arc<Shared>, world: &World) {
        self.clock.fetch_max(world.now, Ordering::Relaxed);
        let keys = AccountKeys::of(world);
        let mut before = lock(&own.keys);
        if *before == keys {
            return;
        }
        if before.codes != keys.codes {
            let mut codes = lock(&self.codes);
            for code in &world.codes {
                if !codes.holders.contains_key(&code.uuid) {
                    codes.holders.insert(code.uuid.clone(), Arc::clone(own));
                    codes.unscanned.extend(own.is_login.then(|| code.uuid.clone()));
                }
            }
        }
        *before = keys;
    }

    /// Sends to each of the accounts with these permanent ids (`None`: to all), except the sender.
    fn send_to(&self, own: &Arc<Shared>, recipients: Option<&[String]>, outgoing: &Outgoing) {
        for account in self.accounts() {
            let permanent = lock(&account.keys).permanent.clone();
            let is_recipient = recipients.is_none_or(|all| all.contains(&permanent));
            if is_recipient && !Arc::ptr_eq(&account, own) {
                lock(&account.inbox).push(outgoing.clone());
                account.polls.notify_waiters();
                self.changed.notify_waiters();
            }
        }
    }

    /// Wakes the polls of the logins that belong to no account.
    pub(crate) fn wake_logins(&self) {
        let codes = lock(&self.codes);
        for login in codes.unscanned.iter().filter_map(|uuid| codes.holders.get(uuid)) {
            login.polls.notify_waiters();
        }
    }

    pub(crate) fn by_credentials(&self, request: &Decoded) -> Option<Arc<Shared>> {
        let accounts = self.accounts();
        let has = |credential: &String| {
            accounts.iter().find(|account| lock(&account.keys).has(credential)).cloned()
        };
        credentials(request).iter().find_map(has)
    }

    /// Returns the account that a request belongs to; one without known credentials belongs to the first account.
    pub(crate) fn of_request(&self, request: &Decoded) -> Option<Arc<Shared>> {
        let from_path = request.path.strip_prefix("/qrcode/").or(request.path.strip_prefix("/l/"));
        let uuid = from_path.map(decode);
        let uuid = uuid.as_deref().unwrap_or_else(|| request.get("uuid"));
        let holder = lock(&self.codes).holders.get(uuid).cloned();
        let first = || self.accounts().first().cloned();
        holder.or_else(|| self.by_credentials(request)).or_else(first)
    }
}

impl World {
    /// Creates the world of a login that belongs to no account yet, with the settings of this one.
    pub(crate) fn for_login(&self, number: u64) -> Self {
        let mut world = Self::new(self.account.uin.wrapping_add(number << 32));
        world.now = self.now;
        world.layout.clone_from(&self.layout);
        world.entry_page = self.entry_page.clone();
        self.entry_page.entries()[0].clone_into(&mut world.entry);
        world.headers.clone_from(&self.headers);
        (world.mode, world.punctual, world.concurrent) =
            (self.mode, self.punctual, self.concurrent);
        world
    }

    /// Takes over a code that no phone has scanned: the one with this `uuid`, or the newest. Returns whether there is one.
    pub(crate) fn claim(&mut self, uuid: Option<&str>) -> bool {
        let Some((group, own)) = self.link.group() else { return false };
        let holder = {
            let mut codes = lock(&group.codes);
            let wanted = |code: &String| uuid.is_none_or(|uuid| code == uuid);
            let Some(index) = codes.unscanned.iter().rposition(wanted) else { return false };
            let uuid = codes.unscanned.remove(index);
            // The codes' lock is released here: the world of a login takes it while it is locked.
            codes.holders.insert(uuid, Arc::clone(&own))
        };
        let Some(holder) = holder else { return false };
        let mut login = lock(&holder.world);
        // Requests that wait for this lock continue at the account.
        let _ = holder.claimed_by.set(own);
        self.take_over(std::mem::replace(&mut *login, Self::new(0)));
        drop(login);
        holder.polls.notify_waiters();
        true
    }

    /// Returns whether a login waits for the phone.
    #[cfg(feature = "serve")]
    pub(crate) fn has_login(&self) -> bool {
        let is_open = self.codes.last().is_some_and(|code| !code.redeemed);
        is_open || self.link.group().is_some_and(|(group, _)| !group.unscanned().is_empty())
    }

    fn take_over(&mut self, login: Self) {
        self.extend_log(login.log, login.violations);
        self.codes.extend(login.codes);
        (self.entry, self.lang, self.redirected) = (login.entry, login.lang, login.redirected);
        (self.user_agent, self.jar) = (login.user_agent, login.jar);
    }

    pub(crate) fn extend_log(&mut self, log: Vec<Logged>, violations: Vec<Violation>) {
        let before = self.violations.len();
        self.violations.extend(violations);
        for mut logged in log {
            logged.violations.start += before;
            logged.violations.end += before;
            self.log.push(logged);
        }
    }

    /// Sends to each of the accounts with these permanent ids.
    pub(crate) fn send_to(&self, recipients: &[String], outgoing: &Outgoing) {
        if let Some((group, own)) = self.link.group() {
            group.send_to(&own, Some(recipients), outgoing);
        }
    }

    /// Sends to all other accounts.
    pub(crate) fn send_to_all(&self, outgoing: &Outgoing) {
        if let Some((group, own)) = self.link.group() {
            group.send_to(&own, None, outgoing);
        }
    }

    /// Returns whether a person is another account.
    pub(crate) fn is_account(&self, user_name: &str) -> bool {
        let Some((group, _)) = self.link.group() else { return false };
        let person = self.contact(user_name);
        let is_it = |account: &Arc<Shared>| {
            person.is_some_and(|person| lock(&account.keys).permanent == person.permanent)
        };
        group.accounts().iter().any(is_it)
    }
}
