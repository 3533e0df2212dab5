//! A local file, as it is described to the service: `docs/protocol.md` §6.7.

use alloc::boxed::Box;

use super::MediaType;
use crate::error::Invalid;
use crate::{Entry, Error, Timestamp};

/// A file to upload: its name, length, modification time and type.
///
/// ```
/// use wechat_proto::Timestamp;
/// use wechat_proto::media::{LocalFile, MediaType};
///
/// let file = LocalFile::new("报告.PDF", 48_121)?.modified(Timestamp::from_secs(1_529_743_507));
/// assert_eq!((file.media_type(), file.mime()), (MediaType::Document, "application/pdf"));
/// # Ok::<(), wechat_proto::error::Invalid>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalFile {
    name: Box<str>,
    size: u64,
    modified: Option<Timestamp>,
    /// Overrides the type of the extension.
    media_type: Option<MediaType>,
}

impl LocalFile {
    /// Returns a file of `size` bytes. The receiver sees `name`, which must not have a path.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`] if the name is empty, or has control characters other than tabs and
    /// line breaks (`docs/threats.md` U1).
    pub fn new(name: &str, size: u64) -> Result<Self, Invalid> {
        let illegal = |c: char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r');
        if name.is_empty() || name.contains(illegal) {
            return Err(Invalid {
                what: "a file's name",
                expected: "one character or more, and no control characters",
            });
        }
        Ok(Self { name: name.into(), size, modified: None, media_type: None })
    }

    /// Sets the time of the last modification. The default is the start of the upload.
    #[must_use]
    pub const fn modified(mut self, time: Timestamp) -> Self {
        self.modified = Some(time);
        self
    }

    /// Overrides the type that follows from the name: for example, sends a picture as a document, so
    /// that the receiver gets the original file.
    #[must_use]
    pub const fn as_type(mut self, media_type: MediaType) -> Self {
        self.media_type = Some(media_type);
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the length in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the type that is declared to the service: by extension, unless overridden.
    ///
    /// A video that is uploaded on the file-transfer page is a document, unless overridden:
    /// `docs/protocol.md` §15.1.
    pub fn media_type(&self) -> MediaType {
        self.media_type.unwrap_or_else(|| MediaType::of_extension(extension(&self.name)))
    }

    /// Returns the MIME type by extension; `application/octet-stream` for an unknown one, as on the
    /// official page.
    pub fn mime(&self) -> &'static str {
        mime_guess::from_ext(extension(&self.name))
            .first_raw()
            .unwrap_or("application/octet-stream")
    }

    /// Sets the default type on an entry.
    pub(super) fn choose_type(&mut self, entry: &Entry) {
        if entry.is_file_helper() && self.media_type() == MediaType::Video {
            self.media_type.get_or_insert(MediaType::Document);
        }
    }

    pub(super) fn changed(&self, now: Timestamp) -> Timestamp {
        self.modified.unwrap_or(now)
    }
}

/// Returns the text after the last dot of a name.
fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

impl MediaType {
    /// Returns the type for an extension: `docs/protocol.md` §6.7.
    fn of_extension(extension: &str) -> Self {
        let is = |other: &&str| extension.eq_ignore_ascii_case(other);
        if ["bmp", "png", "jpeg", "jpg"].iter().any(is) {
            Self::Picture
        } else if is(&"mp4") {
            Self::Video
        } else {
            Self::Document
        }
    }
}

/// The maximum lengths of uploaded files, in bytes; `None` for no limit.
///
/// ```
/// let mut limits = wechat_proto::media::Limits::default();
/// limits.document = Some(50 << 20);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The limit for pictures.
    pub picture: Option<u64>,
    /// The limit for videos.
    pub video: Option<u64>,
    /// The limit for all other files.
    pub document: Option<u64>,
}

impl Limits {
    /// The limit of the official page, which refuses videos of 20 MB and more, and has the same
    /// number for pictures: `docs/protocol.md` §6.6.
    pub const PAGE: u64 = (20 << 20) - 1;

