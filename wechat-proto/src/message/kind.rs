//! What a message says, and its numbers: `docs/protocol.md` §9.2.

use alloc::boxed::Box;
use core::fmt;

use serde::Serialize;

use super::envelope::WireMessage;
use super::{
    App, Card, Emoticon, FriendRequest, Image, Location, News, PossibleFriend, Revoked,
    StatusNotify, SysMsg, System, Video, Voice, Voip, app, sysmsg,
};
use crate::text::decode;

/// What a message says.
///
/// # As JSON
///
/// With [`serde::Serialize`], a kind is an object of one field, the kind's name in small letters:
/// `{"text": "hi"}`, `{"image": {…}}`, `{"unknown": {"msg_type": 4711}}`. The fields of payloads
/// have the names they have here; all of them are always there, lengths of time are milliseconds
/// with `_ms` behind the name, points in time milliseconds since 1970, numbers of open sets plain
/// numbers. What `Debug` hides ([`Hidden`](super::Hidden), tickets) is written out: treat such JSON
/// like a stored session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Text, as a phone shows it: `MsgType` 1.
    Text(Box<str>),
    /// A picture: `MsgType` 3.
    Image(Box<Image>),
    /// A voice message: `MsgType` 34.
    Voice(Box<Voice>),
    /// Somebody asks to become a contact: `MsgType` 37.
    FriendRequest(Box<FriendRequest>),
    /// Somebody whom the account may know: `MsgType` 40.
    PossibleFriend(Box<PossibleFriend>),
    /// The card of a person or an official account: `MsgType` 42.
    Card(Box<Card>),
    /// A video, long or short: `MsgType` 43, 44 and 62.
    Video(Box<Video>),
    /// A sticker: `MsgType` 47.
    Emoticon(Box<Emoticon>),
    /// A place: `MsgType` 48, and 1 with `SubMsgType` 48.
    Location(Box<Location>),
    /// A link, a file, a mini program and whatever else apps share: `MsgType` 49, and 1 with
    /// `AppMsgType` 2001.
    App(Box<App>),
    /// A call that is not for the web: `MsgType` 50, 52 and 53.
    Voip(Box<Voip>),
    /// What `newsapp` has to tell: `MsgType` 1.
    News(Box<News>),
    /// A notice of the phone's, no message of anybody's: `MsgType` 51.
    Status(Box<StatusNotify>),
    /// A text of the service's: `MsgType` 10000 and 9999.
    System(Box<System>),
    /// A message was taken back: see [`Message::original`](super::Message::original). `MsgType`
    /// 10002.
    Revoked(Box<Revoked>),
    /// Something else that the service says of a chat: `MsgType` 10002, sometimes 10000.
    SysMsg(Box<SysMsg>),
    /// A message that says nothing of what its type promises.
    Unreadable {
        /// `MsgType`
        msg_type: MsgType,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Anything else: see [`Message::raw`](super::Message::raw).
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

            /// The name of a number that has one.
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
        /// A text, and what comes in the guise of one.
        TEXT = 1,
        /// HTML. Only a name: no message of this type was seen on the web.
        HTML = 2,
        /// A picture.
        IMAGE = 3,
        /// A private text. Only a name.
        PRIVATE_TEXT = 11,
        /// Private HTML. Only a name.
        PRIVATE_HTML = 12,
        /// A private picture. Only a name.
        PRIVATE_IMAGE = 13,
        /// A voice message.
        VOICE = 34,
        /// Mail that is pushed. Only a name.
        PUSH_MAIL = 35,
        /// A message from QQ. Only a name.
        Q_MESSAGE = 36,
        /// A friend request.
        FRIEND_REQUEST = 37,
        /// A notice that is pushed. Only a name.
        PUSH_SYSTEM = 38,
        /// A picture from QQ, sent while the account was away. Only a name.
        QQ_OFFLINE_IMAGE = 39,
        /// Somebody whom the account may know.
        POSSIBLE_FRIEND = 40,
        /// A card.
        CARD = 42,
        /// A video.
        VIDEO = 43,
        /// A video that an iPhone exported.
        VIDEO_IPHONE_EXPORT = 44,
        /// A sticker.
        EMOTICON = 47,
        /// A place.
        LOCATION = 48,
        /// Something that an app shares.
        APP = 49,
        /// A call.
        VOIP_MESSAGE = 50,
        /// A notice of the phone's to the account's other devices.
        STATUS_NOTIFY = 51,
        /// News of a call.
        VOIP_NOTIFY = 52,
        /// An invitation to a call.
        VOIP_INVITE = 53,
        /// A short video.
        SHORT_VIDEO = 62,
        /// A notice of the service's, which the official page ignores.
        SYSTEM_NOTICE = 9999,
        /// A text of the service's.
        SYSTEM = 10000,
        /// A message was taken back, and what else the service says as XML.
        REVOKED = 10002,
    }
}

impl fmt::Display for MsgType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Kind {
    /// Reads what a record says, whose `content` is without a member's name in front. Never fails.
    pub(super) fn read(record: WireMessage, from: &str) -> Self {
        let msg_type = MsgType(record.msg_type.0);
        let read = match msg_type {
            // In the official order: `docs/protocol.md` §9.2.
            MsgType::TEXT if from == "newsapp" => {
                News::read(record).map(Self::News).ok_or("it is no news")
            }
            MsgType::TEXT if record.app_msg_type.0 == app::AppKind::RED_PACKET.0 => {
                App::read(record).map(Self::App).ok_or("it is no app message")
            }
            MsgType::TEXT if record.sub_msg_type.0 == 48 || Location::is_link(&record.content) => {
                Location::read(record).map(Self::Location).ok_or("it is no place")
            }
            MsgType::TEXT => Ok(Self::Text(decode(record.content))),
            MsgType::IMAGE => Image::read(record).map(Self::Image).ok_or("it is no picture"),
            MsgType::VOICE => Voice::read(record).map(Self::Voice).ok_or("it is no voice"),
            MsgType::FRIEND_REQUEST => FriendRequest::read(record)
                .map(Self::FriendRequest)
                .ok_or("it does not say who asks"),
            MsgType::POSSIBLE_FRIEND => PossibleFriend::read(record)
                .map(Self::PossibleFriend)
                .ok_or("it does not say whom it is about"),
            MsgType::CARD => {
                Card::read(record).map(Self::Card).ok_or("it does not say whose card it is")
            }
            MsgType::VIDEO | MsgType::VIDEO_IPHONE_EXPORT | MsgType::SHORT_VIDEO => {
                Video::read(record).map(Self::Video).ok_or("it is no video")
            }
            MsgType::EMOTICON => {
                Emoticon::read(record).map(Self::Emoticon).ok_or("it is no sticker")
            }
            MsgType::LOCATION => Location::read(record).map(Self::Location).ok_or("it is no place"),
            MsgType::APP => App::read(record).map(Self::App).ok_or("it is no app message"),
            MsgType::VOIP_MESSAGE | MsgType::VOIP_NOTIFY | MsgType::VOIP_INVITE => {
                Ok(Self::Voip(Voip::read(record)))
            }
            MsgType(0) => Err("it has no type"),
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
