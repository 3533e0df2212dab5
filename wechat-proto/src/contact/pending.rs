//! Contacts that messages mention and the directory lacks: `docs/protocol.md` §5.1.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::batches::Batches;
use super::classify::is_built_in;
use super::notice::Notice;
use super::{BatchGetContacts, Contact, Directory, Member};
use crate::body::Body;
use crate::endpoint::{Endpoint, LISTS};
use crate::error::{Error, FailureKind};
use crate::flow::{Response, Want};
use crate::ids::UserName;
use crate::message::Message;
use crate::session::Session;
use crate::time::{Timestamp, Wait};

/// What the inbox is to look up with `webwxbatchgetcontact`, and how soon it may.
///
/// - Recent chats that the phone lists, rooms and persons that write, rooms that write before all
///   of their members are known, rooms whose speaker is not among them. Built-in accounts are not
///   looked up.
/// - A name is looked up once, a room once more for its members, and for unknown speakers as long
///   as that helps. A name that the service does not know, refuses alone, or fails at alone again
///   and again, is not looked up again.
/// - A failure keeps the names, and delays the next lookup: the inbox does not wait for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    batches: Batches<Item>,
    met: Met,
    /// How often in a row asking failed.
    failures: u32,
    /// The last request or failure, and how long nothing is asked after it.
    pause: Option<Wait>,
    /// How often rooms were asked for in vain for the sake of a speaker.
    vain: BTreeMap<UserName, u32>,
    /// Who was asked for and stands in no address book, the last to be asked for at the end.
    guests: VecDeque<UserName>,
}

/// A name to look up, and why.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Item {
    name: UserName,
    why: Why,
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Why {
    /// It is not known.
    Unknown,
    /// Not all members of the room are.
    Members,
    /// This member is not, though the list is whole.
    Speaker(UserName),
}

/// What was asked for in this session, or is to be: the last [`MOST`].
#[derive(Clone, Debug, Default)]
struct Met {
    known: BTreeSet<Item>,
    order: VecDeque<Item>,
}

/// More names than a session meets: `docs/threats.md` J7.
const MOST: usize = 4096;
/// How many guests are kept: a session may go on for months.
const GUESTS: usize = 4096;
/// How often a room is asked for in vain before its unknown speakers are left alone: lists may be
/// short (`docs/shapes.md` S40), and who speaks under a permanent id is on none.
const VAIN: u32 = 3;
/// Between two batches: the fastest client known to get away with it does so
/// (`docs/protocol.md` §5.2).
const GAP: Duration = Duration::from_secs(2);
/// The longest silence after a failure. Too many requests of this kind shut the account out of the
/// web for a while (`docs/protocol.md` §5.2): that is not probed every minute.
const LONGEST: Duration = Duration::from_secs(30 * 60);

impl Pending {
    /// Takes note of a name, unless it is known.
    pub(crate) fn name(&mut self, directory: &Directory, name: &UserName) {
        if !is_built_in(name) && !directory.is_me(name) && directory.find(name).is_none() {
            self.want(Item { name: name.clone(), why: Why::Unknown });
        }
    }

