//! The runner of operations: a client, and the state to which their arguments refer.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use serde_json::Value;
use wechat_proto::contact::Recipient;
use wechat_proto::message::Receipt;
use wechat_proto::{Message, UserName};
use wechat_transport_ureq::Client;

use super::keys::Keys;
use super::message_line::MessageLine;
use super::names::Epoch;
use super::recent::Recent;
use crate::client;
use crate::drop::ledger::Ledger;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// A client that runs operations.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) client: Client,
    /// The path of the session.
    pub(super) session: PathBuf,
    pub(super) epoch: Epoch,
    pub(super) recent: Mutex<Recent>,
    /// `None` for a command that runs one operation.
    pub(super) keys: Option<Keys>,
    /// `None` for a command that runs one operation.
    pub(super) ledger: Option<Ledger>,
    /// Shows the progress of files, for a command that runs one operation.
    pub(super) output: Option<Output>,
    /// Locked for reading during a send, until its id is noted.
    pub(super) sending: RwLock<()>,
}

/// Hints for an unknown id of a received message.
const RECEIVED: [&str; 2] = [
    "an id suffices only while the command that received the message is running; otherwise give the \
     line of `wechat listen --json`",
    "收到该消息的命令仍在运行时才能只用编号，否则请提供 `wechat listen --json` 输出的一行",
];

/// Hints for an unknown id of a sent message.
const SENT: [&str; 2] = [
    "an id suffices only while the command that sent the message is running; otherwise give the line \
     of `wechat send --json`, or the receiver: `wechat revoke ID NAME`",
    "发送该消息的命令仍在运行时才能只用编号，否则请提供 `wechat send --json` 输出的一行，或接收者：\
     `wechat revoke 编号 名称`",
];

impl Runner {
    /// Returns the runner of a command that runs one operation with the session of this path.
    pub(crate) fn new(client: Client, session: &Path, output: Option<Output>) -> Self {
        Self {
            epoch: Epoch::of(&client.session()),
            client,
            session: session.to_owned(),
            recent: Mutex::default(),
            keys: None,
            ledger: None,
            output,
            sending: RwLock::default(),
        }
    }

    /// Returns the runner of a process that holds the session of this path until it ends.
    ///
    /// # Errors
    ///
    /// [`Exit::LocalFile`] if its notes cannot be read.
    pub(crate) fn of_holder(
        client: Client,
        session: &Path,
        ledger: Ledger,
    ) -> Result<Self, Failure> {
        let keys = Some(Keys::open(session)?);
        Ok(Self { keys, ledger: Some(ledger), ..Self::new(client, session, None) })
    }

    /// Keeps a received message for operations that refer to its id.
    pub(crate) fn received(&self, message: &Message) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).received(message);
    }

    /// Waits until the ids of all messages that are being sent are noted in the ledger.
    pub(crate) fn settle(&self) {
        drop(self.sending.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns the recipient of an argument, without a search.
    pub(super) fn recipient(&self, name: &str) -> Result<Recipient, Failure> {
        match Epoch::split(name) {
            Some((user, epoch)) if epoch == self.epoch => Ok(user.into()),
            Some(_) => Err(Failure::new(
                Exit::Contact,
                format!("{name} is of another login, whose names are no longer valid"),
                format!("{name} 属于另一次登录，已失效"),
            )
            .detail("kind", "stale_contact")),
            None => Ok(name.into()),
        }
    }

    pub(super) fn resolve(&self, name: &str) -> Result<UserName, Failure> {
        match self.recipient(name)? {
            Recipient::User(user) => Ok(user),
            _ => client::resolve(&self.client, name),
        }
    }

    pub(super) fn resolve_all(&self, names: &[String]) -> Result<Vec<UserName>, Failure> {
        names.iter().map(|name| self.resolve(name)).collect()
    }

    pub(super) fn room(&self, name: &str) -> Result<UserName, Failure> {
        let room = self.resolve(name)?;
        if room.is_room() { Ok(room) } else { Err(client::not_a_room(name)) }
    }

    /// Returns a message by its id, or as `listen --json` prints it.
    pub(super) fn message(
        &self,
        id: Option<&str>,
        line: Option<&Value>,
    ) -> Result<Message, Failure> {
        match (id, line) {
            (Some(id), None) => {
                let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
                recent.message(id).ok_or_else(|| not_recent(id).hint(RECEIVED[0], RECEIVED[1]))
            }
            (None, Some(line)) => MessageLine::of(line)?.message(&self.client),
            _ => Err(no_message()),
        }
    }

    pub(super) fn receipt(
        &self,
        id: Option<&str>,
        line: Option<&Value>,
        to: Option<&str>,
    ) -> Result<Receipt, Failure> {
        match (id, line, to) {
            (Some(id), None, Some(to)) => Ok(Receipt::of(self.resolve(to)?, id.into())),
            (Some(id), None, None) => {
                let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
                recent.receipt(id).ok_or_else(|| not_recent(id).hint(SENT[0], SENT[1]))
            }
            (None, Some(line), None) => MessageLine::of(line)?.receipt(&self.client),
            _ => Err(no_message()),
        }
    }
}

fn not_recent(id: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("no recent message has the id {id}"),
        format!("最近的消息中没有编号 {id}"),
    )
    .detail("kind", "unknown_message")
}

fn no_message() -> Failure {
    let (en, zh) = ("either `msg_id` or `message` is needed", "需要 `msg_id` 或 `message` 之一");
    Failure::new(Exit::Usage, en, zh)
}
