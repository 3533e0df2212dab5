//! Files that clients send and save.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::media::{FileName, LocalFile};
use wechat_proto::{Error, Timestamp};

use crate::place::at_place;

/// A file to send: its path, the name that the receiver sees, and whether it is always sent as a
/// file. Paths convert to it.
///
/// ```
/// use wechat_transport::OutgoingFile;
///
/// let original = OutgoingFile::new("photo.jpg").as_document().named("Photo 1.jpg");
/// # let _ = original;
/// ```
#[derive(Clone, Debug)]
#[must_use = "an attachment does nothing until it is sent"]
pub struct OutgoingFile {
    path: PathBuf,
    name: Option<String>,
    is_document: bool,
}

impl OutgoingFile {
    /// Returns the file at this path. Its content determines whether it is sent as a picture, a
    /// video, an emoticon (a GIF) or a file ([`LocalFile::with_content`]).
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), name: None, is_document: false }
    }

    /// Declares the file a document, so that the receiver gets the original.
    pub fn as_document(mut self) -> Self {
        self.is_document = true;
        self
    }

    /// Sets the name that the receiver sees; the default is that of the file.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Opens the file, and returns it with its description. Used by clients.
    ///
    /// # Errors
    ///
    /// - [`Error::Source`] if it cannot be opened or read, or is not a regular file.
    /// - [`Error::Invalid`] if the protocol cannot represent its name.
    pub fn open(&self) -> Result<(File, LocalFile), Error> {
        let failed = |error| failure(FailureKind::Source, &self.path, error);
        let (file, data, start) =
            self.read().map_err(|error| Error::Source(Some(failed(error))))?;
        let own = self.path.file_name().unwrap_or_default().to_string_lossy();
        let mut local = LocalFile::new(self.name.as_deref().unwrap_or(&own), data.len())?;
        if let Some(since) =
            data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        {
            local = local.modified(Timestamp::default().after(since));
        }
        let local = if self.is_document { local.as_document() } else { local.with_content(&start) };
        Ok((file, local))
    }

    fn read(&self) -> io::Result<(File, fs::Metadata, Vec<u8>)> {
        // Opening a pipe would block.
        if !fs::metadata(&self.path)?.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
        }
        let mut file = File::open(&self.path)?;
        let data = file.metadata()?;
        let mut start = Vec::new();
        (&mut file).take(64).read_to_end(&mut start)?;
        file.rewind()?;
        Ok((file, data, start))
    }
}

impl<P: Into<PathBuf>> From<P> for OutgoingFile {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}

/// A new file in a folder, which is removed on drop unless it is [kept](NewFile::keep). Used by
/// clients.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    is_kept: bool,
}

/// The highest number of a name that is tried.
const NAMES: u32 = 10_000;

impl NewFile {
    /// Creates a file of this name. If it exists, adds the first free number: `a (1).txt`.
    ///
    /// # Errors
    ///
    /// [`Error::Sink`] if no file can be created.
    pub fn create(folder: &Path, name: &FileName) -> Result<(Self, File), Error> {
        let mut number = 0;
        loop {
            let path = folder.join(name.numbered(number).as_str());
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Self { path, is_kept: false }, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < NAMES => {
                    number += 1;
                }
                Err(error) => return Err(Error::Sink(failure(FailureKind::Sink, &path, error))),
            }
        }
    }

    /// Keeps the file, and returns its path.
    pub fn keep(mut self) -> PathBuf {
        self.is_kept = true;
        std::mem::take(&mut self.path)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // A partial file is useless.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns the failure of a file, with a source that names it.
fn failure(kind: FailureKind, path: &Path, error: io::Error) -> Failure {
    // The path is escaped, because it may contain any characters.
    Failure::new(kind, Sent::No).because(at_place(format_args!("{path:?}"), error))
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io::Write as _;

    use wechat_proto::error::Chain;

    use super::*;

    #[test]
    fn new_files_replace_no_file_and_are_removed_if_incomplete() {
        let folder = std::env::temp_dir().join(format!("wechat-new-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let name = FileName::from("a.txt");
        let (first, mut file) = NewFile::create(&folder, &name).unwrap();
        file.write_all(b"first").unwrap();
        assert_eq!(first.keep(), folder.join("a.txt"));
        let (second, _) = NewFile::create(&folder, &name).unwrap();
        let (third, _) = NewFile::create(&folder, &name).unwrap();
        drop(second);
        assert_eq!(third.keep(), folder.join("a (2).txt"));
        let (again, _) = NewFile::create(&folder, &name).unwrap();
        assert_eq!(again.keep(), folder.join("a (1).txt"));
        assert_eq!(fs::read(folder.join("a.txt")).unwrap(), b"first");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn failure_names_the_file() {
        let folder = std::env::temp_dir().join("wechat-missing");
        let created = NewFile::create(&folder, &FileName::from("a.txt")).unwrap_err();
        assert!(matches!(created, Error::Sink(_)));
        let opened = OutgoingFile::new(folder.join("a.txt")).open().unwrap_err();
        assert!(matches!(opened, Error::Source(Some(_))));
        let folder = std::env::temp_dir();
        let no_file = OutgoingFile::new(&folder).open().unwrap_err();
        let (path, missing) = (folder.join("wechat-missing/a.txt"), ErrorKind::NotFound);
        let (read, written) = ("the source could not be read", "the download could not be written");
        for (error, start, path, kind) in [
            (created, written, &path, missing),
            (opened, read, &path, missing),
            (no_file, read, &folder, ErrorKind::InvalidInput),
        ] {
            let text = Chain(&error).to_string();
            assert!(text.starts_with(&format!("{start}: {path:?}: ")), "{text}");
            let (Error::Sink(failure) | Error::Source(Some(failure))) = error else { panic!() };
            let source = failure.source().unwrap().downcast_ref::<io::Error>().unwrap();
            assert_eq!(source.kind(), kind);
        }
    }
}
