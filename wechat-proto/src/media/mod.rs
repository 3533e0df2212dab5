//! Files: `docs/protocol.md` §5.4, §6.6, §6.7, §8.
//!
//! # Downloads
//!
//! [`GetImage`], [`GetVoice`], [`GetVideo`], [`GetFile`] and [`GetMap`] get what came with messages;
//! [`GetMedia`] chooses the one that a message needs. [`GetIcon`], [`GetHeadImg`] and
//! [`GetContactPicture`] get the pictures of contacts. The output is the [`Head`] of the response;
//! the adapters' `Client::download` streams the bytes too, and repeats a download that came empty
//! ([`RetryEmpty`]). A [`FileName`] is what a received file may be called.
//!
//! # Uploads
//!
//! An [`Upload`] is a flow: it takes a [`LocalFile`] and gives an [`Uploaded`], which the sends name.
//! The adapters' `Client::upload` runs one to its end. [`CheckUpload`] and [`UploadPiece`] are the
//! two endpoints that it calls.

use alloc::boxed::Box;
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
mod local;
mod map;
mod multipart;
mod piece;
mod preview;
mod probe;
mod received;
mod retry_empty;
mod sum;
mod tally;
#[cfg(test)]
mod testing;
#[cfg(test)]
pub(crate) mod testing_form;
mod upload;
mod video;
mod voice;

pub use file::{GetFile, ReceivedFile};
pub use file_name::FileName;
pub use head::Head;
pub use head_img::GetHeadImg;
pub use head_img_url::{GetContactPicture, HeadImgUrl};
pub use icon::{GetIcon, Icon};
pub use image::{GetImage, ImageSize};
pub use local::{Limits, LocalFile};
pub use map::{GetMap, MapLink};
pub use piece::{PieceTaken, UploadPiece, UploadPlan};
pub use preview::{GetPreview, PictureId};
pub use probe::{CheckUpload, Probed};
pub use received::{GetMedia, NotFetchable};
pub use retry_empty::RetryEmpty;
pub use sum::Md5Sum;
pub use tally::Tally;
#[cfg(any(test, feature = "_fuzz"))]
pub(crate) use upload::Sizes;
pub use upload::{Upload, UploadProgress};
pub use video::GetVideo;
pub use voice::GetVoice;

use crate::ids::MsgId;
use crate::secret::Sealed;

/// The number of a message as it is sent. One is up to 19 digits long; what is longer than any
/// could be is cut, or no request could be made of it.
fn number(message: &MsgId) -> &str {
    let text = message.as_str();
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 32);
    text.get(..end.last().unwrap_or(0)).unwrap_or_default()
}

/// What the service is told that a file is: `docs/protocol.md` §6.7.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum MediaType {
    /// `pic`: bmp, png and jpeg.
    Picture,
    /// `video`: mp4.
    Video,
    /// `doc`: anything else; also gif, which is sent as an emoticon.
    Document,
}

impl MediaType {
    /// The type as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Picture => "pic",
            Self::Video => "video",
            Self::Document => "doc",
        }
    }
}

/// A file that the service has taken: what a send names. Good for this login, for as many sends
/// as like.
#[derive(Clone, Eq, PartialEq)]
pub struct Uploaded {
    pub(crate) media_id: Box<str>,
    pub(crate) media_type: MediaType,
    pub(crate) file_name: Box<str>,
    pub(crate) size: u64,
    /// Of a file above 25 MB; else empty.
    pub(crate) signature: Sealed,
}

impl Uploaded {
    /// The service's name for it.
    pub fn media_id(&self) -> &str {
        &self.media_id
    }

    /// What the service was told that it is.
    pub const fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// The name that it was given.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Its length in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }
}

/// Without what fetches it.
impl fmt::Debug for Uploaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploaded")
            .field("media_type", &self.media_type)
            .field("file_name", &self.file_name)
            .field("size", &self.size)
            .field("signed", &!self.signature.is_empty())
            .finish_non_exhaustive()
    }
}
