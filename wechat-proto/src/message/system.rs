//! What the service itself says in a chat: `docs/protocol.md` §9.9.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::patterns::recognise;
use crate::text::{Text, decode};

/// A text of the service's: `MsgType` 10000 and 9999.
///
/// It has no structure of its own. What it tells is found by its wording, in Chinese and English,
/// the languages that the sources know; in others, [`System::event`] is nothing.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct System {
    /// The text as a phone shows it, without the links in it.
    pub text: Box<str>,
    /// What it tells, if its wording is known.
    pub event: Option<SystemEvent>,
}

/// What a text of the service's tells.
///
/// Names are what the text has in their place: of a room's members their names there, which
/// anybody may choose and change. A name that contains the words around it is cut at the first of
/// them. Nothing here tells who is meant beyond doubt: for that, compare the member lists of the
/// room (a changed one follows within minutes, `docs/protocol.md` §7.2).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SystemEvent {
    /// Somebody brought others into the room.
    Invited {
        /// Who did.
        by: Person,
        /// Who is new.
        who: Vec<Person>,
        /// Who was there already, where the text says so.
        others: Vec<Person>,
    },
    /// Somebody came into the room with a QR code.
    JoinedByCode {
        /// Who is new.
        who: Vec<Person>,
        /// Whose code it was, where the text says so.
        of: Option<Person>,
        /// Who was there already, where the text says so.
        others: Vec<Person>,
    },
    /// Somebody came into the room, the text does not say how.
    Joined {
        /// Who is new.
        who: Vec<Person>,
    },
    /// Somebody was put out of the room. (Who leaves by themselves is not told of.)
    Removed {
        /// Who did it.
        by: Person,
        /// Who is out; [`Person::Me`] if it is this account.
        who: Vec<Person>,
    },
    /// The room has another name.
    Renamed {
        /// Who chose it.
        by: Person,
        /// The name.
        topic: Box<str>,
    },
    /// The other side is a friend now.
    FriendAdded {
        /// Its name, where the text says it.
        name: Option<Box<str>>,
    },
    /// The other side has to accept this account first: most often, it deleted it from its
    /// contacts.
    VerificationNeeded {
        /// Its name, where the text says it.
        name: Option<Box<str>>,
    },
    /// The other side has blocked this account: what was sent did not arrive.
    Blocked,
    /// A red packet came: only the phone can open it.
    RedPacketReceived,
    /// The phone sent a red packet.
    RedPacketSent,
    /// The service takes no more for a while.
    TooFrequent,
    /// Somebody shares where they are.
    LiveLocationStarted {
        /// Who does.
        by: Person,
    },
    /// Nobody does any more.
    LiveLocationEnded,
    /// The service advises caution.
    StrangerWarning {
        /// Of whom; of the other side, if nobody is named.
        who: Vec<Person>,
    },
    /// Somebody took back a message. A [`Revoked`](super::Revoked) tells which.
    Recalled {
        /// Who did.
        by: Person,
    },
    /// Somebody tickled somebody.
    Tickled {
        /// Who did.
        by: Person,
        /// Whom; the same, if themselves.
        whom: Person,
        /// What follows the name, such as "on the shoulder".
        suffix: Box<str>,
    },
}

/// Somebody that a text of the service's names.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Person {
    /// This account: "你", "You".
    Me,
    /// Whoever is called this there.
    Named(Box<str>),
}

impl Person {
    /// The name; nothing for this account.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Me => None,
            Self::Named(name) => Some(name),
        }
    }
}

impl System {
    /// Reads a content without its prefix.
    pub(super) fn read(content: Text) -> Self {
        Self::told(decode(content))
    }

    /// Reads a text that is decoded.
    pub(super) fn told(text: Box<str>) -> Self {
        let text = match without_links(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(stripped) => stripped.into(),
        };
        let event = recognise(&text);
        Self { text, event }
    }
}

impl SystemEvent {
    /// The same, where each name is replaced by the `people` that it stands for (of those that
    /// there can only be one of, the first), what is no person's by the `text`.
    pub(super) fn expand(
        self,
        people: impl Fn(&str) -> Option<Vec<Person>>,
        text: impl Fn(&str) -> Option<Box<str>>,
    ) -> Self {
        let one = |person: Person| match person.name().and_then(&people) {
            Some(persons) => persons.into_iter().next().unwrap_or(person),
            None => person,
        };
        // Each stands once: what comes again must not make a small message a large one.
        let all = |persons: Vec<Person>| {
            let mut met: Vec<Box<str>> = Vec::new();
            let mut out = Vec::with_capacity(persons.len());
            for person in persons {
                let name = person.name().unwrap_or_default();
                if met.iter().any(|other| **other == *name) {
                    continue;
                }
                match people(name) {
                    Some(people) => {
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
            Self::Invited { by, who, others } => {
                Self::Invited { by: one(by), who: all(who), others: all(others) }
            }
            Self::JoinedByCode { who, of, others } => {
                Self::JoinedByCode { who: all(who), of: of.map(one), others: all(others) }
            }
            Self::Joined { who } => Self::Joined { who: all(who) },
            Self::Removed { by, who } => Self::Removed { by: one(by), who: all(who) },
            Self::Renamed { by, topic } => Self::Renamed { by: one(by), topic: name(topic) },
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

/// The text without the tags of links that only a phone can follow; what they enclose stays. The
/// official page takes them out, too.
pub(super) fn without_links(text: &str) -> Cow<'_, str> {
    if !text.contains("weixin://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut open: usize = 0;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        // Up to the next bracket of either kind: no character is looked at twice.
        let end = tag.find(['<', '>']).filter(|end| tag.get(*end..=*end) == Some(">"));
        let inner = end.and_then(|end| tag.get(..end)).unwrap_or_default();
        let link = inner.starts_with("a ") && inner.contains("weixin://");
        let closes = inner == "/a" && open > 0;
        match end.and_then(|end| tag.get(end + 1..)) {
            Some(after) if link || closes => {
                open = if link { open + 1 } else { open - 1 };
                rest = after;
            }
            _ => {
                out.push('<');
                rest = tag;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
#[path = "system_tests.rs"]
mod tests;
