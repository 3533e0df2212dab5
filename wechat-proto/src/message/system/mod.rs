//! System notices in chats: `docs/protocol.md` §9.9.

mod event;
mod patterns;
mod sysmsg;
mod template;

pub use event::{Person, SystemEvent};
pub(super) use sysmsg::{Fields, is_sysmsg};
pub use sysmsg::{Revoked, RoomTip, SysMsg, Tickle};
pub use template::{Template, TemplateLink, TemplateMember};

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;

use serde::Serialize;

use self::patterns::recognise;
use crate::text::{Text, decode};

/// A system notice in text form: `MsgType` 10000 and 9999, or 10002 without XML.
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

/// The file names of the icons of notices: `SystemMessages_HongbaoIcon.png`.
const ICON: &str = "\"SystemMessages_";
/// The labels of the link that undoes an invitation by this account.
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
        // Reads up to the next bracket of either kind, so that no character is visited twice.
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
