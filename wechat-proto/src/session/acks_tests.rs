use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};

use super::*;
use crate::session::Session;
use crate::sync::FetchBatch;
use crate::testing::{exchange, session};

pub(crate) fn id(n: usize) -> MsgId {
    n.to_string().into()
}

fn key(value: usize) -> String {
    format!(r#"{{"Count":1,"List":[{{"Key":1,"Val":{value}}}]}}"#)
}

/// Receives a batch of messages with these ids, after which the key has this value.
pub(crate) fn receive(session: &mut Session, value: usize, ids: &[&str]) -> Vec<Message> {
    let list: Vec<_> = ids
        .iter()
        .map(|id| {
            format!(r#"{{"MsgId":"{id}","FromUserName":"@a","ToUserName":"@me","MsgType":1}}"#)
        })
        .collect();
    let key = key(value);
    let body = format!(
        r#"{{"BaseResponse":{{"Ret":0}},"AddMsgList":[{}],"SyncKey":{key},"SyncCheckKey":{key}}}"#,
        list.join(",")
    );
    let batch = exchange(FetchBatch::new(), session, &body).unwrap();
    session.apply(batch)
}

/// Returns the value of the key in the stored session.
pub(crate) fn stored(session: &Session) -> usize {
    let restored = Session::from_json(&session.to_json()).unwrap();
    value(&restored)
}

pub(crate) fn value(session: &Session) -> usize {
    let joined = session.next_sync_key().joined();
    joined.strip_prefix("1_").map_or(0, |value| value.parse().unwrap())
}

/// Returns a session whose key has the value 1.
pub(crate) fn started() -> Session {
    let mut session = session();
    assert!(receive(&mut session, 1, &[]).is_empty());
    session
}

#[test]
fn acknowledgement_moves_the_key_once_the_whole_batch_is_acknowledged() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        let mut session = started();
        let messages = receive(&mut session, 2, &["11", "12", "13"]);
        assert_eq!((messages.len(), value(&session), stored(&session)), (3, 2, 1));
        let [first, second, third] = order.map(|place| &messages[place]);
        session.acknowledge(first);
        session.acknowledge(second);
        assert_eq!(stored(&session), 1, "{order:?}");
        session.acknowledge(third);
        assert_eq!(stored(&session), 2, "{order:?}");
    }
}

#[test]
fn a_batch_moves_the_key_after_the_batches_before_it() {
    let mut session = started();
    let first = receive(&mut session, 2, &["11"]);
    let second = receive(&mut session, 3, &["12"]);
    let third = receive(&mut session, 4, &[]);
    assert!(third.is_empty());
    assert_eq!((value(&session), stored(&session)), (4, 1));
    session.acknowledge(&second[0]);
    assert_eq!(stored(&session), 1);
    session.acknowledge(&first[0]);
    assert_eq!(stored(&session), 4);
}

/// Such a message is identified by its place alone.
#[test]
fn acknowledgement_covers_messages_without_an_id() {
    let mut session = started();
    let messages = receive(&mut session, 2, &["", "0", "11", ""]);
    assert_eq!(messages.len(), 4);
    for message in messages.iter().rev() {
        assert_eq!(stored(&session), 1);
        session.acknowledge(message);
        session.acknowledge(message);
    }
    assert_eq!(stored(&session), 2);
}

#[test]
fn an_acknowledged_message_is_not_delivered_again() {
    let mut session = started();
    let messages = receive(&mut session, 2, &["11", "12", "12"]);
    assert_eq!(messages.len(), 2);
    session.acknowledge(&messages[1]);
    // Pending messages that are received again are not delivered a second time.
    assert!(receive(&mut session, 2, &["11", "12"]).is_empty());
    let again = receive(&mut session, 3, &["11", "12", "13"]);
    assert_eq!(again.iter().map(|message| message.id.to_string()).collect::<Vec<_>>(), ["13"]);
    session.acknowledge(&again[0]);
    assert_eq!(stored(&session), 1);
    session.acknowledge(&messages[0]);
    assert_eq!(stored(&session), 3);
}

/// A copy of the session is acknowledged and stored before the session itself.
#[test]
fn acknowledging_on_a_copy_does_not_change_the_session() {
    let mut session = started();
    let messages = receive(&mut session, 2, &["11"]);
    let mut copy = session.clone();
    copy.acknowledge(&messages[0]);
    assert_eq!((stored(&copy), stored(&session)), (2, 1));
    session.acknowledge(&messages[0]);
    assert_eq!(stored(&session), 2);
}

