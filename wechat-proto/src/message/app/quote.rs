//! Replies that quote: `docs/protocol.md` §9.4.

use alloc::boxed::Box;
use core::fmt;

use serde::Serialize;

use super::super::content::document;
use super::super::kind::MsgType;
use super::super::piece::Piece;
use crate::ids::MsgId;
use crate::time::Timestamp;
use crate::wire::document::{Found, walk};

/// The message that a reply quotes: `AppMsgType` 57.
///
/// `Debug` does not show the XML of what is no text: it has keys in it.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Quote {
    /// What it is.
    pub kind: MsgType,
    /// Its number: which one of a web client's it is differs between the sources.
    pub id: MsgId,
    /// Who said it, or in a room the room, by a permanent id.
    pub from: Box<str>,
    /// In a room, who said it, by a permanent id.
    pub speaker: Box<str>,
    /// What whoever said it is called.
    pub name: Box<str>,
    /// When it was said.
    pub sent: Option<Timestamp>,
    /// Its text; of an app message, its title; of others, the XML as it came.
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

/// A quoted message, while it is read.
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
            name: self.name.text(),
            sent: Some(self.sent.size()).filter(|time| *time > 0).map(Timestamp::from_secs),
            text: match title {
                Some(title) => title,
                None if kind == MsgType::TEXT => self.content.text(),
                None => self.content.plain(),
            },
        }
    }
}

/// The title of an app message.
fn title(content: &str) -> Option<Box<str>> {
    let document = document(content)?;
    let mut title = Piece::default();
    walk(&document, |path, found| {
        if let ([.., "appmsg", "title"], Found::Text(text)) = (path, found) {
            title.push(text);
        }
    });
    (!title.is_empty()).then(|| title.text())
}
