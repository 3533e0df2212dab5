//! The table of accounts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, Object, Pool};
use tokio_postgres::NoTls;
use wechat_proto::error::StorageKind;
use wechat_proto::{Error, Session};

use crate::clock;
use crate::failure::failed;
use crate::keys::{Keys, Sealed};
use crate::lease::Lease;
use crate::schema;

/// The accounts in a PostgreSQL database, which any number of workers share.
///
/// It is cheap to clone. Each account is a row, which one worker at a time holds by a [`Lease`].
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    pub(crate) keys: Arc<Keys>,
    lease: Duration,
}

/// Returns the place of a session for [`Keys::seal`].
pub(crate) const fn session_place(account: &str) -> [&str; 2] {
    [account, "session"]
}

impl PostgresStore {
    /// Connects to a database without TLS, for example over a Unix socket, and
    /// [opens](PostgresStore::open) its tables. `config` is a URL or a string of `key=value` pairs
    /// ([`tokio_postgres::Config`]). At most eight connections are opened, when they are needed.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] with [`StorageKind::Other`] if `config` is malformed; otherwise those of
    /// [`PostgresStore::open`].
    pub async fn connect(config: &str, keys: Keys) -> Result<Self, Error> {
        let refused = |error| failed(StorageKind::Other, "PostgreSQL", error);
        let config = config.parse().map_err(refused)?;
        let pool = Pool::builder(Manager::new(config, NoTls)).max_size(8).build();
        let pool = pool.map_err(|error| failed(StorageKind::Other, "PostgreSQL", error))?;
        Self::open(pool, keys).await
    }

    /// Opens the tables of a database, and creates or migrates them under an advisory lock. The pool
    /// has the address, the TLS connector, the time limits and the number of connections: at least
    /// two, of which a [`Worker`](crate::Worker) keeps one.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the database fails: with [`StorageKind::Newer`] if a newer version of
    /// this library has migrated the tables, with [`StorageKind::Other`] if it cannot be reached.
    pub async fn open(pool: Pool, keys: Keys) -> Result<Self, Error> {
        let store = Self { pool, keys: Arc::new(keys), lease: Duration::from_secs(30) };
        schema::migrate(&mut store.connection("PostgreSQL").await?).await?;
        Ok(store)
    }

