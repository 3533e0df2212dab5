//! Message types and their payloads: `docs/protocol.md` §9.2.

use alloc::boxed::Box;

use serde::Serialize;

use super::content::document;
use super::system::{Fields, is_sysmsg};
use super::wire::WireMessage;
use super::{
    App, Card, Emoticon, FriendRequest, Image, Location, MsgType, News, PossibleFriend, Revoked,
    StatusNotify, SysMsg, System, Video, Voice, Voip, app,
};
use crate::text::{Text, decode};

/// The payload of a message.
///
/// # As JSON
///
/// With [`serde::Serialize`], a kind is an object with one field, named after the kind in snake case:
/// `{"text": "hi"}`, `{"image": {…}}`, `{"unknown": {"msg_type": 4711}}`. The fields of payloads
/// have their Rust names and are always present. Durations are milliseconds, with the suffix `_ms`;
/// points in time are milliseconds since 1970; values of open sets are plain numbers. Values that
/// `Debug` hides ([`Hidden`](super::Hidden), tickets) are written in full: protect such JSON like a
/// stored session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A text, as displayed by a phone: `MsgType` 1.
    Text(Box<str>),
    /// A message that the web cannot display: `MsgType` 1 with `ImgStatus` 2 and `HasProductId` 1.
    /// The text is the hint to view it on the phone.
    Unsupported(Box<str>),
    /// A picture: `MsgType` 3.
    Image(Box<Image>),
    /// A voice message: `MsgType` 34.
    Voice(Box<Voice>),
    /// A friend request: `MsgType` 37.
    FriendRequest(Box<FriendRequest>),
    /// A person the account may know: `MsgType` 40.
    PossibleFriend(Box<PossibleFriend>),
    /// The card of a person or an official account: `MsgType` 42.
    Card(Box<Card>),
    /// A video, long or short: `MsgType` 43, 44 and 62.
    Video(Box<Video>),
    /// A sticker: `MsgType` 47.
    Emoticon(Box<Emoticon>),
    /// A location: `MsgType` 48, and 1 with `SubMsgType` 48.
    Location(Box<Location>),
    /// A link, a file, a mini program or other content shared by an app: `MsgType` 49, and 1 with
    /// `AppMsgType` 2001.
    App(Box<App>),
    /// A call, which the web does not support: `MsgType` 50, 52 and 53.
    Voip(Box<Voip>),
    /// News sent by `newsapp`: `MsgType` 1.
    News(Box<News>),
    /// A status notification of the phone, not a chat message: `MsgType` 51.
    Status(Box<StatusNotify>),
    /// A system notice in text form: `MsgType` 10000 and 9999, or 10002 without XML.
    System(Box<System>),
    /// The revocation of a message ([`Message::original`](super::Message::original)): `MsgType` 10002,
    /// sometimes 10000.
    Revoked(Box<Revoked>),
    /// Another system notice in XML form: `MsgType` 10002, sometimes 10000.
    SysMsg(Box<SysMsg>),
    /// A malformed message.
    Unreadable {
        /// `MsgType`
        msg_type: MsgType,
        /// The reason.
        reason: &'static str,
    },
    /// A message of another type: see [`Message::raw`](super::Message::raw).
    Unknown {
        /// `MsgType`
        msg_type: MsgType,
    },
}

impl Kind {
    /// Parses a record, whose `content` has no speaker prefix. Never fails.
    pub(super) fn read(record: WireMessage, from: &str) -> Self {
        let msg_type = MsgType(record.msg_type);
        let read = match msg_type {
            // The kinds are checked in the order of the official page: `docs/protocol.md` §9.2.
            MsgType::TEXT if from == "newsapp" => {
                News::read(record).map(Self::News).ok_or("not a news message")
            }
            MsgType::TEXT if record.app_msg_type == app::AppKind::RED_PACKET.0 => {
                App::read(record).map(Self::App).ok_or("not an app message")
            }
            MsgType::TEXT if record.sub_msg_type == 48 || Location::is_link(&record.content) => {
                Location::read(record).map(Self::Location).ok_or("not a location")
            }
            // A text has 1 and 0: `docs/protocol.md` §15.
            MsgType::TEXT if (record.img_status, record.has_product_id) == (2, 1) => {
                Ok(Self::Unsupported(decode(record.content)))
            }
            MsgType::TEXT => Ok(Self::Text(decode(record.content))),
            MsgType::IMAGE => Image::read(record).map(Self::Image).ok_or("not a picture"),
            MsgType::VOICE => Voice::read(record).map(Self::Voice).ok_or("not a voice message"),
            MsgType::FRIEND_REQUEST => FriendRequest::read(record)
                .map(Self::FriendRequest)
                .ok_or("the requester is missing"),
            MsgType::POSSIBLE_FRIEND => PossibleFriend::read(record)
                .map(Self::PossibleFriend)
                .ok_or("the suggested user is missing"),
            MsgType::CARD => Card::read(record).map(Self::Card).ok_or("the card owner is missing"),
            MsgType::VIDEO | MsgType::VIDEO_IPHONE_EXPORT | MsgType::SHORT_VIDEO => {
                Video::read(record).map(Self::Video).ok_or("not a video")
            }
            MsgType::EMOTICON => Emoticon::read(record).map(Self::Emoticon).ok_or("not a sticker"),
            MsgType::LOCATION => Location::read(record).map(Self::Location).ok_or("not a location"),
            MsgType::APP => App::read(record).map(Self::App).ok_or("not an app message"),
            MsgType::VOIP_MESSAGE | MsgType::VOIP_NOTIFY | MsgType::VOIP_INVITE => {
                Ok(Self::Voip(Voip::read(record)))
            }
            MsgType(0) => Err("the message type is missing"),
            MsgType::STATUS_NOTIFY => {
                let (code, names) = (record.status_code, &*record.status_names);
                Ok(Self::Status(Box::new(StatusNotify::read(code, names, &record.content))))
            }
            MsgType::SYSTEM_NOTICE | MsgType::SYSTEM | MsgType::REVOKED => {
                read_notice(msg_type, record.content)
            }
            _ => Ok(Self::Unknown { msg_type }),
        };
        read.unwrap_or_else(|reason| Self::Unreadable { msg_type, reason })
    }
}

/// Parses a system notice, which is a text or XML.
fn read_notice(msg_type: MsgType, content: Text) -> Result<Kind, &'static str> {
    if !is_sysmsg(&content, msg_type != MsgType::REVOKED) {
        return Ok(Kind::System(Box::new(System::read(content))));
    }
    let fields = document(&content).and_then(|document| Fields::of(&document));
    match fields {
        Some(fields) if fields.kind == "revokemsg" => Ok(Kind::Revoked(Box::new(fields.revoked()))),
        Some(fields) => Ok(Kind::SysMsg(Box::new(fields.other()))),
        None => Err("not a `sysmsg` document"),
    }
}

#[cfg(test)]
#[path = "kind_tests.rs"]
mod tests;
