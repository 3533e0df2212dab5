//! Several accounts of one service, and the assignment of requests to them.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;

use crate::check::route::Route;
use crate::lock::lock;
use crate::simulator::Simulator;
use crate::wire::request::{Decoded, MOST};
use crate::world::World;

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

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
