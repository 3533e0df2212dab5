//! A file-based store for sessions of [`wechat_proto`].
//!
//! The blocking transport exports [`FileStore`]. The async transport exports `AsyncFileStore` under
//! the same name; the feature `tokio` adds it. Without features, it depends only on `std`.
//!
//! ```no_run
//! use wechat_file_store::FileStore;
//! use wechat_proto::store::SessionStore as _;
//!
//! # fn main() -> Result<(), wechat_proto::Error> {
//! let mut store = FileStore::open("bot.session")?;
//! match store.load()? {
//!     Some(session) => println!("{} was logged in", session.me().nick_name),
//!     None => println!("no session is stored"),
//! }
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "tokio")]
mod asynchronous;
mod steps;

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::session::Version;
use wechat_proto::store::SessionStore;
use wechat_proto::{Error, Session};

#[cfg(feature = "tokio")]
pub use crate::asynchronous::{AsyncFileStore, Blocking};
use crate::steps::{Step, step};

/// A session in a file, for one holder at a time.
///
/// - **Atomic.** A session is written to a second file, synced to disk, and then replaces the first
///   file by a rename. A crash, a full disk or a loss of power leaves the old session or the new
///   one. On Unix, the folder is synced as well before a save returns, if the file system supports
///   it; elsewhere, a loss of power soon afterwards may leave the old session.
/// - **Private.** Only the owner can read the file (mode 0600), from its first byte on; a file with
///   another mode gets this one with the next save. On Windows, the file inherits the rights of its
///   folder.
/// - **One holder.** Until the store is dropped, opening it again fails with [`Error::InUse`], in
///   this process or another. The lock belongs to the operating system, which releases it at the end
///   of the process. On Unix, the stored session is locked too: also under another name of the file
///   (a hard link), and if the lock file is removed or replaced meanwhile.
/// - **The newest copy.** A copy of the session that is older than one that this store saved before
///   ([`Session::version`]) is ignored: tasks may save their copies in any order.
///
/// A session stored at `bot.session` has an empty lock file, `bot.session.lock`, which is never
/// removed. `bot.session.new` exists while a session is written, and after a crash until the store
/// is opened again.
///
/// If the path is a symbolic link, its target is read, replaced, removed and locked, and the link
/// stays. A dangling link cannot be opened, neither on the first start nor after a session was
/// removed through it, because its target may be on a disk that is not mounted. On file systems
/// without locks (some network folders), no store can be opened.
pub struct FileStore {
    path: PathBuf,
    /// The file to which a session is written before the rename.
    new: PathBuf,
    folder: PathBuf,
    lock: File,
    /// The locked stored session, if there is one and the system can replace an open file.
    session: Option<File>,
    /// The version of the session that this store saved last.
    newest: Option<Version>,
}

/// The maximum length of a file, far above that of any session.
const LONGEST: u64 = 16 << 20;

impl FileStore {
    /// Opens the store at this path. The folder must exist. The store may be empty.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if another holder has opened it; [`Error::Storage`] if its folder does not
    /// exist or is not writable, or if the name ends with `.new` or `.lock`, which are reserved for
    /// the additional files of other sessions.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::take(path.as_ref())
    }

    fn take(given: &Path) -> Result<Self, Error> {
        let refused = |error| failed(StorageKind::Lock, given, error);
        let path = resolved(given).and_then(own_name).map_err(refused)?;
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let in_use = |error| match error {
            TryLockError::WouldBlock => Error::InUse,
            TryLockError::Error(error) => refused(error),
        };
        let lock = lock_file(&path).map_err(in_use)?;
        let session = session_file(&path).map_err(in_use)?;
        let store = Self { new: beside(&path, "new"), path, folder, lock, session, newest: None };
        // A crash may have left a file with credentials.
        store.clean().map_err(refused)?;
        Ok(store)
    }

    /// Returns the path of the session: absolute and without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        match fs::metadata(&self.path) {
            // Reading a device or a pipe may block, or never end.
            Ok(found) if !found.is_file() => return Err(io::Error::other("not a regular file")),
            Ok(found) if found.len() > LONGEST => return Ok(Some(Vec::new())),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return self.check().map(|()| None);
            }
            Err(error) => return Err(error),
        }
        let mut bytes = Vec::new();
        File::open(&self.path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Returns an error if this store no longer holds the path, because another one may hold it
    /// then.
    fn check(&self) -> io::Result<()> {
        let holds_session = self.session.as_ref().is_some_and(|file| is_at(file, &self.path));
        if holds_session || is_at(&self.lock, &beside(&self.path, "lock")) {
            return Ok(());
        }
        Err(io::Error::other("the lock file, or its folder, was removed or replaced"))
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.check()?;
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
            // On other systems, the file is closed, because an open file cannot be renamed.
            let file = Some(file).filter(|file| cfg!(unix) && file.try_lock().is_ok());
            step(Step::Rename)?;
            fs::rename(&self.new, &self.path)?;
            Ok(file)
        })();
        match result {
            Ok(file) => self.session = file,
            Err(error) => {
                // The file may contain credentials. A failure to remove it is not reported in addition.
                let _ = self.clean();
                return Err(error);
            }
        }
        step(Step::SyncFolder)?;
        sync_folder(&self.folder)
    }

    /// Removes the file of an incomplete save.
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
        let version = session.version();
        if self.newest.is_some_and(|newest| version < newest) {
            return Ok(());
        }
        let mut text = session.to_json();
        text.push('\n');
        self.write(text.as_bytes()).map_err(|error| self.failed(StorageKind::Write, error))?;
        self.newest = Some(version);
        Ok(())
    }

    fn remove(&mut self) -> Result<(), Error> {
        let mut remove = || {
            self.check()?;
            step(Step::Remove)?;
            gone(fs::remove_file(&self.path))?;
            (self.session, self.newest) = (None, None);
            step(Step::SyncFolder)?;
            sync_folder(&self.folder)
        };
        remove().map_err(|error| self.failed(StorageKind::Remove, error))
    }
}

