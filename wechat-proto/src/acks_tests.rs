use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::endpoint::Endpoint as _;
use crate::session::Session;
use crate::sync::FetchBatch;
use crate::testing::{NOW, http_of, reply, session};

fn id(n: usize) -> MsgId {
    n.to_string().into()
}

fn key(value: usize) -> String {
    format!(r#"{{"Count":1,"List":[{{"Key":1,"Val":{value}}}]}}"#)
}

/// Receives a batch of messages with these ids, after which the key has this value.
fn receive(session: &mut Session, value: usize, ids: &[&str]) -> Vec<Message> {
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
    let uri = http_of(FetchBatch::new(), session).uri().clone();
    let batch = FetchBatch::new().receive(session, &uri, &reply(&body), NOW).unwrap();
    session.apply(batch)
}

/// Returns the value of the key in the stored session.
fn stored(session: &Session) -> usize {
    let restored = Session::from_json(&session.to_json()).unwrap();
    value(&restored)
}

fn value(session: &Session) -> usize {
    let joined = session.next_sync_key().joined();
    joined.strip_prefix("1_").map_or(0, |value| value.parse().unwrap())
}

/// Returns a session whose key has the value 1.
fn started() -> Session {
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
    // Received again: pending messages are not delivered a second time.
    assert!(receive(&mut session, 2, &["11", "12"]).is_empty());
    let again = receive(&mut session, 3, &["11", "12", "13"]);
    assert_eq!(again.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["13"]);
    session.acknowledge(&again[0]);
    assert_eq!(stored(&session), 1);
    session.acknowledge(&messages[0]);
    assert_eq!(stored(&session), 3);
}

#[test]
fn a_restored_session_receives_unacknowledged_messages_again() {
    let mut session = started();
    let messages = receive(&mut session, 2, &["11", "12"]);
    session.acknowledge(&messages[1]);
    let mut restored = Session::from_json(&session.to_json()).unwrap();
    assert_eq!(value(&restored), 1);
    let again = receive(&mut restored, 2, &["11", "12"]);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].id, messages[0].id);
    restored.acknowledge(&again[0]);
    assert_eq!(stored(&restored), 2);
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
    assert_eq!((session.acks.open.len(), session.acks.known.len()), (1, RECENT));
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
    assert!(!acks.contains(&id(10_000 - RECENT)));
    assert!(acks.contains(&id(10_001 - RECENT)));
    assert_eq!((acks.known.len(), acks.open.len()), (RECENT, 0));
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

/// Threat S5.
#[test]
fn ids_of_an_open_batch_are_all_stored() {
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

#[test]
fn a_message_without_an_id_is_never_known() {
    let mut acks = Acks::default();
    for text in ["", "0"] {
        acks.acknowledge(&text.into(), None);
        assert!(!acks.contains(&text.into()));
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The service has more messages.
    Written(usize),
    Receive,
    /// Acknowledges one of the delivered messages.
    Acknowledge(prop::sample::Index),
    Rewind,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..4_usize).prop_map(Step::Written),
        3 => Just(Step::Receive),
        6 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
        1 => Just(Step::Rewind),
        1 => Just(Step::Restore),
    ]
}

proptest! {
    /// In any order, every message is delivered until it is acknowledged and never after that, and
    /// the stored key never passes an unacknowledged message.
    #[test]
    fn no_message_is_lost_in_any_order_of_acknowledgements(steps in vec(step(), 1..60)) {
        let mut session = started();
        // The messages, with the value of the key after each.
        let mut written: BTreeMap<usize, usize> = BTreeMap::new();
        let (mut last, mut acknowledged) = (1, BTreeSet::new());
        let mut delivered: Vec<Message> = Vec::new();
        for step in steps {
            match step {
                Step::Written(count) => {
                    last += 1;
                    for _ in 0..count {
                        written.insert(written.len() + 100, last);
                    }
                }
                Step::Receive => {
                    let from = value(&session);
                    let ids: Vec<_> = written
                        .iter()
                        .filter(|(_, at)| **at > from)
                        .map(|(id, _)| id.to_string())
                        .collect();
                    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
                    for message in receive(&mut session, last, &ids) {
                        prop_assert!(!acknowledged.contains(&message.id));
                        prop_assert!(delivered.iter().all(|other| other.id != message.id));
                        delivered.push(message);
                    }
                    // Every written message is delivered or acknowledged.
                    prop_assert_eq!(delivered.len() + acknowledged.len(), written.len());
                }
                Step::Acknowledge(index) if !delivered.is_empty() => {
                    let message = delivered.swap_remove(index.index(delivered.len()));
                    session.acknowledge(&message);
                    acknowledged.insert(message.id);
                }
                Step::Acknowledge(_) => {}
                Step::Rewind => {
                    session.rewind();
                    delivered.clear();
                }
                Step::Restore => {
                    session = Session::from_json(&session.to_json()).unwrap();
                    delivered.clear();
                }
            }
            let key = stored(&session);
            let passed = |id: usize| acknowledged.contains(&self::id(id));
            prop_assert!(written.iter().all(|(id, at)| *at > key || passed(*id)));
        }
        for message in delivered {
            session.acknowledge(&message);
        }
        let restored = stored(&session);
        prop_assert!(restored == value(&session) || restored == 1);
    }
}