    /// Returns no limits: only the service limits the length.
    pub const fn none() -> Self {
        Self { picture: None, video: None, document: None }
    }

    /// Checks whether a file may be uploaded.
    pub(super) fn check(&self, file: &LocalFile) -> Result<(), Error> {
        let limit = match file.media_type() {
            MediaType::Picture => self.picture,
            MediaType::Video => self.video,
            MediaType::Document => self.document,
        };
        match (file.size, limit) {
            (0, _) => Err(Error::EmptyFile),
            (size, Some(limit)) if size > limit => Err(Error::TooLarge { size, limit }),
            _ => Ok(()),
        }
    }
}

impl Default for Limits {
    /// Returns the official page's limits: pictures and videos below 20 MB, documents of any length.
    fn default() -> Self {
        Self { picture: Some(Self::PAGE), video: Some(Self::PAGE), document: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> LocalFile {
        LocalFile::new(name, 7).unwrap()
    }

    /// `docs/protocol.md` §6.7.
    #[test]
    fn types_follow_from_the_extension() {
        for (name, media_type, mime) in [
            ("a.bmp", MediaType::Picture, "image/bmp"),
            ("a.PNG", MediaType::Picture, "image/png"),
            ("a.b.jpeg", MediaType::Picture, "image/jpeg"),
            ("报告.jpg", MediaType::Picture, "image/jpeg"),
            (".png", MediaType::Picture, "image/png"),
            ("a.gif", MediaType::Document, "image/gif"),
            ("a.mp4", MediaType::Video, "video/mp4"),
            ("a.mov", MediaType::Document, "video/quicktime"),
            ("a.pdf", MediaType::Document, "application/pdf"),
            ("a.webp", MediaType::Document, "image/webp"),
            ("README", MediaType::Document, "application/octet-stream"),
            ("a.", MediaType::Document, "application/octet-stream"),
            ("a.终稿", MediaType::Document, "application/octet-stream"),
        ] {
            let file = file(name);
            assert_eq!((file.media_type(), file.mime()), (media_type, mime), "{name}");
        }
        let document = file("a.png").as_type(MediaType::Document);
        assert_eq!((document.media_type(), document.mime()), (MediaType::Document, "image/png"));
    }

    #[test]
    fn names_with_control_characters_are_invalid() {
        for good in ["报告 & \"终稿\".pdf", "a'b;c.txt", "a\r\nb\t", &"x".repeat(9999)] {
            assert_eq!(file(good).name(), good);
        }
        for bad in ["", "a\0", "\u{1b}[2J", "a\u{7f}"] {
            assert!(LocalFile::new(bad, 7).is_err(), "{bad:?}");
        }
    }

    /// `docs/protocol.md` §6.6.
    #[test]
    fn limits_depend_on_the_type() {
        let sized = |name, size| LocalFile::new(name, size).unwrap();
        let limits = Limits::default();
        for name in ["a.png", "a.mp4"] {
            limits.check(&sized(name, 20_971_519)).unwrap();
            let refused = limits.check(&sized(name, 20_971_520));
            assert!(matches!(
                refused,
                Err(Error::TooLarge { size: 20_971_520, limit: 20_971_519 })
            ));
            Limits::none().check(&sized(name, u64::MAX)).unwrap();
        }
        limits.check(&sized("a.pdf", u64::MAX)).unwrap();
        limits.check(&sized("a.png", u64::MAX).as_type(MediaType::Document)).unwrap();
        for limits in [limits, Limits::none()] {
            assert!(matches!(limits.check(&sized("a.pdf", 0)), Err(Error::EmptyFile)));
        }
        let tight = Limits { document: Some(9), ..limits };
        tight.check(&sized("a", 9)).unwrap();
        assert!(matches!(tight.check(&sized("a", 10)), Err(Error::TooLarge { limit: 9, .. })));
    }
}
