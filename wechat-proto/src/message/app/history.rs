//! Chats that are passed on as one message: `docs/protocol.md` §9.4.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

use super::super::content::document;
use super::super::kind::names;
use super::super::piece::{Piece, int};
use crate::wire::document::{Found, walk};

/// A chat, or a part of one: `AppMsgType` 19, sometimes 0.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct History {
    /// Whose chat it is.
    pub title: Box<str>,
    /// Its first lines.
    pub description: Box<str>,
    /// What was said, in order.
    pub items: Vec<HistoryItem>,
}

/// Something that was said in a chat that is passed on.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HistoryItem {
    /// What it is.
    pub kind: HistoryKind,
    /// Who said it.
    pub name: Box<str>,
    /// When, as the sender's phone writes it.
    pub time: Box<str>,
    /// Its text; of a file or a link, what it says about itself.
    pub text: Box<str>,
    /// The title of a file, a link or a chat.
    pub title: Box<str>,
    /// Where a link leads.
    pub url: Box<str>,
    /// The size of a file or a picture, in bytes.
    pub length: u64,
    /// MD5 of a file or a picture, in hex digits.
    pub md5: Box<str>,
    /// What the name of a file ends in.
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
        /// A place.
        LOCATION = 6,
        /// A file.
        FILE = 8,
        /// Another chat within this one.
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

/// A chat, while it is read.
#[derive(Default)]
pub(super) struct Draft {
    /// The document within the document, as a text.
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
    /// A piece of the text of `recorditem`.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push(text);
    }

    /// What stands in `recorditem` as elements.
    pub(super) fn visit(&mut self, path: &[&str], found: Found<'_>) {
        if let ["recordinfo", path @ ..] = path {
            self.record.visit(path, found);
        }
    }

    pub(super) fn finish(mut self) -> History {
        if let Some(document) = document(self.text.as_str()) {
            walk(&document, |path, found| {
                if let ["recordinfo", path @ ..] | ["recorditem", "recordinfo", path @ ..] = path {
                    self.record.visit(path, found);
                }
            });
        }
        History {
            title: self.record.title.text(),
            description: self.record.description.text(),
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
            name: self.name.text(),
            time: self.time.plain(),
            text: self.text.text(),
            title: self.title.text(),
            url: self.url.url(),
            length: self.length.size(),
            md5: self.md5.plain(),
            extension: self.extension.plain(),
        }
    }
}
