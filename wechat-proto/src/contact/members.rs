//! Who is in a room.

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
    /// Its name in this login.
    pub user_name: UserName,
    /// What it calls itself.
    pub nick_name: Box<str>,
    /// What it calls itself in this room.
    pub display_name: Box<str>,
    /// `AttrStatus`: bits, wider than 32.
    pub attr_status: i64,
    /// `MemberStatus`
    pub member_status: i64,
}

impl Member {
    /// What the room shows: its name there, else the nickname, else the `UserName`.
    pub fn name(&self) -> &str {
        match self.has_name() {
            true if self.display_name.is_empty() => &self.nick_name,
            true => &self.display_name,
            false => self.user_name.as_str(),
        }
    }

    /// Whether the service named it: in `webwxinit`, no member has a name.
    pub(crate) fn has_name(&self) -> bool {
        !(self.display_name.is_empty() && self.nick_name.is_empty())
    }
}

/// The members of a room, in the service's order; reads like a slice, and looks up by name in
/// logarithmic time.
#[derive(Clone, Default)]
pub struct Members {
    list: Box<[Member]>,
    /// The places of the members in the order of [`key`]. Empty for few of them.
    by_name: Box<[u32]>,
}

impl Members {
    /// Up to how many members looking at each is as fast.
    const FEW: usize = 16;

    /// The member of this name.
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

/// By what members are ordered: the end of the name first, which is a number to compare. It is
/// hexadecimal, and hardly two of a room have the same.
fn key(name: &UserName) -> (u64, &UserName) {
    let end = name.as_str().as_bytes().last_chunk().copied();
    (end.map_or(0, u64::from_ne_bytes), name)
}

/// Of two members of one name, the first counts.
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
            // By name, then by place.
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

/// The index follows from the list.
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

/// As a list.
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
        /// With the index as without it, twice the same name included.
        #[test]
        fn finds_the_first_of_a_name(names in prop::collection::vec("@(12345678|a)?[a-d]{1,3}", 0..60), wanted in "@(12345678|a)?[a-d]{1,3}") {
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
    fn is_called_by_what_is_known() {
        let named = |nick: &str, display: &str| -> String {
            let display_name = display.into();
            Member { display_name, ..member("@1", nick) }.name().into()
        };
        assert_eq!(
            [named("n", "d"), named("n", ""), named("", "d"), named("", "")],
            ["d", "n", "d", "@1"]
        );
    }
}
