//! Contacts that messages mention and the directory lacks: `docs/protocol.md` §5.1.

mod notice;
mod unsaved;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use self::notice::Notice;
use self::unsaved::Unsaved;
use super::batches::Batches;
use super::classify::is_built_in;
use super::{BatchGetContacts, Contact, Directory};
use crate::endpoint::LISTS;
use crate::error::FailureKind;
use crate::flow::{Response, Want};
use crate::time::Wait;
use crate::{Body, Endpoint, Error, Message, Session, Timestamp, UserName};

/// The pending contact lookups of the inbox (`webwxbatchgetcontact`), and their back-off.
///
/// - Lookups are queued for recent chats that the phone lists, for senders that are unknown, for
///   rooms that send a message before all of their members are known, and for rooms whose speaker
///   is not a known member. Built-in accounts are not looked up.
/// - A name is looked up once. A room is looked up once more for its members, and again for unknown
///   speakers as long as these are found. A name is given up if the service does not know it,
///   refuses it alone, or repeatedly fails on it alone.
/// - A failure keeps the names and delays the next lookup, without delaying the inbox.
///
/// Messages are delivered after [`Pending::rooms`], so that the members of their rooms are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    batches: Batches<Item>,
    seen: Seen,
    /// The number of consecutive failures.
    failures: u32,
    /// The pause after the last request or failure.
    pause: Option<Wait>,
    /// The number of lookups of each room that did not find the speaker.
    fruitless: BTreeMap<UserName, u32>,
    /// The contacts that are not in the address book.
    unsaved: Unsaved,
}

/// A name to look up, with the reason.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Item {
    name: UserName,
    why: Why,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Why {
    /// The name is unknown.
    Unknown,
    /// Not all members of the room are known.
    Members,
    /// This member is unknown although the list is complete.
    Speaker(UserName),
}

/// The last [`MOST`] items of this session that were or will be looked up.
#[derive(Clone, Debug, Default)]
struct Seen {
    known: BTreeSet<Item>,
    order: VecDeque<Item>,
}

/// The maximum number of names, more than a session needs: `docs/threats.md` J7.
const MOST: usize = 4096;
/// The maximum number of unsaved contacts that are kept: a session may last for months.
const UNSAVED: usize = 4096;
/// The number of fruitless lookups of a room after which its unknown speakers are ignored: lists may
/// be incomplete (`docs/shapes.md` S40), and speakers with a permanent id are on no list.
const FRUITLESS: u32 = 3;
/// The pause between two batches, as in the fastest client that is known not to be limited
/// (`docs/protocol.md` §5.2).
const GAP: Duration = Duration::from_secs(2);
/// The longest pause after a failure. Too many requests of this kind lock the account out of the
/// web for a while (`docs/protocol.md` §5.2), so the pause grows to half an hour.
const LONGEST: Duration = Duration::from_secs(30 * 60);

impl Pending {
    /// Queues a name, unless it is known.
    pub(crate) fn name(&mut self, directory: &Directory, name: &UserName) {
        if !is_built_in(name) && !directory.is_me(name) && directory.find(name).is_none() {
            self.queue(Item { name: name.clone(), why: Why::Unknown });
        }
    }

    /// Queues the unknown contacts that a message mentions, and stores the permanent ids in it.
    pub(crate) fn note(&mut self, directory: &mut Directory, message: &Message) {
        let notice = Notice::of(message);
        for (name, id) in notice.ids {
            directory.identify(name, id);
        }
        for name in &notice.chats {
            self.name(directory, name);
        }
        let peer = message.peer();
        self.name(directory, peer);
        self.touch(directory, peer);
        let Some(room) = directory.find(peer).filter(|room| room.is_room()) else { return };
        // Only the room's list has the names of its members there, including the account's own.
        let members = Item { name: peer.clone(), why: Why::Members };
        if !self.seen.known.contains(&members) && !all_known(room) {
            self.queue(members);
        } else if let Some(speaker) = &message.speaker
            && unknown_in(directory, room, speaker)
            && self.fruitless.get(peer).is_none_or(|times| *times < FRUITLESS)
        {
            self.queue(Item { name: peer.clone(), why: Why::Speaker(speaker.clone()) });
        }
    }

