use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::*;
use crate::error::{FailureKind, StorageFailure, StorageKind};
use crate::flow::Request;
use crate::parts::PART;
use crate::testing::{Host, account, contact, failed, ok};

/// Returns a `webwxsync` reply with these texts from `@a`, and the key `n`.
fn batch(texts: &[&str], n: i64) -> Value {
    let messages: Vec<Value> = texts
        .iter()
        .map(|text| json!({ "MsgId": format!("{n}{text}"), "FromUserName": "@a", "ToUserName": "@09ed9af3", "MsgType": 1, "Content": text }))
        .collect();
    let key = json!({ "Count": 1, "List": [{ "Key": 1, "Val": n }] });
    json!({
        "BaseResponse": { "Ret": 0 }, "AddMsgList": messages, "SyncKey": key, "SyncCheckKey": key,
    })
}

fn room(members: &[&str]) -> Value {
    let list: Vec<Value> =
        members.iter().map(|name| json!({ "UserName": name, "NickName": name })).collect();
    json!({ "UserName": "@@r", "NickName": "room", "MemberCount": members.len(), "MemberList": list })
}

fn with_room(mut batch: Value, members: &[&str]) -> Value {
    batch["ModContactList"] = json!([room(members)]);
    batch
}

/// A service that returns these results of `webwxsync` in turn, and then closes the session.
struct Service {
    host: Host,
    replies: Vec<Result<Value, FailureKind>>,
}

impl Service {
    fn new(replies: impl IntoIterator<Item = Result<Value, FailureKind>>) -> Self {
        let mut replies: Vec<_> = replies.into_iter().collect();
        replies.reverse();
        Self { host: Host::new(), replies }
    }

    fn step(&mut self, events: &mut Events, account: &mut Account) -> String {
        let replies = &mut self.replies;
        let serve = |request: &Request| {
            let path = request.http.uri().path();
            let body: String = if path.ends_with("/synccheck") {
                match replies.is_empty() {
                    true => "window.synccheck={retcode:\"1101\",selector:\"0\"}".into(),
                    false => "window.synccheck={retcode:\"0\",selector:\"2\"}".into(),
                }
            } else if path.ends_with("/webwxsync") {
                match replies.pop().unwrap() {
                    Ok(batch) => batch.to_string(),
                    Err(kind) => return failed(kind),
                }
            } else {
                r#"{"BaseResponse":{"Ret":0}}"#.into()
            };
            ok(body)
        };
        match self.host.run(events, account, serve).unwrap() {
            Step::Save => "save".into(),
            Step::Event(Event::Message(message)) => message.text().unwrap_or("no text").into(),
            Step::Event(Event::FriendRequest { request, .. }) => {
                format!("request {}", request.greeting())
            }
            Step::Event(Event::Changed(Change::MembersJoined { members, .. })) => {
                format!("joined {}", members[0].name())
            }
            Step::Event(Event::Changed(Change::Added { contact })) => {
                format!("added {}", contact.name())
            }
            Step::Event(Event::Changed(Change::Removed { contact })) => {
                format!("removed {}", contact.nick_name)
            }
            Step::Event(Event::Changed(change)) => format!("{change:?}"),
            Step::Event(Event::Trouble(error)) => format!("trouble: {error}"),
            Step::Event(Event::Recovered) => "recovered".into(),
            Step::Event(Event::Closed(error)) => format!("closed: {error}"),
        }
    }

    /// Returns the steps up to the end.
    fn all(&mut self, events: &mut Events, account: &mut Account) -> Vec<String> {
        let mut steps = Vec::new();
        while !steps.last().is_some_and(|last: &String| last.starts_with("closed")) {
            steps.push(self.step(events, account));
        }
        steps
    }
}

fn events(policy: SavePolicy) -> Events {
    Events::new(Inbox::new().immediate(), policy)
}

const CLOSED: &str = "closed: the session is closed: 1101 (session no longer valid)";

