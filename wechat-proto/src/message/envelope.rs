//! What every message has.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;

use super::{Revoked, StatusNotify, SysMsg, System, sysmsg};
use crate::ids::{MsgId, UserName};
use crate::text::{Text, decode};
use crate::time::Timestamp;
use crate::wire::lenient::{Int, List};
use crate::wire::object::{Fields, elements, object};
use crate::wire::repair::repair;

/// A message as `webwxsync` gave it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// The service's number for it.
    pub id: MsgId,
    /// Who sent it: a person, a room, or this account itself (from another of its devices).
    pub from: UserName,
    /// Who it is to.
    pub to: UserName,
    /// In a room, which member said it; nothing for notices of the room, and for what this
    /// account said.
    pub speaker: Option<UserName>,
    /// When it was sent, to the second.
    pub sent: Timestamp,
    /// What it says.
    pub kind: Kind,
    /// The JSON it was read from.
    pub raw: Raw,
    /// Whether this account sent it.
    outgoing: bool,
    /// What it takes back.
    original: Option<Arc<Self>>,
}

/// What a message says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// Text, as a phone shows it: `MsgType` 1.
    Text(Box<str>),
    /// A notice of the phone's, no message of anybody's: `MsgType` 51.
    Status(Box<StatusNotify>),
    /// A text of the service's: `MsgType` 10000 and 9999.
    System(Box<System>),
    /// A message was taken back: see [`Message::original`]. `MsgType` 10002.
    Revoked(Box<Revoked>),
    /// Something else that the service says of a chat: `MsgType` 10002, sometimes 10000.
    SysMsg(Box<SysMsg>),
    /// A message that is not what its type promises.
    Unreadable {
        /// `MsgType`
        msg_type: i64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Anything else: see [`Message::raw`].
    Unknown {
        /// `MsgType`
        msg_type: i64,
    },
}

impl Message {
    /// The other side of the conversation, to whom an answer goes: the person or the room.
    pub fn peer(&self) -> &UserName {
        if self.outgoing { &self.to } else { &self.from }
    }

    /// Whether this account sent it, from another of its devices.
    pub const fn is_outgoing(&self) -> bool {
        self.outgoing
    }

