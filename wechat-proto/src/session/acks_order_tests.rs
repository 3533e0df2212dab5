//! A property of acknowledgements in any order.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::tests::{id, receive, started, stored, value};
use crate::message::Message;
use crate::session::Session;

#[derive(Clone, Debug)]
enum Step {
    /// The service has more messages.
    Written(usize),
    Receive,
    /// Acknowledges delivered messages from one on.
    Acknowledge(prop::sample::Index, usize),
    Rewind,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop_oneof![60 => 0..4_usize, 1 => 500..700_usize].prop_map(Step::Written),
        3 => Just(Step::Receive),
        6 => (any::<prop::sample::Index>(), prop_oneof![Just(1), 300..700_usize])
            .prop_map(|(index, count)| Step::Acknowledge(index, count)),
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
        // The messages, each with the value of the sync key after its batch.
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
                        delivered.push(message);
                    }
                    let ids: BTreeSet<_> = delivered.iter().map(|message| &message.id).collect();
                    prop_assert_eq!(ids.len(), delivered.len());
                    // Every written message is delivered or acknowledged.
                    prop_assert_eq!(delivered.len() + acknowledged.len(), written.len());
                }
                Step::Acknowledge(index, count) if !delivered.is_empty() => {
                    let from = index.index(delivered.len());
                    let to = delivered.len().min(from + count);
                    for message in delivered.drain(from..to) {
                        session.acknowledge(&message);
                        acknowledged.insert(message.id);
                    }
                }
                Step::Acknowledge(..) => {}
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
