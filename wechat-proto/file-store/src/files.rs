//! Paths, locks and other operations on files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// The suffixes of additional files.
const OWN: [&str; 3] = ["new", "lock", "journal"];
/// The maximum length of a file, far above that of any session.
pub(crate) const LONGEST: u64 = 16 << 20;

/// Resolves a path, so that two names of one file share one lock, and changes of the working
/// directory have no effect.
pub(crate) fn resolved(path: &Path) -> io::Result<PathBuf> {
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
pub(crate) fn own_name(path: PathBuf) -> io::Result<PathBuf> {
    if path.extension().is_some_and(|ending| OWN.iter().any(|own| ending == *own)) {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "names that end with .new, .lock or .journal are reserved",
        ));
    }
    Ok(path)
}

/// Appends a suffix to a file name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Opens and locks the lock file of a session. It is separate from the session, whose file is replaced.
/// It is never removed, because another holder might then lock a removed file.
pub(crate) fn lock_file(path: &Path) -> Result<File, TryLockError> {
    let path = beside(path, "lock");
    // Another user with access to the folder could plant a link to any file.
    if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
        let error = io::Error::other("the lock file is not a regular file");
        return Err(TryLockError::Error(error));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    locked(&path, &options)
}

/// Opens and locks the stored session, if there is one.
pub(crate) fn session_file(path: &Path) -> Result<Option<File>, TryLockError> {
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
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let place = |data: io::Result<fs::Metadata>| data.ok().map(|data| (data.dev(), data.ino()));
    place(file.metadata()) == place(fs::symlink_metadata(path))
}

#[cfg(not(unix))]
pub(crate) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Reads a file. Returns `None` if there is none, and invalid content if it exceeds the limit.
pub(crate) fn contents(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        // Reading a device or a pipe may block, or never end.
        Ok(found) if !found.is_file() => return Err(io::Error::other("not a regular file")),
        Ok(found) if found.len() > LONGEST => return Ok(Some(b"\n".into())),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

pub(crate) fn is_missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Treats a missing file as removed.
pub(crate) fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600);
}

#[cfg(not(unix))]
pub(crate) fn private(_: &mut OpenOptions) {}

/// Syncs the entries of a folder to disk.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
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
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
