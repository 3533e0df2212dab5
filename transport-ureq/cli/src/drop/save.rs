//! Files of messages, saved in a folder exactly once.
//!
//! ```text
//! note temporary name ─► download ─► fsync ─► note name ─► rename ─► fsync folder ─► (acknowledge) ─► forget
//! ```
//!
//! After a kill before the second note, the temporary file is removed, and the message arrives again.
//! After a later kill, the rename is completed, and the message is recognised when it arrives again.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use serde_json::json;
use tempfile::TempPath;
use wechat_proto::media::{FileName, GetMedia};
use wechat_proto::{Error, Message};
use wechat_transport_ureq::Client;

use super::download;
use super::ledger::{Entry, Ledger};
use super::steps::step;
use crate::exit::Failure;
use crate::notes::sync_folder;
use crate::output::Output;
use crate::upload;
use crate::visible::visible;

/// A saver of files in a folder.
#[derive(Debug)]
pub(crate) struct Saver {
    pub(crate) ledger: Ledger,
    /// Absolute and without links.
    folder: PathBuf,
    /// The maximum size of a file, in bytes.
    limit: u64,
}

/// A file that was saved.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) path: PathBuf,
    pub(crate) size: u64,
}

impl Saved {
    /// Prints the name of the file.
    pub(crate) fn report(&self, msg_id: &str, output: &Output) -> Result<(), Failure> {
        let path = self.path.to_string_lossy();
        let fields = json!({ "msg_id": msg_id, "path": path, "size": self.size });
        output.result("saved", &fields, |lang| {
            let name = visible(&self.path.file_name().unwrap_or_default().to_string_lossy());
            let size = upload::size(self.size);
            lang.pick(format!("Saved {name} ({size})."), format!("已保存 {name}（{size}）。"))
        })
    }
}

/// The reason why a file was not saved.
#[derive(Debug)]
pub(crate) enum NotSaved {
    /// The download failed.
    Download(Error),
    /// The local file system failed.
    Local(Failure),
}

impl From<Failure> for NotSaved {
    fn from(failure: Failure) -> Self {
        Self::Local(failure)
    }
}

/// Creates a folder unless it exists, checks that files can be created in it, and returns its absolute
/// path.
///
/// # Errors
///
/// [`Exit::LocalFile`](crate::exit::Exit::LocalFile), with the path, if its parent does not exist, or if
/// it is not a writable folder.
pub(crate) fn folder(path: &Path) -> Result<PathBuf, Failure> {
    let failure = |error| Failure::file(path, &error);
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(failure(error).hint("create its parent folder first", "请先创建上级文件夹"));
        }
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failure(error)),
        _ => {}
    }
    let path = fs::canonicalize(path).map_err(failure)?;
    tempfile::tempfile_in(&path).map_err(failure)?;
    Ok(path)
}

impl Saver {
    /// Returns a saver for a folder. Completes or removes the files of a killed process.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if the folder or the notes fail.
    pub(crate) fn new(ledger: Ledger, folder: PathBuf, limit: u64) -> Result<Self, Failure> {
        let mut saver = Self { ledger, folder, limit };
        for entry in saver.ledger.files() {
            saver.recover(entry)?;
        }
        Ok(saver)
    }

    /// Completes or undoes the rename of a killed process.
    fn recover(&mut self, entry: Entry) -> Result<(), Failure> {
        let temporary = entry.folder.join(&entry.temporary);
        let failure = |error| Failure::file(&temporary, &error);
        let Some(name) = &entry.name else {
            gone(fs::remove_file(&temporary)).map_err(failure)?;
            return self.ledger.forget(&entry.id);
        };
        if fs::symlink_metadata(&temporary).is_err() {
            return Ok(());
        }
        if is_same(&temporary, &entry.folder.join(name)) {
            return fs::remove_file(&temporary).map_err(failure);
        }
        let name = FileName::from(&**name);
        let whole = TempPath::try_from_path(&temporary).map_err(failure)?;
        self.place(entry.clone(), whole, &name).map(drop)
    }

