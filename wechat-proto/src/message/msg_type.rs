//! Message types: `docs/protocol.md` §9.2.

use core::fmt;

use serde::Serialize;

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

        /// Formats the name, if there is one, and the number.
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
        /// HTML. Only the name is known: no message of this type was observed on the web.
        HTML = 2,
        /// A picture.
        IMAGE = 3,
        /// A private text. Only the name is known.
        PRIVATE_TEXT = 11,
        /// Private HTML. Only the name is known.
        PRIVATE_HTML = 12,
        /// A private picture. Only the name is known.
        PRIVATE_IMAGE = 13,
        /// A voice message.
        VOICE = 34,
        /// A push mail. Only the name is known.
        PUSH_MAIL = 35,
        /// A message from QQ. Only the name is known.
        Q_MESSAGE = 36,
        /// A friend request.
        FRIEND_REQUEST = 37,
        /// A pushed notice. Only the name is known.
        PUSH_SYSTEM = 38,
        /// A picture from QQ, sent while the account was offline. Only the name is known.
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
