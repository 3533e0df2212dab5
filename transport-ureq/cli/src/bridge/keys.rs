//! Sends with a key, each of which happens once, even after a restart.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use wechat_proto::ClientMsgId;
use wechat_proto::message::Receipt;

use crate::exit::Failure;
use crate::notes::{NoteFile, remember};

/// The sends with a key, stored before and after each.
#[derive(Debug)]
pub(crate) struct Keys {
    file: NoteFile,
    sends: Mutex<VecDeque<Keyed>>,
}

/// A send with a key.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Keyed {
    key: String,
    /// A retry has the same id.
    pub(crate) id: ClientMsgId,
    /// `None` while the outcome is unknown.
    pub(crate) receipt: Option<Receipt>,
}

impl Keys {
    /// Opens the keys that belong to a session, which this process holds.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if they cannot be read.
    pub(crate) fn open(session: &Path) -> Result<Self, Failure> {
        let file = NoteFile::beside(session, "keys");
        let sends = file.load([
            "a send that is repeated with its key may then be sent twice",
            "之后用同一 key 重复的发送可能会发送两次",
        ])?;
        Ok(Self { file, sends: Mutex::new(sends) })
    }

    /// Returns the send of a key, or a new one with this id.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if it cannot be stored.
    pub(crate) fn get(&self, key: &str, id: ClientMsgId) -> Result<Keyed, Failure> {
        let mut sends = self.sends.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(send) = sends.iter().find(|send| send.key == key) {
            return Ok(send.clone());
        }
        let send = Keyed { key: key.to_owned(), id, receipt: None };
        remember(&mut sends, send.clone());
        self.file.store(&*sends)?;
        Ok(send)
    }

    /// Notes that a send arrived.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`](crate::exit::Exit::LocalFile) if it cannot be stored.
    pub(crate) fn sent(&self, key: &str, receipt: &Receipt) -> Result<(), Failure> {
        let mut sends = self.sends.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(send) = sends.iter_mut().find(|send| send.key == key) {
            send.receipt = Some(receipt.clone());
        }
        self.file.store(&*sends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::REMEMBERED;

    #[test]
    fn id_and_receipt_of_a_key_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("a.session");
        let id = |text: &str| text.parse::<ClientMsgId>().unwrap();
        let keys = Keys::open(&session).unwrap();
        keys.get("a", id("15000000000000001")).unwrap();
        let keys = Keys::open(&session).unwrap();
        let again = keys.get("a", id("15000000000000002")).unwrap();
        assert_eq!((again.id, again.receipt), (id("15000000000000001"), None));
        let receipt = Receipt::of(wechat_proto::UserName::file_helper(), "7".into());
        keys.sent("a", &receipt).unwrap();
        let keys = Keys::open(&session).unwrap();
        assert_eq!(keys.get("a", id("15000000000000003")).unwrap().receipt, Some(receipt));
        // The oldest is forgotten first. Not added with `get`, which would write the file each time.
        for number in 1..REMEMBERED {
            let id = id("15000000000000004");
            let send = Keyed { key: number.to_string(), id, receipt: None };
            remember(&mut keys.sends.lock().unwrap(), send);
        }
        let first = keys.get("a", id("15000000000000005")).unwrap();
        assert_eq!(first.id, id("15000000000000001"));
        keys.get("b", id("15000000000000006")).unwrap();
        let keys = Keys::open(&session).unwrap();
        assert_eq!(keys.sends.lock().unwrap().len(), REMEMBERED);
        assert_eq!(keys.get("a", id("15000000000000007")).unwrap().receipt, None);
    }
}
