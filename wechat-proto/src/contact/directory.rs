//! The contacts known to a session.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;

use super::{Contact, ContactFlag, Member, Members, PermanentId, Pinyin};
use crate::{Message, UserName};

/// The contacts of a session, by `UserName`: persons, rooms, official accounts.
///
/// Filled by the login, the contact lists and every `webwxsync`. The [`Inbox`](crate::sync::Inbox)
/// looks up other contacts that messages mention: rooms before their first message is delivered,
/// all others between two checks. A clone costs a few pointers. To find changes, keep a clone and
/// compare it with a later one ([`Directory::changes_since`]).
///
/// # Merging records
///
/// An empty or 0 field of a new record does not erase a known value, as on the official page: most
/// of the service's lists leave fields out. A remark or a star that is removed on the phone
/// therefore stays until the next login; [`SetRemark`](super::SetRemark) with an empty remark
/// removes it here too. A list of members replaces the previous one: members that are not on it
/// have left. A list that is shorter than its own `MemberCount` removes no members.
///
/// # Limits
///
/// Up to 100,000 contacts are kept, in at most 128 MB
/// ([`Account::limit_directory`](crate::Account::limit_directory)) plus the size of one reply. Of
/// the contacts that are not in the address book (strangers who write, rooms that were not saved),
/// up to 4,096 are kept. Above these limits, the contacts with the oldest last message are dropped,
/// and are looked up again when a message mentions them. If that is not enough, records that need
/// more memory are ignored. A room has at most 10,000 members; names and other texts are cut at
/// 4,096 bytes.
#[derive(Clone, Default)]
pub struct Directory {
    /// The account itself.
    pub(super) me: Option<UserName>,
    /// The nickname of the account.
    my_name: Box<str>,
    pub(super) contacts: Arc<BTreeSet<ByName>>,
    /// The permanent ids that the service sent.
    pub(super) ids: Arc<BTreeMap<UserName, PermanentId>>,
    /// The approximate size of the contacts in memory.
    bytes: usize,
    /// Whether records that need more memory are ignored.
    pub(super) is_full: bool,
}

/// A contact that is compared and ordered by its `UserName`, which is stored once.
#[derive(Clone)]
pub(super) struct ByName(pub(super) Arc<Contact>);

/// The maximum number of permanent ids, more than any account needs: `docs/threats.md` J7.
const IDS: usize = 20_000;
/// The maximum number of contacts, ten times more than any account has: `docs/threats.md` J7.
const CONTACTS: usize = 100_000;

impl Directory {
    /// Returns the empty directory of an account.
    pub(crate) fn of(me: UserName, name: &str) -> Self {
        Self { me: Some(me), my_name: name.into(), ..Self::default() }
    }

    /// Sets the nickname of the account.
    pub(crate) fn rename_me(&mut self, name: &str) {
        self.my_name = name.into();
    }

    /// Returns the contact of this name.
    pub fn find(&self, name: &UserName) -> Option<&Contact> {
        self.contacts.get(name).map(|contact| &*contact.0)
    }

    /// Returns the display name for a `UserName`: [`Contact::name`], else `unknown`; for a built-in
    /// account, the `UserName` itself. Never returns an id.
    ///
    /// The display name of a room without a topic is the names of its first ten members.
    pub fn name_of(&self, name: &UserName) -> Box<str> {
        match self.find(name) {
            Some(contact) => contact.name_with(|member| self.name_of_member(member)),
            None if self.is_me(name) && !self.my_name.is_empty() => self.my_name.clone(),
            None => name.readable().into(),
        }
    }

    /// Returns the display name of a message's author: the remark, else the display
    /// name in the room, else the nickname (`docs/protocol.md` §10), else `unknown`.
    pub fn author_name(&self, message: &Message) -> Box<str> {
        let author = message.author();
        let room = self.find(message.peer()).filter(|room| room.is_room());
        match room.and_then(|room| room.member(author)) {
            Some(member) => self.name_of_member(member),
            None => self.name_of(author),
        }
    }

    /// Returns the display name of a room member: the remark, else the display name in the
    /// room, else the nickname, else `unknown`.
    pub fn name_of_member(&self, member: &Member) -> Box<str> {
        match self.find(&member.user_name) {
            Some(contact) if !contact.remark_name.is_empty() => contact.remark_name.clone(),
            Some(contact) if !member.has_name() => contact.name(),
            None if !member.has_name() => self.name_of(&member.user_name),
            _ => member.name().into(),
        }
    }

