//! The types of app messages: `docs/protocol.md` §9.4.

use serde::Serialize;

use crate::message::msg_type::names;

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
        /// An external video.
        VIDEO = 4,
        /// A link.
        LINK = 5,
        /// A file.
        FILE = 6,
        /// Content that the app opens.
        OPEN = 7,
        /// A sticker.
        EMOJI = 8,
        /// A voice reminder.
        VOICE_REMINDER = 9,
        /// Goods identified by a scanned code.
        SCANNED_GOODS = 10,
        /// Goods.
        GOODS = 13,
        /// A set of stickers.
        EMOTICON_SHARE = 15,
        /// A coupon.
        COUPON = 16,
        /// The start of a live location.
        LIVE_LOCATION = 17,
        /// A chat history.
        HISTORY = 19,
        /// A note from the favourites.
        FAVOURITE_NOTE = 24,
        /// A mini program.
        MINI_PROGRAM = 33,
        /// A mini program that can be forwarded.
        MINI_PROGRAM_FORWARDABLE = 36,
        /// A forwarded chat history that was forwarded again.
        NESTED_HISTORY = 40,
        /// The card of a person or an official account.
        CARD = 42,
        /// The card of a WeChat Channel (视频号).
        CHANNELS_CARD = 50,
        /// A video posted to a WeChat Channel.
        CHANNELS_VIDEO = 51,
        /// A group note, a list that the members of a room complete.
        NOTE = 53,
        /// A reply with a quotation.
        QUOTE = 57,
        /// A tickle.
        TICKLE = 62,
        /// A live stream of a WeChat Channel.
        CHANNELS_LIVE = 63,
        /// A file that is being uploaded.
        FILE_UPLOADING = 74,
        /// Music with a video.
        MUSIC_VIDEO = 76,
        /// An announcement to a room.
        ANNOUNCEMENT = 87,
        /// Audio of the service's own player.
        AUDIO = 92,
        /// A transfer of money.
        TRANSFER = 2000,
        /// A red packet.
        RED_PACKET = 2001,
        /// Articles; this number is assigned by the official page, not by the service.
        READER = 100001,
    }
}
