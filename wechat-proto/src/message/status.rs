//! Status notifications from the phone to other devices: `docs/protocol.md` §9.7.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use super::content::document;
use super::piece::number;
use crate::wire::document::{Found, walk};
use crate::{Timestamp, UserName};

/// A status notification of the phone: `MsgType` 51. It is not a chat message.
///
/// [`Message::peer`](super::Message::peer) is the chat to which it refers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StatusNotify {
    /// The event.
    pub code: StatusCode,
    /// `StatusNotifyUserName`: the affected chats, by their user names in this login.
    pub user_names: Vec<UserName>,
    /// The permanent ids of the same chats (`wxid_…`, `…@chatroom`, a plain word); often missing in
    /// recent messages. [`StatusNotify::pairs`] associates them with the user names.
    pub permanent_ids: Vec<Box<str>>,
    /// Chats with unread messages.
    pub unread_chats: Vec<UnreadChat>,
    /// The time at which the account last viewed its friends' Moments, if there are new ones.
    pub unread_moments: Option<Timestamp>,
    /// Functions of the phone with unread content, such as `masssendapp`.
    pub unread_functions: Vec<Box<str>>,
    /// Whether the two lists contain the same chats in the same order.
    paired: bool,
}

/// `StatusNotifyCode`: an open set of numbers, some of which have names. Other codes occur (9 was
/// observed).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct StatusCode(pub i64);

impl StatusCode {
    /// The phone displayed the new messages of a chat.
    pub const READ: Self = Self(1);
    /// The phone opened a chat.
    pub const ENTERED: Self = Self(2);
    /// This account logged in on the web. Only web clients send this code, never the phone.
    pub(crate) const INITED: Self = Self(3);
    /// The phone's recent chats; sent up to three times after a login.
    pub const RECENT: Self = Self(4);
    /// The phone closed a chat.
    pub const LEFT: Self = Self(5);
}

/// A chat with unread messages.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnreadChat {
    /// The permanent id of the chat.
    pub permanent_id: Box<str>,
    /// The time up to which it was read.
    pub last_read: Timestamp,
}

/// The entry for the friends' Moments in the list of unread chats.
const MOMENTS: &str = "MomentsUnreadMsgStatus";

impl StatusNotify {
    /// Returns each chat's user name in this login with its permanent id. No other message on the
    /// web contains permanent ids of arbitrary chats.
    ///
    /// Empty if the two lists differ in length, or one of them is missing.
    pub fn pairs(&self) -> impl Iterator<Item = (&UserName, &str)> {
        let names = if self.paired { self.user_names.as_slice() } else { &[] };
        names.iter().zip(self.permanent_ids.iter().map(AsRef::as_ref))
    }

    /// Parses the record's fields and its content, either of which may be empty. Never fails: the
    /// official page ignores the content.
    pub(super) fn read(code: i64, user_names: &str, content: &str) -> Self {
        let document = document(content).map(|text| Document::of(&text)).unwrap_or_default();
        let mut whole = true;
        let names = list(user_names)
            .filter_map(|name| {
                let name = name.parse().ok();
                whole &= name.is_some();
                name
            })
            .collect::<Vec<_>>();
        let ids = list(&document.ids).map(Into::into).collect::<Vec<Box<str>>>();
        whole &= ids.iter().all(|id| !id.is_empty());
        let mut unread_moments = None;
        let mut unread_chats = Vec::new();
        for (id, time) in &document.chats {
            match (id.trim(), Timestamp::from_secs(number(time))) {
                (MOMENTS, time) => unread_moments = Some(time),
                ("", _) => {}
                (id, last_read) => {
                    unread_chats.push(UnreadChat { permanent_id: id.into(), last_read });
                }
            }
        }
        Self {
            code: StatusCode(if code == 0 { document.op } else { code }),
            paired: whole && names.len() == ids.len(),
            user_names: names,
            permanent_ids: ids.into_iter().filter(|id| !id.is_empty()).collect(),
            unread_chats,
            unread_moments,
            unread_functions: texts(document.functions),
        }
    }
}

/// Splits a list at commas. A trailing comma is allowed.
fn list(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let text = text.strip_suffix(',').unwrap_or(text);
    text.split(',').map(str::trim).filter(move |_| !text.is_empty())
}

/// The values in the XML, with untrimmed texts.
#[derive(Default)]
struct Document {
    op: i64,
    ids: String,
    /// Ids and times.
    chats: Vec<(String, String)>,
    functions: Vec<String>,
}

impl Document {
    fn of(text: &str) -> Self {
        let mut read = Self::default();
        // A text may be split into several pieces, each of which belongs to the element that began
        // last.
        walk(text, |path, found| match (path, found) {
            ([_, "op"], Found::Element(attributes)) => {
                read.op = attributes.get("id").map_or(0, |id| number(&id));
            }
            ([_, "op", "username"], Found::Text(text)) => read.ids.push_str(text),
            ([_, "op", "unreadchatlist", _], Found::Element(_)) => read.chats.push(<_>::default()),
            ([_, "op", "unreadchatlist", _, field], Found::Text(text)) => {
                match (*field, read.chats.last_mut()) {
                    ("username", Some((id, _))) => id.push_str(text),
                    ("lastreadtime", Some((_, time))) => time.push_str(text),
                    _ => {}
                }
            }
            // No sample of this list is known, so any text in it except times is accepted.
            ([_, "op", "unreadfunctionlist", _], Found::Element(_)) => {
                read.functions.push(String::new());
            }
            ([_, "op", "unreadfunctionlist", .., last], Found::Text(text))
                if *last != "lastreadtime" =>
            {
                if let Some(function) = read.functions.last_mut() {
                    function.push_str(text);
                }
            }
            ([_, "op", "unreadfunctionlist"], Found::Text(text)) => {
                read.functions.push(text.into());
            }
            _ => {}
        });
        read
    }
}

/// Returns the texts that are not blank, trimmed.
fn texts(texts: Vec<String>) -> Vec<Box<str>> {
    let said = |text: &String| !text.trim().is_empty();
    texts.into_iter().filter(said).map(|text| text.trim().into()).collect()
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
