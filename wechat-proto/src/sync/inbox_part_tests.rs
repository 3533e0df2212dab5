//! Large batches, which are applied in parts.

use alloc::vec;

use super::*;
use crate::parts::PART;
use crate::session::tests::without_generator;

/// Returns an inbox whose reply has these lists of contacts.
fn stage(lists: &[(&str, Vec<Value>)]) -> Stage {
    let reply = batch(&["7"], 5, false);
    let reply = lists
        .iter()
        .fold(reply, |reply, (list, contacts)| with(reply, list, Value::from(contacts.clone())));
    Stage::new([ok(reply)])
}

/// Returns contacts of the address book.
fn contacts(count: usize) -> Vec<Value> {
    // Shorter records would be cut: threat W3.
    let other = "x".repeat(100);
    let contact = |n| json!({ "UserName": format!("@{n}"), "ContactFlag": 3, "Other": other });
    (0..count).map(contact).collect()
}

/// Returns a room.
fn room(members: usize) -> Value {
    let list: Vec<Value> = (0..members).map(|n| json!({ "UserName": format!("@{n}") })).collect();
    json!({ "UserName": "@@r", "ContactFlag": 2, "MemberCount": 99_999, "MemberList": list })
}

/// Polls until the inbox unlocks the account within a batch, or returns a message or an error.
fn poll(stage: &mut Stage) -> Result<Option<Message>, Error> {
    loop {
        match stage.inbox.poll(&mut stage.account, stage.host.now) {
            Ok(message) => return Ok(Some(message)),
            Err(Interrupt::Sleep(PAUSE)) => return Ok(None),
            Err(Interrupt::Send(_)) => stage.inbox.handle(stage.replies.pop_front().unwrap()),
            Err(Interrupt::Fail(error)) => return Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Threat W1: a part has at most this many contacts and members.
#[test]
fn large_batch_is_applied_in_parts() {
    let changed = |count: usize| ("ModContactList", contacts(count));
    let members = |count: usize| ("ModChatRoomMemberList", vec![room(count); 4]);
    for (label, lists, expected) in [
        ("contacts", vec![changed(2 * PART + 1)], vec![PART, 2 * PART]),
        ("one part", vec![changed(PART)], vec![]),
        ("rooms", vec![members(PART / 2)], vec![1]),
        ("large rooms", vec![members(PART)], vec![1, 1, 1]),
        ("both lists", vec![changed(PART), members(PART / 2)], vec![PART, PART + 1]),
    ] {
        let mut stage = stage(&lists);
        let (known, mut sizes) = (stage.account.directory.len(), Vec::new());
        let message = loop {
            match poll(&mut stage).unwrap() {
                Some(message) => break message,
                None => sizes.push(stage.account.directory.len() - known),
            }
        };
        assert_eq!((message.id, sizes), ("7".into(), expected), "{label}");
    }
}

/// A stop does not wait for the rest of a batch, which is received again.
///
/// Threat W1.
#[test]
fn stop_interrupts_a_large_batch() {
    let mut stage = stage(&[("ModContactList", contacts(3 * PART))]);
    let before = without_generator(stage.account.session.clone());
    assert!(poll(&mut stage).unwrap().is_none());
    stage.account.stop();
    assert!(matches!(poll(&mut stage), Err(Error::Stopped)));
    assert!(stage.account.directory.len() < 2 * PART);
    assert_eq!(without_generator(stage.account.session.clone()), before);
}

/// If the service ends the session while a batch is applied, the messages of the batch are
/// delivered.
#[test]
fn end_of_the_session_does_not_lose_a_large_batch() {
    let mut stage = stage(&[("ModContactList", contacts(2 * PART))]);
    assert!(poll(&mut stage).unwrap().is_none());
    stage.account.session.device.close(Ret::SESSION_INVALID, stage.host.now);
    assert_eq!(poll(&mut stage).unwrap().unwrap().id, "7".into());
    assert!(matches!(poll(&mut stage), Err(Error::LoggedOut { .. })));
}
