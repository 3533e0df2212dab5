//! The tables and their versions.

use std::io;

use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;
use wechat_proto::Error;
use wechat_proto::error::{StorageFailure, StorageKind};

use crate::failure::failed;

/// The statements that lead from each version to the next, the first from an empty database.
const MIGRATIONS: [&str; 1] = [include_str!("schema/1.sql")];

/// The version of this library's tables.
pub(crate) const NEWEST: i32 = MIGRATIONS.len() as i32;

/// The name of the lock under which workers migrate: "wechatpg".
const LOCK: i64 = 0x7765_6368_6174_7067;

/// Brings the tables to the newest version, one worker at a time, all or nothing.
pub(crate) async fn migrate(connection: &mut Object) -> Result<(), Error> {
    let lock = |error| failed(StorageKind::Lock, "wechat_schema", error);
    let write = |error| failed(StorageKind::Write, "wechat_schema", error);
    let transaction = connection.transaction().await.map_err(lock)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(lock)?;
    let table = "CREATE TABLE IF NOT EXISTS wechat_schema (version integer NOT NULL)";
    transaction.batch_execute(table).await.map_err(write)?;
    let version = "SELECT coalesce(max(version), 0) FROM wechat_schema";
    let version: i32 = transaction.query_one(version, &[]).await.map_err(write)?.get(0);
    accept(version)?;
    for (number, statements) in (1..).zip(MIGRATIONS) {
        if number > version {
            transaction.batch_execute(statements).await.map_err(write)?;
            let insert = "INSERT INTO wechat_schema VALUES ($1)";
            transaction.execute(insert, &[&number]).await.map_err(write)?;
        }
    }
    transaction.commit().await.map_err(write)
}

/// Fails if a newer version of this library has migrated the tables since this worker started.
pub(crate) async fn check(connection: &Object) -> Result<(), Error> {
    let statement = connection.prepare_cached("SELECT max(version) FROM wechat_schema").await;
    let row = match statement {
        Ok(statement) => connection.query_one(&statement, &[]).await,
        Err(error) => Err(error),
    };
    match row {
        Ok(row) => accept(row.get::<_, Option<i32>>(0).unwrap_or(0)),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            Err(StorageFailure::new(StorageKind::Missing).at("wechat_schema").because(error).into())
        }
        Err(error) => Err(failed(StorageKind::Read, "wechat_schema", error)),
    }
}

fn accept(version: i32) -> Result<(), Error> {
    if version > NEWEST {
        let supported =
            format!("the tables have version {version}, above {NEWEST}, the newest supported");
        let failure = StorageFailure::new(StorageKind::Newer).at("wechat_schema");
        return Err(failure.because(io::Error::other(supported)).into());
    }
    Ok(())
}