/// Unlocks explicitly. Closing the file does not suffice: a child process that another thread is
/// starting has the lock open until it executes its program.
impl Drop for FileStore {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
        let _ = self.session.as_ref().map(File::unlock);
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

/// Resolves a path, so that two names of one file share one lock, and changes of the working
/// directory have no effect.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(path) {
        // This fails for a dangling link, whose target may be on a disk that is not mounted.
        Ok(found) if found.is_symlink() => fs::canonicalize(path),
        Ok(_) => in_folder(path),
        Err(error) if error.kind() == ErrorKind::NotFound => in_folder(path),
        Err(error) => Err(error),
    }
}

/// Resolves the folder of a path.
fn in_folder(path: &Path) -> io::Result<PathBuf> {
    let no_name = || io::Error::new(ErrorKind::InvalidInput, "the path has no file name");
    let name = path.file_name().ok_or_else(no_name)?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    Ok(fs::canonicalize(folder)?.join(name))
}

/// Refuses a path that could be the additional file of another store.
fn own_name(path: PathBuf) -> io::Result<PathBuf> {
    if path.extension().is_some_and(|ending| ending == "new" || ending == "lock") {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "names that end with .new or .lock are reserved",
        ));
    }
    Ok(path)
}

/// Appends an ending to a file name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Opens and locks the lock file of a session. It is separate from the session, whose file is replaced.
/// It is never removed, because another holder might then lock a removed file.
fn lock_file(path: &Path) -> Result<File, TryLockError> {
    let path = beside(path, "lock");
    // Another user with access to the folder could plant a link to any file.
    if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
        let error = io::Error::other("the lock is not a regular file");
        return Err(TryLockError::Error(error));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    locked(&path, &options)
}

/// Opens and locks the stored session, if there is one.
fn session_file(path: &Path) -> Result<Option<File>, TryLockError> {
    // Opening a pipe may block. On other systems, a locked file can be neither read nor replaced.
    if !cfg!(unix) || !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    match locked(path, OpenOptions::new().read(true)) {
        // A failure to open the file is reported by `load`. A file that can be read but not locked,
        // for example without write access, is used without its lock.
        Err(TryLockError::Error(_)) => Ok(None),
        result => result.map(Some),
    }
}

fn locked(path: &Path, options: &OpenOptions) -> Result<File, TryLockError> {
    let file = options.open(path).map_err(TryLockError::Error)?;
    file.try_lock()?;
    // The file was replaced by another holder before it was locked.
    if is_at(&file, path) { Ok(file) } else { Err(TryLockError::WouldBlock) }
}

/// Returns whether the path still names this file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let place = |data: io::Result<fs::Metadata>| data.ok().map(|data| (data.dev(), data.ino()));
    place(file.metadata()) == place(fs::symlink_metadata(path))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Treats a missing file as removed.
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

/// Syncs the entries of a folder to disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // The file system does not support this, but the rename has succeeded.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Does nothing: these systems cannot open folders, and their file systems keep entries in order.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