#[test]
fn a_rewound_session_receives_pending_messages_again() {
    let mut session = started();
    let messages = receive(&mut session, 2, &["11", "12", ""]);
    session.acknowledge(&messages[0]);
    session.rewind();
    assert_eq!(value(&session), 1);
    let again = receive(&mut session, 2, &["11", "12", ""]);
    assert_eq!(again.len(), 2);
    // A message that was delivered before is found by its id; its place is that of another batch.
    session.acknowledge(&messages[1]);
    session.acknowledge(&messages[2]);
    assert_eq!(stored(&session), 1);
    session.acknowledge(&again[1]);
    assert_eq!(stored(&session), 2);
}

#[test]
fn a_message_of_another_session_changes_nothing() {
    let mut session = started();
    let messages = receive(&mut session, 2, &["11", ""]);
    let mut other = started();
    let foreign = receive(&mut other, 9, &["99", ""]);
    session.acknowledge(&foreign[0]);
    session.acknowledge(&messages[0]);
    assert_eq!(stored(&session), 1);
}

/// The service repeats a batch whose key does not advance, so its ids stay known until it does.
#[test]
fn ids_stay_known_while_the_key_does_not_advance() {
    let mut session = started();
    let ids: Vec<_> = (1..=5000).map(|n| n.to_string()).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let messages = receive(&mut session, 1, &ids);
    assert_eq!(messages.len(), 5000);
    for message in &messages {
        session.acknowledge(message);
    }
    for _ in 0..3 {
        assert!(receive(&mut session, 1, &ids).is_empty());
    }
    assert_eq!((session.acks.open.len(), stored(&session)), (5000, 1));
    // Ids that the service does not repeat are not kept forever.
    assert!(receive(&mut session, 1, &["1"]).is_empty());
    assert_eq!((session.acks.open.len(), session.acks.known.len()), (1, 4096));
}

/// Threat S4.
#[test]
fn ids_of_a_batch_are_kept_until_it_is_acknowledged() {
    let mut acks = Acks::default();
    for n in 1..=10_000 {
        acks.acknowledge(&id(n), None);
    }
    assert!((1..=10_000).all(|n| acks.contains(&id(n))));
    acks.park(Some(SyncKey::default()), None);
    acks.deliver(&mut Vec::new());
    assert!(acks.next_done().is_some() && acks.next_done().is_none());
    assert!(!acks.contains(&id(10_000 - 4096)));
    assert!(acks.contains(&id(10_001 - 4096)));
    assert_eq!((acks.known.len(), acks.open.len()), (4096, 0));
}

/// Threat W4.
#[test]
fn pending_messages_are_not_stored() {
    let mut session = started();
    let stored = |session: &Session| serde_json::to_string(&session.acks).unwrap();
    let before = stored(&session);
    assert_eq!(receive(&mut session, 2, &["11", "12", ""]).len(), 3);
    assert_eq!(stored(&session), before);
}

fn ids_of(messages: &[Message]) -> Vec<alloc::string::String> {
    messages.iter().map(|message| message.id.to_string()).collect()
}

/// Returns the session after storage, and the text of its acknowledgements.
fn restored(session: &Session) -> (Session, String) {
    let stored = serde_json::to_string(&session.acks).unwrap();
    (Session::from_json(&session.to_json()).unwrap(), stored)
}

/// In any order of acknowledgement, a stored session has 512 ids of the batch, and recognises the
/// others by their positions when the batch is sent again, even if joined with the next.
///
/// Threat W4.
#[test]
fn acknowledged_positions_of_a_batch_are_stored() {
    let ids: Vec<_> = (1..=3000).map(|n| n.to_string()).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let more = [&ids[..], &["4001", "4002"]].concat();
    type Order = fn(usize) -> usize;
    let orders: [(&str, Order, usize); 4] = [
        ("in order", |n| n, 100),
        ("from the end", |n| 2999 - n, 100),
        ("in pairs", |n| n ^ 1, 100),
        ("in any order", |n| n * 1_597 % 3000, 25_000),
    ];
    for (label, order, length) in orders {
        let mut session = started();
        let messages = receive(&mut session, 2, &ids);
        (0..2000).for_each(|n| session.acknowledge(&messages[order(n)]));
        let acknowledged: BTreeSet<_> = (0..2000).map(order).collect();
        // The session is stored several times before the batch is sent again, once while a reply
        // is being applied.
        let mut applying = restored(&session).0;
        applying.acks_mut().park(None, None);
        let (restored, stored) = restored(&applying);
        let Stored { batch, positions, .. } =
            serde_json::from_str::<Stored<String, serde_json::Value>>(&stored).unwrap();
        assert_eq!((batch.len(), positions.len()), (512, 1), "{label}");
        let text = positions[0].to_string();
        assert!(text.len() < length, "{label}: {} bytes", text.len());
        for ids in [&ids, &more] {
            let mut again = restored.clone();
            let delivered = receive(&mut again, 3, ids);
            let expected = ids.iter().enumerate().filter(|(n, _)| !acknowledged.contains(n));
            assert!(ids_of(&delivered).iter().eq(expected.map(|(_, id)| id)), "{label}");
            delivered.iter().for_each(|message| again.acknowledge(message));
            assert_eq!(self::stored(&again), 3, "{label}");
        }
    }
}

