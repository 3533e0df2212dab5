//! The tables and their versions.

use wechat_postgres_store::{PostgresStore, Worker};
use wechat_proto::error::StorageKind;

use crate::{Database, cluster, keys, refused};

#[tokio::test]
async fn workers_that_start_together_migrate_once() {
    let Some(cluster) = cluster::shared() else { return };
    let config = cluster.create_database();
    let open = (0..8).map(|_| {
        let config = config.clone();
        tokio::spawn(async move { PostgresStore::connect(&config, keys()).await.map(drop) })
    });
    for opened in open.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
    let store = PostgresStore::connect(&config, keys()).await.unwrap();
    let database = Database { config, store };
    assert_eq!(database.column::<i32>("SELECT version FROM wechat_schema").await, [1]);
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let Some(database) = Database::new().await else { return };
    database.store.add("bot", None).await.unwrap();
    database.execute("INSERT INTO wechat_schema VALUES (2)", &[]).await;
    let opened = PostgresStore::connect(&database.config, keys()).await;
    let text = refused(opened, StorageKind::Newer);
    assert_eq!(
        text,
        "the stored session at \"wechat_schema\" was written by a newer version of this library: \
         the tables have version 2, above 1, the newest supported"
    );
    // A worker that started earlier no longer claims accounts.
    refused(database.store.claim("one", 1).await, StorageKind::Newer);
    let mut failures = 0;
    let shutdown = tokio::time::sleep(std::time::Duration::from_millis(300));
    let job = async |_| panic!("an account was claimed");
    Worker::new(&database.store, "one").run(job, shutdown, |_| failures += 1).await;
    assert!(failures > 0);
    database.execute("DROP TABLE wechat_schema", &[]).await;
    refused(database.store.claim("one", 1).await, StorageKind::Missing);
}

#[tokio::test]
async fn an_unreachable_database_is_reported() {
    let text = refused(
        PostgresStore::connect("host=/nonexistent user=bot", keys()).await,
        StorageKind::Other,
    );
    assert!(text.contains("could not be reached"), "{text}");
    refused(PostgresStore::connect("no config", keys()).await, StorageKind::Other);
}
