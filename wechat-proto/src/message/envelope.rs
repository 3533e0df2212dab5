//! Fields common to all messages.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use super::raw::Raw;
use super::wire::WireMessage;
use super::{App, Kind, MsgType};
use crate::error::Invalid;
use crate::wire::lenient::List;
use crate::wire::repair::decode;
use crate::{MsgId, Text, Timestamp, UserName};

/// A message received from `webwxsync`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// The id that the service gave the message.
    pub id: MsgId,
    /// The sender: a person, a room, or this account itself (from another of its devices).
    pub from: UserName,
    /// The receiver.
    pub to: UserName,
    /// In a room, the member who sent the message. `None` for notices of the room and for messages
    /// of this account.
    pub speaker: Option<UserName>,
    /// The time at which it was sent, in whole seconds.
    pub sent: Timestamp,
    /// The type of the message and its payload.
    pub kind: Kind,
    /// The JSON from which it was parsed.
    pub raw: Raw,
    /// Whether this account sent it.
    outgoing: bool,
    /// The message that it revokes.
    original: Option<Arc<Self>>,
    /// The position in the acknowledgement queue; `None` until the batch is delivered.
    pub(crate) place: Option<Place>,
}

/// The place of a message among those a session received: batch and position.
pub(crate) type Place = (u64, usize);

impl Message {
    /// The version of the serialized form. A bridge should reject versions that it does not know.
    /// New fields and new kinds do not change the version.
    pub const SCHEMA: u32 = 1;

    /// Parses one stored or captured message: an entry of the `AddMsgList` of `webwxsync`, as
    /// returned by [`Raw::json`]. `me` is the account that received it.
    ///
    /// ```
    /// use wechat_proto::Message;
    ///
    /// let json = r#"{"MsgId": "7", "FromUserName": "@a", "ToUserName": "@me", "MsgType": 1, "Content": "hi"}"#;
    /// let message = Message::from_json(json, &"@me".parse()?)?;
    /// assert_eq!(message.text(), Some("hi"));
    /// # Ok::<_, wechat_proto::error::Invalid>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Invalid`] if `json` is not a JSON object. Every JSON object is accepted as a message.
    pub fn from_json(json: &str, me: &UserName) -> Result<Self, Invalid> {
        let text = decode(json.as_bytes());
        let mut raw = Raw::from(&*text);
        let is_object = text.trim_start().starts_with('{');
        let message = if is_object { raw.parse::<WireMessage>() } else { None };
        let message = message.map(|message| message.take(raw, me));
        message.ok_or(Invalid { what: "a message", expected: "a JSON object" })
    }

    /// Returns the other side of the conversation, to which replies go: the person or the room.
    pub fn peer(&self) -> &UserName {
        if self.outgoing { &self.to } else { &self.from }
    }

    /// Returns whether this account sent the message from another of its devices.
    pub const fn is_outgoing(&self) -> bool {
        self.outgoing
    }

    /// Returns the author: the member of a room, otherwise the sender.
    pub fn author(&self) -> &UserName {
        self.speaker.as_ref().unwrap_or(&self.from)
    }

    /// Returns the text of a text message.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the message that this one revokes, without its raw JSON, if the inbox remembers it
    /// ([`Inbox::remember`](crate::sync::Inbox::remember)).
    pub fn original(&self) -> Option<&Self> {
        self.original.as_deref()
    }

    pub(super) fn set_original(&mut self, original: Self) {
        self.original = Some(Arc::new(original));
    }

    /// Returns a message of the chat of `other`, without its raw JSON.
    pub(super) fn remembered(
        other: &Self,
        outgoing: bool,
        id: &MsgId,
        speaker: &Option<UserName>,
        sent: Timestamp,
        kind: &Kind,
    ) -> Self {
        let (mut from, mut to) = (other.from.clone(), other.to.clone());
        if outgoing != other.outgoing {
            mem::swap(&mut from, &mut to);
        }
        Self {
            id: id.clone(),
            from,
            to,
            speaker: speaker.clone(),
            sent,
            kind: kind.clone(),
            raw: Raw::default(),
            outgoing,
            original: None,
            place: None,
        }
    }

    /// Returns the payload of an app message.
    pub fn app(&self) -> Option<&App> {
        match &self.kind {
            Kind::App(app) => Some(app),
            _ => None,
        }
    }
}

