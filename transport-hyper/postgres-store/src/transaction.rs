//! A session and its effects in one transaction.

use std::fmt;
use std::ops::Deref;

use deadpool_postgres::Object;
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;
use wechat_proto::error::StorageKind;
use wechat_proto::{ClientMsgId, Error, Session, UserName};

use crate::failure::failed;
use crate::lease::Lease;
use crate::outbox::{Content, text_place};

/// An open transaction that will store a session.
///
/// It dereferences to the connection: write the effects of a message with
/// [`execute`](Client::execute), [queue](Transaction::queue) the replies, and
/// [commit](Transaction::commit). Without a commit, nothing is written. If the message is
/// [acknowledged](Session::acknowledge) on the session, its effects are written exactly once.
#[must_use = "nothing is written without a commit"]
pub struct Transaction<'a> {
    lease: &'a mut Lease,
    session: &'a Session,
    /// `None` after the end.
    connection: Option<Object>,
}

impl Lease {
    /// Begins a transaction that stores this session together with other writes of the caller. Do not
    /// keep it open during a request to the service: the database aborts it when it is idle for a third
    /// of the lease.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if the lease has ended; [`Error::Storage`] if the database fails.
    pub async fn begin<'a>(&'a mut self, session: &'a Session) -> Result<Transaction<'a>, Error> {
        self.term.check()?;
        let connection = self.store.connection(self.account()).await?;
        // A suspended worker must not keep the row locked.
        let idle = self.store.lease_time().as_millis() / 3;
        let begin = format!("BEGIN; SET LOCAL idle_in_transaction_session_timeout = {idle}");
        let transaction = Transaction { lease: self, session, connection: Some(connection) };
        let begun = transaction.batch_execute(&begin).await;
        begun.map_err(|error| transaction.failed(error))?;
        Ok(transaction)
    }
}

impl Transaction<'_> {
    /// Queues a text to be sent after the commit: [`Lease::next_queued`]. Returns `false` if the
    /// outbox has a text with this cause and number already; then the older one is kept.
    ///
    /// `cause` identifies the reason for sending, for example the [`MsgId`](wechat_proto::MsgId) of a
    /// message, and `number` distinguishes texts with the same cause. Every attempt to send the text
    /// uses `id`, which `Client::next_client_msg_id` returns; create it before the copy of the session.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the database fails; the transaction cannot be committed then.
    pub async fn queue(
        &self,
        cause: &str,
        number: i32,
        to: &UserName,
        text: &str,
        id: ClientMsgId,
    ) -> Result<bool, Error> {
        let account = self.lease.account();
        let content = Content { to: to.clone(), text: text.into() };
        let ordinal = number.to_string();
        let place = text_place(account, cause, &ordinal);
        let sealed = content.seal(&self.lease.store.keys, &place)?;
        let insert = "INSERT INTO wechat_outbox \
                      (account, cause, ordinal, login, client_msg_id, key_number, content) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        let (login, id) = (self.session.version().login().to_string(), id.to_string());
        let parameters: [&(dyn ToSql + Sync); 7] =
            [&account, &cause, &number, &login, &id, &sealed.key, &sealed.bytes];
        let failed = |error| self.failed(error);
        let insert = self.connection().prepare_cached(insert).await.map_err(failed)?;
        Ok(self.execute(&insert, &parameters).await.map_err(failed)? == 1)
    }

    /// Stores the session and ends the transaction.
    ///
    /// # Errors
    ///
    /// - [`Error::InUse`] if the lease has ended. Nothing was written.
    /// - [`Error::Storage`] if the database fails. If the connection failed during the commit,
    ///   either all of it or nothing was written: load the session to find out.
    pub async fn commit(mut self) -> Result<(), Error> {
        self.lease.store_session(self.connection(), self.session).await?;
        self.batch_execute("COMMIT").await.map_err(|error| self.failed(error))?;
        self.connection = None;
        self.lease.newest = Some(self.session.version());
        Ok(())
    }

    fn connection(&self) -> &Object {
        self.connection.as_ref().expect("a connection until the end")
    }

    fn failed(&self, error: tokio_postgres::Error) -> Error {
        failed(StorageKind::Write, self.lease.account(), error)
    }
}

impl Deref for Transaction<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.connection()
    }
}

/// Closes the connection of a transaction that was not committed, which rolls it back.
impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        drop(self.connection.take().map(Object::take));
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("lease", &self.lease).finish_non_exhaustive()
    }
}
