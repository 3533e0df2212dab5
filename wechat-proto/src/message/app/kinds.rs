//! The numbers of app messages: `docs/protocol.md` §9.4.

use serde::Serialize;

use crate::message::kind::names;

/// `AppMsgType`: an open set of numbers, some of which have names.
///
/// As JSON, it is the number.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct AppKind(pub i64);

names! {
    AppKind {
        /// A text.
        TEXT = 1,
        /// A picture.
        IMAGE = 2,
        /// Music.
        MUSIC = 3,
        /// A video that is elsewhere.
        VIDEO = 4,
        /// A link.
        LINK = 5,
        /// A file.
        FILE = 6,
        /// Something for the app to open.
        OPEN = 7,
        /// A sticker.
        EMOJI = 8,
        /// A reminder by voice.
        VOICE_REMINDER = 9,
        /// Goods whose code was scanned.
        SCANNED_GOODS = 10,
        /// Goods.
        GOODS = 13,
        /// A set of stickers.
        EMOTICON_SHARE = 15,
        /// A coupon.
        COUPON = 16,
        /// Somebody shows where they are, from now on.
        LIVE_LOCATION = 17,
        /// A chat, or a part of one.
        HISTORY = 19,
        /// A mini program.
        MINI_PROGRAM = 33,
        /// A mini program that may be passed on.
        MINI_PROGRAM_FORWARDABLE = 36,
        /// A video of a channel.
        CHANNELS_VIDEO = 51,
        /// A list that the members of a room fill in.
        NOTE = 53,
        /// A reply with a quotation.
        QUOTE = 57,
        /// Money.
        TRANSFER = 2000,
        /// Money in an envelope.
        RED_PACKET = 2001,
        /// Articles; the official page makes this number up.
        READER = 100001,
    }
}
