//! Sends of the bridge, at most one for each key.

use std::path::Path;
use std::sync::PoisonError;

use serde_json::{Value, json};
use wechat_proto::message::{EmoticonMd5, Receipt, SendEmoticon, SendUpload};
use wechat_proto::{ClientMsgId, Endpoint, Error, Session, UserName};
use wechat_transport_ureq::OutgoingFile;

use super::operation::Emoticon;
use super::runner::Runner;
use crate::drop::ledger::Ledger;
use crate::exit::{Exit, Failure};
use crate::upload;

impl Runner {
    pub(super) fn send_file(
        &self,
        to: &str,
        path: &Path,
        outgoing: OutgoingFile,
        key: Option<&str>,
    ) -> Result<Value, Failure> {
        // Local errors are reported before anything is sent.
        let file = upload::open(path, &outgoing)?;
        let to = self.resolve(to)?;
        let upload = || upload::upload(&self.client, to, file, self.output.as_ref());
        self.send(key, upload, SendUpload::with_id)
    }

    pub(super) fn send_emoticon(&self, emoticon: &Emoticon) -> Result<Value, Failure> {
        match (&emoticon.path, &emoticon.md5) {
            (Some(path), None) => {
                self.send_file(&emoticon.to, path, OutgoingFile::new(path), emoticon.key.as_deref())
            }
            (None, Some(md5)) => {
                let md5: EmoticonMd5 = md5.parse().map_err(Error::from)?;
                let to = self.resolve(&emoticon.to)?;
                let known = || Ok(SendEmoticon::known(to, md5));
                self.send(emoticon.key.as_deref(), known, SendEmoticon::with_id)
            }
            _ => Err(Failure::new(
                Exit::Usage,
                "an emoticon needs either `path` or `md5`",
                "表情需要 `path` 或 `md5` 之一",
            )),
        }
    }

    /// Sends a message once for each key, and returns its receipt.
    pub(super) fn send<E: Endpoint<Output = Receipt, State = Session>>(
        &self,
        key: Option<&str>,
        endpoint: impl FnOnce() -> Result<E, Failure>,
        with_id: impl FnOnce(E, ClientMsgId) -> E,
    ) -> Result<Value, Failure> {
        let mut id = self.client.next_client_msg_id();
        let keyed = self.keys.as_ref().zip(key);
        if let Some((keys, key)) = keyed {
            let send = keys.get(key, id)?;
            if let Some(receipt) = send.receipt {
                return Ok(self.sent(&receipt, true));
            }
            id = send.id;
        }
        let endpoint = with_id(endpoint()?, id);
        let sending = self.sending.read().unwrap_or_else(PoisonError::into_inner);
        let receipt = self.client.call(endpoint)?;
        self.note_sent(&receipt)?;
        drop(sending);
        if let Some((keys, key)) = keyed {
            keys.sent(key, &receipt)?;
        }
        Ok(self.sent(&receipt, false))
    }

    /// Keeps the receipt of a sent message for operations that refer to its id.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if a message to the phone cannot be noted.
    pub(crate) fn note_sent(&self, receipt: &Receipt) -> Result<(), Failure> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).sent(receipt);
        if receipt.to != UserName::file_helper() {
            return Ok(());
        }
        // `drop --receive` ignores the echo of this message.
        let id = receipt.msg_id.to_string();
        match &self.ledger {
            Some(ledger) => ledger.note_sent(&id),
            None => Ledger::open(&self.session)?.note_sent(&id),
        }
    }

    fn sent(&self, receipt: &Receipt, is_repeated: bool) -> Value {
        json!({
            "to": receipt.to,
            "name": self.client.directory().name_of(&receipt.to),
            "msg_id": receipt.msg_id,
            "client_msg_id": receipt.client_msg_id.as_ref().map(ToString::to_string),
            "repeated": is_repeated,
        })
    }
}
