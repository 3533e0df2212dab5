//! Downloads: the pictures, voices, videos, maps and files of messages, and the pictures of people and rooms
//! (docs/protocol.md §5.4, §8).

pub(crate) mod upload;

use bytes::Bytes;

/// A downloadable asset. Messages are named by their `MsgId`, files by their `MediaId`, people and rooms by their
/// `UserName`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Asset {
    /// The picture of a message, in this size: empty, `slave` or `big`.
    Image(String, &'static str),
    /// The audio of a voice message.
    Voice(String),
    /// A video.
    Video(String),
    /// The map of a location.
    Map(String),
    /// A file.
    File(String),
    /// The picture of a person; `true` for the large one.
    Icon(String, bool),
    /// The picture of a room.
    HeadImg(String),
}

/// A part of a message that can be downloaded.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Part {
    /// The picture of an image or an emoticon.
    Picture,
    /// The thumbnail of an image or a video.
    Thumbnail,
    /// The larger picture of an image; the animated picture of an emoticon.
    BigPicture,
    /// The audio of a voice message.
    Voice,
    /// A video.
    Video,
    /// The map of a place.
    Map,
    /// A file.
    File,
}

impl Part {
    /// Returns the asset of this part of a message.
    pub(crate) fn asset(self, msg_id: &str, media_id: &str) -> Asset {
        let id = msg_id.to_owned();
        match self {
            Self::Picture => Asset::Image(id, ""),
            Self::Thumbnail => Asset::Image(id, "slave"),
            Self::BigPicture => Asset::Image(id, "big"),
            Self::Voice => Asset::Voice(id),
            Self::Video => Asset::Video(id),
            Self::Map => Asset::Map(id),
            Self::File => Asset::File(media_id.to_owned()),
        }
    }
}

/// The content of an asset, and the way in which the service sends it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Media {
    /// The bytes.
    pub bytes: Bytes,
    /// The `Content-Type` header; omitted if empty.
    pub content_type: String,
    /// The `Content-Disposition` header; omitted if empty.
    pub disposition: String,
    /// The number of first requests that are answered with `Content-Length: 0`. Default: 0.
    pub empty: usize,
    /// Whether range requests are answered with 206, not 200. Default: true.
    pub ranged: bool,
    /// The number of bytes after which the connection breaks, if any.
    pub torn: Option<usize>,
}

impl Media {
    /// Creates media of these bytes and this content type.
    pub fn new(content_type: &str, bytes: impl Into<Bytes>) -> Self {
        Self {
            bytes: bytes.into(),
            content_type: content_type.to_owned(),
            disposition: String::new(),
            empty: 0,
            ranged: true,
            torn: None,
        }
    }
}

/// A download.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fetched {
    /// The asset.
    pub asset: Asset,
    /// The HTTP status of the reply.
    pub status: u16,
    /// The number of bytes sent.
    pub bytes: usize,
    /// The time of the download by the world's clock, in milliseconds since the epoch.
    pub at: u64,
}