/// The stored positions of a batch of one message take less than 36 bytes.
///
/// Threat W4.
#[test]
fn positions_of_small_batches_are_small() {
    let mut session = started();
    receive(&mut session, 2, &["1"]);
    for n in 3..5000 {
        let id = n.to_string();
        let messages = receive(&mut session, n, &[&id]);
        session.acknowledge(&messages[0]);
    }
    let stored = serde_json::to_string(&session.acks).unwrap();
    assert!(stored.len() < 36 * 5000, "{}", stored.len());
}

/// If the service sends different messages than before, those that were not acknowledged are
/// delivered, and of the others, the last 512 are recognised.
///
/// Threat W4.
#[test]
fn positions_in_another_batch_are_ignored() {
    let ids: Vec<_> = (1..=2000).map(|n| n.to_string()).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let mut session = started();
    let messages = receive(&mut session, 2, &ids);
    messages[..1500].iter().for_each(|message| session.acknowledge(message));
    let first = [&["9000"], &ids[..]].concat();
    let swapped = [&ids[1999..], &ids[..1999]].concat();
    for (label, other, expected) in [
        ("one more before", first, 1 + 1500 - 512 + 500),
        ("another order", swapped, 1500 - 512 + 500),
        ("a part", ids[..1600].to_vec(), 1500 - 512 + 100),
    ] {
        let mut again = restored(&session).0;
        let delivered = receive(&mut again, 3, &other);
        assert_eq!(delivered.len(), expected, "{label}");
        let delivered: BTreeSet<_> = ids_of(&delivered).into_iter().collect();
        let pending = other.iter().filter(|id| !ids[..1500].contains(id));
        assert!(pending.into_iter().all(|id| delivered.contains(*id)), "{label}");
    }
}

#[test]
fn replies_without_messages_are_not_kept() {
    let mut session = started();
    (0..10).for_each(|_| assert!(receive(&mut session, 1, &[]).is_empty()));
    assert!(session.acks.resent.is_empty());
}

/// Threat W4.
#[test]
fn copies_share_acknowledged_ids() {
    let mut session = started();
    let messages = receive(&mut session, 2, &["11", "12"]);
    session.acknowledge(&messages[0]);
    let copy = session.clone();
    assert!(alloc::sync::Arc::ptr_eq(&copy.acks, &session.acks));
    session.acknowledge(&messages[1]);
    assert_eq!((stored(&copy), stored(&session)), (1, 2));
}

/// Threat S2: the first storage format has no checksum.
#[test]
fn malformed_positions_are_harmless() {
    let ids = ["11", "12", "13"];
    let mut session = started();
    receive(&mut session, 2, &ids);
    let digest = serde_json::to_value(&session.acks.parked[0].acked).unwrap()[1].to_string();
    for acked in ["{\"0\":18446744073709551615}", "{\"2\":1,\"1\":9}", "{\"7\":8}"] {
        let stored = format!(r#"{{"batch":[],"recent":[],"positions":[[3,{digest},{acked}]]}}"#);
        let mut again = started();
        *again.acks_mut() = serde_json::from_str(&stored).unwrap();
        assert_eq!(receive(&mut again, 2, &ids).len(), 3, "{acked}");
        let _ = again.to_json();
    }
}

/// Ids that older versions stored have no position.
///
/// Threat S5.
#[test]
fn ids_without_a_position_are_all_stored() {
    let mut acks = Acks::default();
    (1..=1000).for_each(|n| acks.acknowledge(&id(n), None));
    acks.park(Some(SyncKey::default()), None);
    acks.deliver(&mut Vec::new());
    acks.next_done().unwrap();
    (1001..=3000).for_each(|n| acks.acknowledge(&id(n), None));
    let stored = serde_json::to_string(&acks).unwrap();
    let again: Acks = serde_json::from_str(&stored).unwrap();
    assert!((1001..=3000).all(|n| again.contains(&id(n))));
    assert!(again.contains(&id(1000)) && !again.contains(&id(1000 - STORED)));
}
