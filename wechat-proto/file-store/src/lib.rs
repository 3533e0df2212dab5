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
mod files;
mod lines;
mod steps;

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::session::Version;
use wechat_proto::store::{Journal, SessionStore};
use wechat_proto::{Error, Session};

#[cfg(feature = "tokio")]
pub use crate::asynchronous::{AsyncFileStore, Blocking};
use crate::files::{
    beside, contents, gone, is_at, is_missing, lock_file, own_name, private, resolved,
    session_file, sync_folder,
};
use crate::lines::Lines;
use crate::steps::{Step, step};

/// A session in a file, for one holder at a time.
///
/// - **Atomic.** The first save writes the session to a second file, syncs it to disk, and then
///   replaces the first file by a rename. Later saves append the changes to a
///   [journal](wechat_proto::store::Journal), `bot.session.journal`: one write of a few hundred
///   bytes and one sync. When the journal exceeds 256 KiB, and after a failure, the session is
///   written as a whole again. A crash, a full disk or a loss of power leaves the old session or
///   the new one. On Unix, the folder is synced as well before a save returns, if the file system
///   supports it; elsewhere, a loss of power soon afterwards may leave the old session.
/// - **Private.** Only the owner can read the file (mode 0600), from its first byte on. If an
///   existing file has another mode, the next save that writes the session as a whole sets this
///   one. On Windows, the file inherits the rights of its folder.
/// - **One holder.** Until the store is dropped, opening it again fails with [`Error::InUse`], in
///   this process or another. The lock belongs to the operating system, which releases it at the
///   end of the process. On Unix, the session file itself is locked too, so that the lock holds
///   even under another name of the file (a hard link), and if the lock file is removed or replaced
///   meanwhile.
/// - **The newest copy.** Saving a copy of the session that is older than the last saved one
///   ([`Session::version`]) has no effect: tasks may save their copies in any order.
///
/// A session stored at `bot.session` has an empty lock file, `bot.session.lock`, which is never
/// removed. `bot.session.new` exists while a session is written, and after a crash until the store
/// is opened again. The session is in both `bot.session` and `bot.session.journal`: to copy or move
/// it, close the store and take both. `bot.session` alone is an earlier state, from which messages
/// may be delivered again. If the journal is damaged, [`load`](SessionStore::load) fails; without
/// the journal, it returns that earlier state.
///
/// If the path is a symbolic link, its target is read, replaced, removed and locked, and the link
/// stays. A dangling link cannot be opened, whether on the first start or after a session was
/// removed through it, because its target may be on a disk that is not mounted. On file systems
/// without locks (some network folders), no store can be opened.
pub struct FileStore {
    path: PathBuf,
    /// The file to which a session is written before the rename.
    new: PathBuf,
    /// The file of the journal's lines.
    journal: PathBuf,
    folder: PathBuf,
    lock: File,
    /// The locked stored session, if there is one and the system can replace an open file.
    session: Option<File>,
    /// The journal of the stored session, if this store wrote the session and all lines since.
    lines: Option<Lines>,
    /// The version of the session that this store saved last.
    newest: Option<Version>,
}

impl FileStore {
    /// Opens the store at this path. The folder must exist. The store may be empty.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if another holder has opened it; [`Error::Storage`] if its folder does not
    /// exist or is not writable, or if the name ends with `.new`, `.lock` or `.journal`, which are
    /// reserved for the additional files of other sessions.
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
        let [new, journal] = ["new", "journal"].map(|ending| beside(&path, ending));
        let (lines, newest) = (None, None);
        let store = Self { path, new, journal, folder, lock, session, lines, newest };
        // A crash may have left files with credentials.
        store.clean().map_err(refused)?;
        if is_missing(&store.path) {
            gone(fs::remove_file(&store.journal)).map_err(refused)?;
        }
        Ok(store)
    }

    /// Returns the path of the session: absolute and without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the stored session and the lines of its journal.
    fn read(&self) -> io::Result<Option<[Vec<u8>; 2]>> {
        let Some(session) = contents(&self.path)? else { return self.check().map(|()| None) };
        let lines = contents(&self.journal).map_err(in_journal)?.unwrap_or_default();
        Ok(Some([session, lines]))
    }

    /// Returns an error if this store no longer holds the path, because another one may hold it
    /// now.
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
        sync_folder(&self.folder)?;
        // Only now, because the previous session needs its journal.
        step(Step::RemoveJournal)?;
        if is_missing(&self.journal) {
            return Ok(());
        }
        fs::remove_file(&self.journal)?;
        step(Step::SyncRemoval)?;
        sync_folder(&self.folder)
    }

    /// Appends the changes. Returns `false` if the session must be written as a whole.
    fn append(&mut self, session: &Session) -> io::Result<bool> {
        // After a failure, it is unknown which lines are stored.
        let Some(mut lines) = self.lines.take() else { return Ok(false) };
        let is_base = match &self.session {
            Some(file) => is_at(file, &self.path),
            None => self.path.is_file(),
        };
        self.check()?;
        let mut append = || lines.append(session, &self.journal, &self.folder).map_err(in_journal);
        if is_base && append()? {
            self.lines = Some(lines);
        }
        Ok(self.lines.is_some())
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
        // The files may have been changed by others.
        self.lines = None;
        let found = self.read().map_err(|error| self.failed(StorageKind::Read, error))?;
        let Some([bytes, lines]) = found else { return Ok(None) };
        let damaged = || StorageFailure::new(StorageKind::Damaged);
        let session = match String::from_utf8(bytes) {
            Ok(text) => Journal::read(&text, &lines),
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
        let mut save = || {
            if !self.append(session)? {
                let (journal, mut base) = Journal::new(session);
                base.push('\n');
                self.write(base.as_bytes())?;
                self.lines = Some(Lines::new(journal));
            }
            Ok(())
        };
        save().map_err(|error| self.failed(StorageKind::Write, error))?;
        self.newest = Some(version);
        Ok(())
    }

    fn remove(&mut self) -> Result<(), Error> {
        let mut remove = || {
            self.check()?;
            step(Step::Remove)?;
            gone(fs::remove_file(&self.path))?;
            (self.session, self.lines, self.newest) = (None, None, None);
            step(Step::RemoveJournal)?;
            gone(fs::remove_file(&self.journal))?;
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

/// Returns an error that names the journal, which is beside the session.
fn in_journal(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the journal: {error}"))
}

fn failed(kind: StorageKind, path: &Path, error: io::Error) -> Error {
    StorageFailure::new(kind).at(&path.to_string_lossy()).because(error).into()
}

#[cfg(test)]
mod tests;
