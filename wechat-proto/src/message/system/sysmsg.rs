//! System notices in XML form, `MsgType` 10002 and sometimes 10000: `docs/protocol.md` §9.6.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::System;
use super::event::{Person, SystemEvent};
use super::patterns::recognise;
use super::template::{Draft, Template, rendered};
use crate::ids::MsgId;
use crate::message::piece::Texts;
use crate::wire::document::{Found, walk};

/// The revocation of a message.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Revoked {
    /// The chat, by a permanent id or a user name of this login, as the service wrote it.
    pub session: Box<str>,
    /// The [`Message::id`](crate::message::Message::id) of the revoked message. If it is not known
    /// ([`MsgId::is_usable`]), the latest message of this account in that chat was revoked.
    pub msg_id: MsgId,
    /// Another id of the message. The sources disagree on which of them is a web client's `MsgId`.
    pub new_msg_id: MsgId,
    /// The id of the revoked message on the phone.
    pub old_msg_id: MsgId,
    /// The text displayed in its place: `"name" 撤回了一条消息`.
    pub text: Box<str>,
    /// The person who revoked it, if the wording of the text is known.
    pub by: Option<Person>,
    /// The id of the room announcement, if the message was one.
    pub announcement_id: Option<Box<str>>,
}

/// A system notice in XML form other than a revocation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SysMsg {
    /// A person tickled another or themselves.
    Tickle(Tickle),
    /// A text with structured names: invitations, joins and the like.
    Template(Template),
    /// A notice or a to-do of a room.
    RoomTip(RoomTip),
    /// Anything else.
    Other {
        /// The type that the service gave it.
        kind: Box<str>,
        /// The human-readable text.
        text: Box<str>,
        /// The event that the text reports, if its wording is known.
        event: Option<SystemEvent>,
    },
}

/// A tickle: `pat`, or a record of `AppMsgType` 62, for which `suffix` and `chat` are empty.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Tickle {
    /// The person who tickled: a permanent id, or a user name of this login.
    pub from: Box<str>,
    /// The chat.
    pub chat: Box<str>,
    /// The person who was tickled.
    pub whom: Box<str>,
    /// The suffix that the tickled person configured, such as "on the shoulder".
    pub suffix: Box<str>,
    /// The text, with `${id}` in place of names.
    pub template: Box<str>,
}

/// A notice or a to-do of a room: `roomtoolstips`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RoomTip {
    /// The id of the notice.
    pub id: Box<str>,
    /// The title.
    pub title: Box<str>,
    /// The person who created it.
    pub creator: Box<str>,
    /// The person whose action this notice reports.
    pub operator: Box<str>,
    /// The message to which it refers.
    pub related: MsgId,
    /// The displayed text, with `${id}` in place of names; often empty.
    pub template: Box<str>,
}

impl Tickle {
    /// Renders the text with the names that `name_of` returns for ids. Unknown ids remain.
    pub fn text(&self, mut name_of: impl FnMut(&str) -> Option<String>) -> String {
        rendered(&self.template, "${", "}", |id| name_of(id).or_else(|| Some(id.into())))
    }
}

impl SysMsg {
    /// Returns the displayed text. Ids remain where only a directory could resolve the names.
    pub fn text(&self) -> String {
        match self {
            Self::Tickle(tickle) => tickle.text(|_| None),
            Self::Template(template) => template.text.as_ref().into(),
            Self::RoomTip(tip) if tip.template.is_empty() => tip.title.as_ref().into(),
            Self::RoomTip(tip) => rendered(&tip.template, "${", "}", |id| Some(id.into())),
            Self::Other { text, .. } => text.as_ref().into(),
        }
    }
}

/// Returns whether a content is a `sysmsg` document; with `alone`, whether it contains nothing else
/// except a prefix.
///
/// The texts of `MsgType` 10000 contain names, some at the beginning, and names may contain XML
/// (`docs/threats.md` M1). The official page drops the text before the first tag of XML.
pub(in crate::message) fn is_sysmsg(content: &str, alone: bool) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '_' | '-');
    // The permanent id of a room is not a member's name and was therefore not split off.
    let behind = content.trim_start_matches(legal).strip_prefix(':').unwrap_or(content);
    let start = match alone {
        true => behind.trim_start().trim_start_matches("<br/>").trim_start(),
        false => from_first_tag(content),
    };
    let begins = ["<", "&lt;", "&amp;lt;"].into_iter().any(|bracket| {
        let name = start.strip_prefix(bracket).unwrap_or_default();
        name.starts_with("sysmsg") || name.starts_with("?xml") && content.contains("sysmsg")
    });
    let end = start.trim_end().trim_end_matches("<br/>").trim_end();
    let ends =
        ["sysmsg>", "sysmsg&gt;", "sysmsg&amp;gt;"].into_iter().any(|tag| end.ends_with(tag));
    begins && (ends || !alone)
}