    /// Removes a name that was deleted; it is queued again if another message mentions it.
    pub(crate) fn forget(&mut self, name: &UserName) {
        // Nearly all removed contacts were never queued. For these, a search in `seen`, which has
        // all queued items, suffices.
        if self.seen.forget(name) {
            self.batches.keep(|item| item.name != *name);
        }
        self.fruitless.remove(name);
        self.unsaved.remove(name);
    }

    fn forget_all(&mut self, names: &BTreeSet<UserName>) {
        self.seen.known.retain(|item| !names.contains(&item.name));
        self.seen.order.retain(|item| !names.contains(&item.name));
        self.batches.keep(|item| !names.contains(&item.name));
        self.fruitless.retain(|name, _| !names.contains(name));
    }

    fn is_paused(&mut self, now: Timestamp) -> bool {
        self.pause.as_mut().is_some_and(|pause| !pause.left(now).is_zero())
    }

    fn queue(&mut self, item: Item) {
        if self.batches.len() < MOST && self.seen.insert(&item) {
            self.batches.push(item);
        }
    }

    /// Returns the next lookup, if there is one and it may be sent now.
    pub(crate) fn lookup(&mut self, directory: &Directory, now: Timestamp) -> Option<Lookup> {
        if self.batches.len() == 0 || self.is_paused(now) {
            return None;
        }
        self.batches.keep(|item| is_still_unknown(directory, item));
        // A room may be queued for several members.
        let names: BTreeSet<&UserName> = self.batches.next().map(|item| &item.name).collect();
        let names: Vec<UserName> = names.into_iter().cloned().collect();
        (!names.is_empty()).then(|| Lookup(BatchGetContacts::new(&names)))
    }

    /// Returns the lookup that messages wait for, if any of their chats is a pending room: the
    /// rooms, then the other pending chats, in the order of the messages. The pause after a failure
    /// applies to it, but not the pause after a reply.
    pub(crate) fn rooms(&mut self, messages: &[Message], now: Timestamp) -> Option<Lookup> {
        if self.failures > 0 && self.is_paused(now) {
            return None;
        }
        let mut pending: BTreeSet<&UserName> = self.batches.iter().map(|item| &item.name).collect();
        let peers = messages.iter().map(Message::peer);
        let mut names: Vec<UserName> = peers.filter(|peer| pending.remove(peer)).cloned().collect();
        names.sort_by_key(|name| !name.is_room());
        names.first()?.is_room().then(|| Lookup(BatchGetContacts::new(&names)))
    }

    /// Handles a reply, after its contacts were added to the directory: names missing from it are
    /// unknown to the service.
    pub(crate) fn answered(&mut self, lookup: &Lookup, directory: &Directory, now: Timestamp) {
        let is_asked = |item: &Item| lookup.0.names.contains(&item.name);
        let speakers = self.batches.iter().filter(|item| matches!(item.why, Why::Speaker(_)));
        for item in speakers.filter(|item| is_asked(item)) {
            let times = self.fruitless.entry(item.name.clone()).or_default();
            *times = if is_still_unknown(directory, item) { times.saturating_add(1) } else { 0 };
        }
        self.fruitless.retain(|_, times| *times > 0);
        while self.fruitless.len() > MOST {
            self.fruitless.pop_first();
        }
        self.batches.keep(|item| !is_asked(item));
        self.failures = 0;
        self.pause = Some(Wait::new(GAP, now));
    }

    /// Records the use of a contact, if it is not in the address book.
    pub(crate) fn touch(&mut self, directory: &Directory, name: &UserName) {
        if directory.find(name).is_some_and(|contact| !contact.is_saved()) {
            self.unsaved.touch(name);
        }
    }