#[test]
fn session_is_saved_by_its_policy() {
    let two = || [Ok(batch(&["a", "b"], 1)), Ok(batch(&["c"], 2))];
    for (policy, steps) in [
        (SavePolicy::EachMessage, "a save b save c save save"),
        (SavePolicy::EachBatch, "a b save c save save"),
        (SavePolicy::Manual, "a b c"),
    ] {
        let steps: Vec<_> = steps.split(' ').chain([CLOSED]).collect();
        assert_eq!(Service::new(two()).all(&mut events(policy), &mut account()), steps);
    }
}

/// A message is acknowledged when the next event is requested, and not before.
#[test]
fn next_event_acknowledges_the_message() {
    let (mut account, mut flow) = (account(), events(SavePolicy::EachMessage));
    let mut service = Service::new([Ok(batch(&["a", "b"], 1))]);
    assert_eq!(service.step(&mut flow, &mut account), "a");
    assert!(!account.session.acks.contains(&MsgId::from("1a")));
    assert_eq!(service.step(&mut flow, &mut account), "save");
    assert!(account.session.acks.contains(&MsgId::from("1a")));
}

#[test]
fn manual_events_acknowledge_nothing() {
    let mut account = account();
    let mut manual = events(SavePolicy::EachMessage).manual();
    let mut service = Service::new([Ok(batch(&["a", "b"], 1))]);
    assert_eq!(service.all(&mut manual, &mut account), ["a", "b", "save", CLOSED]);
    for id in ["1a", "1b"] {
        assert!(!account.session.acks.contains(&MsgId::from(id)), "{id}");
    }
}

/// Changes are returned once, before the messages of their batch, even if new events replace the
/// old ones.
#[test]
fn changes_are_reported_once() {
    let mut account = account();
    account.learn([contact(&room(&["@a"]).to_string())]);
    let joined = with_room(batch(&["a"], 1), &["@a", "@b"]);
    let again = with_room(batch(&["b"], 2), &["@a", "@b"]);
    let alone = with_room(batch(&[], 3), &["@a", "@b", "@c"]);
    let mut service = Service::new([Ok(joined), Ok(again), Ok(alone), Ok(batch(&["d"], 4))]);
    let mut first = events(SavePolicy::Manual);
    assert_eq!(service.step(&mut first, &mut account), "joined @b");
    assert_eq!(service.step(&mut first, &mut account), "a");
    // The older events did not acknowledge `a`, so it arrives again; the change does not.
    service.replies.push(Ok(with_room(batch(&["a"], 1), &["@a", "@b"])));
    let mut second = events(SavePolicy::Manual);
    let requests = service.host.requests.len();
    let steps = service.all(&mut second, &mut account);
    assert_eq!(steps, ["a", "b", "joined @c", "d", CLOSED]);
    // The request that was held back for a change was sent once.
    let syncs = |request: &&Request| request.http.uri().path().ends_with("/webwxsync");
    assert_eq!(service.host.requests[requests..].iter().filter(syncs).count(), 4);
}

/// A change that a later part of the same batch reverts is not reported.
#[test]
fn changes_are_those_of_a_whole_batch() {
    let mut account = account();
    account.learn([contact(&room(&["@a"]).to_string())]);
    let mut large = with_room(batch(&["a"], 1), &["@a", "@b"]);
    let list = large["ModContactList"].as_array_mut().unwrap();
    let other = "x".repeat(100);
    list.extend((0..PART).map(|n| json!({ "UserName": format!("@{n}"), "Other": other })));
    list.push(room(&["@a"]));
    let mut service = Service::new([Ok(large)]);
    assert_eq!(service.all(&mut events(SavePolicy::Manual), &mut account), ["a", CLOSED]);
}

