//! The XML of `MsgType` 10002, and sometimes of 10000: `docs/protocol.md` §9.6.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::content::document;
use super::kind::{Kind, MsgType};
use super::patterns::recognise;
use super::system::{Person, System, SystemEvent};
use super::template::{Draft, Template, rendered};
use crate::ids::MsgId;
use crate::text::{Text, decode};
use crate::wire::document::{Found, walk};

/// A message was taken back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Revoked {
    /// The chat, by a permanent id or a name of this login, as the service wrote it.
    pub session: Box<str>,
    /// The [`Message::id`](super::Message::id) of what was taken back; without one
    /// ([`MsgId::is_known`]), it is this account's own latest in that chat.
    pub msg_id: MsgId,
    /// Another number of it: which one is a web client's `MsgId` differs between the sources.
    pub new_msg_id: MsgId,
    /// Its number on the phone.
    pub old_msg_id: MsgId,
    /// What a chat shows in its place: `"name" 撤回了一条消息`.
    pub text: Box<str>,
    /// Who took it back, if the wording of the text is known.
    pub by: Option<Person>,
    /// The room's announcement that it was, if it was one.
    pub announcement_id: Option<Box<str>>,
}

/// What else comes as such XML.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SysMsg {
    /// Somebody tickled somebody.
    Tickle(Tickle),
    /// A text with names in it that are more than text: who invited whom, who joined how.
    Template(Template),
    /// A notice or a to-do of a room.
    RoomTip(RoomTip),
    /// Anything else.
    Other {
        /// The type that the service gave it.
        kind: Box<str>,
        /// What of it is meant for people.
        text: Box<str>,
        /// What that tells, if its wording is known.
        event: Option<SystemEvent>,
    },
}

/// Somebody tickled somebody: `pat`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Tickle {
    /// Who did: a permanent id, or a name of this login.
    pub from: Box<str>,
    /// In which chat.
    pub chat: Box<str>,
    /// Whom.
    pub whom: Box<str>,
    /// What the tickled one put behind its name, such as "on the shoulder".
    pub suffix: Box<str>,
    /// The text, with `${id}` in the place of names.
    pub template: Box<str>,
}

/// A notice or a to-do of a room: `roomtoolstips`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RoomTip {
    /// Its own id.
    pub id: Box<str>,
    /// What is to be done.
    pub title: Box<str>,
    /// Who made it.
    pub creator: Box<str>,
    /// Who did what is told of now.
    pub operator: Box<str>,
    /// The message that it is about.
    pub related: MsgId,
    /// What a chat shows, with `${id}` in the place of names; often empty.
    pub template: Box<str>,
}

impl Tickle {
    /// The text, where `name_of` says what to call an id; those that it does not know stay.
    pub fn text(&self, mut name_of: impl FnMut(&str) -> Option<String>) -> String {
        rendered(&self.template, "${", "}", |id| name_of(id).or_else(|| Some(id.into())))
    }
}

impl SysMsg {
    /// What a chat shows of it; ids stand where only a directory knows the names.
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

/// What the service itself says: a text, or XML.
pub(super) fn read(msg_type: MsgType, content: Text) -> Result<Kind, &'static str> {
    if !is_one(&content, msg_type != MsgType::REVOKED) {
        return Ok(Kind::System(Box::new(System::read(content))));
    }
    let fields = document(&content).and_then(|document| Fields::of(&document));
    match fields {
        Some(fields) if fields.kind == "revokemsg" => Ok(Kind::Revoked(Box::new(fields.revoked()))),
        Some(fields) => Ok(Kind::SysMsg(Box::new(fields.other()))),
        None => Err("it is no sysmsg"),
    }
}

/// Whether a content is such XML; with `alone`, whether nothing but a prefix stands around it.
///
/// The texts of `MsgType` 10000 contain names, some at their beginning, and whoever chooses a name
/// could put XML into it (`docs/threats.md` M1). Of XML, the official page drops what stands before
/// the first tag.
fn is_one(content: &str, alone: bool) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '_' | '-');
    // A room's permanent id is no name of a member: it was not cut off.
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

/// A content from its first tag on that is not the page's own, escaped or not.
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

/// What stands in the elements of all kinds; those of other kinds are empty.
#[derive(Default)]
struct Fields {
    any: bool,
    /// The attribute, else the name of the first element.
    kind: String,
    /// In the order of [`NAMES`].
    texts: [String; NAMES.len()],
    /// Of kinds that are not known: what is meant for people.
    words: String,
    /// Whether the element that began last is one of those.
    wordy: bool,
    links: Vec<Draft>,
}

