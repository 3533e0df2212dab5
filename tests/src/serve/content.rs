//! Messages from people, as data.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::message::kinds::Hand;

/// A message to deliver to the client.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMessage {
    /// The author: a name, a `UserName`, or `me` for the account's owner, who writes on the phone.
    pub(crate) from: String,
    /// The room that it is written in: a name or a `UserName`.
    pub(crate) room: Option<String>,
    /// The chat of a message from `me`, unless it is a room.
    pub(crate) to: Option<String>,
    /// The content.
    pub(crate) message: Content,
}

/// The content of a message: an object with one key, the kind, or for a kind without content a string, such as `"call"`.
/// `data` is the bytes in Base64; without it, a small sample is sent.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Content {
    /// A plain text.
    Text(String),
    /// An image.
    Image(Data),
    /// A voice message in MP3.
    Voice(Recording),
    /// A video in MP4.
    Video(Recording),
    /// A video recorded within the chat.
    ShortVideo(Recording),
    /// A custom emoticon in GIF.
    Emoticon(Data),
    /// A die with this number of points, from 1 to 6.
    Dice(u8),
    /// A hand of rock, paper, scissors.
    Hand(Hand),
    /// A sticker from the shop; the web receives no content for it.
    ShopSticker,
    /// A location.
    Location {
        /// The address.
        label: String,
        /// The name of the place.
        #[serde(default)]
        name: String,
        /// Degrees north.
        north: f64,
        /// Degrees east.
        east: f64,
    },
    /// A location in the format of 2016, which is a text with only a link.
    LocationLink,
    /// The contact card of this person or official account.
    Card(String),
    /// A friend request of the author, with this greeting.
    FriendRequest(String),
    /// The service's suggestion of the author as a friend.
    PossibleFriend,
    /// The notice of a call.
    Call,
    /// A system message in plain text.
    System(String),
    /// A system message in XML: `<sysmsg type="…">…</sysmsg>`.
    Sysmsg(String),
    /// The revocation of a message.
    Revocation {
        /// The `MsgId` of the message.
        msg_id: String,
        /// The text that replaces it.
        shown: String,
    },
    /// A file.
    File {
        /// The name.
        name: String,
        /// The bytes in Base64.
        data: Option<String>,
    },
    /// A link.
    Link {
        /// The title.
        title: String,
        /// The description.
        #[serde(default)]
        description: String,
        /// The address.
        url: String,
    },
    /// A song.
    Music {
        /// The title.
        title: String,
        /// The singer.
        singer: String,
        /// The address of its page.
        url: String,
        /// The address of the audio.
        data_url: String,
    },
    /// Articles of an official account.
    Articles {
        /// The account's name.
        name: String,
        /// The articles.
        articles: Vec<NewArticle>,
    },
    /// A mini program.
    MiniProgram {
        /// The title.
        title: String,
        /// The program's name.
        name: String,
        /// The program's id: `wx…`.
        app_id: String,
        /// The path of its page.
        page_path: String,
    },
    /// A transfer of money.
    Transfer {
        /// The amount in yuan: `12.00`.
        amount: String,
        /// The memo.
        #[serde(default)]
        memo: String,
    },
    /// A red packet with this greeting.
    RedPacket(String),
    /// A reply with a quotation of an earlier message.
    Quote {
        /// The reply.
        reply: String,
        /// The `MsgId` of the quoted message.
        msg_id: String,
    },
    /// A forwarded chat history.
    History {
        /// The title.
        title: String,
        /// The messages.
        lines: Vec<HistoryLine>,
    },
    /// A video posted to a WeChat Channel (视频号).
    ChannelsVideo {
        /// The author's name.
        name: String,
        /// The description.
        description: String,
        /// The address.
        url: String,
    },
    /// An app message of any other number, with only a title.
    App {
        /// `AppMsgType`.
        kind: i64,
        /// The title.
        title: String,
    },
    /// The hint that replaces an app message that the web cannot show.
    NotSupported,
    /// A message of any type, with this content in the format of the wire.
    Raw {
        /// `MsgType`.
        msg_type: i64,
        /// `Content`.
        content: String,
    },
}

/// Bytes.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    /// The bytes in Base64.
    pub(crate) data: Option<String>,
}

/// A recording.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recording {
    /// The duration in milliseconds.
    #[serde(default)]
    pub(crate) duration_ms: u64,
    /// The bytes in Base64.
    pub(crate) data: Option<String>,
}

/// An article of an official account.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewArticle {
    /// The title.
    pub(crate) title: String,
    /// The address.
    pub(crate) url: String,
    /// The address of its picture.
    #[serde(default)]
    pub(crate) cover: String,
    /// The summary.
    #[serde(default)]
    pub(crate) digest: String,
}

/// A message of a forwarded chat history.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryLine {
    /// The author's name.
    pub(crate) name: String,
    /// The text.
    pub(crate) text: String,
}