#[test]
fn contacts_are_added_only_after_all_were_loaded() {
    let friend = |name: &str| {
        let mut batch = batch(&[name], name.len() as i64);
        batch["ModContactList"] =
            json!([{ "UserName": format!("@{name}"), "NickName": name, "ContactFlag": 3 }]);
        batch
    };
    let (mut account, mut flow) = (account(), events(SavePolicy::Manual));
    let mut service = Service::new([Ok(friend("x")), Ok(friend("xy")), Ok(friend("xyz"))]);
    assert_eq!(service.step(&mut flow, &mut account), "x");
    let old = contact(r#"{"UserName":"@old","NickName":"old","ContactFlag":3}"#);
    assert!(!account.load_part(&mut Vec::from([old]).into()));
    account.set_has_contacts();
    // Contacts that a later load adds are reported.
    let new = contact(r#"{"UserName":"@new","NickName":"new","ContactFlag":3}"#);
    assert!(!account.load_part(&mut Vec::from([new]).into()));
    let rest = service.all(&mut flow, &mut account);
    assert_eq!(rest, ["added new", "added xy", "xy", "added xyz", "xyz", CLOSED]);
}

#[test]
fn only_removed_rooms_and_saved_contacts_are_events() {
    let record =
        |name: &str, flag: u8| json!({ "UserName": name, "NickName": name, "ContactFlag": flag });
    let (mut first, mut second) = (batch(&["a"], 1), batch(&["b"], 2));
    first["ModContactList"] =
        json!([record("@saved", 3), record("@stranger", 0), record("@@r", 0)]);
    second["DelContactList"] = first["ModContactList"].clone();
    let mut service = Service::new([Ok(first), Ok(second)]);
    let steps = service.all(&mut events(SavePolicy::Manual), &mut account());
    assert_eq!(steps, ["a", "removed @@r", "removed @saved", "b", CLOSED]);
}

#[test]
fn trouble_is_followed_by_recovery() {
    let failed = || Err(FailureKind::Connect);
    let replies = [failed(), failed(), failed(), failed(), Ok(batch(&["a"], 1))];
    let trouble = "trouble: the exchange failed: the host could not be reached";
    let steps = Service::new(replies).all(&mut events(SavePolicy::Manual), &mut account());
    assert_eq!(steps, [trouble, trouble, "recovered", "a", CLOSED]);
    // The replies contain no message.
    let replies = [failed(), failed(), failed(), Ok(batch(&[], 1))];
    let steps = Service::new(replies).all(&mut events(SavePolicy::Manual), &mut account());
    assert_eq!(steps, [trouble, "recovered", CLOSED]);
}

#[test]
fn store_failure_ends_the_events() {
    let failure = || Error::from(StorageFailure::new(StorageKind::Write));
    let (mut account, mut flow) = (account(), events(SavePolicy::EachMessage));
    let mut service = Service::new([Ok(batch(&["a", "b"], 1))]);
    assert_eq!(service.step(&mut flow, &mut account), "a");
    assert_eq!(service.step(&mut flow, &mut account), "save");
    flow.not_saved(failure());
    let closed = "closed: the stored session could not be written";
    assert_eq!(service.step(&mut flow, &mut account), closed);
    // A failure to save at the end is reported before the close reason.
    let mut flow = events(SavePolicy::EachBatch);
    let mut service = Service::new([Ok(batch(&[], 1))]);
    assert_eq!(service.step(&mut flow, &mut account), "save");
    flow.not_saved(failure());
    let steps = service.all(&mut flow, &mut account);
    assert_eq!(steps, ["trouble: the stored session could not be written", CLOSED]);
}

#[test]
fn stop_and_replacement_close() {
    let (mut account, mut older, mut newer) =
        (account(), events(SavePolicy::Manual), events(SavePolicy::Manual));
    let mut service = Service::new([Ok(batch(&["a"], 1)), Ok(batch(&["a"], 1))]);
    assert_eq!(service.step(&mut older, &mut account), "a");
    assert_eq!(service.step(&mut newer, &mut account), "a");
    let in_use = "closed: the session is in use elsewhere";
    assert_eq!(service.step(&mut older, &mut account), in_use);
    account.stop();
    assert_eq!(service.step(&mut newer, &mut account), "closed: the client was stopped");
}

#[test]
fn friend_requests_of_others_are_events() {
    let request = |from: &str, n| {
        let mut batch = batch(&["hi"], n);
        batch["AddMsgList"][0]["MsgType"] = 37.into();
        batch["AddMsgList"][0]["RecommendInfo"] =
            json!({ "UserName": from, "Content": "let me in", "Ticket": "v2_x@stranger" });
        Ok(batch)
    };
    let mut service = Service::new([request("@stranger", 1), request("@09ed9af3", 2)]);
    let steps = service.all(&mut events(SavePolicy::EachMessage), &mut account());
    assert_eq!(steps, ["request let me in", "save", "no text", "save", "save", CLOSED]);
}
