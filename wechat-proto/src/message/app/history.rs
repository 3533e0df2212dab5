//! Chat histories forwarded as one message: `docs/protocol.md` §9.4.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

use super::super::content::nested;
use super::super::msg_type::names;
use super::super::piece::{Texts, number};
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

/// The content of `recordinfo`.
#[derive(Default)]
pub(super) struct Draft {
    texts: Texts,
    /// The types and texts of the items.
    items: Vec<(HistoryKind, Texts)>,
}

impl Draft {
    pub(super) fn visit(&mut self, path: &[&str], found: Found<'_>) {
        match (path, found) {
            ([name], Found::Text(text)) => self.texts.push(name, text),
            (["datalist", "dataitem"], Found::Element(attributes)) => {
                let kind = attributes.get("datatype").map_or(0, |kind| number(&kind));
                let kind = HistoryKind(kind);
                self.items.push((kind, Texts::default()));
            }
            (["datalist", "dataitem", name], Found::Text(text)) => {
                if let Some((_, item)) = self.items.last_mut() {
                    item.push(name, text);
                }
            }
            _ => {}
        }
    }

    /// Returns the history. `record` is the text of `recorditem`: a nested document.
    pub(super) fn finish(mut self, record: &str) -> History {
        if let Some(document) = nested(record) {
            walk(&document, |path, found| {
                if let ["recordinfo", path @ ..] | ["recorditem", "recordinfo", path @ ..] = path {
                    self.visit(path, found);
                }
            });
        }
        let item = |(kind, mut texts): (HistoryKind, Texts)| HistoryItem {
            kind,
            name: texts.take("sourcename").typed(),
            time: texts.take("sourcetime").plain(),
            text: texts.take("datadesc").typed(),
            title: texts.take("datatitle").plain(),
            url: texts.take_either("link", "streamweburl").url(),
            length: texts.take("datasize").number(),
            md5: texts.take("fullmd5").plain(),
            extension: texts.take("datafmt").plain(),
        };
        History {
            title: self.texts.take("title").plain(),
            description: self.texts.take("desc").plain(),
            items: self.items.into_iter().map(item).collect(),
        }
    }
}
