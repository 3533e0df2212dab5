//! System notices in chats: `docs/protocol.md` §9.9.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::patterns::recognise;
use crate::text::{Text, decode};

/// A system notice in text form: `MsgType` 10000 and 9999.
///
/// The text is unstructured. Its event is recognized by its wording in Chinese and English, the
/// languages documented by the sources; in other languages, [`System::event`] is `None`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct System {
    /// The text as displayed by a phone, without links.
    pub text: Box<str>,
    /// The event, if the wording is known.
    pub event: Option<SystemEvent>,
}

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
        ambiguous: bool,
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
        ambiguous: bool,
    },
    /// People joined the room in a way that the text does not state.
    Joined {
        /// The new members.
        who: Vec<Person>,
        /// As in [`SystemEvent::Invited`].
        ambiguous: bool,
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
        /// Its name, if the text contains it.
        name: Option<Box<str>>,
    },
    /// The other side must accept this account first, usually because it deleted this account from
    /// its contacts.
    VerificationNeeded {
        /// Its name, if the text contains it.
        name: Option<Box<str>>,
    },
    /// The other side has blocked this account: the message was not delivered.
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
        /// The strangers; the other side if empty.
        who: Vec<Person>,
    },
    /// Somebody revoked a message. [`Revoked`](super::Revoked) identifies the message.
    Recalled {
        /// The person who revoked it.
        by: Person,
    },
    /// Somebody tickled somebody.
    Tickled {
        /// The person who tickled.
        by: Person,
        /// The person who was tickled; may be the same.
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

impl System {
    /// Parses a content without its prefix.
    pub(super) fn read(content: Text) -> Self {
        Self::from_text(decode(content))
    }

    /// Parses a decoded text.
    pub(super) fn from_text(text: Box<str>) -> Self {
        let text = match without_links(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(stripped) => stripped.into(),
        };
        let event = recognise(&text);
        Self { text, event }
    }
}

impl SystemEvent {
    /// Replaces each name by the `people` that it stands for (only the first where the event has a
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
        // Expands each name once: repetitions must not turn a small message into a large one.
        let mut ambiguous = false;
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
                        ambiguous |= split;
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
                Self::Invited { by: one(by), who, others, ambiguous }
            }
            Self::JoinedByCode { who, of, others, .. } => {
                let (who, others) = (all(who), all(others));
                Self::JoinedByCode { who, of: of.map(one), others, ambiguous }
            }
            Self::Joined { who, .. } => {
                let who = all(who);
                Self::Joined { who, ambiguous }
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
            Self::Recalled { by } => Self::Recalled { by: one(by) },
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

/// The file names of the icons of notices: `SystemMessages_HongbaoIcon.png`.
const ICON: &str = "\"SystemMessages_";
/// The labels of the link that undoes one's own invitation.
const UNDO: [&str; 3] = ["撤销</a>", "Undo</a>", "Revoke</a>"];

/// Removes the tags of links that only a phone can follow and keeps their text, as the official
/// page does; removes icons and the link that undoes an action.
pub(super) fn without_links(text: &str) -> Cow<'_, str> {
    if !["weixin://", "<_wc_custom_link_", ICON].iter().any(|tag| text.contains(tag)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut open: usize = 0;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        // Up to the next bracket of either kind, so that no character is visited twice.
        let end = tag.find(['<', '>']).filter(|end| tag.get(*end..=*end) == Some(">"));
        let inner = end.and_then(|end| tag.get(..end)).unwrap_or_default();
        let after = end.and_then(|end| tag.get(end + 1..)).unwrap_or_default();
        rest = match inner {
            "/a" if open > 0 => {
                open -= 1;
                after
            }
            "/_wc_custom_link_" => after,
            _ if inner.starts_with("_wc_custom_link_") => after,
            _ if inner.starts_with("img ") && inner.contains(ICON) => after,
            _ if inner.starts_with("a ") && inner.contains("weixin://") => {
                let undo = UNDO.iter().find_map(|undo| after.trim_start().strip_prefix(undo));
                open += usize::from(undo.is_none());
                undo.unwrap_or(after)
            }
            _ => {
                out.push('<');
                tag
            }
        };
    }
    out.push_str(rest);
    if out.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(out.trim().into()) }
}

#[cfg(test)]
#[path = "system_tests.rs"]
mod tests;