    /// Sets the duration of a lease: the maximum time for which an account is idle after its worker
    /// died, if another [`Worker`](crate::Worker) has free capacity. The default is 30 seconds, and the
    /// minimum one second.
    #[must_use]
    pub fn with_lease_time(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// Returns the duration of a lease.
    pub const fn lease_time(&self) -> Duration {
        self.lease
    }

    /// Adds an account, with its session if it is logged in. Returns `false` and changes nothing if
    /// it exists.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the database fails.
    pub async fn add(&self, account: &str, session: Option<&Session>) -> Result<bool, Error> {
        let sealed = session.map(|session| self.seal(account, session)).transpose()?;
        let (key, bytes) = sealed.map(|sealed| (sealed.key, sealed.bytes)).unzip();
        let insert = "INSERT INTO wechat_account (account, key_number, session) VALUES ($1, $2, $3) \
                      ON CONFLICT DO NOTHING";
        let connection = self.connection(account).await?;
        let count = connection.execute(insert, &[&account, &key, &bytes]).await;
        Ok(count.map_err(|error| failed(StorageKind::Write, account, error))? == 1)
    }

    /// Makes an account that was [withdrawn](crate::Next::Withdraw) or is paused claimable again.
    /// Returns `false` if it is leased or does not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the database fails.
    pub async fn offer(&self, account: &str) -> Result<bool, Error> {
        let update = "UPDATE wechat_account SET owner = NULL, free_at = clock_timestamp() \
                      WHERE account = $1 AND (owner IS NULL OR free_at <= clock_timestamp())";
        let connection = self.connection(account).await?;
        let count = connection.execute(update, &[&account]).await;
        Ok(count.map_err(|error| failed(StorageKind::Write, account, error))? == 1)
    }

    /// Claims up to `count` accounts that no worker holds, starting with those that have been free for
    /// the longest time. `owner` is the worker's name, for operators.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the database fails, or, with [`StorageKind::Newer`], if a newer
    /// version of this library has migrated the tables.
    pub async fn claim(&self, owner: &str, count: usize) -> Result<Vec<Lease>, Error> {
        let connection = self.connection("PostgreSQL").await?;
        self.claim_some(&connection, owner, count, None).await
    }

    /// Claims this account. Returns `None` if another worker holds it, if it is paused, or if it
    /// does not exist.
    ///
    /// # Errors
    ///
    /// Those of [`PostgresStore::claim`].
    pub async fn claim_account(&self, owner: &str, account: &str) -> Result<Option<Lease>, Error> {
        let connection = self.connection(account).await?;
        Ok(self.claim_some(&connection, owner, 1, Some(account)).await?.pop())
    }

    pub(crate) async fn claim_some(
        &self,
        connection: &Object,
        owner: &str,
        count: usize,
        account: Option<&str>,
    ) -> Result<Vec<Lease>, Error> {
        let place = account.unwrap_or("PostgreSQL");
        let lock = |error| failed(StorageKind::Lock, place, error);
        schema::check(connection).await?;
        // This worker measures the lease from before the request, the database from after it.
        let requested = clock::now();
        let update = "WITH free AS (SELECT account FROM wechat_account \
                      WHERE free_at <= clock_timestamp() AND ($4::text IS NULL OR account = $4) \
                      ORDER BY free_at LIMIT $3 FOR UPDATE SKIP LOCKED) \
                      UPDATE wechat_account AS held SET owner = $1, token = token + 1, \
                      free_at = clock_timestamp() + $2 * interval '1 millisecond' \
                      FROM free WHERE held.account = free.account \
                      RETURNING held.account, held.token";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let update = connection.prepare_cached(update).await.map_err(lock)?;
        let rows =
            connection.query(&update, &[&owner, &self.free_after_millis(), &count, &account]).await;
        let leases = rows
            .map_err(lock)?
            .into_iter()
            .map(|row| Lease::new(self.clone(), row.get(0), row.get(1), self.until(requested)));
        Ok(leases.collect())
    }

    /// Re-encrypts up to `count` sessions and as many queued texts that were encrypted with an older key
    /// and belong to accounts without a lease. The workers of the other accounts use the newest key
    /// whenever they write. Returns the number of rows; 0 if none is left.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the database fails, or if a row is damaged or its key is missing. Nothing has
    /// changed then.
    pub async fn rotate(&self, count: usize) -> Result<usize, Error> {
        let write = |error| failed(StorageKind::Write, "PostgreSQL", error);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut connection = self.connection("PostgreSQL").await?;
        let transaction = connection.transaction().await.map_err(write)?;
        let idle = "SELECT account, key_number, session FROM wechat_account WHERE key_number <> $1 \
                    AND (owner IS NULL OR free_at <= clock_timestamp()) \
                    LIMIT $2 FOR UPDATE SKIP LOCKED";
        let newest = self.keys.newest();
        let sessions = transaction.query(idle, &[&newest, &count]).await.map_err(write)?;
        for row in &sessions {
            let account: String = row.get(0);
            let sealed = self.reseal(&session_place(&account), row.get(1), row.get(2))?;
            let update =
                "UPDATE wechat_account SET key_number = $2, session = $3 WHERE account = $1";
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&account, &sealed.key, &sealed.bytes];
            transaction.execute(update, &parameters).await.map_err(write)?;
        }
        let texts = self.rotate_outbox(&transaction, count).await?;
        transaction.commit().await.map_err(write)?;
        Ok(sessions.len() + texts)
    }

    /// Decrypts with any key and encrypts with the newest.
    pub(crate) fn reseal(&self, place: &[&str], key: i32, bytes: Vec<u8>) -> Result<Sealed, Error> {
        let plain = self.keys.open(place, &Sealed { key, bytes })?;
        self.keys.seal(place, &plain)
    }

    pub(crate) fn seal(&self, account: &str, session: &Session) -> Result<Sealed, Error> {
        let json = zeroize::Zeroizing::new(session.to_json());
        self.keys.seal(&session_place(account), json.as_bytes())
    }

    /// Returns a connection of the pool, for the caller's own statements. An error names `place`.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the pool has no connection and cannot open one.
    pub async fn connection(&self, place: &str) -> Result<Object, Error> {
        self.pool.get().await.map_err(|error| failed(StorageKind::Other, place, error))
    }

    /// Returns this open connection, or another one if it is closed or missing.
    pub(crate) async fn own<'a>(&self, kept: &'a mut Option<Object>) -> Result<&'a Object, Error> {
        let connection = match kept.take().filter(|kept| !kept.is_closed()) {
            Some(connection) => connection,
            None => self.connection("PostgreSQL").await?,
        };
        Ok(kept.insert(connection))
    }

    /// Returns the milliseconds after which other workers may claim an account, by the clock of the
    /// database. The last twentieth of the lease is left for the claim.
    pub(crate) fn free_after_millis(&self) -> f64 {
        self.lease.as_secs_f64() * 950.0
    }

    /// Returns the time at which a worker stops using a lease, by its own clock: a twentieth of the
    /// lease before others may claim, because clocks run at different speeds.
    pub(crate) fn until(&self, requested: Duration) -> Duration {
        requested + self.lease - self.lease / 10
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("keys", &self.keys)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
