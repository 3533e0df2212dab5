//! Validated lists of the members in a request that changes a room.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Invalid;
use crate::ids::UserName;

/// Present or future members of a room: one or more, each once, none of them a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoomMembers(Vec<UserName>);

impl RoomMembers {
    /// Returns these members, without duplicates.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`] if there are none, or a room is among them.
    pub fn new(names: impl IntoIterator<Item = UserName>) -> Result<Self, Invalid> {
        let mut seen = BTreeSet::new();
        let names: Vec<_> = names.into_iter().filter(|name| seen.insert(name.clone())).collect();
        if names.is_empty() || names.iter().any(UserName::is_room) {
            return Err(Invalid {
                what: "members of a room",
                expected: "one or more, none of them a room",
            });
        }
        Ok(Self(names))
    }

    /// Returns their names.
    pub fn names(&self) -> &[UserName] {
        &self.0
    }

    /// Returns the names, joined by commas, which no name contains.
    pub(super) fn joined(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(UserName::as_str).collect();
        names.join(",")
    }
}

impl From<UserName> for RoomMembers {
    /// Returns this member alone. The service refuses a room in its place.
    fn from(name: UserName) -> Self {
        Self(Vec::from([name]))
    }
}

/// The members of a new room besides the account itself: two or more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Founders(RoomMembers);

impl Founders {
    /// Returns these founders, without `me` and without duplicates.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`] if there are fewer than two, or a room is among them.
    pub fn new(names: impl IntoIterator<Item = UserName>, me: &UserName) -> Result<Self, Invalid> {
        let members = RoomMembers::new(names.into_iter().filter(|name| name != me));
        match members {
            Ok(members) if members.0.len() >= 2 => Ok(Self(members)),
            _ => Err(Invalid {
                what: "members of a new room",
                expected: "two or more besides the account, none of them a room",
            }),
        }
    }

    /// Returns their names.
    pub fn names(&self) -> &[UserName] {
        self.0.names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<UserName> {
        text.split(',').filter_map(|name| name.parse().ok()).collect()
    }

    #[test]
    fn members_are_unique_and_not_rooms() {
        assert_eq!(RoomMembers::new(names("@b,@a,@b")).unwrap().joined(), "@b,@a");
        for bad in ["", "@a,@@room"] {
            assert!(RoomMembers::new(names(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn founders_are_at_least_two_others() {
        let me = "@me".parse().unwrap();
        assert_eq!(Founders::new(names("@a,@me,@b"), &me).unwrap().names().len(), 2);
        for bad in ["", "@a", "@a,@a", "@a,@me", "@a,@b,@@room"] {
            assert!(Founders::new(names(bad), &me).is_err(), "{bad}");
        }
    }
}
