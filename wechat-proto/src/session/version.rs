//! Versions of stored sessions.

use core::cmp::Ordering;

use crate::media::Md5Sum;

/// The version of a copy of a session: [`Session::version`](crate::Session::version).
///
/// Copies of one login are ordered, the newest last; those of different logins are not comparable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Version {
    login: Md5Sum,
    revision: u64,
}

impl Version {
    pub(crate) const fn new(login: Md5Sum, revision: u64) -> Self {
        Self { login, revision }
    }

    /// Returns a value that is the same for all copies of one login and differs between logins, for
    /// example to recognise `UserName`s of an earlier login. It does not reveal credentials.
    pub const fn login(&self) -> Md5Sum {
        self.login
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.login == other.login).then(|| self.revision.cmp(&other.revision))
    }
}