    /// Returns all contacts, in the order of their `UserName`s.
    pub fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.contacts.iter().map(|contact| &*contact.0)
    }

    /// Returns the contacts that are rooms.
    pub fn rooms(&self) -> impl Iterator<Item = &Contact> {
        self.iter().filter(|contact| contact.is_room())
    }

    /// Returns the rooms whose known members include this person.
    pub fn rooms_with<'a>(&'a self, name: &'a UserName) -> impl Iterator<Item = &'a Contact> {
        self.rooms().filter(|room| room.member(name).is_some())
    }

    /// Returns the number of contacts.
    pub fn len(&self) -> usize {
        self.contacts.len()
    }

    /// Returns whether there are no contacts.
    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty()
    }

    /// Returns whether this is the name of the account itself.
    pub(super) fn is_me(&self, name: &UserName) -> bool {
        self.me.as_ref() == Some(name)
    }

    /// Merges a record, see [`Directory`].
    pub(crate) fn merge(&mut self, contact: Contact) {
        self.merge_with(contact, Contact::complete);
    }

    /// Merges a record whose list of members may be incomplete.
    pub(crate) fn merge_part(&mut self, contact: Contact) {
        self.merge_with(contact, Contact::complete_part);
    }

    fn merge_with(
        &mut self,
        mut contact: Contact,
        complete: fn(&mut Contact, &Contact) -> Vec<Member>,
    ) {
        match self.find(&contact.user_name) {
            Some(old) => {
                let members = complete(&mut contact, old);
                let is_larger = !members.is_empty() || contact.bytes() > old.bytes();
                // Equal values stay shared with older copies.
                if self.is_full && is_larger || members.is_empty() && contact == *old {
                    return;
                }
                if !members.is_empty() {
                    // A list that no older copy shares is changed in place.
                    self.remove(&contact.user_name);
                    contact.members.put(members);
                }
            }
            None if self.is_full || self.contacts.len() >= CONTACTS => return,
            None => {}
        }
        self.put(contact);
    }

    fn put(&mut self, contact: Contact) {
        self.bytes += contact.bytes();
        let old = Arc::make_mut(&mut self.contacts).replace(ByName(Arc::new(contact)));
        self.bytes -= old.map_or(0, |old| old.0.bytes());
    }

    /// Returns the approximate size of the contacts in memory.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets the remark of a contact; an empty one removes it.
    pub(crate) fn set_remark(&mut self, name: &UserName, remark: &str) {
        self.edit(name, |contact| {
            if *contact.remark_name != *remark {
                contact.remark_name = remark.into();
                // The pinyin belongs to the old remark.
                contact.remark_pinyin = Pinyin::default();
            }
        });
    }

    /// Sets or clears [`ContactFlag::TOP`] of a contact.
    pub(crate) fn set_pinned(&mut self, name: &UserName, pinned: bool) {
        self.edit(name, |contact| {
            let ContactFlag(flag) = &mut contact.contact_flag;
            let ContactFlag(top) = ContactFlag::TOP;
            *flag = if pinned { *flag | top } else { *flag & !top };
        });
    }

    /// Sets the topic of a room.
    pub(crate) fn set_topic(&mut self, room: &UserName, topic: &str) {
        self.edit(room, |room| {
            if *room.nick_name != *topic {
                room.nick_name = topic.into();
                // The pinyin belongs to the old topic.
                room.pinyin = Pinyin::default();
            }
        });
    }

    /// Adds members to a room, from a list that may be incomplete; removes no members.
    pub(crate) fn add_members(&mut self, room: &UserName, members: Vec<Member>) {
        self.edit(room, |room| {
            // The members were not counted yet, so the new ones would look like the complete list.
            if room.member_count == 0 {
                return;
            }
            let members = Members::from(members);
            let is_new = |member: &&Member| room.member(&member.user_name).is_none();
            let added = as_count(members.iter().filter(is_new).count());
            let member_count = room.member_count.saturating_add(added);
            let merged = Contact { members, ..room.clone() }.completed_from_part(room);
            *room = Contact { member_count: merged.member_count.max(member_count), ..merged };
        });
    }

    /// Removes members from a room.
    pub(crate) fn remove_members(&mut self, room: &UserName, names: &[UserName]) {
        self.edit(room, |room| {
            let mut members = room.members.to_vec();
            members.retain(|member| !names.contains(&member.user_name));
            let removed = as_count(room.members.len() - members.len());
            let left = room.member_count.saturating_sub(removed);
            // The service's count may be wrong.
            room.member_count = left.max(as_count(members.len()));
            room.members = members.into();
        });
    }

    /// Changes the record of a contact, if there is one.
    fn edit(&mut self, name: &UserName, change: impl FnOnce(&mut Contact)) {
        if let Some(old) = self.find(name) {
            let mut contact = old.clone();
            change(&mut contact);
            // Equal values stay shared with older copies.
            if contact != *old {
                self.put(contact);
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &UserName) {
        if self.find(name).is_some() {
            let old = Arc::make_mut(&mut self.contacts).take(name);
            self.bytes -= old.map_or(0, |old| old.0.bytes());
        }
    }

    /// Stores a permanent id that the service sent.
    pub(crate) fn identify(&mut self, name: UserName, id: PermanentId) {
        if self.ids.get(&name) != Some(&id) && self.ids.len() < IDS {
            Arc::make_mut(&mut self.ids).insert(name, id);
        }
    }
}

fn as_count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// Compares account, contacts and ids.
impl PartialEq for Directory {
    fn eq(&self, other: &Self) -> bool {
        self.me == other.me
            && self.my_name == other.my_name
            && self.ids == other.ids
            && self.iter().eq(other.iter())
    }
}

impl Eq for Directory {}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Borrow<UserName> for ByName {
    fn borrow(&self) -> &UserName {
        &self.0.user_name
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.user_name == other.0.user_name
    }
}

impl Eq for ByName {}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.user_name.cmp(&other.0.user_name)
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
