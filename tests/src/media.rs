//! What can be fetched: the pictures, voices, videos, maps and files of messages, and the pictures of people and rooms
//! (docs/protocol.md §5.4, §8).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytes::Bytes;

use crate::message::Incoming;
use crate::rng::Rng;
use crate::world::{Event, World};

/// Something that can be fetched. Messages are named by their `MsgId`, files by their `MediaId`, people and rooms by
/// their `UserName`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Asset {
    /// The picture of a message, in this size: nothing, `slave` or `big`.
    Image(String, &'static str),
    /// What a voice message says.
    Voice(String),
    /// A video.
    Video(String),
    /// The map of a place.
    Map(String),
    /// A file.
    File(String),
    /// The picture of a person; whether the large one.
    Icon(String, bool),
    /// The picture of a room.
    HeadImg(String),
}

/// What the service has of it, and how it gives it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Media {
    /// Its bytes.
    pub bytes: Bytes,
    /// `Content-Type`; none when empty.
    pub content_type: String,
    /// `Content-Disposition`; none when empty.
    pub disposition: String,
    /// How many requests are answered with `Content-Length: 0` first.
    pub empty: usize,
    /// Whether a request for a range is answered with 206, not 200; it is from the start.
    pub ranged: bool,
    /// Of how many bytes the connection breaks, if it does.
    pub torn: Option<usize>,
}

impl Media {
    /// These bytes, of this type.
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

/// Something that was fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fetched {
    /// What.
    pub asset: Asset,
    /// With which status.
    pub status: u16,
    /// How many bytes of it were given.
    pub bytes: usize,
    /// The world's clock at that moment.
    pub at: u64,
}

impl World {
    /// Makes this what the service has of it.
    pub fn plant(&mut self, asset: Asset, media: Media) {
        self.media.insert(asset, media);
    }

    /// What the service has of it: what was [planted](World::plant), else something made up, the same every time.
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
            // Both spellings have been seen.
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

    /// What was fetched, in order; an answer without a byte is here too.
    pub fn fetched(&self) -> &[Fetched] {
        &self.fetched
    }

    /// Somebody sends a file. Answers the `MsgId` and the `MediaId`.
    pub fn person_sends_file(&mut self, from: &str, file_name: &str) -> (String, String) {
        let media_id = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(128));
        let bytes = self.media(&Asset::File(media_id.clone())).bytes;
        let message = Incoming::file(from, file_name, bytes);
        (self.deliver(Incoming { media_id: media_id.clone(), ..message }), media_id)
    }

    /// Somebody sends a place: a text whose `Content` names a map. Answers the `MsgId`.
    pub fn person_sends_place(&mut self, from: &str, label: &str) -> String {
        self.deliver(Incoming::location(from, label, "", (22.513_590, 113.936_287)))
    }

    /// The messages that have arrived for the account, handed out or not, with their numbers.
    pub(crate) fn arrived(&self) -> impl Iterator<Item = (String, &Incoming)> {
        self.timeline.iter().filter_map(|event| match event {
            Event::Message { message, msg_id, .. } => Some((msg_id.to_string(), &**message)),
            _ => None,
        })
    }

    /// The message that a file came with.
    pub(crate) fn message_of(&self, media_id: &str) -> Option<&Incoming> {
        let mut all = self.arrived().map(|(_, message)| message);
        all.find(|message| message.media_id == media_id)
    }
}
