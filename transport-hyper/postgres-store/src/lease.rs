//! An account that this worker holds.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::types::ToSql;
use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::session::Version;
use wechat_proto::store::AsyncSessionStore;
use wechat_proto::{Error, Session};

use crate::clock;
use crate::failure::failed;
use crate::keys::Sealed;
use crate::store::{PostgresStore, session_place};
use crate::term::Term;

/// An account that this worker holds: the store of its session.
///
/// Unless it is renewed (a [`Worker`](crate::Worker) does that), the lease expires by the clock of this
/// machine, shortly before it expires in the database. After that, every function fails with
/// [`Error::InUse`]. The database also checks each write by its fencing token, and rejects those of a
/// worker that was suspended meanwhile. Requests to the service are not fenced: run them within
/// [`Term::guard`], as a `Worker` does.
///
/// Dropping a lease does not release it; it expires.
#[derive(Debug)]
pub struct Lease {
    pub(crate) store: PostgresStore,
    pub(crate) term: Term,
    /// The version of the session that was loaded or stored last.
    pub(crate) newest: Option<Version>,
    pub(crate) stopping: Option<tokio::sync::watch::Receiver<bool>>,
}

/// The time from which an account can be claimed again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Next {
    /// This duration after the release.
    After(Duration),
    /// After a call of [`PostgresStore::offer`]; for example, for an account that was logged out.
    Withdraw,
}

/// The condition under which an account is held, with parameters 1 and 2.
pub(crate) const HELD: &str =
    "account = $1 AND token = $2 AND owner IS NOT NULL AND free_at > clock_timestamp()";

impl Lease {
    pub(crate) fn new(store: PostgresStore, account: &str, token: i64, until: Duration) -> Self {
        Self { store, term: Term::new(account, token, until), newest: None, stopping: None }
    }

    /// Returns the name of the account.
    pub fn account(&self) -> &str {
        &self.term.account
    }

    /// Returns the fencing token, which is higher for each lease of the account.
    pub const fn token(&self) -> i64 {
        self.term.token
    }

    /// Returns the time that is left, zero if the lease has ended.
    pub fn left(&self) -> Duration {
        self.term.left()
    }

    /// Returns the term of the lease, whose [`guard`](Term::guard) runs futures only while it holds.
    pub fn term(&self) -> Term {
        self.term.clone()
    }

    /// Waits until the [`Worker`](crate::Worker) shuts down. Never completes for a lease that was claimed
    /// without a worker.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let stopping = self.stopping.clone();
        async move {
            match stopping {
                Some(mut stopping) => drop(stopping.wait_for(|stopping| *stopping).await),
                None => std::future::pending().await,
            }
        }
    }

    /// Renews the lease. A [`Worker`](crate::Worker) does this for all its leases at once.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if it has ended; [`Error::Storage`] if the database fails.
    pub async fn renew(&self) -> Result<(), Error> {
        let connection = self.store.connection(self.account()).await?;
        self.store.renew(&connection, std::slice::from_ref(&self.term)).await?;
        self.term.check()
    }

    /// Ends the lease.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if it has ended already; [`Error::Storage`] if the database fails.
    pub async fn release(self, next: Next) -> Result<(), Error> {
        let connection = self.store.connection(self.account()).await?;
        self.store.release(&connection, &self.term, next).await
    }

    /// Executes a fenced statement, which affects one row if the lease holds.
    pub(crate) async fn fenced(
        &self,
        kind: StorageKind,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<(), Error> {
        self.term.check()?;
        let connection = self.store.connection(self.account()).await?;
        let failed = |error| failed(kind, self.account(), error);
        let statement = connection.prepare_cached(statement).await.map_err(failed)?;
        match connection.execute(&statement, parameters).await.map_err(failed)? {
            0 => Err(self.lost()),
            _ => Ok(()),
        }
    }

    /// Stores a session on this connection, with the statement's own check of the lease.
    pub(crate) async fn store_session(
        &self,
        connection: &Object,
        session: &Session,
    ) -> Result<(), Error> {
        self.term.check()?;
        let (version, failed) =
            (session.version(), |error| failed(StorageKind::Write, self.account(), error));
        let sealed = self.store.seal(self.account(), session)?;
        let is_other = self.newest.is_none_or(|newest| newest.login() != version.login());
        let save = connection.prepare_cached(&save_statement(is_other)).await.map_err(failed)?;
        let login = version.login().to_string();
        let parameters: [&(dyn ToSql + Sync); 5] =
            [&self.account(), &self.token(), &sealed.key, &sealed.bytes, &login];
        match connection.execute(&save, &parameters).await.map_err(failed)? {
            0 => Err(self.lost()),
            _ => Ok(()),
        }
    }

    /// Ends the lease after the database rejected a write.
    pub(crate) fn lost(&self) -> Error {
        self.term.end();
        Error::InUse
    }
}