/// Returns the content from its first tag on, escaped or not. The page's own tags do not count.
fn from_first_tag(content: &str) -> &str {
    let mut rest = content;
    while let Some(at) = rest.find(['<', '&']) {
        rest = rest.get(at..).unwrap_or_default();
        let begins = |tags: &[&str]| tags.iter().any(|tag| rest.starts_with(tag));
        if begins(&["<", "&lt;", "&amp;lt;"]) && !begins(&["<br/>", "<span ", "</span>"]) {
            return rest;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    ""
}

/// The texts of the known elements of all kinds; those of other kinds are empty.
#[derive(Default)]
pub(in crate::message) struct Fields {
    any: bool,
    /// The `type` attribute, otherwise the name of the first element.
    pub(in crate::message) kind: String,
    /// The texts, by the names of the elements with their parents: `pat/template`.
    texts: Texts,
    /// The human-readable text of unknown kinds.
    words: String,
    /// Whether the element that began last belongs to `words`.
    wordy: bool,
    links: Vec<Draft>,
}

impl Fields {
    /// Returns `None` if there is no `sysmsg`.
    pub(in crate::message) fn of(document: &str) -> Option<Self> {
        let mut fields = Self::default();
        walk(document, |path, found| fields.visit(path, found));
        fields.any.then_some(fields)
    }

    fn visit(&mut self, path: &[&str], found: Found<'_>) {
        let ["sysmsg", inner @ ..] = path else { return };
        match (inner, found) {
            ([], Found::Element(attributes)) => {
                self.any = true;
                self.kind = attributes.get("type").unwrap_or_default().trim().into();
            }
            ([kind], Found::Element(_)) if self.kind.is_empty() => self.kind.push_str(kind),
            (["sysmsgtemplate", "content_template", "link_list", link @ ..], found) => {
                Draft::visit(&mut self.links, link, found);
            }
            // The same text usually occurs twice. The first one that is not blank is used.
            ([_, "text" | "plain" | "title" | "content"], Found::Element(_)) => {
                self.wordy = self.words.trim().is_empty();
            }
            ([.., parent, name], Found::Text(text)) => {
                self.texts.push(&[parent, "/", name].concat(), text);
                if self.wordy && matches!(inner, [_, "text" | "plain" | "title" | "content"]) {
                    self.words.push_str(text);
                }
            }
            _ => {}
        }
    }

    fn text<T: for<'a> From<&'a str>>(&self, name: &str) -> T {
        self.texts.get(name).into()
    }

    pub(in crate::message) fn other(self) -> SysMsg {
        match self.kind.as_str() {
            "pat" => SysMsg::Tickle(Tickle {
                from: self.text("pat/fromusername"),
                chat: self.text("pat/chatusername"),
                whom: self.text("pat/pattedusername"),
                suffix: self.text("pat/patsuffix"),
                template: self.text("pat/template"),
            }),
            "sysmsgtemplate" => {
                let template = self.text("content_template/template");
                let plain = self.text("content_template/plain");
                SysMsg::Template(Template::new(template, plain, self.links))
            }
            "roomtoolstips" => SysMsg::RoomTip(RoomTip {
                id: self.text("todo/todoid"),
                title: self.text("todo/title"),
                creator: self.text("todo/creator"),
                operator: self.text("todo/oper"),
                related: self.text("todo/related_msgid"),
                template: self.text("todo/template"),
            }),
            kind => {
                let System { text, event, .. } = System::from_text(self.words.trim().into());
                SysMsg::Other { kind: kind.into(), text, event }
            }
        }
    }

    pub(in crate::message) fn revoked(&self) -> Revoked {
        let text: Box<str> = self.text("revokemsg/replacemsg");
        let by = match recognise(&text) {
            Some(SystemEvent::MessageRevoked { by }) => Some(by),
            _ => None,
        };
        let announcement = self.texts.get("revokemsg/announcement_id");
        Revoked {
            session: self.text("revokemsg/session"),
            msg_id: self.text("revokemsg/msgid"),
            new_msg_id: self.text("revokemsg/newmsgid"),
            old_msg_id: self.text("revokemsg/oldmsgid"),
            text,
            by,
            announcement_id: Some(announcement)
                .filter(|id| !matches!(*id, "" | "0"))
                .map(Into::into),
        }
    }
}

#[cfg(test)]
#[path = "sysmsg_tests.rs"]
mod tests;
