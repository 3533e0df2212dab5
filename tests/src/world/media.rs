//! The downloads and uploads of a world.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::media::upload::Uploaded;
use crate::media::{Asset, Fetched, Media};
use crate::rng::Rng;
use crate::world::World;

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

    /// Returns the files that the client has uploaded, in order.
    pub fn uploads(&self) -> &[Uploaded] {
        &self.uploads.done
    }

    /// Adds a file as if it had been uploaded. `media_type` is `pic`, `video` or `doc`, `size` is in bytes. Above 25
    /// MiB, the file has a signature and a key. Returns the `MediaId`.
    pub fn add_upload(&mut self, media_type: &str, name: &str, size: u64) -> String {
        let media_id = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(160));
        let digits = if size > 25 << 20 { 64 } else { 0 };
        let signature = self.rng.hex(digits);
        self.uploads.done.push(Uploaded {
            media_id: media_id.clone(),
            name: name.to_owned(),
            size,
            sha256: self.rng.hex(64),
            md5: self.rng.hex(32),
            media_type: media_type.to_owned(),
            to: "filehelper".to_owned(),
            aes_key: signature.chars().rev().collect(),
            signature,
            bytes: None,
            repeats: 0,
            instant: 0,
        });
        media_id
    }

    /// Returns the file with this `MediaId`.
    pub(crate) fn upload_of(&self, media_id: &str) -> Option<&Uploaded> {
        self.uploads.done.iter().find(|file| file.media_id == media_id)
    }

    /// Sets the maximum length of files whose bytes are kept in [`World::uploads`] and [`World::log`]. Longer ones are
    /// only counted and hashed. Default: 1 MiB.
    pub const fn keep_uploads(&mut self, bytes: u64) {
        self.uploads.keep = bytes;
    }
}
