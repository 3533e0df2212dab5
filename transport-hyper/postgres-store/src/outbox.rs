//! Texts that are sent after the transaction that decided to send them.

use std::fmt;

use serde::{Deserialize, Serialize};
use tokio_postgres::types::ToSql;
use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::message::{Receipt, SendText};
use wechat_proto::{ClientMsgId, Error, UserName};
use zeroize::Zeroizing;

use crate::failure::failed;
use crate::keys::{Keys, Sealed};
use crate::lease::{HELD, Lease};
use crate::store::PostgresStore;

/// The policy for a text that a worker began to send without learning the outcome, because it died or
/// lost its connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnansweredPolicy {
    /// It is sent again with the same [`ClientMsgId`]. It may arrive twice.
    Repeat,
    /// It is not sent again, and its row gets the state `unanswered`. It may not have arrived.
    GiveUp,
}

/// A text of the outbox, to be sent now.
pub struct QueuedText {
    cause: String,
    ordinal: i32,
    attempts: i32,
    to: UserName,
    text: Box<str>,
    id: ClientMsgId,
}

impl QueuedText {
    /// Returns the cause of the text: see [`Transaction::queue`](crate::Transaction::queue).
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Returns the number of attempts to send the text, including this one.
    pub const fn attempts(&self) -> i32 {
        self.attempts
    }

    /// Returns the id of the message, the same for every attempt.
    pub const fn id(&self) -> ClientMsgId {
        self.id
    }

    /// Returns the endpoint that sends the text.
    pub fn send(&self) -> SendText {
        SendText::new(self.to.clone(), self.text.clone()).with_id(self.id)
    }
}

/// Redacts the text.
impl fmt::Debug for QueuedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedText")
            .field("cause", &self.cause)
            .field("attempts", &self.attempts)
            .field("to", &self.to)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The encrypted part of a row.
#[derive(Deserialize, Serialize)]
pub(crate) struct Content {
    pub(crate) to: UserName,
    pub(crate) text: Box<str>,
}

impl Content {
    pub(crate) fn seal(&self, keys: &Keys, place: &[&str]) -> Result<Sealed, Error> {
        let json = Zeroizing::new(serde_json::to_vec(self).expect("all keys are strings"));
        keys.seal(place, &json)
    }

    fn open(keys: &Keys, place: &[&str], sealed: &Sealed) -> Result<Self, Error> {
        let json = keys.open(place, sealed)?;
        let damaged = |_| StorageFailure::new(StorageKind::Damaged).at(place[0]).into();
        serde_json::from_slice(&json).map_err(damaged)
    }
}

/// Returns the place of a text for [`Keys::seal`], given its number as text.
pub(crate) const fn text_place<'a>(
    account: &'a str,
    cause: &'a str,
    number: &'a str,
) -> [&'a str; 4] {
    [account, "outbox", cause, number]
}

