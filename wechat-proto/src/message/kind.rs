//! Message types and their payloads: `docs/protocol.md` §9.2.

use alloc::boxed::Box;
use core::fmt;

use serde::Serialize;

use super::envelope::WireMessage;
use super::{
    App, Card, Emoticon, FriendRequest, Image, Location, News, PossibleFriend, Revoked,
    StatusNotify, SysMsg, System, Video, Voice, Voip, app, sysmsg,
};
use crate::text::decode;

/// The payload of a message.
///
/// # As JSON
///
/// With [`serde::Serialize`], a kind is an object of one field, the kind's name in lower case:
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
    /// A message that the web cannot display: the hint to view it on the phone. `MsgType` 1 with
    /// `ImgStatus` 2 and `HasProductId` 1.
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
    /// A system notice in text form: `MsgType` 10000 and 9999.
    System(Box<System>),
    /// A message was revoked: see [`Message::original`](super::Message::original). `MsgType` 10002.
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

/// `MsgType`: an open set of numbers, some of which have names.
///
/// As JSON, it is the number.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct MsgType(pub i64);

/// Defines the names of an open set of numbers.
macro_rules! names {
    ($set:ident { $( $(#[$meta:meta])* $name:ident = $value:literal, )* }) => {
        impl $set {
            $( $(#[$meta])* pub const $name: Self = Self($value); )*

            /// Returns the name of the number, if it has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some(stringify!($name)), )*
                    _ => None,
                }
            }
        }

        /// The name, if it has one, and the number.
        impl core::fmt::Debug for $set {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, concat!(stringify!($set), "::{} ({})"), name, self.0),
                    None => write!(f, concat!(stringify!($set), "({})"), self.0),
                }
            }
        }

        impl From<i64> for $set {
            fn from(number: i64) -> Self {
                Self(number)
            }
        }
    };
}
pub(super) use names;

names! {
    MsgType {
        /// A text, or another message that is sent as a text.
        TEXT = 1,
        /// HTML. Known by name only: no message of this type was observed on the web.
        HTML = 2,
        /// A picture.
        IMAGE = 3,
        /// A private text. Known by name only.
        PRIVATE_TEXT = 11,
        /// Private HTML. Known by name only.
        PRIVATE_HTML = 12,
        /// A private picture. Known by name only.
        PRIVATE_IMAGE = 13,
        /// A voice message.
        VOICE = 34,
        /// A push mail. Known by name only.
        PUSH_MAIL = 35,
        /// A message from QQ. Known by name only.
        Q_MESSAGE = 36,
        /// A friend request.
        FRIEND_REQUEST = 37,
        /// A pushed notice. Known by name only.
        PUSH_SYSTEM = 38,
        /// A picture from QQ, sent while the account was offline. Known by name only.
        QQ_OFFLINE_IMAGE = 39,
        /// A person the account may know.
        POSSIBLE_FRIEND = 40,
        /// A card.
        CARD = 42,
        /// A video.
        VIDEO = 43,
        /// A video exported by an iPhone.
        VIDEO_IPHONE_EXPORT = 44,
        /// A sticker.
        EMOTICON = 47,
        /// A location.
        LOCATION = 48,
        /// An app message.
        APP = 49,
        /// A call.
        VOIP_MESSAGE = 50,
        /// A notification from the phone to the account's other devices.
        STATUS_NOTIFY = 51,
        /// A change of a call's state.
        VOIP_NOTIFY = 52,
        /// An invitation to a call.
        VOIP_INVITE = 53,
        /// A short video.
        SHORT_VIDEO = 62,
        /// A system notice that the official page ignores.
        SYSTEM_NOTICE = 9999,
        /// A system notice.
        SYSTEM = 10000,
        /// A revocation, or another system notice in XML form.
        REVOKED = 10002,
    }
}

impl fmt::Display for MsgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Kind {
    /// Parses a record, whose `content` has no speaker prefix. Never fails.
    pub(super) fn read(record: WireMessage, from: &str) -> Self {
        let msg_type = MsgType(record.msg_type.0);
        let read = match msg_type {
            // In the official order: `docs/protocol.md` §9.2.
            MsgType::TEXT if from == "newsapp" => {
                News::read(record).map(Self::News).ok_or("not a news message")
            }
            MsgType::TEXT if record.app_msg_type.0 == app::AppKind::RED_PACKET.0 => {
                App::read(record).map(Self::App).ok_or("not an app message")
            }
            MsgType::TEXT if record.sub_msg_type.0 == 48 || Location::is_link(&record.content) => {
                Location::read(record).map(Self::Location).ok_or("not a location")
            }
            // A text has 1 and 0: `docs/protocol.md` §15.
            MsgType::TEXT if (record.img_status.0, record.has_product_id.0) == (2, 1) => {
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
                let (code, names) = (record.status_code.0, &*record.status_names);
                Ok(Self::Status(Box::new(StatusNotify::read(code, names, &record.content))))
            }
            MsgType::SYSTEM_NOTICE | MsgType::SYSTEM | MsgType::REVOKED => {
                sysmsg::read(msg_type, record.content)
            }
            _ => Ok(Self::Unknown { msg_type }),
        };
        read.unwrap_or_else(|reason| Self::Unreadable { msg_type, reason })
    }
}

#[cfg(test)]
#[path = "kind_tests.rs"]
mod tests;
