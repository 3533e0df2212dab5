//! Replies with a quotation: `docs/protocol.md` §9.4.

use alloc::boxed::Box;
use core::fmt;

use serde::Serialize;

use super::super::content::nested;
use super::super::kind::MsgType;
use super::super::piece::Piece;
use crate::ids::MsgId;
use crate::time::Timestamp;
use crate::wire::document::{Found, walk};

/// The message that a reply quotes: `AppMsgType` 57.
///
/// `Debug` does not show the XML of messages that are not texts, because it contains keys.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Quote {
    /// The type of the quoted message.
    pub kind: MsgType,
    /// Its id. The sources disagree which id of a web client it corresponds to.
    pub id: MsgId,
    /// The permanent id of the sender; in a room, of the room.
    pub from: Box<str>,
    /// In a room, the permanent id of the author.
    pub speaker: Box<str>,
    /// The name of the author.
    pub name: Box<str>,
    /// The time at which it was sent.
    pub sent: Option<Timestamp>,
    /// Its text; for an app message, its title; for other types, the original XML.
    pub text: Box<str>,
}

impl fmt::Debug for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.kind {
            MsgType::TEXT => true,
            // The title, or XML without one.
            MsgType::APP => !self.text.contains(['<', '&']),
            _ => false,
        };
        let text = if words || self.text.is_empty() { &*self.text } else { "[redacted]" };
        f.debug_struct("Quote")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("from", &self.from)
            .field("speaker", &self.speaker)
            .field("name", &self.name)
            .field("sent", &self.sent)
            .field("text", &text)
            .finish()
    }
}

/// A quoted message that is being parsed.
#[derive(Default)]
pub(super) struct Draft {
    kind: Piece,
    id: Piece,
    from: Piece,
    speaker: Piece,
    name: Piece,
    sent: Piece,
    content: Piece,
}

impl Draft {
    pub(super) fn push(&mut self, name: &str, text: &str) {
        let field = match name {
            "type" => &mut self.kind,
            "svrid" => &mut self.id,
            "fromusr" => &mut self.from,
            "chatusr" => &mut self.speaker,
            "displayname" => &mut self.name,
            "createtime" => &mut self.sent,
            "content" => &mut self.content,
            _ => return,
        };
        field.push(text);
    }

    pub(super) fn finish(self) -> Quote {
        let kind = MsgType(self.kind.int());
        let title = if kind == MsgType::APP { title(self.content.as_str()) } else { None };
        Quote {
            kind,
            id: MsgId::from(self.id.as_str()),
            from: self.from.plain(),
            speaker: self.speaker.plain(),
            name: self.name.typed(),
            sent: Some(self.sent.size()).filter(|time| *time > 0).map(Timestamp::from_secs),
            text: match title {
                Some(title) => title,
                None if kind == MsgType::TEXT => self.content.typed(),
                None => self.content.plain(),
            },
        }
    }
}

/// Returns the title of an app message.
fn title(content: &str) -> Option<Box<str>> {
    let document = nested(content)?;
    let mut title = Piece::default();
    walk(&document, |path, found| {
        if let ([.., "appmsg", "title"], Found::Text(text)) = (path, found) {
            title.push(text);
        }
    });
    (!title.is_empty()).then(|| title.typed())
}