    /// Removes unsaved contacts from the directory while there are more than [`UNSAVED`] or the directory
    /// takes more memory than `limit`. The least recently used are removed first.
    pub(crate) fn evict(&mut self, directory: &mut Directory, limit: usize) {
        let mut evicted = BTreeSet::new();
        while self.unsaved.len() > UNSAVED || directory.bytes() > limit {
            let Some(name) = self.unsaved.pop_oldest() else { break };
            // An unsaved contact may have been saved as a contact meanwhile.
            if directory.find(&name).is_some_and(|contact| !contact.is_saved()) {
                directory.remove(&name);
                evicted.insert(name);
            }
        }
        directory.is_full = directory.bytes() > limit;
        if !evicted.is_empty() {
            self.forget_all(&evicted);
        }
    }

    /// Handles a failure of another request of this kind, which delays the lookup if it was
    /// rate-limited.
    pub(crate) fn slow(&mut self, error: &Error, now: Timestamp) {
        if matches!(error, Error::Limited { .. }) {
            self.back_off(error, now);
        }
    }

    /// Handles a failure of the lookup of the next names.
    pub(crate) fn failed(&mut self, error: &Error, now: Timestamp) {
        self.back_off(error, now);
        match error {
            Error::Refused { .. } if !error.is_transient() => {
                self.batches.refused();
            }
            Error::Limited { .. } | Error::LoggedOut { .. } => {}
            _ => {
                // A single failure is not attributed to the names; repeated failures may be caused
                // by one of them. A batch that timed out was too large.
                let slow = matches!(error, Error::Transport(failure) if failure.kind == FailureKind::Timeout);
                if slow || self.failures > 2 {
                    self.batches.too_much();
                }
            }
        }
    }

    /// Starts the pause after a failure, which doubles with each.
    pub(crate) fn back_off(&mut self, error: &Error, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let first = match error {
            Error::Refused { .. } if !error.is_transient() => Duration::from_secs(2),
            Error::Limited { .. } => Duration::from_secs(60),
            Error::LoggedOut { .. } => GAP,
            _ => Duration::from_secs(5),
        };
        let doubled = self.failures.saturating_sub(1).min(10);
        let pause = first.saturating_mul(1 << doubled).min(LONGEST);
        self.pause = Some(Wait::new(pause, now));
    }
}

/// A lookup of the inbox: [`BatchGetContacts`], with a shorter deadline that limits the delay of
/// the next check.
#[derive(Debug)]
pub(crate) struct Lookup(BatchGetContacts);

impl Endpoint for Lookup {
    type State = Session;
    type Output = Vec<Contact>;

    const DEADLINE: Duration = Duration::from_secs(15);
    const WANT: Want = LISTS;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        self.0.request(session, now)
    }

    fn parse(&self, response: &Response) -> Result<Vec<Contact>, Error> {
        self.0.parse(response)
    }
}

/// Returns whether an item is still unknown.
fn is_still_unknown(directory: &Directory, item: &Item) -> bool {
    directory.find(&item.name).is_none_or(|room| match &item.why {
        Why::Unknown => false,
        Why::Members => !all_known(room),
        Why::Speaker(speaker) => unknown_in(directory, room, speaker),
    })
}

/// Returns whether all members of a room are known by name.
fn all_known(room: &Contact) -> bool {
    room.has_all_members() && room.members.are_named()
}

/// Returns whether neither the room nor the contacts have the member's name.
fn unknown_in(directory: &Directory, room: &Contact, member: &UserName) -> bool {
    room.is_room()
        && !directory.is_me(member)
        && room.member(member).is_none_or(|member| !member.has_name())
        && directory.find(member).is_none()
}

impl Seen {
    /// Adds an item; returns whether it is new.
    fn insert(&mut self, item: &Item) -> bool {
        if !self.known.insert(item.clone()) {
            return false;
        }
        self.order.push_back(item.clone());
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Removes the items of a name; returns whether there were any.
    fn forget(&mut self, name: &UserName) -> bool {
        let first = Item { name: name.clone(), why: Why::Unknown };
        let of_it = self.known.range(first..).take_while(|item| item.name == *name);
        let of_it: Vec<Item> = of_it.cloned().collect();
        for item in &of_it {
            self.known.remove(item);
        }
        if !of_it.is_empty() {
            self.order.retain(|item| item.name != *name);
        }
        !of_it.is_empty()
    }
}

#[cfg(test)]
#[path = "pending_tests.rs"]
mod tests;