impl Lease {
    /// Returns the oldest queued text, or `None`, and records an attempt to send it. Send it, then
    /// [settle](Lease::settle) it.
    ///
    /// ```no_run
    /// # use wechat_postgres_store::{UnansweredPolicy, Lease};
    /// # use wechat_transport_hyper::{Client, Error};
    /// async fn send(lease: &mut Lease, client: &Client) -> Result<(), Error> {
    ///     while let Some(text) = lease.next_queued(UnansweredPolicy::Repeat).await? {
    ///         let result = client.call(text.send()).await;
    ///         lease.settle(&text, &result).await?;
    ///         result?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Texts that were queued under another login are not returned. Storing the session of a new login
    /// sets their state to `abandoned`, or to `unanswered` after an attempt.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if the lease has ended; [`Error::Storage`] if the database fails.
    pub async fn next_queued(
        &mut self,
        policy: UnansweredPolicy,
    ) -> Result<Option<QueuedText>, Error> {
        self.term.check()?;
        let failed = |error| failed(StorageKind::Write, self.account(), error);
        let connection = self.store.connection(self.account()).await?;
        // `FOR SHARE` prevents another worker from claiming the account during the statement.
        let update = format!(
            "WITH held AS (SELECT account FROM wechat_account WHERE {HELD} FOR SHARE), \
             given_up AS (UPDATE wechat_outbox AS text SET state = 'unanswered', content = NULL, \
             key_number = NULL, ended_at = clock_timestamp() FROM held \
             WHERE text.account = held.account AND state = 'queued' AND attempts > 0 AND $3), \
             oldest AS (SELECT text.account, cause, ordinal FROM wechat_outbox AS text JOIN held USING (account) \
             WHERE state = 'queued' AND NOT (attempts > 0 AND $3) ORDER BY client_msg_id LIMIT 1), \
             begun AS (UPDATE wechat_outbox AS text SET attempts = attempts + 1 FROM oldest \
             WHERE (text.account, text.cause, text.ordinal) = (oldest.account, oldest.cause, oldest.ordinal) \
             RETURNING text.cause, text.ordinal, attempts, client_msg_id, key_number, content) \
             SELECT begun.* FROM held LEFT JOIN begun ON true"
        );
        let update = connection.prepare_cached(&update).await.map_err(failed)?;
        let give_up = policy == UnansweredPolicy::GiveUp;
        let row = connection.query_opt(&update, &[&self.account(), &self.token(), &give_up]).await;
        let Some(row) = row.map_err(failed)? else { return Err(self.lost()) };
        let Some(cause) = row.get::<_, Option<String>>(0) else { return Ok(None) };
        let (ordinal, attempts) = (row.get(1), row.get(2));
        let damaged = |_| StorageFailure::new(StorageKind::Damaged).at(self.account());
        let id = row.get::<_, &str>(3).parse().map_err(damaged)?;
        let sealed = Sealed { key: row.get(4), bytes: row.get(5) };
        let number = i32::to_string(&ordinal);
        let place = text_place(self.account(), &cause, &number);
        let Content { to, text } = Content::open(&self.store.keys, &place, &sealed)?;
        Ok(Some(QueuedText { cause, ordinal, attempts, to, text, id }))
    }

    /// Records the outcome of sending a text.
    ///
    /// - Success: the text is `sent`.
    /// - [`Error::Unanswered`]: the text stays queued, with this attempt recorded. The policy of the next
    ///   [`Lease::next_queued`] decides whether it is sent again.
    /// - A transient error ([`Error::is_transient`]), or the end of the session or client: the text was
    ///   not sent and stays queued. Pause before the next attempt.
    /// - Any other error: the text is `refused`, with the error's text as the reason.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if the lease has ended; [`Error::Storage`] if the database fails. The text
    /// then stays queued, with this attempt recorded.
    pub async fn settle(
        &mut self,
        text: &QueuedText,
        result: &Result<Receipt, Error>,
    ) -> Result<(), Error> {
        let (state, reason) = match result {
            Ok(_) => ("sent", None),
            Err(Error::Unanswered { .. }) => return Ok(()),
            Err(error) if error.is_transient() => ("queued", None),
            Err(Error::LoggedOut { .. } | Error::Stopped | Error::InUse) => ("queued", None),
            Err(error) => ("refused", Some(error.to_string())),
        };
        let update = format!(
            "WITH held AS (SELECT account FROM wechat_account WHERE {HELD} FOR SHARE), settled AS ( \
             UPDATE wechat_outbox AS text SET state = $5, reason = $6, \
             attempts = CASE $5 WHEN 'queued' THEN attempts - 1 ELSE attempts END, \
             content = CASE $5 WHEN 'queued' THEN content END, \
             key_number = CASE $5 WHEN 'queued' THEN key_number END, \
             ended_at = CASE $5 WHEN 'queued' THEN NULL ELSE clock_timestamp() END \
             FROM held WHERE text.account = held.account AND cause = $3 AND ordinal = $4) \
             SELECT account FROM held"
        );
        let parameters: [&(dyn ToSql + Sync); 6] =
            [&self.account(), &self.token(), &text.cause, &text.ordinal, &state, &reason];
        self.fenced(StorageKind::Write, &update, &parameters).await
    }
}

impl PostgresStore {
    /// Deletes the texts of all accounts that left the queue more than `days` days ago. Returns their
    /// number.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the database fails.
    pub async fn prune_outbox(&self, days: u32) -> Result<u64, Error> {
        let delete =
            "DELETE FROM wechat_outbox WHERE ended_at < clock_timestamp() - $1 * interval '1 day'";
        let connection = self.connection("wechat_outbox").await?;
        let count = connection.execute(delete, &[&f64::from(days)]).await;
        count.map_err(|error| failed(StorageKind::Write, "wechat_outbox", error))
    }
}
