//! Replies with a quotation: `docs/protocol.md` §9.4.

use alloc::boxed::Box;
use core::fmt;

use serde::Serialize;

use super::super::content::nested;
use super::super::msg_type::MsgType;
use super::super::piece::{Piece, Texts};
use crate::wire::document::{Found, walk};
use crate::{MsgId, Timestamp};

/// The message that a reply quotes: `AppMsgType` 57.
///
/// `Debug` does not show the XML of messages that are not texts, because it contains keys.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Quote {
    /// The type of the quoted message.
    pub kind: MsgType,
    /// The id. The sources disagree on which id of a web client it corresponds to.
    pub id: MsgId,
    /// The permanent id of the sender; in a room, of the room.
    pub from: Box<str>,
    /// In a room, the permanent id of the author.
    pub speaker: Box<str>,
    /// The name of the author.
    pub name: Box<str>,
    /// The time at which it was sent.
    pub sent: Option<Timestamp>,
    /// The text; for an app message, its title; for other types, the original XML.
    pub text: Box<str>,
}

impl fmt::Debug for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.kind {
            MsgType::TEXT => true,
            // The text is the title, or XML if there is no title.
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

impl Quote {
    /// Parses the texts of `refermsg`.
    pub(super) fn of(mut texts: Texts) -> Self {
        let kind = MsgType(texts.take("type").number());
        let content = texts.take("content");
        let title = if kind == MsgType::APP { title(content.as_str()) } else { None };
        Self {
            kind,
            id: MsgId::from(texts.get("svrid")),
            from: texts.take("fromusr").plain(),
            speaker: texts.take("chatusr").plain(),
            name: texts.take("displayname").typed(),
            sent: texts.take("createtime").time(),
            text: match title {
                Some(title) => title,
                None if kind == MsgType::TEXT => content.typed(),
                None => content.plain(),
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
