//! Keeps a session of [`wechat_proto`] in a file.
//!
//! Both transports have it as their `FileStore`: `wechat-transport-ureq` as it is,
//! `wechat-transport-hyper` off its runtime's threads. It needs nothing but `std`.
//!
//! ```no_run
//! use wechat_file_store::FileStore;
//! use wechat_proto::store::SessionStore as _;
//!
//! # fn main() -> Result<(), wechat_proto::Error> {
//! let mut store = FileStore::open("bot.session")?;
//! match store.load()? {
//!     Some(session) => println!("{} was logged in", session.me().nick_name),
//!     None => println!("nobody was logged in"),
//! }
//! # Ok(())
//! # }
//! ```

mod steps;

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::store::SessionStore;
use wechat_proto::{Error, Session};

use crate::steps::{Step, step};

/// A session in a file, for one holder at a time.
///
/// - **Whole or as before.** A session is written beside the file, brought to the disk, and takes
///   the file's place in one step. A crash, a full disk or a loss of power leaves the old session
///   or the new one. On Unix that step is brought to the disk too, before a save is done, on file
///   systems that can do that with a folder; elsewhere a loss of power soon afterwards may leave
///   the old session.
/// - **Nobody else's.** The file can be read by its owner only (mode 0600) from its first byte on;
///   one that had another mode gets this one with the next session saved. On Windows, it has the
///   rights that its folder gives.
/// - **One holder.** As long as the store is not dropped, whoever opens it again hears
///   [`Error::InUse`], in this process or another. The lock is the system's: it ends with the
///   process, however that ends.
///
/// A session stored at `bot.session` has a lock beside it, `bot.session.lock`, which stays there
/// and is empty. `bot.session.new` is there while a session is written, and after a crash until
/// the store is opened again.
///
/// Where the path is a symbolic link, what it leads to is read, replaced, removed and locked, and
/// the link stays. One that leads nowhere cannot be opened, since that may be a disk that is not
/// mounted: not on the first start, and not after a session was removed through it. On file systems
/// without locks (some network folders) nothing can be opened.
pub struct FileStore {
    path: PathBuf,
    /// Where a session is written before it takes its place.
    new: PathBuf,
    folder: PathBuf,
    lock: File,
}

/// No session comes near this length: something else has its name.
const LONGEST: u64 = 16 << 20;

impl FileStore {
    /// Opens the store at this path: its folder has to exist, a session does not.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if another holder has it; [`Error::Storage`] if its folder does not exist
    /// or nothing can be created in it, or if the name ends with `.new` or `.lock`: it could be what
    /// another session has beside it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::take(path.as_ref())
    }

    fn take(asked: &Path) -> Result<Self, Error> {
        let refused = |error| failed(StorageKind::Lock, asked, error);
        let path = resolved(asked).and_then(own_name).map_err(refused)?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let lock = locked(&beside(&path, "lock")).map_err(|error| match error {
            TryLockError::WouldBlock => Error::InUse,
            TryLockError::Error(error) => refused(error),
        })?;
        let store = Self { new: beside(&path, "new"), path, folder, lock };
        // What a crash left, credentials in it.
        store.clean().map_err(refused)?;
        Ok(store)
    }

    /// Where the session is: the path that was opened, as an absolute one without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match fs::metadata(&self.path) {
            // A device or a pipe may have no end, or never begin.
            Ok(found) if !found.is_file() => return Err(io::Error::other("it is not a file")),
            Ok(found) if found.len() > LONGEST => return Ok(Some(Vec::new())),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let mut bytes = Vec::new();
        File::open(&self.path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn write(&self, text: &[u8]) -> io::Result<()> {
        self.clean()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        private(&mut options);
        step(Step::Create)?;
        let mut file = options.open(&self.new)?;
        let result = (|| {
            step(Step::Write)?;
            steps::write(&mut file, text)?;
            step(Step::SyncFile)?;
            file.sync_all()?;
            drop(file);
            step(Step::Rename)?;
            fs::rename(&self.new, &self.path)
        })();
        if result.is_err() {
            // It holds credentials. What fails now has failed before.
            let _ = self.clean();
            return result;
        }
        step(Step::SyncFolder)?;
        sync_folder(&self.folder)
    }

    /// Removes what was being written.
    fn clean(&self) -> io::Result<()> {
        gone(fs::remove_file(&self.new))
    }

    fn failed(&self, kind: StorageKind, error: io::Error) -> Error {
        failed(kind, &self.path, error)
    }
}

impl SessionStore for FileStore {
    fn load(&mut self) -> Result<Option<Session>, Error> {
        let bytes = self.read().map_err(|error| self.failed(StorageKind::Read, error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let damaged = || StorageFailure::new(StorageKind::Damaged);
        let session = match String::from_utf8(bytes) {
            Ok(text) => Session::from_json(&text),
            Err(_) => Err(damaged().into()),
        };
        session.map(Some).map_err(|error| match error {
            Error::Storage(failure) => failure.at(&self.path.to_string_lossy()).into(),
            other => other,
        })
    }

    fn save(&mut self, session: &Session) -> Result<(), Error> {
        let mut text = session.to_json();
        text.push('\n');
        self.write(text.as_bytes()).map_err(|error| self.failed(StorageKind::Write, error))
    }

    fn remove(&mut self) -> Result<(), Error> {
        let remove = || {
            step(Step::Remove)?;
            gone(fs::remove_file(&self.path))?;
            step(Step::SyncFolder)?;
            sync_folder(&self.folder)
        };
        remove().map_err(|error| self.failed(StorageKind::Remove, error))
    }
}

/// Closing would not do: a process that is just being started by another thread has the lock open,
/// until it becomes another program.
impl Drop for FileStore {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("path", &self.path).finish_non_exhaustive()
    }
}

fn failed(kind: StorageKind, path: &Path, error: io::Error) -> Error {
    StorageFailure::new(kind).at(&path.to_string_lossy()).because(error).into()
}

/// The file itself: two names of one file have one lock, and a change of the working directory
/// changes nothing.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(path) {
        // One that leads nowhere fails here: what it was to lead to may be a disk that is not
        // mounted.
        Ok(found) if found.is_symlink() => fs::canonicalize(path),
        Ok(_) => in_folder(path),
        Err(error) if error.kind() == ErrorKind::NotFound => in_folder(path),
        Err(error) => Err(error),
    }
}

/// The path with its folder resolved.
fn in_folder(path: &Path) -> io::Result<PathBuf> {
    let no_name = || io::Error::new(ErrorKind::InvalidInput, "it names no file");
    let name = path.file_name().ok_or_else(no_name)?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    Ok(fs::canonicalize(folder)?.join(name))
}

/// The path, unless it could be what another store has beside its session.
fn own_name(path: PathBuf) -> io::Result<PathBuf> {
    if path.extension().is_some_and(|ending| ending == "new" || ending == "lock") {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "names that end with .new or .lock are those of other files",
        ));
    }
    Ok(path)
}

/// The file's name with another ending behind it.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// The lock, taken. It is another file than the session, which is replaced, and it stays when the
/// store is done: whoever opened it in the meantime would hold a lock on nothing.
fn locked(path: &Path) -> Result<File, TryLockError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    // A link, made by whoever else may write here, would have any file opened.
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let odd = io::Error::other("its lock is not a file");
        return Err(TryLockError::Error(odd));
    }
    let file = options.open(path).map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}

/// Nothing to remove is as good as removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

/// Brings what happened to the names of a folder to the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // The file system cannot: the session is in its place all the same.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Where a folder cannot be opened, its file system keeps names in order by itself.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
