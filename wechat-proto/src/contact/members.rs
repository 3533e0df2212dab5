//! Members of a room.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
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

    /// Returns the approximate size in memory.
    fn bytes(&self) -> usize {
        let texts = [self.user_name.as_str(), &self.nick_name, &self.display_name];
        size_of::<Self>() + size_of::<u32>() + texts.map(str::len).iter().sum::<usize>()
    }
}

/// The members of a room, in the service's order; at most 10,000, each name once. Derefs to a slice;
/// lookup by name takes logarithmic time. Cheap to clone.
#[derive(Clone, Default)]
pub struct Members(Option<Arc<Keyed>>);

#[derive(Clone, Default)]
struct Keyed {
    list: Vec<Member>,
    /// The indices of the members in the order of [`key`].
    by_name: Vec<u32>,
    /// The number of members without a name.
    unnamed: usize,
    /// The size of the members in bytes.
    bytes: usize,
}

impl Members {
    /// The maximum number of members, twenty times more than any room has: `docs/threats.md` W1.
    const MOST: usize = 10_000;

    /// Returns the member of this name.
    pub fn find(&self, name: &UserName) -> Option<&Member> {
        let Self(Some(keyed)) = self else { return None };
        keyed.list.get(keyed.place(name).ok()?)
    }

    /// Adds members, or replaces those of the same names. Takes time for these only, unless the
    /// list is shared.
    pub(super) fn put(&mut self, members: Vec<Member>) {
        if !members.is_empty() {
            let keyed = Arc::make_mut(self.0.get_or_insert_default());
            members.into_iter().for_each(|member| keyed.put(member));
        }
    }

    /// Returns whether every member has a name.
    pub(super) fn are_named(&self) -> bool {
        self.0.as_ref().is_none_or(|keyed| keyed.unnamed == 0)
    }

    /// Returns the approximate size in memory.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |keyed| keyed.bytes)
    }
}

impl Keyed {
    /// Returns the index of the member of this name, or the place in `by_name` for it.
    fn place(&self, name: &UserName) -> Result<usize, usize> {
        let wanted = Some(key(name));
        let at = |index: &u32| self.list.get(usize::try_from(*index).ok()?);
        let found = self.by_name.binary_search_by(|index| {
            at(index).map(|member| key(&member.user_name)).cmp(&wanted)
        })?;
        self.by_name.get(found).and_then(|index| usize::try_from(*index).ok()).ok_or(found)
    }

    fn put(&mut self, member: Member) {
        let (unnamed, bytes) = (usize::from(!member.has_name()), member.bytes());
        match self.place(&member.user_name) {
            Ok(index) => {
                let Some(old) = self.list.get_mut(index) else { return };
                self.unnamed -= usize::from(!old.has_name());
                self.bytes -= old.bytes();
                *old = member;
            }
            Err(place) => {
                let index = u32::try_from(self.list.len());
                let Some(index) = index.ok().filter(|_| self.list.len() < Members::MOST) else {
                    return;
                };
                self.by_name.insert(place, index);
                self.list.push(member);
            }
        }
        self.unnamed += unnamed;
        self.bytes += bytes;
    }
}

/// Returns the sort key of a member: first the end of the name as a number, which is fast to
/// compare. Names end in hexadecimal digits, so equal ends are rare within a room.
fn key(name: &UserName) -> (u64, &UserName) {
    let end = name.as_str().as_bytes().last_chunk().copied();
    (end.map_or(0, u64::from_ne_bytes), name)
}

/// Keeps the first of several members with the same name, and the first 10,000 members.
impl From<Vec<Member>> for Members {
    fn from(mut list: Vec<Member>) -> Self {
        list.truncate(Self::MOST);
        // By name, then by index.
        let mut sorted: Vec<_> =
            list.iter().map(|member| key(&member.user_name)).zip(0..).collect();
        sorted.sort_unstable();
        let again = |pair: &[((u64, &UserName), u32)]| match pair {
            [(one, _), (other, index)] if one == other => Some(*index),
            _ => None,
        };
        let repeated: BTreeSet<u32> = sorted.windows(2).filter_map(again).collect();
        let by_name = sorted.into_iter().map(|(_, index)| index).collect();
        if !repeated.is_empty() {
            let members = (0..).zip(list).filter(|(index, _)| !repeated.contains(index));
            return Self::from(members.map(|(_, member)| member).collect::<Vec<_>>());
        }
        if list.is_empty() {
            return Self(None);
        }
        list.shrink_to_fit();
        let unnamed = list.iter().filter(|member| !member.has_name()).count();
        let bytes = list.iter().map(Member::bytes).sum();
        Self(Some(Arc::new(Keyed { list, by_name, unnamed, bytes })))
    }
}

impl Deref for Members {
    type Target = [Member];

    fn deref(&self) -> &[Member] {
        self.0.as_ref().map_or(&[], |keyed| &keyed.list)
    }
}

impl<'a> IntoIterator for &'a Members {
    type Item = &'a Member;
    type IntoIter = core::slice::Iter<'a, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Compares the lists only: the rest is derived from the list.
impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        let shared = self.0.as_ref().zip(other.0.as_ref()).is_some_and(|(a, b)| Arc::ptr_eq(a, b));
        shared || **self == **other
    }
}

impl Eq for Members {}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Serializes as a list.
impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
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

        /// Threats W1, W2: later members replace those of the same name, at their places.
        #[test]
        fn members_that_are_put_replace_others(names in prop::collection::vec("@(12345678|a)?[a-d]{1,2}", 0..40), at in 0..40_usize) {
            let nick = |n: usize| if n.is_multiple_of(4) { "" } else { "n" };
            let mut list: Vec<Member> =
                names.iter().enumerate().map(|(n, name)| member(name, nick(n))).collect();
            let added = list.split_off(at.min(list.len()));
            let mut members = Members::from(list);
            let mut expected = members.to_vec();
            for member in &added {
                match expected.iter_mut().find(|old| old.user_name == member.user_name) {
                    Some(old) => *old = member.clone(),
                    None => expected.push(member.clone()),
                }
            }
            let before = members.clone();
            members.put(added);
            prop_assert_eq!(&*members, &*expected);
            prop_assert_eq!(members.are_named(), expected.iter().all(Member::has_name));
            let whole = Members::from(expected);
            prop_assert_eq!(members.bytes(), whole.bytes());
            prop_assert!(members.iter().all(|member| members.find(&member.user_name) == Some(member)));
            prop_assert!(before.iter().all(|member| before.find(&member.user_name) == Some(member)));
        }
    }

    /// Threat W1.
    #[test]
    fn number_of_members_is_bounded() {
        let list = |from: usize| {
            (from..from + 9_000).map(|n| member(&alloc::format!("@{n}"), "n")).collect()
        };
        let mut members = Members::from(list(0));
        members.put(list(8_000));
        assert_eq!(
            (members.len(), Members::from([list(0), list(9_000)].concat()).len()),
            (10_000, 10_000)
        );
        assert!(members.find(&"@9999".parse().unwrap()).is_some());
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