/// The elements that are read, with the kind that they stand in.
const NAMES: [(&str, &str); 19] = [
    ("revokemsg", "session"),
    ("revokemsg", "oldmsgid"),
    ("revokemsg", "msgid"),
    ("revokemsg", "newmsgid"),
    ("revokemsg", "replacemsg"),
    ("revokemsg", "announcement_id"),
    ("pat", "fromusername"),
    ("pat", "chatusername"),
    ("pat", "pattedusername"),
    ("pat", "patsuffix"),
    ("pat", "template"),
    ("content_template", "plain"),
    ("content_template", "template"),
    ("todo", "todoid"),
    ("todo", "title"),
    ("todo", "creator"),
    ("todo", "oper"),
    ("todo", "related_msgid"),
    ("todo", "template"),
];

impl Fields {
    /// Nothing if there is no `sysmsg`.
    fn of(document: &str) -> Option<Self> {
        let mut fields = Self::default();
        walk(document, |path, found| fields.visit(path, found));
        fields.any.then_some(fields)
    }

    fn visit(&mut self, path: &[&str], found: Found<'_>) {
        let ["sysmsg", inner @ ..] = path else { return };
        match (inner, found) {
            ([], Found::Element(attributes)) => {
                self.any = true;
                let kind = attributes.iter().find(|(name, _)| *name == "type");
                self.kind = kind.map(|(_, kind)| kind.trim().into()).unwrap_or_default();
            }
            ([kind], Found::Element(_)) if self.kind.is_empty() => self.kind.push_str(kind),
            (["sysmsgtemplate", "content_template", "link_list", link @ ..], found) => {
                Draft::visit(&mut self.links, link, found);
            }
            // Usually twice the same: the first that says something counts.
            ([_, "text" | "plain" | "title" | "content"], Found::Element(_)) => {
                self.wordy = self.words.trim().is_empty();
            }
            ([.., parent, name], Found::Text(text)) => {
                let place = NAMES.iter().position(|known| *known == (*parent, *name));
                if let Some(field) = place.and_then(|place| self.texts.get_mut(place)) {
                    field.push_str(text);
                } else if self.wordy && matches!(inner, [_, "text" | "plain" | "title" | "content"])
                {
                    self.words.push_str(text);
                }
            }
            _ => {}
        }
    }

    /// A text for people: what is escaped for the page is decoded.
    fn text(&self, kind: &str, name: &str) -> Box<str> {
        decode(self.raw(kind, name).into())
    }

    fn id(&self, kind: &str, name: &str) -> MsgId {
        self.raw(kind, name).into()
    }

    fn raw(&self, kind: &str, name: &str) -> &str {
        let place = NAMES.iter().position(|known| *known == (kind, name));
        place.and_then(|place| self.texts.get(place)).map(|text| text.trim()).unwrap_or_default()
    }

    fn other(self) -> SysMsg {
        match self.kind.as_str() {
            "pat" => SysMsg::Tickle(Tickle {
                from: self.raw("pat", "fromusername").into(),
                chat: self.raw("pat", "chatusername").into(),
                whom: self.raw("pat", "pattedusername").into(),
                suffix: self.text("pat", "patsuffix"),
                template: self.text("pat", "template"),
            }),
            "sysmsgtemplate" => {
                let template = self.text("content_template", "template");
                let plain = self.text("content_template", "plain");
                SysMsg::Template(Template::new(template, plain, self.links))
            }
            "roomtoolstips" => SysMsg::RoomTip(RoomTip {
                id: self.raw("todo", "todoid").into(),
                title: self.text("todo", "title"),
                creator: self.raw("todo", "creator").into(),
                operator: self.raw("todo", "oper").into(),
                related: self.id("todo", "related_msgid"),
                template: self.text("todo", "template"),
            }),
            kind => {
                let System { text, event, .. } = System::told(decode(self.words.trim().into()));
                SysMsg::Other { kind: kind.into(), text, event }
            }
        }
    }

    fn revoked(&self) -> Revoked {
        let text = self.text("revokemsg", "replacemsg");
        let by = match recognise(&text) {
            Some(SystemEvent::Recalled { by }) => Some(by),
            _ => None,
        };
        let announcement = self.raw("revokemsg", "announcement_id");
        Revoked {
            session: self.raw("revokemsg", "session").into(),
            msg_id: self.id("revokemsg", "msgid"),
            new_msg_id: self.id("revokemsg", "newmsgid"),
            old_msg_id: self.id("revokemsg", "oldmsgid"),
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
