//! Who is to be in a room.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::Invalid;
use crate::ids::UserName;

/// Some members of a room, or some who are to be: one or more, each once, none of them a room.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Members(Vec<UserName>);

impl Members {
    /// These; one who is named twice counts once.
    ///
    /// # Errors
    ///
    /// If there is nobody, or a room among them.
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

    /// Their names.
    pub fn names(&self) -> &[UserName] {
        &self.0
    }

    /// Joined by commas, which no name has.
    pub(super) fn joined(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(UserName::as_str).collect();
        names.join(",")
    }
}

impl From<UserName> for Members {
    /// This one alone. (A room in its place is refused by the service.)
    fn from(name: UserName) -> Self {
        Self(Vec::from([name]))
    }
}

/// Who makes up a new room beside the account itself: two others or more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Founders(Members);

impl Founders {
    /// These, without `me`.
    ///
    /// # Errors
    ///
    /// If they are fewer than two, or a room is among them.
    pub fn new(names: impl IntoIterator<Item = UserName>, me: &UserName) -> Result<Self, Invalid> {
        let members = Members::new(names.into_iter().filter(|name| name != me));
        match members {
            Ok(members) if members.0.len() >= 2 => Ok(Self(members)),
            _ => Err(Invalid {
                what: "members of a new room",
                expected: "two or more beside oneself, none of them a room",
            }),
        }
    }

    /// Their names.
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
    fn are_some_and_each_once() {
        assert_eq!(Members::new(names("@b,@a,@b")).unwrap().joined(), "@b,@a");
        for bad in ["", "@a,@@room"] {
            assert!(Members::new(names(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_room_takes_two_others() {
        let me = "@me".parse().unwrap();
        assert_eq!(Founders::new(names("@a,@me,@b"), &me).unwrap().names().len(), 2);
        for bad in ["", "@a", "@a,@a", "@a,@me", "@a,@b,@@room"] {
            assert!(Founders::new(names(bad), &me).is_err(), "{bad}");
        }
    }
}
