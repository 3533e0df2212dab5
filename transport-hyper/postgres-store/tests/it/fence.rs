//! Leases and their fencing tokens.

use std::time::Duration;

use wechat_postgres_store::{Error, Lease, Next, UnansweredPolicy};
use wechat_proto::store::AsyncSessionStore as _;

use crate::{Database, later, loaded, session};

fn is_lost<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::InUse))
}

#[tokio::test]
async fn an_account_has_one_holder() {
    let Some(database) = Database::new().await else { return };
    let store = &database.store;
    for account in ["a", "b", "c"] {
        store.add(account, None).await.unwrap();
    }
    let claims = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.claim("one", 1).await.unwrap() })
    });
    let mut held = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        held.extend(claim.await.unwrap().iter().map(|lease| lease.account().to_owned()));
    }
    held.sort();
    assert_eq!(held, ["a", "b", "c"]);
    assert!(store.claim_account("two", "a").await.unwrap().is_none());
    assert!(store.claim_account("two", "unknown").await.unwrap().is_none());
    assert!(!store.offer("a").await.unwrap(), "it is leased");
    // The database's clock ends a lease, and the next one has a higher token.
    database.end_lease("a").await;
    let next = store.claim("two", 10).await.unwrap();
    assert_eq!((next.len(), next[0].account(), next[0].token()), (1, "a", 2));
    let owner = "SELECT owner FROM wechat_account ORDER BY account";
    assert_eq!(database.column::<String>(owner).await, ["two", "one", "one"]);
}

#[tokio::test]
async fn release_decides_when_an_account_can_be_claimed() {
    let Some(database) = Database::new().await else { return };
    let store = &database.store;
    let lease = database.lease("bot").await;
    lease.release(Next::After(Duration::ZERO)).await.unwrap();
    let lease = store.claim_account("two", "bot").await.unwrap().unwrap();
    lease.release(Next::After(Duration::from_secs(60))).await.unwrap();
    assert!(store.claim_account("one", "bot").await.unwrap().is_none());
    assert!(store.offer("bot").await.unwrap());
    let lease = store.claim_account("one", "bot").await.unwrap().unwrap();
    lease.release(Next::Withdraw).await.unwrap();
    assert!(store.claim("one", 9).await.unwrap().is_empty());
    assert_eq!(
        database.column::<bool>("SELECT free_at = 'infinity' FROM wechat_account").await,
        [true]
    );
    assert!(store.offer("bot").await.unwrap() && !store.offer("unknown").await.unwrap());
    assert_eq!(store.claim("one", 9).await.unwrap()[0].token(), 4);
}

/// The database rejects every operation of a former holder, although the holder's own clock says
/// that the lease has not ended.
///
/// Threat S2.
#[tokio::test]
async fn a_former_holder_cannot_write() {
    let Some(database) = Database::new().await else { return };
    let first = database.lease("bot").await;
    let mut saved = session();
    let mut tokens = 1;
    let mut former = first;
    for operation in 0..8 {
        // A text that the former holder has begun to send.
        let id = saved.next_client_msg_id(wechat_proto::Timestamp::from_secs(2_000_000_000));
        let copy = saved.snapshot();
        let transaction = former.begin(&copy).await.unwrap();
        let cause = operation.to_string();
        let to = "@0123456789abcdef".parse().unwrap();
        transaction.queue(&cause, 0, &to, "hello", id).await.unwrap();
        transaction.commit().await.unwrap();
        let queued = former.next_queued(UnansweredPolicy::Repeat).await.unwrap().unwrap();
        database.end_lease("bot").await;
        // Also without a successor.
        if operation % 2 == 0 {
            assert!(database.store.claim_account("two", "bot").await.unwrap().is_some());
            tokens += 1;
        }
        let state = "SELECT row_to_json(a)::text FROM wechat_account AS a \
                     UNION ALL SELECT row_to_json(o)::text FROM wechat_outbox AS o";
        let before = database.column::<String>(state).await;
        assert!(former.left() > Duration::from_secs(20));
        let newer = later(&mut saved);
        let is_refused = match operation {
            0 => is_lost(former.save(&newer).await),
            1 => is_lost(former.remove().await),
            2 => is_lost(former.load().await),
            3 => is_lost(former.next_queued(UnansweredPolicy::Repeat).await),
            4 => is_lost(former.settle(&queued, &Err(Error::Stopped)).await),
            5 => is_lost(former.renew().await),
            6 => {
                database.execute("CREATE TABLE effect (number integer)", &[]).await;
                let transaction = former.begin(&newer).await.unwrap();
                transaction.execute("INSERT INTO effect VALUES (1)", &[]).await.unwrap();
                let lost = is_lost(transaction.commit().await);
                assert!(database.column::<i32>("SELECT number FROM effect").await.is_empty());
                lost
            }
            _ => is_lost(former.begin(&newer).await.unwrap().commit().await),
        };
        assert!(is_refused, "{operation}");
        assert_eq!(database.column::<String>(state).await, before, "{operation}");
        // After the first rejection, the lease has ended for the former holder as well.
        assert!(former.left().is_zero() && is_lost(former.begin(&newer).await), "{operation}");
        assert!(is_lost(former.save(&newer).await), "{operation}");
        assert!(is_lost(former.release(Next::Withdraw).await), "{operation}");
        database.end_lease("bot").await;
        former = database.store.claim_account("one", "bot").await.unwrap().unwrap();
        tokens += 1;
        assert_eq!(former.token(), tokens);
        former.load().await.unwrap();
        database.execute("DELETE FROM wechat_outbox", &[]).await;
    }
}

/// The worker's clock ends a lease before the database does, which leaves time for the claim.
#[tokio::test]
async fn a_lease_ends_first_by_the_clock_of_its_holder() {
    let Some(database) = Database::new().await else { return };
    let store = database.store.clone().with_lease_time(Duration::ZERO);
    assert_eq!(store.lease_time(), Duration::from_secs(1));
    store.add("bot", Some(&session())).await.unwrap();
    let mut lease: Lease = store.claim_account("one", "bot").await.unwrap().unwrap();
    assert!(lease.left() <= Duration::from_millis(900));
    lease.renew().await.unwrap();
    let ends =
        "SELECT free_at <= clock_timestamp() + interval '950 milliseconds' FROM wechat_account";
    assert_eq!(database.column::<bool>(ends).await, [true]);
    assert_eq!(lease.load().await.unwrap().unwrap().to_json(), loaded(&session()));
    let term = lease.term();
    let guarded = term.guard(async {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let held = "SELECT free_at > clock_timestamp() FROM wechat_account";
            assert_eq!(database.column::<bool>(held).await, [true]);
        }
    });
    assert!(is_lost::<()>(guarded.await));
    assert!(is_lost(lease.load().await) && is_lost(lease.renew().await));
}
