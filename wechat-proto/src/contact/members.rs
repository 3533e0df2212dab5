//! Members of a room.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use serde::{Serialize, Serializer};

use crate::ids::UserName;

/// A member of a room.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Member {
    /// The name, valid for this login.
    pub user_name: UserName,
    /// The nickname.
    pub nick_name: Box<str>,
    /// The name that the member chose for this room.
    pub display_name: Box<str>,
    /// `AttrStatus`: bits, wider than 32.
    pub attr_status: i64,
    /// `MemberStatus`
    pub member_status: i64,
}

impl Member {
    /// Returns the display name in the room: the name there, else the nickname, else `unknown`.
    pub fn name(&self) -> &str {
        match self.has_name() {
            true if self.display_name.is_empty() => &self.nick_name,
            true => &self.display_name,
            false => self.user_name.readable(),
        }
    }

    /// Returns whether the member has a name: in `webwxinit`, no member has one.
    pub(crate) fn has_name(&self) -> bool {
        !(self.display_name.is_empty() && self.nick_name.is_empty())
    }
}

/// The members of a room, in the service's order. Derefs to a slice; lookup by name takes
/// logarithmic time.
#[derive(Clone, Default)]
pub struct Members {
    list: Box<[Member]>,
    /// The indices of the members in the order of [`key`]. Empty for up to [`Self::FEW`] members.
    by_name: Box<[u32]>,
}

impl Members {
    /// The number of members up to which a linear search is as fast.
    const FEW: usize = 16;

    /// Returns the member of this name.
    pub fn find(&self, name: &UserName) -> Option<&Member> {
        if self.by_name.is_empty() {
            return self.list.iter().find(|member| member.user_name == *name);
        }
        let at = |place: &u32| self.list.get(usize::try_from(*place).ok()?);
        let wanted = key(name);
        let before = |place: &u32| at(place).is_some_and(|member| key(&member.user_name) < wanted);
        let first = self.by_name.partition_point(before);
        self.by_name.get(first).and_then(at).filter(|member| member.user_name == *name)
    }
}

/// Returns the sort key of a member: first the end of the name as a number, which is fast to
/// compare. Names end in hexadecimal digits, so equal ends are rare within a room.
fn key(name: &UserName) -> (u64, &UserName) {
    let end = name.as_str().as_bytes().last_chunk().copied();
    (end.map_or(0, u64::from_ne_bytes), name)
}

/// Keeps the first of several members with the same name.
impl From<Vec<Member>> for Members {
    fn from(mut list: Vec<Member>) -> Self {
        if list.len() <= Self::FEW {
            let mut end = 0;
            while let Some((before, [member, ..])) = list.split_at_checked(end) {
                if before.iter().any(|other| other.user_name == member.user_name) {
                    list.remove(end);
                } else {
                    end += 1;
                }
            }
        }
        let list = list.into_boxed_slice();
        let mut by_name = Vec::new();
        if list.len() > Self::FEW
            && let Ok(count) = u32::try_from(list.len())
        {
            // By name, then by index.
            let mut sorted: Vec<_> =
                list.iter().map(|member| key(&member.user_name)).zip(0..count).collect();
            sorted.sort_unstable();
            let again = |pair: &[((u64, &UserName), u32)]| match pair {
                [(one, _), (other, place)] if one == other => Some(*place),
                _ => None,
            };
            let repeated: BTreeSet<u32> = sorted.windows(2).filter_map(again).collect();
            by_name = sorted.into_iter().map(|(_, place)| place).collect();
            if !repeated.is_empty() {
                let places = (0..count).zip(list);
                let first = places.filter(|(place, _)| !repeated.contains(place));
                return Self::from(first.map(|(_, member)| member).collect::<Vec<_>>());
            }
        }
        Self { list, by_name: by_name.into() }
    }
}

impl Deref for Members {
    type Target = [Member];

    fn deref(&self) -> &[Member] {
        &self.list
    }
}

impl<'a> IntoIterator for &'a Members {
    type Item = &'a Member;
    type IntoIter = core::slice::Iter<'a, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

/// Compares the lists only: the index is derived from the list.
impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Members {}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.fmt(f)
    }
}

/// Serializes as a list.
impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;

    fn member(name: &str, nick_name: &str) -> Member {
        Member {
            user_name: name.parse().unwrap(),
            nick_name: nick_name.into(),
            display_name: "".into(),
            attr_status: 0,
            member_status: 0,
        }
    }

    proptest! {
        /// With and without the index, including duplicate names.
        #[test]
        fn find_returns_the_first_of_a_name(names in prop::collection::vec("@(12345678|a)?[a-d]{1,3}", 0..60), wanted in "@(12345678|a)?[a-d]{1,3}") {
            let list: Vec<Member> =
                names.iter().enumerate().map(|(n, name)| member(name, &alloc::format!("{n}"))).collect();
            let slow = list.iter().find(|member| member.user_name.as_str() == wanted).cloned();
            let members = Members::from(list.clone());
            prop_assert_eq!(members.find(&wanted.parse().unwrap()), slow.as_ref());
            // Each name once, in the same order.
            let mut met = BTreeSet::new();
            let once = list.iter().filter(|member| met.insert(&member.user_name));
            prop_assert!(members.iter().eq(once));
        }
    }

    #[test]
    fn name_falls_back_to_unknown() {
        let named = |nick: &str, display: &str| -> String {
            let display_name = display.into();
            Member { display_name, ..member("@1", nick) }.name().into()
        };
        assert_eq!(
            [named("n", "d"), named("n", ""), named("", "d"), named("", "")],
            ["d", "n", "d", "unknown"]
        );
    }
}
