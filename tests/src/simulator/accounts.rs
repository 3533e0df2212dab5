//! Several accounts of one service: the assignment of requests, and the delivery between accounts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use bytes::Bytes;
use http::Request;
use tokio::sync::Notify;

use crate::check::route::Route;
use crate::lock::lock;
use crate::rng::Rng;
use crate::simulator::credentials::{AccountKeys, credentials};
use crate::simulator::{Shared, Simulator};
use crate::violation::Violation;
use crate::wire::request::MOST;
use crate::wire::request::{Decoded, decode};
use crate::world::World;
use crate::world::layout::Layout;
use crate::world::log::Logged;
use crate::world::sharing::Outgoing;

/// The accounts of one service.
#[derive(Default)]
pub(crate) struct Group {
    accounts: Mutex<Vec<Arc<Shared>>>,
    codes: Mutex<Codes>,
    /// The layout that every world receives, if a server has set it.
    layout: Mutex<Option<Layout>>,
    /// The highest clock of any account, in milliseconds since the epoch.
    pub(crate) clock: AtomicU64,
    /// Notified of every request, and of every change of any account.
    pub(crate) changed: Notify,
}

/// The QR codes, by their `uuid`.
#[derive(Default)]
struct Codes {
    /// The account that scanned it, or its own world until then.
    holders: BTreeMap<String, Arc<Shared>>,
    /// Those that no phone has scanned, the newest last.
    unscanned: Vec<String>,
    /// The number of codes requested.
    count: u64,
}

/// The link of a world to its group. A clone of the world has none.
#[derive(Debug, Default)]
pub(crate) struct Link(Option<(Weak<Group>, Weak<Shared>)>);

impl Clone for Link {
    fn clone(&self) -> Self {
        Self(None)
    }
}

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

    fn by_credentials(&self, request: &Decoded) -> Option<Arc<Shared>> {
        let accounts = self.accounts();
        let has = |credential: &String| {
            accounts.iter().find(|account| lock(&account.keys).has(credential)).cloned()
        };
        credentials(request).iter().find_map(has)
    }

    /// Returns the account that a request belongs to; one without known credentials belongs to the first account.
    fn of_request(&self, request: &Decoded) -> Option<Arc<Shared>> {
        let from_path = request.path.strip_prefix("/qrcode/").or(request.path.strip_prefix("/l/"));
        let uuid = from_path.map(decode);
        let uuid = uuid.as_deref().unwrap_or_else(|| request.get("uuid"));
        let holder = lock(&self.codes).holders.get(uuid).cloned();
        let first = || self.accounts().first().cloned();
        holder.or_else(|| self.by_credentials(request)).or_else(first)
    }
}

impl Simulator {
    /// Adds another account of the same service, with its own phone, client and script. All accounts are served
    /// together: each request is handled by the world whose credentials it carries. A QR code belongs to no account
    /// until a phone scans it ([`Phone::scan`](crate::Phone::scan)); its requests are in that account's log from then
    /// on.
    ///
    /// Messages to a contact that is another account arrive in the other's world, and so do common rooms; see
    /// [`Simulator::befriend`]. The accounts share one clock, the highest of all worlds, and keep uploads
    /// up to 64 MiB. If `world` has the number of another account, it gets a new one.
    #[must_use]
    pub fn add_account(&self, world: World) -> Self {
        let layout = self.locked().layout.clone();
        let added = Self::of(self.group(), world, false);
        self.group().add(Arc::clone(added.shared()));
        added.locked().layout = layout;
        for account in self.accounts() {
            let mut world = account.world();
            world.uploads.keep = world.uploads.keep.max(MOST as u64);
            world.share_rooms();
        }
        added
    }

    /// Returns all accounts of the service, in the order in which they were added.
    #[must_use]
    pub fn accounts(&self) -> Vec<Self> {
        self.group().accounts().into_iter().map(|account| self.beside(account)).collect()
    }

    /// Makes two accounts friends. Returns the `UserName` of the other one in this account, and of this one in the other.
    /// An account has another `UserName` for each account that knows it.
    pub fn befriend(&self, other: &Self) -> (String, String) {
        let (own, theirs) = (self.locked().profile(), other.locked().profile());
        (self.world().add_account(&theirs), other.world().add_account(&own))
    }

    /// Returns the `uuid` of each QR code that no phone has scanned, the newest last. With one account, there is none:
    /// every code belongs to it.
    #[must_use]
    pub fn unscanned_codes(&self) -> Vec<String> {
        self.group().unscanned()
    }

    /// Discards the QR codes that no phone has scanned.
    #[cfg(feature = "serve")]
    pub(crate) fn forget_codes(&self) {
        let logins = {
            let mut codes = lock(&self.group().codes);
            let unscanned = std::mem::take(&mut codes.unscanned);
            unscanned.iter().filter_map(|uuid| codes.holders.remove(uuid)).collect::<Vec<_>>()
        };
        for login in logins {
            *self.beside(login).world() = World::new(0);
        }
    }

    /// Returns the account's name.
    #[cfg(feature = "serve")]
    pub(crate) fn name(&self) -> String {
        lock(&self.shared().keys).name.clone()
    }

    /// Returns the account to which a request belongs; for `jslogin`, a new login that belongs to no account.
    pub(crate) fn of_request(&self, request: &Request<Bytes>) -> Self {
        if !self.group().is_shared() {
            return self.clone();
        }
        let decoded = Decoded::new(request);
        if Route::of(&decoded.path).is_some_and(|route| route.name == "jslogin") {
            return self.login(&decoded);
        }
        let found = self.group().of_request(&decoded);
        found.map_or_else(|| self.clone(), |account| self.beside(account))
    }

    /// Creates a world for one login, which an account takes over when its phone scans the code.
    fn login(&self, request: &Decoded) -> Self {
        let group = self.group();
        let count = {
            let mut codes = lock(&group.codes);
            codes.count += 1;
            codes.count
        };
        let first = self.accounts().into_iter().next().unwrap_or_else(|| self.clone());
        let mut world = first.locked().for_login(count);
        // A browser that was logged in sends its cookies.
        if let Some(account) = group.by_credentials(request) {
            world.jar = self.beside(account).locked().jar.clone();
        }
        Self::of(group, world, true)
    }

    /// Moves the log of a login that got no code to the first account.
    pub(crate) fn keep_log(&self) {
        if self.shared().is_login {
            let mut login = self.locked();
            if login.codes.is_empty()
                && let Some(first) = self.accounts().first()
            {
                let (log, found) =
                    (std::mem::take(&mut login.log), std::mem::take(&mut login.violations));
                drop(login);
                first.locked().extend_log(log, found);
            }
        }
    }
}

impl World {
    /// Creates the world of a login that belongs to no account yet, with the settings of this one.
    fn for_login(&self, number: u64) -> Self {
        let mut world = Self::new(self.account.uin.wrapping_add(number << 32));
        world.now = self.now;
        world.layout.clone_from(&self.layout);
        world.door = self.door.clone();
        self.door.entries()[0].clone_into(&mut world.entry);
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

    fn extend_log(&mut self, log: Vec<Logged>, violations: Vec<Violation>) {
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

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
