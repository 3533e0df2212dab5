//! Ids that are valid in every login: `docs/protocol.md` §10.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::classify::is_built_in;
use crate::error::Invalid;
use crate::ids::UserName;

/// A permanent id: `wxid_…` (or an id that its owner chose) of a person, `gh_…` of an official
/// account, `…@chatroom` of a room, the name of a built-in account.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct PermanentId(pub(super) UserName);

impl PermanentId {
    /// Returns the id as the service writes it.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the permanent id if a `UserName` is itself one: that of a built-in account, or of
    /// one of the few records in which the service sends a permanent id in its place.
    pub fn of(name: &UserName) -> Option<Self> {
        let text = name.as_str();
        let permanent = !text.starts_with('@')
            && (is_built_in(name)
                || text.starts_with("wxid_")
                || text.starts_with("gh_")
                || text.ends_with("@chatroom"));
        permanent.then(|| Self(name.clone()))
    }

    /// Returns whether this can be the id of the contact with this name: rooms have ids of rooms,
    /// built-in accounts their own names.
    pub(crate) fn fits(&self, name: &UserName) -> bool {
        let session_name = self.as_str().starts_with('@');
        match Self::of(name) {
            Some(id) => id == *self,
            None => !session_name && name.is_room() == self.0.is_room(),
        }
    }
}

impl FromStr for PermanentId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse().map(Self)
    }
}

impl fmt::Display for PermanentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
