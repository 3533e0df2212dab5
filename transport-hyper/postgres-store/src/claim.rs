//! Claiming accounts.

use deadpool_postgres::Object;
use wechat_proto::Error;
use wechat_proto::error::StorageKind;

use crate::failure::failed;
use crate::lease::Lease;
use crate::store::PostgresStore;
use crate::{clock, schema};

impl PostgresStore {
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
}
