//! Uploaded files (docs/protocol.md §6.6, §6.7).

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// An uploaded file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(Default, serde::Serialize, utoipa::ToSchema))]
#[non_exhaustive]
pub struct Uploaded {
    /// The id by which a send refers to it.
    pub media_id: String,
    /// The name.
    pub name: String,
    /// The length in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// The MD5 of its bytes, in hexadecimal digits.
    pub md5: String,
    /// `pic`, `video` or `doc`.
    pub media_type: String,
    /// The `UserName` of the announced recipient.
    pub to: String,
    /// The signature that the send of a large file needs; otherwise empty.
    #[cfg_attr(feature = "serve", serde(skip))]
    pub signature: String,
    /// The key that the send of a large file needs; otherwise empty.
    #[cfg_attr(feature = "serve", serde(skip))]
    pub aes_key: String,
    /// The bytes, if the file's length is within the limit of [`World::keep_uploads`](crate::World::keep_uploads).
    #[cfg_attr(feature = "serve", serde(skip))]
    pub bytes: Option<Bytes>,
    /// The number of repeated pieces.
    pub repeats: usize,
    /// The number of later announcements of the same file, which needed no upload.
    pub instant: usize,
}

/// The service's answer to an announced file.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) aes_key: String,
    pub(crate) signature: String,
    /// The name in the last announcement.
    pub(crate) name: String,
}

/// An upload in progress or completed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partial {
    /// Every field except the number of the piece and the bytes.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) pieces: u64,
    pub(crate) received: u64,
    pub(crate) repeats: usize,
    md5: Md5,
    sha256: Sha256,
    /// The SHA-256 of the last piece.
    last: [u8; 32],
    bytes: Option<BytesMut>,
    /// Whether the last byte of the file is stored as another one.
    pub(crate) alters: bool,
    /// The `UploadID` of `webwxuploadmediaparallel`.
    pub(crate) upload_id: String,
    /// The `MediaId`, set on completion.
    pub(crate) media_id: String,
}

/// All uploads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uploads {
    pub(crate) done: Vec<Uploaded>,
    /// The incomplete uploads, by `ClientMediaId`, or by `DeviceID` in `webwxuploadmediaparallel`.
    pub(crate) open: BTreeMap<String, Partial>,
    /// The announced files, by MD5 and length.
    pub(crate) announced: BTreeMap<(String, u64), Keys>,
    pub(crate) keep: u64,
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Partial {
    pub(crate) fn new(fields: Vec<(String, String)>, keeps: bool) -> Self {
        Self { fields, bytes: keeps.then(BytesMut::new), ..Self::default() }
    }

    /// Returns whether this equals the last piece, whose reply was then lost.
    pub(crate) fn is_last(&self, piece: u64, bytes: &[u8]) -> bool {
        self.pieces == piece + 1 && self.last == <[u8; 32]>::from(Sha256::digest(bytes))
    }

    /// Appends a piece of a file of this length.
    pub(crate) fn take(&mut self, bytes: &[u8], length: u64) {
        self.pieces += 1;
        self.received += bytes.len() as u64;
        self.last = Sha256::digest(bytes).into();
        let mut stored = Cow::Borrowed(bytes);
        if self.alters
            && self.received == length
            && let Some(last) = stored.to_mut().last_mut()
        {
            *last ^= 1;
        }
        self.md5.update(&stored);
        self.sha256.update(&stored);
        if let Some(kept) = &mut self.bytes {
            kept.extend_from_slice(&stored);
        }
    }

    /// Returns the MD5 of all bytes so far followed by `bytes`.
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
