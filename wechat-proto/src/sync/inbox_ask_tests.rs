//! Lookups of unknown contacts, between two checks.

use super::*;
use crate::error::FailureKind;

/// Returns a batch with a message from `from`.
pub(super) fn said(from: &str, content: &str, n: i64) -> Value {
    with(batch(&[], n, false), "AddMsgList", json!([text(&n.to_string(), from, content)]))
}

pub(super) fn contacts(records: &Value) -> Input {
    ok(json!({ "BaseResponse": { "Ret": 0 }, "ContactList": records }))
}

/// Returns the requests without their keys.
pub(super) fn steps(stage: &Stage) -> String {
    let step = |requested: String| match requested.split_once(' ') {
        Some(("lookup", names)) => format!("lookup {names}"),
        Some((kind, _)) => kind.to_string(),
        None => requested,
    };
    stage.requested().into_iter().map(step).collect::<Vec<_>>().join(", ")
}

fn name_of(stage: &Stage, name: &str) -> String {
    stage.account.directory().name_of(&self::name(name)).into()
}

/// `docs/protocol.md` §5.1: lookups follow the delivery of messages, before the next check.
#[test]
fn unknown_senders_are_looked_up() {
    let room = json!([{ "UserName": "@@r", "NickName": "room", "MemberCount": 1, "MemberList": [{ "UserName": "@m", "NickName": "m" }] },
        { "UserName": "@b", "NickName": "b" }]);
    let mut first = said("@b", "hi", 5);
    let list = first["AddMsgList"].as_array_mut().unwrap();
    list.push(text("6", "@@r", "@m:<br/>x"));
    let mut stage = Stage::new([
        ok(first),
        contacts(&room),
        ok(QUIET),
        ok(NEWS),
        ok(said("@@r", "@m:<br/>y", 7)),
        ok(QUIET),
    ]);
    assert_eq!(stage.ids(), ["5", "6", "7"]);
    assert_eq!(steps(&stage), "fetch, lookup @@r @b, check, check, fetch, check, check");
    assert_eq!([name_of(&stage, "@b"), name_of(&stage, "@@r")], ["b", "room"]);
}

/// A failed lookup delays no message, is not reported, and is not repeated soon after 1205.
#[test]
fn a_failed_lookup_is_not_reported() {
    for failure in [
        failed(FailureKind::Timeout),
        failed(FailureKind::Closed),
        refused(1),
        refused(1205),
        ok("<html>"),
    ] {
        let limited =
            matches!(&failure, Input::Reply(Ok(reply)) if reply.body().ends_with(b"1205}}"));
        let mut stage =
            Stage::new([ok(said("@b", "hi", 5)), failure, ok(NEWS), ok(said("@a", "more", 6))]);
        // The lookup is repeated half a minute later, unless it was limited.
        if !limited {
            let again = json!([{ "UserName": "@b", "NickName": "b" }]);
            stage.replies.extend([contacts(&again), ok(QUIET)]);
        }
        assert_eq!(stage.ids(), ["5", "6"]);
        let steps = steps(&stage);
        assert!(steps.starts_with("fetch, lookup @b, check, fetch"), "{steps}");
        assert_eq!(stage.host.slept, Duration::ZERO, "{steps}");
        assert_eq!(
            steps.matches("lookup").count(),
            if limited || name_of(&stage, "@b") != "b" { 1 } else { 2 }
        );
    }
}

/// The rest of a long list is looked up in batches, also between checks without news.
#[test]
fn long_lists_are_looked_up_in_batches() {
    let names: Vec<String> = (100..220).map(|n| format!("@@{n}")).collect();
    let notice = json!({ "MsgId": "5", "FromUserName": "", "ToUserName": "", "MsgType": 51, "StatusNotifyCode": 4, "StatusNotifyUserName": names.join(",") });
    let mut stage = Stage::new([
        ok(with(batch(&[], 5, false), "AddMsgList", json!([notice]))),
        contacts(&json!([])),
        ok(QUIET),
        contacts(&json!([{ "UserName": "@@150", "NickName": "n" }])),
        ok(QUIET),
        contacts(&json!([])),
        ok(QUIET),
    ]);
    assert_eq!(stage.ids(), ["5"]);
    let lookups = stage.requested().into_iter().filter(|request| request.starts_with("lookup"));
    let sizes: Vec<_> = lookups.map(|request| request.split(' ').count() - 1).collect();
    assert_eq!(sizes, [50, 50, 20]);
    assert_eq!(name_of(&stage, "@@150"), "n");
}

/// The end of the session, or a stop, during a lookup ends the inbox.
#[test]
fn the_session_can_end_during_a_lookup() {
    let mut stage = Stage::new([ok(said("@b", "hi", 5)), refused(1101)]);
    assert!(stage.next().is_ok());
    assert!(matches!(stage.next(), Err(Error::LoggedOut { ret: Ret::SESSION_INVALID, .. })));
    assert_eq!(steps(&stage), "fetch, lookup @b");

    let mut stage = Stage::new([ok(said("@b", "hi", 5))]);
    assert!(stage.next().is_ok());
    assert!(matches!(stage.next(), Err(Error::Stopped)), "no replies are left");
    stage.account.stop();
    assert!(matches!(stage.next(), Err(Error::Stopped)));
    assert_eq!(steps(&stage), "fetch, lookup @b");
}

/// A lookup whose future was dropped is repeated.
#[test]
fn a_dropped_lookup_is_repeated() {
    let mut stage = Stage::new([ok(said("@b", "hi", 5))]);
    assert_eq!(stage.ids(), ["5"]);
    stage.replies.extend([contacts(&json!([{ "UserName": "@b", "NickName": "b" }])), ok(QUIET)]);
    assert_eq!(stage.ids(), [""; 0]);
    assert_eq!(steps(&stage), "fetch, lookup @b, lookup @b, check, check");
    assert_eq!(name_of(&stage, "@b"), "b");
}

/// `ModChatRoomMemberList` adds rooms and updates known persons, but adds no persons.
#[test]
fn changed_members_are_merged() {
    let changes = json!([{ "UserName": "@@r", "NickName": "room" }, { "UserName": "@a", "NickName": "a" }, { "UserName": "@x" }]);
    let mut stage =
        Stage::new([ok(with(batch(&["1"], 5, false), "ModChatRoomMemberList", changes))]);
    assert_eq!(stage.ids(), ["1"]);
    assert_eq!(stage.account.directory().len(), 2);
    assert_eq!([name_of(&stage, "@@r"), name_of(&stage, "@a")], ["room", "a"]);
}

/// The last message of a room that the same batch removes.
#[test]
fn last_message_of_a_left_room_triggers_no_lookup() {
    let removed = json!([{ "UserName": "@@r" }]);
    let mut stage =
        Stage::new([ok(with(said("@@r", "bye", 5), "DelContactList", removed)), ok(QUIET)]);
    assert_eq!(stage.ids(), ["5"]);
    assert_eq!(steps(&stage), "fetch, check, check");
}
