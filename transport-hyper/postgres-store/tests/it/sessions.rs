//! Sessions in the table.

use wechat_postgres_store::{Keys, PostgresStore};
use wechat_proto::error::StorageKind;
use wechat_proto::store::AsyncSessionStore as _;

use crate::{Database, keys, later, loaded, other_login, refused, session};

#[tokio::test]
async fn a_session_is_stored_and_removed() {
    let Some(database) = Database::new().await else { return };
    assert!(database.store.add("bot", None).await.unwrap());
    assert!(!database.store.add("bot", Some(&session())).await.unwrap());
    let mut lease = database.store.claim_account("one", "bot").await.unwrap().unwrap();
    assert_eq!((lease.account(), lease.token()), ("bot", 1));
    assert!(lease.load().await.unwrap().is_none());
    let mut session = session();
    for _ in 0..3 {
        let saved = later(&mut session);
        lease.save(&saved).await.unwrap();
        assert_eq!(lease.load().await.unwrap().unwrap().to_json(), loaded(&saved));
    }
    // The row stays after a logout, with its token.
    lease.remove().await.unwrap();
    assert!(lease.load().await.unwrap().is_none());
    assert_eq!(database.column::<i64>("SELECT token FROM wechat_account").await, [1]);
}

#[tokio::test]
async fn an_older_copy_does_not_replace_a_newer_one() {
    let Some(database) = Database::new().await else { return };
    let mut lease = database.lease("bot").await;
    let mut session = session();
    let (older, newer) = (later(&mut session), later(&mut session));
    for saved in [&newer, &older] {
        lease.save(saved).await.unwrap();
        assert_eq!(lease.load().await.unwrap().unwrap().to_json(), loaded(&newer));
    }
    let other = other_login();
    lease.save(&other).await.unwrap();
    assert_eq!(lease.load().await.unwrap().unwrap().to_json(), loaded(&other));
}

/// Threat S1.
#[tokio::test]
async fn nothing_secret_is_stored_in_the_clear() {
    let Some(database) = Database::new().await else { return };
    let mut lease = database.lease("bot").await;
    let session = session();
    let id = session.clone().next_client_msg_id(wechat_proto::Timestamp::from_secs(2_000_000_000));
    let transaction = lease.begin(&session).await.unwrap();
    let to = "@0123456789abcdef".parse().unwrap();
    assert!(transaction.queue("7", 0, &to, "a private text", id).await.unwrap());
    transaction.commit().await.unwrap();
    let rows = "SELECT row_to_json(a)::text FROM wechat_account AS a \
                UNION ALL SELECT row_to_json(o)::text FROM wechat_outbox AS o";
    let bytes = "SELECT session FROM wechat_account UNION ALL SELECT content FROM wechat_outbox";
    let mut texts = database.column::<String>(rows).await;
    let bytes = database.column::<Vec<u8>>(bytes).await;
    assert_eq!((texts.len(), bytes.len()), (2, 2));
    texts.extend(bytes.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()));
    texts.push(format!("{lease:?} {:?}", database.store));
    for text in texts {
        for secret in ["@crypt", "webwx", "kByRoJSUlD7S2pif", "@0123456789abcdef", "private"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn rows_are_encrypted_again_with_a_new_key() {
    let Some(database) = Database::new().await else { return };
    let saved = session();
    for account in ["idle", "held"] {
        database.store.add(account, Some(&saved)).await.unwrap();
    }
    let both = Keys::new(2, &[2; 32]).with_older(1, &[1; 32]);
    let store = PostgresStore::connect(&database.config, both).await.unwrap();
    let mut held = store.claim_account("one", "held").await.unwrap().unwrap();
    assert_eq!(held.load().await.unwrap().unwrap().to_json(), loaded(&saved));
    assert_eq!(store.rotate(10).await.unwrap(), 1);
    assert_eq!(store.rotate(10).await.unwrap(), 0);
    let numbers = "SELECT key_number FROM wechat_account ORDER BY account DESC";
    assert_eq!(database.column::<i32>(numbers).await, [2, 1]);
    // Its worker writes the other one.
    held.save(&saved).await.unwrap();
    assert_eq!(database.column::<i32>(numbers).await, [2, 2]);
    // A queued text of an account whose lease has ended.
    let transaction = held.begin(&saved).await.unwrap();
    let to = "@0123456789abcdef".parse().unwrap();
    let id = "12345678901230456".parse().unwrap();
    transaction.queue("7", 0, &to, "hello", id).await.unwrap();
    transaction.commit().await.unwrap();
    database.end_lease("held").await;
    let newest = Keys::new(3, &[3; 32]).with_older(2, &[2; 32]);
    let store = PostgresStore::connect(&database.config, newest).await.unwrap();
    assert_eq!(store.rotate(1).await.unwrap(), 2);
    assert_eq!(store.rotate(1).await.unwrap(), 1);
    let store = PostgresStore::connect(&database.config, Keys::new(3, &[3; 32])).await.unwrap();
    let mut lease = store.claim_account("two", "held").await.unwrap().unwrap();
    assert_eq!(lease.load().await.unwrap().unwrap().to_json(), loaded(&saved));
    let queued =
        lease.next_queued(wechat_postgres_store::UnansweredPolicy::Repeat).await.unwrap().unwrap();
    assert_eq!(queued.id(), id);
    // Without the key, the session is refused, not treated as missing.
    let mut idle = database.store.claim_account("one", "idle").await.unwrap().unwrap();
    let text = refused(idle.load().await, StorageKind::Read);
    assert!(text.ends_with("it is encrypted with key 3, which was not given"), "{text}");
}

/// Threat S1: an attacker who can write to the table cannot give the session of one account to another.
#[tokio::test]
async fn a_session_of_another_account_is_refused() {
    let Some(database) = Database::new().await else { return };
    let mut lease = database.lease("bot").await;
    database.store.add("other", Some(&session())).await.unwrap();
    let copy = "UPDATE wechat_account SET session = (SELECT session FROM wechat_account WHERE account = 'other') \
                WHERE account = 'bot'";
    database.execute(copy, &[]).await;
    refused(lease.load().await, StorageKind::Damaged);
    let cut = "UPDATE wechat_account SET session = substr(session, 1, 20) WHERE account = 'bot'";
    database.execute(cut, &[]).await;
    refused(lease.load().await, StorageKind::Damaged);
    let newer = "UPDATE wechat_account SET session = '\\x09' WHERE account = 'bot'";
    database.execute(newer, &[]).await;
    refused(lease.load().await, StorageKind::Newer);
    // It can be replaced explicitly.
    lease.save(&session()).await.unwrap();
    assert!(lease.load().await.unwrap().is_some());
    let wrong = PostgresStore::connect(&database.config, Keys::new(1, &[9; 32])).await.unwrap();
    let mut other = wrong.claim_account("one", "other").await.unwrap().unwrap();
    refused(other.load().await, StorageKind::Damaged);
    assert!(PostgresStore::connect("host=", keys()).await.is_err());
}
