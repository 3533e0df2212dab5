//! Downloads: the pictures, voices, videos, maps and files of messages, and the pictures of people and rooms
//! (docs/protocol.md §5.4, §8).

pub(crate) mod upload;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytes::Bytes;

use crate::message::Incoming;
use crate::rng::Rng;
use crate::world::{Event, World};

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

impl World {
    /// Sets the content of an asset.
    pub fn plant(&mut self, asset: Asset, media: Media) {
        self.media.insert(asset, media);
    }

    /// Returns the content of an asset: the [planted](World::plant) content, otherwise generated content, which is the
    /// same every time.
    pub fn media(&self, asset: &Asset) -> Media {
        if let Some(media) = self.media.get(asset) {
            return media.clone();
        }
        let mut hasher = DefaultHasher::new();
        asset.hash(&mut hasher);
        let mut rng = Rng::new(hasher.finish());
        let length = rng.between(1_000, 20_000) as usize;
        let (content_type, magic): (_, &[u8]) = match asset {
            Asset::Voice(_) => ("audio/mp3", b"ID3"),
            Asset::Video(_) => ("video/mp4", b"\0\0\0\x18ftypmp42"),
            Asset::File(_) => ("application/octet-stream", b"%PDF-1.4"),
            // Both spellings have been observed.
            Asset::Icon(..) | Asset::HeadImg(_) => ("image/jpg", b"\xff\xd8\xff\xe0"),
            _ => ("image/jpeg", b"\xff\xd8\xff\xe0"),
        };
        let mut bytes = magic.to_vec();
        while bytes.len() < length {
            bytes.extend(rng.next().to_le_bytes());
        }
        let mut media = Media::new(content_type, bytes);
        if let Asset::File(media_id) = asset
            && let Some(message) = self.message_of(media_id)
        {
            media.disposition = format!("attachment; filename=\"{}\"", message.file_name);
        }
        media
    }

    /// Returns the downloads in order, including empty answers.
    pub fn fetched(&self) -> &[Fetched] {
        &self.fetched
    }

    /// Delivers a file from a person. Returns its `MsgId` and `MediaId`.
    pub fn person_sends_file(&mut self, from: &str, file_name: &str) -> (String, String) {
        let media_id = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(128));
        let bytes = self.media(&Asset::File(media_id.clone())).bytes;
        let message = Incoming::file(from, file_name, bytes);
        (self.deliver(Incoming { media_id: media_id.clone(), ..message }), media_id)
    }

    /// Delivers a location from a person: a text whose `Content` names a map. Returns its `MsgId`.
    pub fn person_sends_place(&mut self, from: &str, label: &str) -> String {
        self.deliver(Incoming::location(from, label, "", (22.513_590, 113.936_287)))
    }

    /// Returns the messages for the account, whether already synced or not, with their ids.
    pub(crate) fn arrived(&self) -> impl Iterator<Item = (String, &Incoming)> {
        self.timeline.iter().filter_map(|event| match event {
            Event::Message { message, msg_id, .. } => Some((msg_id.to_string(), &**message)),
            _ => None,
        })
    }

    /// Returns the message of a file.
    pub(crate) fn message_of(&self, media_id: &str) -> Option<&Incoming> {
        let mut all = self.arrived().map(|(_, message)| message);
        all.find(|message| message.media_id == media_id)
    }
}
