//! Files: `docs/protocol.md` §6.6, §6.7, §8.

pub mod preview;

use alloc::boxed::Box;
use core::fmt;

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
    pub(crate) signature: Box<str>,
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
