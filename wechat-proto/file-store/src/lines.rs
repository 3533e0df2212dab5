//! The file of a journal's lines.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use wechat_proto::Session;
use wechat_proto::store::Journal;

use crate::files::{gone, is_at, private, sync_folder};
use crate::steps::{self, Step, step};

/// The maximum length of the file in bytes, some hundreds of lines: loading them takes milliseconds,
/// and replacing the base adds a twentieth to the written bytes.
const LONGEST: usize = 256 << 10;

/// The lines that a store appended since it wrote the session.
pub(crate) struct Lines {
    journal: Journal,
    /// Created with the first line.
    file: Option<File>,
    length: usize,
}

impl Lines {
    /// Returns a journal without lines.
    pub(crate) const fn new(journal: Journal) -> Self {
        Self { journal, file: None, length: 0 }
    }

    /// Appends the changes to the file at `path`. Returns `false` if the file is too long or was
    /// changed by others. In that case, and after an error, a new journal must be started.
    pub(crate) fn append(
        &mut self,
        session: &Session,
        path: &Path,
        folder: &Path,
    ) -> io::Result<bool> {
        let lines = self.journal.append(session);
        let length = self.length as u64;
        let is_left = |file: &File| {
            is_at(file, path) && file.metadata().is_ok_and(|data| data.len() == length)
        };
        self.length += lines.len();
        if self.length > LONGEST || !self.file.as_ref().is_none_or(is_left) {
            return Ok(false);
        }
        let is_new = self.file.is_none();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(path)?),
        };
        step(Step::Write)?;
        steps::write(file, lines.as_bytes())?;
        step(Step::SyncFile)?;
        file.sync_data()?;
        if is_new {
            step(Step::SyncFolder)?;
            sync_folder(folder)?;
        }
        Ok(true)
    }
}

/// Creates the file, in place of a leftover.
fn create(path: &Path) -> io::Result<File> {
    // Another user with access to the folder could plant a link to any file.
    gone(fs::remove_file(path))?;
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    private(&mut options);
    step(Step::Create)?;
    options.open(path)
}
