//! A local file, as it is described to the service: `docs/protocol.md` §6.7.

use alloc::boxed::Box;

use crate::error::Invalid;
use crate::media::MediaType;
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
    /// Whether it is always sent as a file.
    pub(super) is_plain: bool,
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
                what: "a file name",
                expected: "one character or more, and no control characters",
            });
        }
        Ok(Self { name: name.into(), size, modified: None, media_type: None, is_plain: false })
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

    /// Declares the file a document, so that the receiver gets the original. It is then never sent
    /// as a picture, a video or (a GIF) an emoticon.
    #[must_use]
    pub const fn as_document(mut self) -> Self {
        (self.media_type, self.is_plain) = (Some(MediaType::Document), true);
        self
    }

    /// Determines the type by the first bytes of the file, at least 16 of them, instead of its
    /// extension: BMP, PNG, JPEG, MP4 and GIF are sent as such, and an extension is appended if the
    /// name has another. All other files are sent as documents. No effect after
    /// [`as_type`](LocalFile::as_type) or [`as_document`](LocalFile::as_document).
    ///
    /// ```
    /// use wechat_proto::media::{LocalFile, MediaType};
    ///
    /// let picture = LocalFile::new("scan", 90_000)?.with_content(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    /// assert_eq!((picture.name(), picture.media_type()), ("scan.png", MediaType::Picture));
    /// # Ok::<(), wechat_proto::error::Invalid>(())
    /// ```
    #[must_use]
    pub fn with_content(mut self, start: &[u8]) -> Self {
        if self.media_type.is_some() {
            return self;
        }
        let Some(content) = content_extension(start, self.size) else {
            let is_media = class(extension(&self.name)) != (MediaType::Document, false);
            return if is_media { self.as_document() } else { self };
        };
        if class(extension(&self.name)) != class(content) {
            self.name = [&*self.name, ".", content].concat().into();
        }
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

/// Returns the type for an extension, and whether a file with it is sent as an emoticon.
fn class(extension: &str) -> (MediaType, bool) {
    (MediaType::of_extension(extension), extension.eq_ignore_ascii_case("gif"))
}

/// Returns the extension for the first bytes of a file of `size` bytes that is not a document.
fn content_extension(start: &[u8], size: u64) -> Option<&'static str> {
    // These formats have the structure of MP4: pictures, audio, QuickTime and 3GP.
    const OTHERS: [&[u8]; 8] = [b"hei", b"hev", b"mif", b"msf", b"avi", b"M4A", b"qt ", b"3gp"];
    let at = |from: usize, to: usize| start.get(from..to).unwrap_or_default();
    if start.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("png")
    } else if start.starts_with(b"\xff\xd8\xff") {
        Some("jpg")
    } else if start.starts_with(b"GIF87a") || start.starts_with(b"GIF89a") {
        Some("gif")
    } else if start.starts_with(b"BM") && at(2, 6) == u32::try_from(size).ok()?.to_le_bytes() {
        Some("bmp")
    } else if at(4, 8) == b"ftyp" && at(8, 11).len() == 3 && !OTHERS.contains(&at(8, 11)) {
        Some("mp4")
    } else {
        None
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
    /// The limit of the official page, which refuses videos of 20 MB and more. It declares the same
    /// limit for pictures: `docs/protocol.md` §6.6.
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
    fn content_takes_precedence_over_the_extension() {
        const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
        const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0";
        use MediaType::{Document, Picture, Video};
        for (name, start, sent_as, media_type, is_plain) in [
            ("a.png", PNG, "a.png", Picture, false),
            ("a.JPG", PNG, "a.JPG", Picture, false),
            ("photo", JPEG, "photo.jpg", Picture, false),
            ("a.txt", PNG, "a.txt.png", Picture, false),
            ("a.bmp", b"BM\x07\0\0\0", "a.bmp", Picture, false),
            ("a", b"BM\x08\0\0\0", "a", Document, false),
            ("a.mp4", MP4, "a.mp4", Video, false),
            ("clip", MP4, "clip.mp4", Video, false),
            ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0", "a.heic", Document, false),
            ("a.mov", b"\0\0\0\x14ftypqt  \0\0\0\0", "a.mov", Document, false),
            ("wave", b"GIF89a\x01\0", "wave.gif", Document, false),
            ("a.jpg", b"<html>", "a.jpg", Document, true),
            ("a.gif", b"%PDF-1.7", "a.gif", Document, true),
            ("a.mp4", b"", "a.mp4", Document, true),
            ("a.pdf", b"%PDF-1.7", "a.pdf", Document, false),
        ] {
            let file = file(name).with_content(start);
            let found = (file.name(), file.media_type(), file.is_plain);
            assert_eq!(found, (sent_as, media_type, is_plain), "{name}");
        }
        let document = file("a.png").as_document().with_content(PNG);
        assert_eq!((document.media_type(), document.is_plain), (Document, true));
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
            let refused = limits.check(&sized(name, 20_971_520)).unwrap_err();
            assert!(matches!(refused, Error::TooLarge { size: 20_971_520, limit: 20_971_519 }));
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
