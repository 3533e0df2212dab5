//! Chat histories forwarded as one message: `docs/protocol.md` §9.4.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

use super::super::content::nested;
use super::super::kind::names;
use super::super::piece::{Piece, int};
use crate::wire::document::{Found, walk};

/// A forwarded chat history: `AppMsgType` 19, sometimes 0; 40 if it was forwarded again; or a note
/// from the favourites: 24.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct History {
    /// The title, which names the participants.
    pub title: Box<str>,
    /// The first lines.
    pub description: Box<str>,
    /// The messages, in order.
    pub items: Vec<HistoryItem>,
}

/// A message of a forwarded chat history.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HistoryItem {
    /// The type.
    pub kind: HistoryKind,
    /// The name of the author.
    pub name: Box<str>,
    /// The time, in the format of the sender's phone.
    pub time: Box<str>,
    /// The text; for a file or a link, the description.
    pub text: Box<str>,
    /// The title of a file, a link or a nested history.
    pub title: Box<str>,
    /// The URL of a link.
    pub url: Box<str>,
    /// The size of a file or a picture, in bytes.
    pub length: u64,
    /// MD5 of a file or a picture, in hex digits.
    pub md5: Box<str>,
    /// The file name extension.
    pub extension: Box<str>,
}

/// `datatype`: an open set of numbers, some of which have names.
///
/// As JSON, it is the number.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct HistoryKind(pub i64);

names! {
    HistoryKind {
        /// A text.
        TEXT = 1,
        /// A picture.
        IMAGE = 2,
        /// A voice message.
        VOICE = 3,
        /// A video.
        VIDEO = 4,
        /// A link.
        LINK = 5,
        /// A location.
        LOCATION = 6,
        /// A file.
        FILE = 8,
        /// A nested chat history.
        HISTORY = 17,
        /// A mini program.
        MINI_PROGRAM = 19,
    }
}

impl History {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A chat history that is being parsed.
#[derive(Default)]
pub(super) struct Draft {
    /// The nested document, as a text.
    text: Piece,
    record: RecordDraft,
}

#[derive(Default)]
struct RecordDraft {
    title: Piece,
    description: Piece,
    items: Vec<ItemDraft>,
}

#[derive(Default)]
struct ItemDraft {
    kind: i64,
    name: Piece,
    time: Piece,
    text: Piece,
    title: Piece,
    url: Piece,
    length: Piece,
    md5: Piece,
    extension: Piece,
}

impl Draft {
    /// Appends a piece of the text of `recorditem`.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push(text);
    }

    /// Visits the elements of `recorditem`.
    pub(super) fn visit(&mut self, path: &[&str], found: Found<'_>) {
        if let ["recordinfo", path @ ..] = path {
            self.record.visit(path, found);
        }
    }

    pub(super) fn finish(mut self) -> History {
        if let Some(document) = nested(self.text.as_str()) {
            walk(&document, |path, found| {
                if let ["recordinfo", path @ ..] | ["recorditem", "recordinfo", path @ ..] = path {
                    self.record.visit(path, found);
                }
            });
        }
        History {
            title: self.record.title.plain(),
            description: self.record.description.plain(),
            items: self.record.items.into_iter().map(ItemDraft::finish).collect(),
        }
    }
}

impl RecordDraft {
    fn visit(&mut self, path: &[&str], found: Found<'_>) {
        match (path, found) {
            (["title"], Found::Text(text)) => self.title.push(text),
            (["desc"], Found::Text(text)) => self.description.push(text),
            (["datalist", "dataitem"], Found::Element(attributes)) => {
                let kind = attributes.iter().find(|(name, _)| *name == "datatype");
                let kind = kind.map_or(0, |(_, kind)| int(&kind));
                self.items.push(ItemDraft { kind, ..ItemDraft::default() });
            }
            (["datalist", "dataitem", name], Found::Text(text)) => {
                if let Some(item) = self.items.last_mut() {
                    item.push(name, text);
                }
            }
            _ => {}
        }
    }
}

impl ItemDraft {
    fn push(&mut self, name: &str, text: &str) {
        let field = match name {
            "sourcename" => &mut self.name,
            "sourcetime" => &mut self.time,
            "datadesc" => &mut self.text,
            "datatitle" => &mut self.title,
            "link" | "streamweburl" => &mut self.url,
            "datasize" => &mut self.length,
            "fullmd5" => &mut self.md5,
            "datafmt" => &mut self.extension,
            _ => return,
        };
        field.push(text);
    }

    fn finish(self) -> HistoryItem {
        HistoryItem {
            kind: HistoryKind(self.kind),
            name: self.name.typed(),
            time: self.time.plain(),
            text: self.text.typed(),
            title: self.title.plain(),
            url: self.url.url(),
            length: self.length.size(),
            md5: self.md5.plain(),
            extension: self.extension.plain(),
        }
    }
}
