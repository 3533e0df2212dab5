//! Notes that outlive the process: the files that are being saved, and the sent messages, whose echoes
//! must not be saved like files from the phone.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::notes::{NoteFile, remember};

/// The notes of a session, replaced atomically on disk at each change. Only the holder of the session
/// may open them. Clones share the notes.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    file: NoteFile,
    notes: Arc<Mutex<Notes>>,
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
    /// The name of the file; `None` until the temporary file is complete.
    pub(crate) name: Option<String>,
}

impl Ledger {
    /// Opens the notes that belong to a session.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if they cannot be read.
    pub(crate) fn open(session: &Path) -> Result<Self, Failure> {
        let file = NoteFile::beside(session, "drop");
        let notes: Notes =
            file.load(["a file may then be saved twice", "之后个别文件可能会保存两次"])?;
        Ok(Self { file, notes: Arc::new(Mutex::new(notes)) })
    }

    /// Returns the files.
    pub(crate) fn files(&self) -> Vec<Entry> {
        self.notes().files.iter().cloned().collect()
    }

    /// Returns the file of a message.
    pub(crate) fn find(&self, id: &str) -> Option<Entry> {
        self.notes().files.iter().find(|entry| entry.id == id).cloned()
    }

    /// Notes a file in place of an earlier note of the same message.
    pub(crate) fn note(&self, entry: Entry) -> Result<(), Failure> {
        self.change(|notes| {
            notes.files.retain(|known| known.id != entry.id);
            remember(&mut notes.files, entry);
        })
    }

    /// Removes the note of a file.
    pub(crate) fn forget(&self, id: &str) -> Result<(), Failure> {
        self.change(|notes| notes.files.retain(|known| known.id != id))
    }

    /// Notes a message that was sent to the phone.
    pub(crate) fn note_sent(&self, id: &str) -> Result<(), Failure> {
        self.change(|notes| remember(&mut notes.sent, id.to_owned()))
    }

    /// Returns whether a message was sent from here.
    pub(crate) fn is_sent(&self, id: &str) -> bool {
        self.notes().sent.iter().any(|sent| sent == id)
    }

    fn change(&self, change: impl FnOnce(&mut Notes)) -> Result<(), Failure> {
        let mut notes = self.notes();
        change(&mut notes);
        self.file.store(&*notes)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
