//! Texts that are sent after the transaction that decided to send them.

use wechat_postgres_store::{Error, Lease, QueuedText, UnansweredPolicy};
use wechat_proto::error::{Failure, FailureKind, Ret, Sent};
use wechat_proto::message::Receipt;
use wechat_proto::store::AsyncSessionStore as _;
use wechat_proto::{ClientMsgId, Endpoint as _, Session, Timestamp, http};

use crate::{Database, later, other_login, session};

/// Queues texts, each with its own cause.
async fn queue(lease: &mut Lease, session: &mut Session, texts: &[&str]) -> Vec<ClientMsgId> {
    let ids: Vec<_> =
        texts.iter().map(|_| session.next_client_msg_id(Timestamp::from_secs(9))).collect();
    let copy = session.snapshot();
    let transaction = lease.begin(&copy).await.unwrap();
    let to = "@0123456789abcdef".parse().unwrap();
    for (text, id) in texts.iter().zip(&ids) {
        assert!(transaction.queue(text, 0, &to, text, *id).await.unwrap());
    }
    transaction.commit().await.unwrap();
    ids
}

fn receipt(text: &QueuedText) -> Receipt {
    let reply = r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"1","LocalID":"2"}"#;
    text.send().parse(&http::Response::new(reply.into())).unwrap()
}

async fn states(database: &Database) -> Vec<String> {
    let rows = "SELECT concat_ws(' ', cause, state, attempts, content IS NULL, reason, ended_at IS NULL) \
                FROM wechat_outbox ORDER BY client_msg_id";
    database.column(rows).await
}

#[tokio::test]
async fn texts_are_sent_once_and_in_order() {
    let Some(database) = Database::new().await else { return };
    let (mut lease, mut session) = (database.lease("bot").await, session());
    assert!(lease.next_queued(UnansweredPolicy::Repeat).await.unwrap().is_none());
    let ids = queue(&mut lease, &mut session, &["b", "a", "c"]).await;
    for (id, cause) in ids.iter().zip(["b", "a", "c"]) {
        let text = lease.next_queued(UnansweredPolicy::GiveUp).await.unwrap().unwrap();
        assert_eq!((text.id(), text.cause(), text.attempts()), (*id, cause, 1));
        assert_eq!(text.send().id(), Some(*id));
        let receipt = receipt(&text);
        lease.settle(&text, &Ok(receipt)).await.unwrap();
        assert!(!format!("{text:?}").contains("text:"));
    }
    assert!(lease.next_queued(UnansweredPolicy::Repeat).await.unwrap().is_none());
    assert_eq!(states(&database).await, ["b sent 1 t f", "a sent 1 t f", "c sent 1 t f"]);
    assert_eq!(database.store.prune_outbox(1).await.unwrap(), 0);
    assert_eq!(database.store.prune_outbox(0).await.unwrap(), 3);
}

/// A cause has one text of each number, even if it is handled again.
#[tokio::test]
async fn a_text_is_queued_once() {
    let Some(database) = Database::new().await else { return };
    let (mut lease, mut session) = (database.lease("bot").await, session());
    let ids = queue(&mut lease, &mut session, &["a"]).await;
    let copy = later(&mut session);
    let transaction = lease.begin(&copy).await.unwrap();
    let to = "@0123456789abcdef".parse().unwrap();
    let other = "99999999999990999".parse().unwrap();
    assert!(!transaction.queue("a", 0, &to, "again", other).await.unwrap());
    assert!(transaction.queue("a", 1, &to, "another", other).await.unwrap());
    transaction.commit().await.unwrap();
    let text = lease.next_queued(UnansweredPolicy::Repeat).await.unwrap().unwrap();
    assert_eq!(text.id(), ids[0]);
    // Nothing is queued without a commit.
    let copy = later(&mut session);
    let transaction = lease.begin(&copy).await.unwrap();
    assert!(transaction.queue("b", 0, &to, "dropped", other).await.unwrap());
    drop(transaction);
    assert_eq!(states(&database).await, ["a queued 1 f t", "a queued 0 f t"]);
}

#[tokio::test]
async fn outcomes_are_recorded() {
    let Some(database) = Database::new().await else { return };
    let (mut lease, mut session) = (database.lease("bot").await, session());
    let transport = || Error::Transport(Failure::new(FailureKind::Connect, Sent::No));
    let refused = Error::Refused { endpoint: "webwxsendmsg", ret: Ret(1204), message: "".into() };
    let outcomes = [
        (transport(), "a queued 0 f t"),
        (Error::Stopped, "a queued 0 f t"),
        (Error::Unanswered { cause: None }, "a queued 1 f t"),
        (refused, "a refused 1 t webwxsendmsg was refused with 1204"),
    ];
    queue(&mut lease, &mut session, &["a"]).await;
    for (outcome, state) in outcomes {
        let text = lease.next_queued(UnansweredPolicy::Repeat).await.unwrap().unwrap();
        let attempts = text.attempts();
        lease.settle(&text, &Err(outcome)).await.unwrap();
        let now = states(&database).await;
        let expected = state.replacen('1', &attempts.to_string(), 1);
        assert!(now[0].starts_with(&expected), "{now:?} {expected}");
    }
    assert!(lease.next_queued(UnansweredPolicy::Repeat).await.unwrap().is_none());
}

/// The next holder sends such a text again with the same id, or gives it up, depending on the policy.
#[tokio::test]
async fn next_holder_repeats_or_gives_up_attempted_texts() {
    let Some(database) = Database::new().await else { return };
    let (mut first, mut session) = (database.lease("bot").await, session());
    let ids = queue(&mut first, &mut session, &["a", "b"]).await;
    first.next_queued(UnansweredPolicy::Repeat).await.unwrap().unwrap();
    database.end_lease("bot").await;
    let mut second = database.store.claim_account("two", "bot").await.unwrap().unwrap();
    second.load().await.unwrap();
    let text = second.next_queued(UnansweredPolicy::Repeat).await.unwrap().unwrap();
    assert_eq!((text.id(), text.attempts()), (ids[0], 2));
    let text = second.next_queued(UnansweredPolicy::GiveUp).await.unwrap().unwrap();
    assert_eq!((text.id(), text.attempts()), (ids[1], 1));
    assert_eq!(states(&database).await, ["a unanswered 2 t f", "b queued 1 f t"]);
}

#[tokio::test]
async fn texts_of_an_earlier_login_are_not_sent() {
    let Some(database) = Database::new().await else { return };
    let (mut lease, mut session) = (database.lease("bot").await, session());
    queue(&mut lease, &mut session, &["a", "b"]).await;
    lease.next_queued(UnansweredPolicy::Repeat).await.unwrap().unwrap();
    // A later copy of the same login changes nothing.
    lease.save(&later(&mut session)).await.unwrap();
    assert_eq!(states(&database).await, ["a queued 1 f t", "b queued 0 f t"]);
    let mut other = other_login();
    lease.save(&other).await.unwrap();
    assert!(lease.next_queued(UnansweredPolicy::Repeat).await.unwrap().is_none());
    assert_eq!(states(&database).await, ["a unanswered 1 t f", "b abandoned 0 t f"]);
    queue(&mut lease, &mut other, &["c"]).await;
    assert_eq!(lease.next_queued(UnansweredPolicy::Repeat).await.unwrap().unwrap().cause(), "c");
    // The same in a transaction.
    let back = later(&mut session);
    lease.begin(&back).await.unwrap().commit().await.unwrap();
    assert!(states(&database).await.contains(&"c unanswered 1 t f".to_owned()));
}