    /// Who said it: the member of a room, else the sender.
    pub fn author(&self) -> &UserName {
        self.speaker.as_ref().unwrap_or(&self.from)
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Of a message that takes back another: the other, if the inbox remembers it
    /// ([`Inbox::remember`](crate::sync::Inbox::remember)).
    pub fn original(&self) -> Option<&Self> {
        self.original.as_deref()
    }

    pub(super) fn set_original(&mut self, original: Arc<Self>) {
        self.original = Some(original);
    }

    /// The same, without holding the rest of its batch in memory.
    #[must_use]
    pub fn detach(mut self) -> Self {
        self.raw = self.raw.detach();
        self
    }
}

/// The JSON that a message was read from: a slice of its batch.
///
/// The batch is kept as long as one of its messages is: [`Message::detach`] lets go of it.
#[derive(Clone, Default)]
pub struct Raw(Bytes);

impl Raw {
    /// The message's own JSON object, as the server wrote it; broken bytes and halves of
    /// surrogate pairs are mended, so that it can be read.
    pub fn json(&self) -> Cow<'_, str> {
        repair(&self.0)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    fn detach(self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// The messages of a batch, found in one pass.
    fn all(batch: &Bytes) -> Vec<Self> {
        let text = core::str::from_utf8(batch).unwrap_or_default();
        let list = Fields::of(text).and_then(|fields| fields.get("AddMsgList"));
        let slice = |element: &str| Self(batch.slice_ref(element.as_bytes()));
        list.map(elements).unwrap_or_default().into_iter().map(slice).collect()
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

object! {
    /// A message on the wire: `docs/protocol.md` §9.1.
    #[derive(Clone, Debug)]
    pub(crate) struct WireMessage {
        "MsgId" => msg_id: Text,
        "FromUserName" => from: Text,
        "ToUserName" => to: Text,
        "MsgType" => msg_type: Int,
        "SubMsgType" => sub_msg_type: Int,
        "AppMsgType" => app_msg_type: Int,
        "CreateTime" => create_time: Int,
        "Content" => content: Text,
        "StatusNotifyCode" => status_code: Int,
        "StatusNotifyUserName" => status_names: Text,
    }
}

impl WireMessage {
    /// The messages of a batch.
    pub(crate) fn take_all(list: List<Self>, json: &Bytes, me: &UserName) -> Vec<Message> {
        let mut raw = Raw::all(json).into_iter();
        let read = |message: Self| message.take(raw.next().unwrap_or_default(), me);
        list.0.into_iter().map(read).collect()
    }

    /// The message. Never fails: what cannot be read is told in its kind.
    fn take(self, raw: Raw, me: &UserName) -> Message {
        let msg_type = self.msg_type.0;
        // What this account writes on its phone may come without a sender.
        let outgoing = self.from.is_empty() || *self.from == *me.as_str();
        let name = |text: &Text| match text.parse() {
            _ if text.is_empty() => (me.clone(), true),
            Ok(name) => (name, true),
            Err(_) => (UserName::nearest(text), false),
        };
        let ((from, named), (to, addressed)) = (name(&self.from), name(&self.to));
        let peer = if outgoing { &to } else { &from };
        let (speaker, content) = match room_prefix(&self.content, peer, outgoing, me) {
            Some((speaker, rest)) => (Some(speaker), Text::from(rest)),
            None => (None, self.content),
        };
        let kind = match msg_type {
            _ if !(named && addressed) => {
                Kind::Unreadable { msg_type, reason: "its sender or receiver has no name" }
            }
            0 => Kind::Unreadable { msg_type, reason: "it has no type" },
            // 48 is a place; 2001 a red packet; `newsapp` writes XML: `docs/protocol.md` §9.2.
            1 if self.sub_msg_type.0 == 0
                && self.app_msg_type.0 == 0
                && from.as_str() != "newsapp" =>
            {
                Kind::Text(decode(content))
            }
            51 => {
                let (code, names) = (self.status_code.0, &*self.status_names);
                Kind::Status(Box::new(StatusNotify::read(code, names, &content)))
            }
            9999 | 10_000 | 10_002 => sysmsg::read(msg_type, content),
            _ => Kind::Unknown { msg_type },
        };
        Message {
            id: MsgId::from(&*self.msg_id),
            speaker: speaker.filter(|speaker| speaker != me),
            from,
            to,
            sent: Timestamp::from_secs(u64::try_from(self.create_time.0).unwrap_or(0)),
            kind,
            raw,
            outgoing,
            original: None,
        }
    }
}

/// Who says something in a room, and what. Own messages have no prefix, and may begin like one.
pub(super) fn room_prefix<'a>(
    content: &'a str,
    peer: &UserName,
    outgoing: bool,
    me: &UserName,
) -> Option<(UserName, &'a str)> {
    if !peer.is_room() {
        return None;
    }
    split_speaker(content).filter(|(speaker, _)| !outgoing || speaker == me)
}

/// The member's name in front of what it says in a room: `@id:<br/>` or `wxid_x:<br/>`
/// (`docs/protocol.md` §9.3). Only the first is a prefix: the text may hold others.
fn split_speaker(content: &str) -> Option<(UserName, &str)> {
    let (name, rest) = content.split_once(":<br/>")?;
    let bare = name.strip_prefix('@');
    let legal =
        |byte: u8| byte.is_ascii_alphanumeric() || bare.is_none() && matches!(byte, b'_' | b'-');
    let word = bare.unwrap_or(name);
    (!word.is_empty() && word.bytes().all(legal))
        .then(|| name.parse().ok())?
        .map(|name| (name, rest))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString as _};

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{me, message};
    use crate::wire::lenient::Lenient as _;

    fn name(text: &str) -> UserName {
        text.parse().unwrap()
    }

    #[test]
    fn knows_who_speaks() {
        let person = message(
            r#""MsgId":"9","FromUserName":"@a","ToUserName":"@me","MsgType":1,"CreateTime":1476612570,"Content":"@b:<br/>hi""#,
        );
        assert_eq!((person.peer(), person.author()), (&name("@a"), &name("@a")));
        assert_eq!(person.text(), Some("@b:\nhi"));
        assert_eq!(person.sent, Timestamp::from_secs(1_476_612_570));

        let room = message(
            r#""FromUserName":"@@r","ToUserName":"@me","MsgType":1,"Content":"@b:<br/>x:<br/>hi &amp; bye""#,
        );
        assert_eq!((room.peer(), room.author()), (&name("@@r"), &name("@b")));
        assert_eq!(room.text(), Some("x:\nhi & bye"));

        let bare = message(
            r#""FromUserName":"@@r","ToUserName":"@me","MsgType":1,"Content":"wxid_b-1:<br/>hi""#,
        );
        assert_eq!(bare.speaker, Some(name("wxid_b-1")));

        let notice = message(
            r#""FromUserName":"@@r","ToUserName":"@me","MsgType":1,"Content":"no prefix: <br/>x""#,
        );
        assert_eq!((notice.speaker.clone(), notice.author()), (None, &name("@@r")));

        for from in ["@me", ""] {
            let own = message(&format!(
                r#""FromUserName":"{from}","ToUserName":"@@r","MsgType":1,"Content":"hi""#
            ));
            assert!(own.is_outgoing());
            assert_eq!((own.peer(), own.author()), (&name("@@r"), &name("@me")));
            // What one writes may look like a prefix; one's own name may be one.
            for (content, text) in [("todo:<br/>milk", "todo:\nmilk"), ("@me:<br/>milk", "milk")] {
                let fields = format!(
                    r#""FromUserName":"{from}","ToUserName":"@@r","MsgType":1,"Content":"{content}""#
                );
                let own = message(&fields);
                assert_eq!((own.text(), own.author()), (Some(text), &name("@me")));
            }
        }
    }

    #[test]
    fn keeps_what_it_does_not_know() {
        let fields =
            r#""MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":4711,"Content":"x""#;
        let unknown = message(fields);
        assert_eq!(unknown.kind, Kind::Unknown { msg_type: 4711 });
        assert_eq!(unknown.raw.json(), format!("{{{fields}}}"));
        let alone = unknown.detach();
        assert_eq!(alone.raw.json(), format!("{{{fields}}}"));
        // A place is no text.
        let place = message(
            r#""FromUserName":"@a","ToUserName":"@me","MsgType":1,"SubMsgType":48,"Content":"x""#,
        );
        assert_eq!(place.kind, Kind::Unknown { msg_type: 1 });
    }

    /// A field that nobody reads may be spoiled too: what is handed out can be read.
    #[test]
    fn raw_json_can_be_read() {
        let spoiled = message(r#""MsgType":4711,"RecommendInfo":{"NickName":"\ud83d"}"#);
        let value: serde_json::Value = serde_json::from_str(&spoiled.raw.json()).unwrap();
        assert_eq!(value["RecommendInfo"]["NickName"], "\u{fffd}");
    }

    #[test]
    fn an_odd_message_is_still_one() {
        assert!(matches!(message("").kind, Kind::Unreadable { msg_type: 0, .. }));
        let spoiled = message(r#""FromUserName":"a b","ToUserName":"@me","MsgType":1"#);
        assert!(matches!(spoiled.kind, Kind::Unreadable { msg_type: 1, .. }));
        assert!(!spoiled.is_outgoing() && spoiled.peer().as_str() == "a_b");
    }

    proptest! {
        #[test]
        fn any_content_is_read(content in any::<String>(), from in "(@{0,2}[a-z0-9]{0,5}|\\PC{0,5})", msg_type in any::<i64>()) {
            let fields = serde_json::json!({ "FromUserName": from, "MsgType": msg_type, "Content": content });
            let json = serde_json::json!({ "AddMsgList": [fields] });
            let list = List::<WireMessage>::read(&json["AddMsgList"].to_string());
            let message = WireMessage::take_all(list, &Bytes::from(json.to_string()), &me()).remove(0);
            let raw: serde_json::Value = serde_json::from_str(&message.raw.json()).unwrap();
            prop_assert_eq!(raw, fields);
        }
    }
}
