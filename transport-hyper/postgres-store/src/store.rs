//! The table of accounts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, Object, Pool};
use tokio_postgres::NoTls;
use wechat_proto::error::StorageKind;
use wechat_proto::{Error, Session};

use crate::failure::failed;
use crate::keys::{Keys, Sealed};
use crate::schema;

/// The accounts in a PostgreSQL database, which any number of workers share.
///
/// It is cheap to clone. Each account is a row, which one worker at a time holds by a
/// [`Lease`](crate::Lease).
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
    /// determines the address, the TLS connector, the time limits and the number of connections, which
    /// must be at least two, because a [`Worker`](crate::Worker) keeps one.
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