/// Serializes the message for a bridge: see [`Kind`] for the form of `kind`. The raw JSON is not
/// included.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Message", 8)?;
        fields.serialize_field("schema", &Self::SCHEMA)?;
        fields.serialize_field("id", &self.id)?;
        fields.serialize_field("from", &self.from)?;
        fields.serialize_field("to", &self.to)?;
        fields.serialize_field("speaker", &self.speaker)?;
        fields.serialize_field("outgoing", &self.outgoing)?;
        fields.serialize_field("sent", &self.sent)?;
        fields.serialize_field("kind", &self.kind)?;
        fields.end()
    }
}

impl WireMessage {
    /// Converts the records of a batch to messages.
    pub(crate) fn take_all(list: List<Raw>, me: &UserName) -> Vec<Message> {
        let unreadable = |raw, reason| {
            let kind = Kind::Unreadable { msg_type: MsgType(0), reason };
            Message { kind, ..Self::default().take(raw, me) }
        };
        let message = |mut raw: Raw| match raw.parse::<Self>() {
            Some(message) => message.take(raw, me),
            None => unreadable(raw, "its JSON is malformed"),
        };
        let List(list, is_cut) = list;
        let mut messages = Vec::with_capacity(list.len() + usize::from(is_cut));
        messages.extend(list.into_iter().map(message));
        if is_cut {
            messages
                .push(unreadable(Raw::default(), "a reply with too many messages was cut here"));
        }
        messages
    }

    /// Converts the record to a message. Never fails: malformed records become
    /// [`Kind::Unreadable`].
    fn take(mut self, raw: Raw, me: &UserName) -> Message {
        // Messages that this account sent from its phone may lack a sender.
        let outgoing = self.from.is_empty() || *self.from == *me.as_str();
        let name = |text: &Text| match text.parse() {
            _ if text.is_empty() => (me.clone(), true),
            Ok(name) => (name, true),
            Err(_) => (UserName::nearest(text), false),
        };
        let ((from, named), (to, addressed)) = (name(&self.from), name(&self.to));
        let peer = if outgoing { &to } else { &from };
        let speaker = match room_prefix(&self.content, peer, outgoing, me) {
            Some((speaker, rest)) => {
                self.content = Text::from(rest);
                Some(speaker)
            }
            None => None,
        };
        let id = MsgId::from(&*self.msg_id);
        let sent = Timestamp::from_secs(u64::try_from(self.create_time).unwrap_or(0));
        let kind = if named && addressed {
            Kind::read(self, from.as_str())
        } else {
            let msg_type = MsgType(self.msg_type);
            Kind::Unreadable { msg_type, reason: "invalid sender or receiver name" }
        };
        Message {
            id,
            speaker: speaker.filter(|speaker| speaker != me),
            from,
            to,
            sent,
            kind,
            raw,
            outgoing,
            original: None,
            place: None,
        }
    }
}

/// Splits the content of a room message into its speaker and the rest. Messages of this account
/// have no prefix, but their text may look like one.
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

/// Splits off the member's name in front of a room message: `@id:<br/>` or `wxid_x:<br/>`
/// (`docs/protocol.md` §9.3). Only the first is a prefix: the text may contain others.
fn split_speaker(content: &str) -> Option<(UserName, &str)> {
    let (name, rest) = content.split_once(':')?;
    let rest = rest.strip_prefix("<br/>")?;
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

    use super::*;
    use crate::testing::message;

    fn name(text: &str) -> UserName {
        text.parse().unwrap()
    }

    /// Threat W3.
    #[test]
    fn elements_of_lists_are_counted_with_their_names_and_payloads() {
        assert!(<Raw as crate::wire::lenient::Lenient>::SIZE >= 2 * size_of::<Message>());
    }

    #[test]
    fn speaker_and_peer_are_parsed() {
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
            // A text of this account may look like a prefix. A prefix with the name of this account
            // is one.
            for (content, text) in [("todo:<br/>milk", "todo:\nmilk"), ("@me:<br/>milk", "milk")] {
                let fields = format!(
                    r#""FromUserName":"{from}","ToUserName":"@@r","MsgType":1,"Content":"{content}""#
                );
                let own = message(&fields);
                assert_eq!((own.text(), own.author()), (Some(text), &name("@me")));
            }
        }
    }

    /// Fields that are not parsed may be malformed, too. The raw JSON is repaired nevertheless.
    #[test]
    fn raw_json_is_repaired() {
        let malformed = message(r#""MsgType":4711,"RecommendInfo":{"NickName":"\ud83d"}"#);
        let value: serde_json::Value = serde_json::from_str(malformed.raw.json()).unwrap();
        assert_eq!(value["RecommendInfo"]["NickName"], "\u{fffd}");
    }
}
