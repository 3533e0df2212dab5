//! Tests against their own PostgreSQL server; skipped where PostgreSQL is not installed.
#![cfg(unix)]

mod cluster;
mod cluster_tests;
mod failover;
mod fence;
mod outbox;
mod sessions;
mod tables;
mod worker;

use tokio_postgres::types::{FromSql, ToSql};
use wechat_postgres_store::{Error, Keys, Lease, PostgresStore, tokio_postgres};
use wechat_proto::error::StorageKind;
use wechat_proto::{Session, Timestamp};

/// A store in an empty database, and a connection beside it.
struct Database {
    config: String,
    store: PostgresStore,
}

impl Database {
    /// Returns `None` if PostgreSQL is not installed.
    async fn new() -> Option<Self> {
        let config = cluster::shared()?.create_database();
        let store = PostgresStore::connect(&config, keys()).await.unwrap();
        Some(Self { config, store })
    }

    /// Adds an account with a session, and claims it.
    async fn lease(&self, account: &str) -> Lease {
        assert!(self.store.add(account, Some(&session())).await.unwrap());
        self.store.claim_account("one", account).await.unwrap().expect("a free account")
    }

    async fn execute(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> u64 {
        let connection = self.store.connection("test").await.unwrap();
        connection.execute(statement, parameters).await.unwrap()
    }

    /// Returns the first column of the rows.
    async fn column<T: for<'a> FromSql<'a>>(&self, query: &str) -> Vec<T> {
        let connection = self.store.connection("test").await.unwrap();
        connection.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Ends a lease in the database, without notifying its holder.
    async fn end_lease(&self, account: &str) {
        let update = "UPDATE wechat_account SET free_at = clock_timestamp() - interval '1 second' WHERE account = $1";
        assert_eq!(self.execute(update, &[&account]).await, 1);
    }
}

fn keys() -> Keys {
    Keys::new(1, &[1; 32])
}

fn session() -> Session {
    let sample = include_str!("../../../../wechat-proto/src/session/samples/session-2.json");
    Session::from_json(sample).unwrap()
}

/// Returns a later state of a session.
fn later(session: &mut Session) -> Session {
    session.next_client_msg_id(Timestamp::from_secs(2_000_000_000));
    session.snapshot()
}

/// Returns the session of another login of the same account.
fn other_login() -> Session {
    let json = serde_json::to_string(&session()).unwrap();
    Session::from_json(&json.replace("\"sid\":\"", "\"sid\":\"other")).unwrap()
}

/// Returns a session as it is loaded.
fn loaded(session: &Session) -> String {
    Session::from_json(&session.to_json()).unwrap().to_json()
}

#[track_caller]
fn refused<T>(result: Result<T, Error>, kind: StorageKind) -> String {
    let Err(Error::Storage(failure)) = result else { panic!("expected an error") };
    assert_eq!(failure.kind, kind, "{failure}");
    wechat_proto::error::Chain(&failure).to_string()
}