/// Returns the statement that stores a session; `$5` is its login. It affects one row if the lease
/// holds.
pub(crate) fn save_statement(is_other_login: bool) -> String {
    // Texts of another login are never sent, because their receivers are no longer valid.
    let ended = if is_other_login {
        "UPDATE wechat_outbox AS text SET state = CASE attempts WHEN 0 THEN 'abandoned' ELSE 'unanswered' END, \
         content = NULL, key_number = NULL, ended_at = clock_timestamp() FROM stored \
         WHERE text.account = stored.account AND state = 'queued' AND login <> $5"
    } else {
        "SELECT $5::text"
    };
    format!(
        "WITH stored AS (UPDATE wechat_account SET key_number = $3, session = $4 WHERE {HELD} RETURNING account), \
         ended AS ({ended}) SELECT account FROM stored"
    )
}

impl AsyncSessionStore for Lease {
    async fn load(&mut self) -> Result<Option<Session>, Error> {
        self.term.check()?;
        let failed = |error| failed(StorageKind::Read, self.account(), error);
        let connection = self.store.connection(self.account()).await?;
        let select = format!("SELECT key_number, session FROM wechat_account WHERE {HELD}");
        let select = connection.prepare_cached(&select).await.map_err(failed)?;
        let row = connection.query_opt(&select, &[&self.account(), &self.token()]).await;
        let Some(row) = row.map_err(failed)? else { return Err(self.lost()) };
        let (Some(key), Some(bytes)) = (row.get(0), row.get(1)) else { return Ok(None) };
        let json = self.store.keys.open(&session_place(self.account()), &Sealed { key, bytes })?;
        let damaged = || StorageFailure::new(StorageKind::Damaged).at(self.account());
        let json = std::str::from_utf8(&json).map_err(|_| damaged())?;
        let session = Session::from_json(json).map_err(|error| match error {
            Error::Storage(failure) => failure.at(self.account()).into(),
            error => error,
        })?;
        self.newest = Some(session.version());
        Ok(Some(session))
    }

    /// Stores the session. Ignores a copy that is older than the one stored last.
    async fn save(&mut self, session: &Session) -> Result<(), Error> {
        let version = session.version();
        if self.newest.is_some_and(|newest| version < newest) {
            return self.term.check();
        }
        let connection = self.store.connection(self.account()).await?;
        self.store_session(&connection, session).await?;
        self.newest = Some(version);
        Ok(())
    }

    /// Removes the session. The row of the account stays, with its token.
    async fn remove(&mut self) -> Result<(), Error> {
        let update =
            format!("UPDATE wechat_account SET key_number = NULL, session = NULL WHERE {HELD}");
        self.fenced(StorageKind::Remove, &update, &[&self.account(), &self.token()]).await?;
        self.newest = None;
        Ok(())
    }
}

impl PostgresStore {
    /// Renews leases in one statement, and ends those that were lost.
    pub(crate) async fn renew(&self, connection: &Object, terms: &[Term]) -> Result<(), Error> {
        let failed = |error| failed(StorageKind::Lock, "PostgreSQL", error);
        let update = "UPDATE wechat_account AS row SET \
                      free_at = clock_timestamp() + $3 * interval '1 millisecond' \
                      FROM unnest($1::text[], $2::bigint[]) AS held (account, token) \
                      WHERE row.account = held.account AND row.token = held.token \
                      AND row.owner IS NOT NULL AND row.free_at > clock_timestamp() \
                      RETURNING row.account";
        let update = connection.prepare_cached(update).await.map_err(failed)?;
        let (accounts, tokens): (Vec<&str>, Vec<i64>) =
            terms.iter().map(|term| (&*term.account, term.token)).unzip();
        let until = self.until(clock::now());
        let rows =
            connection.query(&update, &[&accounts, &tokens, &self.free_after_millis()]).await;
        let rows = rows.map_err(failed)?;
        let held: std::collections::HashSet<&str> = rows.iter().map(|row| row.get(0)).collect();
        for term in terms {
            if held.contains(&*term.account) { term.prolong(until) } else { term.end() }
        }
        Ok(())
    }

    /// Ends a lease, also in the database.
    pub(crate) async fn release(
        &self,
        connection: &Object,
        term: &Term,
        next: Next,
    ) -> Result<(), Error> {
        let update = format!(
            "UPDATE wechat_account SET owner = NULL, free_at = CASE WHEN $3::float8 < 0 THEN 'infinity' \
             ELSE clock_timestamp() + $3 * interval '1 millisecond' END WHERE {HELD}"
        );
        let millis = match next {
            Next::After(pause) => pause.as_secs_f64() * 1000.0,
            Next::Withdraw => -1.0,
        };
        term.end();
        let failed = |error| failed(StorageKind::Write, &term.account, error);
        let update = connection.prepare_cached(&update).await.map_err(failed)?;
        let parameters: [&(dyn ToSql + Sync); 3] = [&&*term.account, &term.token, &millis];
        match connection.execute(&update, &parameters).await.map_err(failed)? {
            0 => Err(Error::InUse),
            _ => Ok(()),
        }
    }
}
