//! Members of a room.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
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
    /// `AttrStatus`: a bit mask of more than 32 bits.
    pub attr_status: i64,
    /// `MemberStatus`
    pub member_status: i64,
}

impl Member {
    /// Returns the display name in the room: the name there, else the nickname, else `unknown` (the `UserName` of a built-in account).
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
        size_of::<Self>()
            + size_of::<(u64, Vec<u32>, [u32; 4])>()
            + texts.map(str::len).iter().sum::<usize>()
    }
}

/// The members of a room, in the service's order; at most 10,000, each name once. Derefs to a slice;
/// lookup by name takes logarithmic time. Cheap to clone.
#[derive(Clone, Default)]
pub struct Members(Option<Arc<Keyed>>);

#[derive(Clone, Default)]
struct Keyed {
    list: Vec<Member>,
    /// The indices of the members, by the [`end`] of their name and, where it is the same, by name.
    by_end: BTreeMap<u64, Vec<u32>>,
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
        keyed.list.get(keyed.index(name)?)
    }

    /// Adds members, or replaces those of the same names. Takes time for these only, unless the
    /// list is shared.
    pub(super) fn put(&mut self, members: Vec<Member>) {
        if !members.is_empty() {
            let keyed = Arc::make_mut(self.0.get_or_insert_default());
            members.into_iter().for_each(|member| keyed.put(member));
        }
    }

    /// Returns the members, without a copy if the list is not shared.
    pub(super) fn into_vec(self) -> Vec<Member> {
        self.0.map_or_else(Vec::new, |keyed| Arc::unwrap_or_clone(keyed).list)
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
    /// Returns the index of the member of this name.
    fn index(&self, name: &UserName) -> Option<usize> {
        let same = self.by_end.get(&end(name))?;
        let found = search(&self.list, same, name).ok()?;
        same.get(found).and_then(|index| usize::try_from(*index).ok())
    }

    /// Adds a member, or replaces that of the same name.
    fn put(&mut self, member: Member) {
        match self.index(&member.user_name).and_then(|index| self.list.get_mut(index)) {
            Some(old) => {
                self.unnamed += usize::from(!member.has_name());
                self.unnamed -= usize::from(!old.has_name());
                self.bytes += member.bytes();
                self.bytes -= old.bytes();
                *old = member;
            }
            None => self.add(member),
        }
    }

    /// Adds a member, unless there is one of the same name.
    fn add(&mut self, member: Member) {
        let Self { list, by_end, unnamed, bytes } = self;
        let Some(index) = u32::try_from(list.len()).ok().filter(|_| list.len() < Members::MOST)
        else {
            return;
        };
        let same = by_end.entry(end(&member.user_name)).or_default();
        if let Err(place) = search(list, same, &member.user_name) {
            same.insert(place, index);
            *unnamed += usize::from(!member.has_name());
            *bytes += member.bytes();
            list.push(member);
        }
    }
}

/// Returns the end of a name as a number, which is fast to compare. Names end in hexadecimal digits,
/// so equal ends are rare within a room.
fn end(name: &UserName) -> u64 {
    name.as_str().as_bytes().last_chunk().copied().map_or(0, u64::from_ne_bytes)
}

/// Finds a name among the members of these indices, which are in the order of their names.
fn search(list: &[Member], same: &[u32], name: &UserName) -> Result<usize, usize> {
    let at = |index: &u32| list.get(usize::try_from(*index).ok()?);
    same.binary_search_by(|index| at(index).map(|member| &member.user_name).cmp(&Some(name)))
}

/// Keeps the first of several members with the same name, and the first 10,000 members.
impl From<Vec<Member>> for Members {
    fn from(members: Vec<Member>) -> Self {
        if members.is_empty() {
            return Self(None);
        }
        let mut keyed = Keyed::default();
        keyed.list.reserve_exact(members.len().min(Self::MOST));
        members.into_iter().for_each(|member| keyed.add(member));
        Self(Some(Arc::new(keyed)))
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
        /// Names may be repeated, and the index may be absent.
        #[test]
        fn find_returns_the_first_of_a_name(names in prop::collection::vec("@(12345678|a)?[a-d]{1,3}", 0..60), wanted in "@(12345678|a)?[a-d]{1,3}") {
            let list: Vec<Member> =
                names.iter().enumerate().map(|(n, name)| member(name, &alloc::format!("{n}"))).collect();
            let slow = list.iter().find(|member| member.user_name.as_str() == wanted).cloned();
            let members = Members::from(list.clone());
            prop_assert_eq!(members.find(&wanted.parse().unwrap()), slow.as_ref());
            // Each name occurs once, in the same order.
            let mut met = alloc::collections::BTreeSet::new();
            let once = list.iter().filter(|member| met.insert(&member.user_name));
            prop_assert!(members.iter().eq(once));
            prop_assert!((&members).into_iter().eq(members.iter()));
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
