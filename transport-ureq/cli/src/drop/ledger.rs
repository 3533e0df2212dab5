//! What outlasts the process beside the session: the files that are being saved, and the messages
//! that were sent, whose echoes are not files of the phone.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure};

/// The notes of a session, stored at each change: after a kill, they are those before or after it.
/// Only the holder of the session may open them.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// `None` keeps the notes in memory only.
    path: Option<PathBuf>,
    notes: Notes,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Notes {
    files: VecDeque<Entry>,
    /// The ids of sent messages.
    sent: VecDeque<String>,
}

/// A file that is being saved, or was saved and not acknowledged.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Entry {
    /// The `MsgId` of its message.
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
    /// The name of the temporary file.
    pub(crate) temporary: String,
    /// The name of the file, from the moment at which the temporary one is whole.
    pub(crate) name: Option<String>,
}

/// The number of files and of sent messages that are remembered.
const REMEMBERED: usize = 1000;

impl Ledger {
    /// Opens the notes that belong to a session.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if they cannot be read.
    pub(crate) fn open(session: &Path) -> Result<Self, Failure> {
        let mut name = session.to_path_buf().into_os_string();
        name.push(".drop");
        let path = PathBuf::from(name);
        let notes = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|_| {
                let shown = path.display();
                Failure::new(
                    Exit::LocalFile,
                    format!("{shown} is damaged"),
                    format!("{shown} 已损坏"),
                )
                .hint(
                    "remove it; a file may then be saved twice",
                    "请删除该文件；之后个别文件可能会保存两次",
                )
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => Notes::default(),
            Err(error) => return Err(Failure::file(&path, &error)),
        };
        Ok(Self { path: Some(path), notes })
    }

    /// Returns notes that end with the process, for a command whose files nothing else saves.
    pub(crate) fn in_memory() -> Self {
        Self { path: None, notes: Notes::default() }
    }

    /// Returns the files.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Entry> {
        self.notes.files.iter()
    }

    /// Returns the file of a message.
    pub(crate) fn find(&self, id: &str) -> Option<&Entry> {
        self.files().find(|entry| entry.id == id)
    }

    /// Notes a file in place of an earlier note of the same message.
    pub(crate) fn note(&mut self, entry: Entry) -> Result<(), Failure> {
        self.notes.files.retain(|known| known.id != entry.id);
        push(&mut self.notes.files, entry);
        self.store()
    }

    /// Removes the note of a file.
    pub(crate) fn forget(&mut self, id: &str) -> Result<(), Failure> {
        self.notes.files.retain(|known| known.id != id);
        self.store()
    }

    /// Notes a message that was sent to the phone.
    pub(crate) fn note_sent(&mut self, id: &str) -> Result<(), Failure> {
        push(&mut self.notes.sent, id.to_owned());
        self.store()
    }

    /// Returns whether a message was sent from here.
    pub(crate) fn is_sent(&self, id: &str) -> bool {
        self.notes.sent.iter().any(|sent| sent == id)
    }

    fn store(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        let write = || -> io::Result<()> {
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let folder = folder.unwrap_or(Path::new("."));
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(&serde_json::to_vec(&self.notes)?)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            sync_folder(folder)
        };
        write().map_err(|error| Failure::file(path, &error))
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}

/// Syncs the entries of a folder to disk, where the system and the file system can.
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
