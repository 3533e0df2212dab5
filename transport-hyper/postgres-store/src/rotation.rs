//! Re-encryption with the newest key.

use deadpool_postgres::Transaction;
use tokio_postgres::types::ToSql;
use wechat_proto::Error;
use wechat_proto::error::StorageKind;

use crate::failure::failed;
use crate::keys::Sealed;
use crate::outbox::text_place;
use crate::store::{PostgresStore, session_place};

impl PostgresStore {
    /// Re-encrypts up to `count` sessions and as many queued texts that were encrypted with an older key
    /// and belong to accounts without a lease. The workers of the other accounts use the newest key
    /// whenever they write. Returns the number of re-encrypted rows, 0 when none is left.
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
            let parameters: [&(dyn ToSql + Sync); 3] = [&account, &sealed.key, &sealed.bytes];
            transaction.execute(update, &parameters).await.map_err(write)?;
        }
        let texts = self.rotate_outbox(&transaction, count).await?;
        transaction.commit().await.map_err(write)?;
        Ok(sessions.len() + texts)
    }

    /// Re-encrypts up to `count` queued texts.
    async fn rotate_outbox(
        &self,
        transaction: &Transaction<'_>,
        count: i64,
    ) -> Result<usize, Error> {
        let write = |error| failed(StorageKind::Write, "wechat_outbox", error);
        let idle = "SELECT text.account, cause, ordinal, text.key_number, content \
                    FROM wechat_outbox AS text JOIN wechat_account AS row USING (account) \
                    WHERE text.key_number <> $1 AND (owner IS NULL OR free_at <= clock_timestamp()) \
                    LIMIT $2 FOR UPDATE SKIP LOCKED";
        let rows = transaction.query(idle, &[&self.keys.newest(), &count]).await.map_err(write)?;
        for row in &rows {
            let (account, cause, ordinal): (&str, &str, i32) = (row.get(0), row.get(1), row.get(2));
            let number = ordinal.to_string();
            let place = text_place(account, cause, &number);
            let sealed = self.reseal(&place, row.get(3), row.get(4))?;
            let update = "UPDATE wechat_outbox SET key_number = $4, content = $5 \
                          WHERE account = $1 AND cause = $2 AND ordinal = $3";
            let parameters: [&(dyn ToSql + Sync); 5] =
                [&account, &cause, &ordinal, &sealed.key, &sealed.bytes];
            transaction.execute(update, &parameters).await.map_err(write)?;
        }
        Ok(rows.len())
    }

    /// Decrypts with any key and encrypts with the newest.
    fn reseal(&self, place: &[&str], key: i32, bytes: Vec<u8>) -> Result<Sealed, Error> {
        let plain = self.keys.open(place, &Sealed { key, bytes })?;
        self.keys.seal(place, &plain)
    }
}