    /// Takes note of the contacts that a message mentions, and of the permanent ids in it.
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
        let Some(room) = directory.find(peer).filter(|room| room.is_room()) else { return };
        // Names in the room, this account's own among them, are nowhere else.
        let members = Item { name: peer.clone(), why: Why::Members };
        if !self.met.known.contains(&members) && !all_known(room) {
            self.want(members);
        } else if let Some(speaker) = &message.speaker
            && unknown_in(directory, room, speaker)
            && self.vain.get(peer).is_none_or(|times| *times < VAIN)
        {
            self.want(Item { name: peer.clone(), why: Why::Speaker(speaker.clone()) });
        }
    }

    /// Somebody is gone: not to be asked for any more, unless met again.
    pub(crate) fn forget(&mut self, name: &UserName) {
        // Nearly all who are removed were never wanted: they cost a look-up, however many others
        // are. What is to be asked was met.
        if self.met.forget(name) {
            self.batches.keep(|want| want.name != *name);
        }
        self.vain.remove(name);
    }

    fn forget_all(&mut self, names: &BTreeSet<UserName>) {
        self.met.known.retain(|want| !names.contains(&want.name));
        self.met.order.retain(|want| !names.contains(&want.name));
        self.batches.keep(|want| !names.contains(&want.name));
        self.vain.retain(|name, _| !names.contains(name));
    }

    fn want(&mut self, want: Item) {
        if self.batches.len() < MOST && self.met.insert(&want) {
            self.batches.push(want);
        }
    }

    /// Returns the next lookup, if there is one and it may be sent now.
    pub(crate) fn lookup(&mut self, directory: &Directory, now: Timestamp) -> Option<Lookup> {
        if self.batches.len() == 0 {
            return None;
        }
        if self.pause.as_mut().is_some_and(|pause| !pause.left(now).is_zero()) {
            return None;
        }
        self.batches.keep(|want| still_wanted(directory, want));
        // A room may be wanted for the sake of several members.
        let names: BTreeSet<&UserName> = self.batches.next().map(|want| &want.name).collect();
        let names: Vec<UserName> = names.into_iter().cloned().collect();
        (!names.is_empty()).then(|| Lookup(BatchGetContacts::new(&names)))
    }

    /// The request was answered, and the directory has what it says: whom it leaves out, the
    /// service does not know.
    pub(crate) fn answered(&mut self, directory: &Directory, now: Timestamp) {
        for want in self.batches.next().filter(|want| matches!(want.why, Why::Speaker(_))) {
            let times = self.vain.entry(want.name.clone()).or_default();
            *times = if still_wanted(directory, want) { times.saturating_add(1) } else { 0 };
        }
        self.vain.retain(|_, times| *times > 0);
        while self.vain.len() > MOST {
            self.vain.pop_first();
        }
        self.batches.answered();
        self.failures = 0;
        self.pause = Some(Wait::new(GAP, now));
    }

    /// The answer told of these, who are in the directory now: those who were asked for long before
    /// them leave it.
    pub(crate) fn keep(&mut self, directory: &mut Directory, names: BTreeSet<UserName>) {
        let is_guest = |directory: &Directory, name: &UserName| {
            directory.find(name).is_some_and(|contact| !contact.is_saved())
        };
        self.guests.retain(|guest| !names.contains(guest));
        self.guests.extend(names.into_iter().filter(|name| is_guest(directory, name)));
        let many = self.guests.len().saturating_sub(GUESTS);
        let mut oldest: BTreeSet<UserName> = self.guests.drain(..many).collect();
        // Meanwhile somebody may have become a contact.
        oldest.retain(|name| is_guest(directory, name));
        if oldest.is_empty() {
            return;
        }
        for name in &oldest {
            directory.remove(name);
        }
        self.forget_all(&oldest);
    }

    /// Somebody else's request of this kind failed: where that is too many, it is no time for more.
    pub(crate) fn slow(&mut self, error: &Error, now: Timestamp) {
        if matches!(error, Error::Limited { .. }) {
            self.failures = self.failures.saturating_add(1);
            self.wait(Duration::from_secs(60), now);
        }
    }

    /// The request failed.
    pub(crate) fn failed(&mut self, error: &Error, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let first = match error {
            Error::Refused { .. } if !error.is_transient() => {
                self.batches.refused();
                Duration::from_secs(2)
            }
            Error::Limited { .. } => Duration::from_secs(60),
            Error::LoggedOut { .. } => GAP,
            _ => {
                // What fails once says nothing about the names; what fails again and again may
                // fail at one of them. A batch that took too long was too large.
                let slow = matches!(error, Error::Transport(failure) if failure.kind == FailureKind::Timeout);
                if slow || self.failures > 2 {
                    self.batches.too_much();
                }
                Duration::from_secs(5)
            }
        };
        self.wait(first, now);
    }

    /// Waits, the longer the more often it failed.
    fn wait(&mut self, first: Duration, now: Timestamp) {
        let doubled = self.failures.saturating_sub(1).min(10);
        let pause = first.saturating_mul(1 << doubled).min(LONGEST);
        self.pause = Some(Wait::new(pause, now));
    }
}

/// A lookup of the inbox: [`BatchGetContacts`], with a deadline that does not delay messages for
/// longer.
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

/// Whether an item is still unknown.
fn still_wanted(directory: &Directory, want: &Item) -> bool {
    directory.find(&want.name).is_none_or(|room| match &want.why {
        Why::Unknown => false,
        Why::Members => !all_known(room),
        Why::Speaker(speaker) => unknown_in(directory, room, speaker),
    })
}

/// Whether all members of a room are known, by name.
fn all_known(room: &Contact) -> bool {
    room.has_all_members() && room.members.iter().all(Member::has_name)
}

/// Whether a member's name is to be found neither in its room nor among the contacts.
fn unknown_in(directory: &Directory, room: &Contact, member: &UserName) -> bool {
    room.is_room()
        && !directory.is_me(member)
        && room.member(member).is_none_or(|member| !member.has_name())
        && directory.find(member).is_none()
}

impl Met {
    /// Whether it is new.
    fn insert(&mut self, want: &Item) -> bool {
        if !self.known.insert(want.clone()) {
            return false;
        }
        self.order.push_back(want.clone());
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }

    /// Whether there was anything of this name.
    fn forget(&mut self, name: &UserName) -> bool {
        let first = Item { name: name.clone(), why: Why::Unknown };
        let of_it = self.known.range(first..).take_while(|want| want.name == *name);
        let of_it: Vec<Item> = of_it.cloned().collect();
        for want in &of_it {
            self.known.remove(want);
        }
        if !of_it.is_empty() {
            self.order.retain(|want| want.name != *name);
        }
        !of_it.is_empty()
    }
}

#[cfg(test)]
#[path = "pending_tests.rs"]
mod tests;
