//! The lookup of unknown rooms, before the messages of a batch: `docs/protocol.md` §9.5.

use super::ask::{contacts, said, steps};
use super::*;
use crate::endpoint::Endpoint as _;
use crate::error::FailureKind;

/// Returns a room in which the account is "Bot" and somebody "Ada".
fn room(name: &str) -> Value {
    json!({ "UserName": name, "NickName": "room", "MemberCount": 2, "MemberList": [
        { "UserName": session().me().user_name, "NickName": "N", "DisplayName": "Bot" },
        { "UserName": "@m", "NickName": "m", "DisplayName": "Ada" },
    ] })
}

/// Returns a mention of "Bot" in a room.
fn mentioned() -> Value {
    said("@@r", "@m:<br/>@Bot\u{2005}hi", 5)
}

/// Returns the author's name of a message, and whether it mentions the account.
fn judged(stage: &Stage, message: &Message) -> (String, Option<bool>) {
    let directory = stage.account.directory();
    let me = stage.account.session.me();
    (directory.author_name(message).into(), message.mentions(directory, me))
}

#[test]
fn first_message_of_a_room_has_its_author_and_mentions() {
    let first = with(mentioned(), "ContinueFlag", json!(1));
    let mut stage = Stage::new([ok(first), contacts(&json!([room("@@r")]))]);
    // A message in a room that was created later, less than a second after the first lookup.
    stage.replies.extend([
        ok(said("@@later", "@m:<br/>@N\u{2005}hi", 6)),
        contacts(&json!([room("@@later")])),
    ]);
    let message = stage.next().unwrap();
    assert_eq!(steps(&stage), "fetch, lookup @@r");
    assert_eq!(stage.host.requests.last().unwrap().deadline, Duration::from_secs(3));
    assert_eq!(judged(&stage, &message), ("Ada".into(), Some(true)));
    let message = stage.next().unwrap();
    assert_eq!(judged(&stage, &message), ("Ada".into(), Some(false)), "the nickname");
    assert_eq!(steps(&stage), "fetch, lookup @@r, fetch, lookup @@later");
}

/// Any failure releases the batch, and is neither reported nor retried before the delivery.
#[test]
fn failed_room_lookup_releases_the_batch() {
    for (label, failure) in [
        ("timeout", failed(FailureKind::Timeout)),
        ("closed", failed(FailureKind::Closed)),
        ("refused", refused(1)),
        ("limited", refused(1205)),
        ("ended", refused(1101)),
        ("page", ok("<html>")),
        ("left out", contacts(&json!([]))),
    ] {
        let ends = label == "ended";
        let mut two = with(mentioned(), "ContinueFlag", json!(1));
        two["AddMsgList"].as_array_mut().unwrap().push(text("6", "@a", "x"));
        let mut stage = Stage::new([ok(two), failure]);
        let message = stage.next().unwrap();
        assert_eq!(judged(&stage, &message), ("unknown".into(), None), "{label}");
        assert_eq!(stage.next().unwrap().id.to_string(), "6");
        assert_eq!(steps(&stage), "fetch, lookup @@r", "{label}");
        // The next batch does not wait for a second lookup.
        stage.replies.extend([ok(said("@@r", "@m:<br/>hi", 7))]);
        match stage.next() {
            Err(Error::LoggedOut { .. }) if ends => {}
            message => assert_eq!(message.unwrap().id.to_string(), "7", "{label}"),
        }
        let after = if ends { "" } else { ", fetch" };
        assert_eq!(steps(&stage), format!("fetch, lookup @@r{after}"), "{label}");
    }
}

/// The session is closed by a call during the lookup: the batch is delivered. A stop discards it.
#[test]
fn end_of_the_session_ends_the_wait_for_rooms() {
    for stops in [true, false] {
        let mut stage = Stage::new([ok(mentioned())]);
        assert!(matches!(stage.next(), Err(Error::Stopped)), "no replies are left");
        if stops {
            stage.account.stop();
            assert!(matches!(stage.next(), Err(Error::Stopped)));
        } else {
            end::close_by_send(&mut stage.account, 1101);
            assert_eq!(stage.next().unwrap().id.to_string(), "5");
            assert!(matches!(stage.next(), Err(Error::LoggedOut { .. })));
        }
        assert_eq!(steps(&stage), "fetch, lookup @@r");
        // The batch is received again when the session is resumed.
        let is_kept = stage.account.session.acks.contains(&"5".into());
        assert_eq!(is_kept, !stops);
    }
}

#[test]
fn room_lookup_is_one_request_for_fifty_rooms() {
    let in_rooms = (100..160).map(|n| text(&n.to_string(), &format!("@@{n}"), "@m:<br/>x"));
    let messages: Vec<Value> = [text("9", "@b", "x")].into_iter().chain(in_rooms).collect();
    let reply =
        || contacts(&json!((100..150).map(|n| room(&format!("@@{n}"))).collect::<Vec<_>>()));
    let batch = with(batch(&[], 5, false), "AddMsgList", json!(messages));
    let mut stage = Stage::new([ok(&batch), reply()]);
    assert_eq!(stage.ids().len(), 61);
    let requested = stage.requested().remove(1);
    assert!(requested.starts_with("lookup @@100 ") && requested.ends_with(" @@149"), "{requested}");
    assert_eq!(requested.split(' ').count(), 51);
    assert_eq!(steps(&stage).matches("lookup").count(), 1, "the others follow after a pause");
}

#[test]
fn immediate_messages_do_not_wait() {
    let mut stage = Stage::new([ok(mentioned()), contacts(&json!([room("@@r")])), ok(QUIET)]);
    stage.inbox = Inbox::new().immediate();
    let message = stage.next().unwrap();
    assert_eq!(judged(&stage, &message), ("unknown".into(), None));
    assert_eq!(steps(&stage), "fetch");
    assert_eq!(stage.ids(), [""; 0]);
    assert_eq!(steps(&stage), "fetch, lookup @@r, check, check");
    assert_eq!(judged(&stage, &message), ("Ada".into(), Some(true)));
}

/// The batch received while a stored session was opened.
#[test]
fn first_batch_waits_for_its_rooms() {
    let mut stage = Stage::new([contacts(&json!([room("@@r")]))]);
    let fetched = FetchBatch::new().parse(&reply(&mentioned().to_string())).unwrap();
    let applied = stage.account.apply(fetched);
    stage.account.keep_arrived(applied);
    let message = stage.next().unwrap();
    assert_eq!(judged(&stage, &message), ("Ada".into(), Some(true)));
    assert_eq!(steps(&stage), "lookup @@r");
}
