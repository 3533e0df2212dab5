//! JSON files beside a session, for state that outlives the process.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure};

/// A file beside a session. Only the holder of the session may open it.
#[derive(Clone, Debug)]
pub(crate) struct NoteFile(PathBuf);

impl NoteFile {
    /// Returns the file whose name is that of the session and an ending.
    pub(crate) fn beside(session: &Path, ending: &str) -> Self {
        Self(beside(session, ending))
    }

    /// Reads the file. Returns the default value if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if it cannot be read or is damaged. For a damaged file, the hint states the
    /// consequence of removing it: `lost`, in both languages.
    pub(crate) fn load<T: Default + DeserializeOwned>(
        &self,
        lost: [&str; 2],
    ) -> Result<T, Failure> {
        match fs::read(&self.0) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| {
                let shown = self.0.display();
                let (en, zh) = (format!("{shown} is damaged"), format!("{shown} 已损坏"));
                let [lost_en, lost_zh] = lost;
                Failure::new(Exit::LocalFile, en, zh)
                    .hint(format!("remove it; {lost_en}"), format!("请删除该文件；{lost_zh}"))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(T::default()),
            Err(error) => Err(Failure::file(&self.0, &error)),
        }
    }

    /// Replaces the file atomically, and syncs it to disk.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if it cannot be written.
    pub(crate) fn store(&self, value: &impl Serialize) -> Result<(), Failure> {
        let write = || -> io::Result<()> {
            let folder = folder_of(&self.0);
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec(value)?)?;
            file.as_file().sync_all()?;
            file.persist(&self.0)?;
            sync_folder(folder)
        };
        write().map_err(|error| Failure::file(&self.0, &error))
    }

    /// Removes the file, if that is possible.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Appends an ending to the name of a session.
pub(crate) fn beside(session: &Path, ending: &str) -> PathBuf {
    let mut name = session.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Returns the folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// The number of items of each kind that are remembered.
pub(crate) const REMEMBERED: usize = 1000;

/// Adds an item to a list. The oldest one is dropped if there are [`REMEMBERED`] already.
pub(crate) fn remember<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}

/// Syncs the entries of a folder to disk, if the system and the file system support that.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

/// Creates a folder that only its owner can enter, with its parents.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
