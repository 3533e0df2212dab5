//! The events that system notices report: `docs/protocol.md` §9.9.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

/// The event that a system notice reports.
///
/// Names are copied from the text: for members of a room, their display names, which anybody may
/// choose and change. A name that contains the words around it is cut at the first of them. Names
/// therefore do not identify people reliably: compare the member lists of the room (an updated one
/// follows within minutes, `docs/protocol.md` §7.2).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SystemEvent {
    /// People were invited to the room.
    Invited {
        /// The inviter.
        by: Person,
        /// The new members.
        who: Vec<Person>,
        /// The previous members, if the text names them.
        others: Vec<Person>,
        /// Whether a list of names was split at `、` or a comma, which a name may contain: parts of
        /// `who` and `others` may then be parts of one name.
        #[serde(rename = "ambiguous")]
        is_ambiguous: bool,
    },
    /// People joined the room with a QR code.
    JoinedByCode {
        /// The new members.
        who: Vec<Person>,
        /// The owner of the code, if the text names them.
        of: Option<Person>,
        /// The previous members, if the text names them.
        others: Vec<Person>,
        /// As in [`SystemEvent::Invited`].
        #[serde(rename = "ambiguous")]
        is_ambiguous: bool,
    },
    /// People joined the room in a way that the text does not state.
    Joined {
        /// The new members.
        who: Vec<Person>,
        /// As in [`SystemEvent::Invited`].
        #[serde(rename = "ambiguous")]
        is_ambiguous: bool,
    },
    /// People were removed from the room. (The service does not report members who leave.)
    Removed {
        /// The person who removed them.
        by: Person,
        /// The removed members; [`Person::Me`] for this account.
        who: Vec<Person>,
    },
    /// The room was renamed.
    Renamed {
        /// The person who renamed it.
        by: Person,
        /// The new name.
        topic: Box<str>,
    },
    /// The room has a new owner.
    NewOwner {
        /// The new owner.
        owner: Person,
    },
    /// The room was dissolved.
    Dissolved {
        /// The owner, who dissolved it.
        by: Person,
    },
    /// The other side is now a friend.
    FriendAdded {
        /// The name, if the text contains it.
        name: Option<Box<str>>,
    },
    /// The other side must first accept this account, usually because it deleted this account from
    /// its contacts.
    VerificationNeeded {
        /// The name, if the text contains it.
        name: Option<Box<str>>,
    },
    /// The other side has blocked this account, and the message was not delivered.
    Blocked,
    /// A red packet was received. Only the phone can open it.
    RedPacketReceived,
    /// The phone sent a red packet.
    RedPacketSent,
    /// The service temporarily rejects further operations.
    TooFrequent,
    /// Somebody started to share their live location.
    LiveLocationStarted {
        /// The person who shares it.
        by: Person,
    },
    /// The sharing of live locations ended.
    LiveLocationEnded,
    /// The service warns about strangers.
    StrangerWarning {
        /// The strangers. Empty if the warning is about the other side of the chat.
        who: Vec<Person>,
    },
    /// Somebody revoked a message. [`Revoked`](super::Revoked) identifies the message.
    MessageRevoked {
        /// The person who revoked it.
        by: Person,
    },
    /// A person tickled another or themselves.
    Tickled {
        /// The person who tickled.
        by: Person,
        /// The person who was tickled; may be the same as `by`.
        whom: Person,
        /// The text after the name, such as "on the shoulder".
        suffix: Box<str>,
    },
}

/// A person named in a system notice.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Person {
    /// This account: "你", "You".
    Me,
    /// A person with this display name.
    Named(Box<str>),
}

impl Person {
    /// Returns the name; `None` for this account.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Me => None,
            Self::Named(name) => Some(name),
        }
    }
}

impl SystemEvent {
    /// Replaces each name by the `people` that it represents (only the first one if the event has a
    /// single person), and other texts by `text`. `people` also returns whether they are ambiguous.
    pub(super) fn expand(
        self,
        people: impl Fn(&str) -> Option<(Vec<Person>, bool)>,
        text: impl Fn(&str) -> Option<Box<str>>,
    ) -> Self {
        let one = |person: Person| match person.name().and_then(&people) {
            Some((persons, _)) => persons.into_iter().next().unwrap_or(person),
            None => person,
        };
        // Expands each name once, because repetitions must not turn a small message into a large
        // one.
        let mut is_ambiguous = false;
        let mut all = |persons: Vec<Person>| {
            let mut met: Vec<Box<str>> = Vec::new();
            let mut out = Vec::with_capacity(persons.len());
            for person in persons {
                let name = person.name().unwrap_or_default();
                if met.iter().any(|other| **other == *name) {
                    continue;
                }
                match people(name) {
                    Some((people, split)) => {
                        is_ambiguous |= split;
                        met.push(name.into());
                        out.extend(people);
                    }
                    None => out.push(person),
                }
            }
            out
        };
        let name = |name: Box<str>| text(&name).unwrap_or(name);
        match self {
            Self::Invited { by, who, others, .. } => {
                let (who, others) = (all(who), all(others));
                Self::Invited { by: one(by), who, others, is_ambiguous }
            }
            Self::JoinedByCode { who, of, others, .. } => {
                let (who, others) = (all(who), all(others));
                Self::JoinedByCode { who, of: of.map(one), others, is_ambiguous }
            }
            Self::Joined { who, .. } => {
                let who = all(who);
                Self::Joined { who, is_ambiguous }
            }
            Self::Removed { by, who } => Self::Removed { by: one(by), who: all(who) },
            Self::Renamed { by, topic } => Self::Renamed { by: one(by), topic: name(topic) },
            Self::NewOwner { owner } => Self::NewOwner { owner: one(owner) },
            Self::Dissolved { by } => Self::Dissolved { by: one(by) },
            Self::FriendAdded { name: friend } => Self::FriendAdded { name: friend.map(name) },
            Self::VerificationNeeded { name: friend } => {
                Self::VerificationNeeded { name: friend.map(name) }
            }
            Self::LiveLocationStarted { by } => Self::LiveLocationStarted { by: one(by) },
            Self::StrangerWarning { who } => Self::StrangerWarning { who: all(who) },
            Self::MessageRevoked { by } => Self::MessageRevoked { by: one(by) },
            Self::Tickled { by, whom, suffix } => {
                Self::Tickled { by: one(by), whom: one(whom), suffix }
            }
            Self::Blocked
            | Self::RedPacketReceived
            | Self::RedPacketSent
            | Self::TooFrequent
            | Self::LiveLocationEnded => self,
        }
    }
}
