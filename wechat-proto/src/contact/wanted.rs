//! Whom messages name and nobody knows yet: `docs/protocol.md` §5.1.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::batches::Batches;
use super::classify::is_built_in;
use super::notice::Notice;
use super::{Contact, Directory, batch};
use crate::call::Call;
use crate::error::{Error, FailureKind};
use crate::ids::UserName;
use crate::message::Message;
use crate::session::Session;
use crate::time::Timestamp;

/// What the inbox is to ask `webwxbatchgetcontact` for, and how soon it may.
///
/// - Recent chats that the phone lists, rooms and persons that write, rooms whose speaker is not
///   among the known members. What every account has is not asked for.
/// - A name is asked for once, and a room once for each unknown speaker; whom the service does
///   not know, or what it refuses alone, is not asked for again.
/// - A failure keeps the names, and puts the next batch off: the inbox does not wait for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    batches: Batches<Want>,
    met: Met,
    /// How often in a row asking failed.
    failures: u32,
    /// The last failure, and how long nothing is asked after it.
    pause: Option<(Timestamp, Duration)>,
}

/// A name to ask for, and in a room, the member for whose sake.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Want {
    name: UserName,
    speaker: Option<UserName>,
}

/// What was asked for in this session, or is to be: the last [`MOST`].
#[derive(Clone, Debug, Default)]
struct Met {
    known: BTreeSet<Want>,
    order: VecDeque<Want>,
}

/// More names than a session meets: `docs/threats.md` J7.
const MOST: usize = 4096;
/// A batch waits for no longer than this, and the messages behind it neither.
const DEADLINE: Duration = Duration::from_secs(15);
/// The longest silence after a failure. Too many requests of this kind shut the account out of the
/// web for a while (`docs/protocol.md` §5.2): that is not probed every minute.
const LONGEST: Duration = Duration::from_secs(30 * 60);

impl Wanted {
    /// Takes note of a name, unless it is known.
    pub(crate) fn name(&mut self, directory: &Directory, name: &UserName) {
        if !is_built_in(name) && !directory.is_me(name) && directory.find(name).is_none() {
            self.want(Want { name: name.clone(), speaker: None });
        }
    }

    /// Takes note of whom a message names, and of the permanent ids in it.
    pub(crate) fn hear(&mut self, directory: &mut Directory, message: &Message) {
        let notice = Notice::of(message);
        for (name, id) in notice.ids {
            directory.identify(name, id);
        }
        for name in &notice.chats {
            self.name(directory, name);
        }
        let peer = message.peer();
        self.name(directory, peer);
        if let Some(speaker) = &message.speaker
            && let Some(room) = directory.find(peer)
            && unknown_in(directory, room, speaker)
        {
            self.want(Want { name: peer.clone(), speaker: Some(speaker.clone()) });
        }
    }

    /// Somebody is gone: when met again, to be asked for again.
    pub(crate) fn forget(&mut self, name: &UserName) {
        self.met.known.remove(&Want { name: name.clone(), speaker: None });
    }

    fn want(&mut self, want: Want) {
        if self.batches.len() < MOST && self.met.insert(&want) {
            self.batches.push(want);
        }
    }

    /// The next request, if there is one and it may be made now.
    pub(crate) fn request(
        &mut self,
        directory: &Directory,
        session: &mut Session,
        now: Timestamp,
    ) -> Option<Call<Vec<Contact>>> {
        if self.batches.len() == 0 {
            return None;
        }
        if let Some((since, pause)) = self.pause {
            // A clock that was set back must not make it wait for a day.
            if since <= now && now.since(since) < pause {
                return None;
            }
        }
        self.batches.keep(|want| match (directory.find(&want.name), &want.speaker) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(room), Some(speaker)) => unknown_in(directory, room, speaker),
        });
        // A room may be wanted for the sake of several members.
        let names: BTreeSet<&UserName> = self.batches.next().map(|want| &want.name).collect();
        let names: Vec<UserName> = names.into_iter().cloned().collect();
        (!names.is_empty()).then(|| batch::request(session, &names, now).deadline(DEADLINE))
    }

    /// The request was answered: whom the answer leaves out, the service does not know.
    pub(crate) fn answered(&mut self) {
        self.batches.answered();
        self.failures = 0;
        self.pause = None;
    }

    /// The request failed.
    pub(crate) fn failed(&mut self, error: &Error, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let first = match error {
            Error::Refused { .. } if !error.is_transient() => {
                self.batches.refused();
                Duration::from_secs(2)
            }
            Error::Transport(failure) if failure.kind == FailureKind::Timeout => {
                self.batches.too_much();
                Duration::from_secs(5)
            }
            Error::Limited { .. } => Duration::from_secs(60),
            _ => Duration::from_secs(5),
        };
        let pause = first.saturating_mul(1 << (self.failures - 1).min(10)).min(LONGEST);
        self.pause = Some((now, pause));
    }
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
    fn insert(&mut self, want: &Want) -> bool {
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
}

#[cfg(test)]
#[path = "wanted_tests.rs"]
mod tests;