    /// Saves the media of a message. The caller then acknowledges the message, and
    /// [removes](Ledger::forget) its note.
    ///
    /// # Errors
    ///
    /// [`NotSaved::Download`] if the download fails, [`NotSaved::Local`] if the local file system
    /// fails. The incomplete file is removed.
    pub(crate) fn save(
        &mut self,
        client: &Client,
        message: &Message,
        media: &GetMedia,
        bar: &ProgressBar,
    ) -> Result<Saved, NotSaved> {
        let id = message.id.to_string();
        if let Some(Entry { folder, name: Some(name), .. }) = self.ledger.find(&id) {
            let path = folder.join(name);
            let size = fs::metadata(&path).map_or(0, |data| data.len());
            return Ok(Saved { path, size });
        }
        let temporary = temporary(&id);
        let path = self.folder.join(&temporary);
        let failure = |error| Failure::file(&path, &error);
        let entry = Entry { id: id.clone(), folder: self.folder.clone(), temporary, name: None };
        step();
        self.ledger.note(entry.clone())?;
        step();
        gone(fs::remove_file(&path)).map_err(failure)?;
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).open(&path).map_err(failure)?;
        // Removes the file after a failure.
        let whole = TempPath::try_from_path(&path).map_err(failure)?;
        let (head, size) = match download::fetch(client, media, &mut file, self.limit, bar) {
            Ok(fetched) => fetched,
            Err(error) => {
                drop(whole);
                self.ledger.forget(&id)?;
                return Err(match error {
                    // The usual cause is a full disk.
                    Error::Sink(cause) => Failure::of_file(&self.folder, &cause)
                        .hint(
                            "the file was not acknowledged: the next start fetches it again",
                            "该文件未被确认，下次启动时会重新获取",
                        )
                        .into(),
                    error => NotSaved::Download(error),
                });
            }
        };
        step();
        file.sync_all().map_err(failure)?;
        drop(file);
        let path = self.place(entry, whole, &FileName::of_media(message, &head))?;
        Ok(Saved { path, size })
    }

    /// Renames a complete temporary file to its name, or to the first numbered one that is free.
    fn place(
        &mut self,
        entry: Entry,
        mut whole: TempPath,
        name: &FileName,
    ) -> Result<PathBuf, Failure> {
        let folder = entry.folder.clone();
        for number in 0.. {
            let name = name.numbered(number);
            let path = folder.join(name.as_str());
            if fs::symlink_metadata(&path).is_ok() {
                continue;
            }
            step();
            let name = Some(name.as_str().to_owned());
            self.ledger.note(Entry { name, ..entry.clone() })?;
            step();
            match whole.persist_noclobber(&path) {
                Ok(()) => {
                    step();
                    sync_folder(&folder).map_err(|error| Failure::file(&folder, &error))?;
                    step();
                    return Ok(path);
                }
                Err(error) if error.error.kind() == ErrorKind::AlreadyExists => whole = error.path,
                Err(error) => {
                    let failure = Failure::file(&path, &error.error);
                    drop(error.path);
                    self.ledger.forget(&entry.id)?;
                    return Err(failure);
                }
            }
        }
        unreachable!("the loop has no end of its own")
    }
}

/// Returns the name of the temporary file for a message.
fn temporary(id: &str) -> String {
    // The id comes from the service: `FileName` makes any text a single component.
    let name = FileName::from(&*format!("wechat-{}-{id}.part", std::process::id()));
    format!(".{}", cut(name.as_str(), 200))
}

/// Returns the start of a text, of at most this number of bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// Returns whether both names refer to one file. A rename without replacing is two steps on some file
/// systems: a link, and the removal of the old name.
#[cfg(unix)]
fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let place = |path| fs::symlink_metadata(path).map(|data| (data.dev(), data.ino())).ok();
    place(one).is_some() && place(one) == place(other)
}

#[cfg(not(unix))]
fn is_same(_: &Path, _: &Path) -> bool {
    false
}

/// Treats a missing file as removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_hidden_and_one_component() {
        assert_eq!(temporary("7182"), format!(".wechat-{}-7182.part", std::process::id()));
        for id in ["", "../../x", &"9".repeat(1000), "长".repeat(300).as_str()] {
            let name = temporary(id);
            assert!(name.starts_with(".wechat-") && name.len() <= 201, "{name}");
            assert_eq!(Path::new(&name).components().count(), 1, "{name}");
        }
    }
}
