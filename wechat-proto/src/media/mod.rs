//! Files: `docs/protocol.md` §5.4, §6.6, §6.7, §8.
//!
//! # Downloads
//!
//! [`GetImage`], [`GetVoice`], [`GetVideo`], [`GetFile`] and [`GetMap`] get the media of messages;
//! [`GetMedia`] chooses the one that a message needs. [`GetIcon`], [`GetHeadImg`] and
//! [`GetContactPicture`] get the pictures of contacts. The output is the [`Head`] of the response;
//! the adapters' `Client::download` also streams the bytes, and retries an empty download
//! ([`RetryEmpty`]). A [`FileName`] is a safe name for a received file.
//!
//! # Uploads
//!
//! An [`Upload`] is a flow: it takes a [`LocalFile`] and returns an [`Uploaded`], which the send
//! endpoints take. The adapters' `Client::upload` runs one to completion. [`CheckUpload`] and
//! [`UploadPiece`] are the two endpoints that it calls.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use core::fmt;

mod date;
mod disposition;
mod file;
mod file_name;
mod head;
mod head_img;
mod head_img_url;
mod icon;
mod image;
mod link;
mod map;
mod not_fetchable;
mod preview;
mod received;
mod retry_empty;
mod saved_name;
mod sum;
mod tally;
mod upload;
mod video;
mod voice;

pub use file::GetFile;
pub use file_name::FileName;
pub use head::Head;
pub use head_img::GetHeadImg;
pub use head_img_url::GetContactPicture;
pub use icon::GetIcon;
pub use image::{GetImage, ImageSize};
pub use map::GetMap;
pub use not_fetchable::NotFetchable;
pub use preview::GetPreview;
pub use received::GetMedia;
pub use retry_empty::RetryEmpty;
pub use sum::Md5Sum;
pub use tally::Tally;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) use upload::Sizes;
pub use upload::{
    CheckUpload, Limits, LocalFile, Upload, UploadCheck, UploadPiece, UploadPlan, UploadProgress,
    UploadedPiece,
};
pub use video::GetVideo;
pub use voice::GetVoice;

use serde::Serialize;

use crate::ids::MsgId;
use crate::secret::Sealed;
use crate::text::truncated;
use crate::wire::fields::Fields;

/// Returns the id of a message as it is sent. Valid ids have up to 19 digits; longer text is
/// truncated to 32 bytes, so that it always fits in a URL.
fn number(message: &MsgId) -> String {
    let mut text = message.to_string();
    text.truncate(truncated(&text, 32).len());
    text
}

/// The type of a file as declared to the service: `docs/protocol.md` §6.7.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum MediaType {
    /// `pic`: BMP, PNG and JPEG.
    Picture,
    /// `video`: MP4.
    Video,
    /// `doc`: all other files; also GIF, which is sent as an emoticon.
    Document,
}

impl MediaType {
    /// Returns the type as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Picture => "pic",
            Self::Video => "video",
            Self::Document => "doc",
        }
    }
}

/// An uploaded file, which the send endpoints take. It is valid for this login, and for any number
/// of sends.
#[derive(Clone, Eq, PartialEq)]
pub struct Uploaded {
    pub(crate) media_id: Box<str>,
    pub(crate) media_type: MediaType,
    pub(crate) file_name: Box<str>,
    pub(crate) size: u64,
    pub(crate) keys: FileKeys,
    /// Whether it is always sent as a file.
    pub(crate) is_plain: bool,
}

/// The keys of a file above 25 MB, which its upload and its sends repeat; empty for other files.
#[derive(Clone, Default, Eq, PartialEq)]
pub(crate) struct FileKeys {
    pub(crate) aes_key: Sealed,
    pub(crate) signature: Sealed,
}

impl FileKeys {
    /// Writes the keys, if there are any.
    pub(crate) fn add_to(&self, object: impl Fields) -> impl Fields + Serialize {
        let object = object.with_some("AESKey", self.aes_key.known());
        object.with_some("Signature", self.signature.known())
    }
}

impl Uploaded {
    /// Returns the service's id of the file.
    pub fn media_id(&self) -> &str {
        &self.media_id
    }

    /// Returns the type that was declared to the service.
    pub const fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// Returns the name that was declared to the service.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Returns the length in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }
}

/// Redacts the id and the keys, which grant access to the file.
impl fmt::Debug for Uploaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploaded")
            .field("media_type", &self.media_type)
            .field("file_name", &self.file_name)
            .field("size", &self.size)
            .field("signed", &!self.keys.signature.is_empty())
            .finish_non_exhaustive()
    }
}
