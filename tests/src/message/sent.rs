//! Messages and notifications that were delivered or sent.

/// A message that `webwxsync` has delivered.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(Default, serde::Serialize, utoipa::ToSchema))]
#[non_exhaustive]
pub struct Delivered {
    /// The value of `MsgId`.
    pub msg_id: String,
    /// The value of `FromUserName`.
    pub from: String,
    /// The value of `ToUserName`.
    pub to: String,
    /// The value of `MsgType`.
    pub msg_type: i64,
    /// The value of `Content`.
    pub content: String,
    /// The time of the delivery by the world's clock, in milliseconds since the epoch.
    pub at: u64,
}

/// A message that the client has sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sent {
    /// The endpoint, such as `webwxsendmsgimg`.
    pub endpoint: String,
    /// The recipient's `UserName`.
    pub to: String,
    /// The value of `Type`: 1 text, 3 image, 6 file …; for a forwarded app message, its `AppMsgType`.
    pub msg_type: i64,
    /// 0, or 2 for a forwarded message.
    pub scene: i64,
    /// The text or XML, as received; may be empty.
    pub content: String,
    /// The id of the upload: `MediaId`, or a file's `attachid`; may be empty.
    pub media_id: String,
    /// The contents of a file's XML.
    pub file: Option<SentFile>,
    /// The MD5 of an emoticon; may be empty.
    pub emoticon_md5: String,
    /// The signature of a big file; may be empty.
    pub signature: String,
    /// The names in `MsgSource`.
    pub mentions: Vec<String>,
    /// The id that the client gave the message.
    pub client_msg_id: String,
    /// The id that the service gave the message.
    pub msg_id: String,
    /// The world's clock when it first arrived, in milliseconds since the epoch.
    pub at: u64,
    /// The number of repetitions of the same send, which were not delivered again.
    pub repeats: usize,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// The contents of a file's XML (docs/protocol.md §6.3).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SentFile {
    /// `title`
    pub name: String,
    /// `totallen`, in bytes.
    pub size: u64,
    /// `attachid`
    pub media_id: String,
    /// `fileext`, without its dot; may be empty.
    pub extension: String,
}

/// A status notification that the client sent with `webwxstatusnotify`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(Default, serde::Serialize, utoipa::ToSchema))]
#[non_exhaustive]
pub struct Notice {
    /// 1 read, 2 entered, 3 logged in, 5 left.
    pub code: i64,
    /// The chat; for code 3, the account itself.
    pub to: String,
    /// The time of its arrival by the world's clock, in milliseconds since the epoch.
    pub at: u64,
}
