//! The files that a client has handed over (docs/protocol.md §6.6, §6.7).

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::world::World;

/// A file that the service has.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Uploaded {
    /// What a send names.
    pub media_id: String,
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// The same, of the other kind.
    pub md5: String,
    /// `pic`, `video` or `doc`.
    pub media_type: String,
    /// The `UserName` of whom it was said to be for.
    pub to: String,
    /// What a send of a large one has to have; else empty.
    pub signature: String,
    /// Its bytes, if it is no longer than [`World::keep_uploads`] says.
    pub bytes: Option<Bytes>,
    /// How many pieces came again.
    pub repeats: usize,
    /// How often it was announced again: then there was nothing to upload.
    pub instant: usize,
}

/// What the service said of an announced file.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) aes_key: String,
    pub(crate) signature: String,
}

/// An upload under way, or done.
#[derive(Clone, Debug)]
pub(crate) struct Partial {
    /// Every field but for the number of the piece, and the bytes.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) pieces: u64,
    pub(crate) received: u64,
    pub(crate) repeats: usize,
    md5: Md5,
    sha256: Sha256,
    /// Of the last piece.
    last: [u8; 32],
    bytes: Option<BytesMut>,
    /// Once it is done.
    pub(crate) media_id: String,
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Uploads {
    pub(crate) done: Vec<Uploaded>,
    /// By `ClientMediaId`.
    pub(crate) open: BTreeMap<i64, Partial>,
    /// By MD5 and length.
    pub(crate) announced: BTreeMap<(String, u64), Keys>,
    pub(crate) keep: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        let (done, open, announced) = Default::default();
        Self { done, open, announced, keep: 1 << 20 }
    }
}

impl World {
    /// The files that the client has uploaded, in order.
    pub fn uploads(&self) -> &[Uploaded] {
        &self.uploads.done
    }

    /// Makes a file as if it had been uploaded: `media_type` is `pic`, `video` or `doc`, `size` is in bytes. Above 25 MB
    /// it has a signature. Answers the `MediaId`.
    pub fn add_upload(&mut self, media_type: &str, name: &str, size: u64) -> String {
        let media_id = format!("@crypt_{}_{}", self.rng.hex(8), self.rng.hex(160));
        let signature = if size > 25 << 20 { self.rng.hex(64) } else { String::new() };
        self.uploads.done.push(Uploaded {
            media_id: media_id.clone(),
            name: name.to_owned(),
            size,
            sha256: self.rng.hex(64),
            md5: self.rng.hex(32),
            media_type: media_type.to_owned(),
            to: "filehelper".to_owned(),
            signature,
            bytes: None,
            repeats: 0,
            instant: 0,
        });
        media_id
    }

    /// The file that a send names.
    pub(crate) fn upload_of(&self, media_id: &str) -> Option<&Uploaded> {
        self.uploads.done.iter().find(|file| file.media_id == media_id)
    }

    /// The bytes of files up to this length are kept, in [`World::uploads`] and in [`World::log`]; longer ones are
    /// counted, hashed and forgotten. 1 MB unless told.
    pub const fn keep_uploads(&mut self, bytes: u64) {
        self.uploads.keep = bytes;
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Partial {
    pub(crate) fn new(fields: Vec<(String, String)>, keeps: bool) -> Self {
        Self {
            fields,
            pieces: 0,
            received: 0,
            repeats: 0,
            md5: Md5::new(),
            sha256: Sha256::new(),
            last: [0; 32],
            bytes: keeps.then(BytesMut::new),
            media_id: String::new(),
        }
    }

    /// Whether the last piece was this: then its reply was lost.
    pub(crate) fn is_last(&self, piece: u64, bytes: &[u8]) -> bool {
        self.pieces == piece + 1 && self.last == <[u8; 32]>::from(Sha256::digest(bytes))
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.pieces += 1;
        self.received += bytes.len() as u64;
        self.md5.update(bytes);
        self.sha256.update(bytes);
        self.last = Sha256::digest(bytes).into();
        if let Some(kept) = &mut self.bytes {
            kept.extend_from_slice(bytes);
        }
    }

    /// The MD5 of what came so far and these.
    pub(crate) fn md5_with(&self, bytes: &[u8]) -> String {
        hex(&self.md5.clone().chain_update(bytes).finalize())
    }

    pub(crate) fn hashes(&self) -> (String, String) {
        (self.md5_with(&[]), hex(&self.sha256.clone().finalize()))
    }

    pub(crate) fn kept(&self) -> Option<Bytes> {
        self.bytes.clone().map(BytesMut::freeze)
    }

    pub(crate) fn forget(&mut self) {
        self.bytes = None;
    }
}
