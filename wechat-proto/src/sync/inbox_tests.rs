use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::flow::Request;
use crate::session::Session;
use crate::testing::{Host, body, contact, failed, name, ok, refused, reply, session, status};

#[path = "inbox_ask_tests.rs"]
mod ask;
#[path = "inbox_end_tests.rs"]
mod end;
#[path = "inbox_part_tests.rs"]
mod part;
#[path = "inbox_rate_tests.rs"]
mod rate;
#[path = "inbox_recent_tests.rs"]
mod recent;
#[path = "inbox_room_tests.rs"]
mod room;
#[path = "inbox_take_tests.rs"]
mod take;
#[path = "inbox_trouble_tests.rs"]
mod trouble;
#[path = "inbox_word_tests.rs"]
mod word;

const QUIET: &str = "window.synccheck={retcode:\"0\",selector:\"0\"}";
const NEWS: &str = "window.synccheck={retcode:\"0\",selector:\"2\"}";

fn key(n: i64) -> Value {
    json!({ "Count": 1, "List": [{ "Key": 1, "Val": n }] })
}

/// Returns a text to the account.
fn text(id: &str, from: &str, content: &str) -> Value {
    json!({ "MsgId": id, "FromUserName": from, "ToUserName": "@me", "MsgType": 1, "Content": content })
}

/// Returns a `webwxsync` reply with these messages and the key `n`.
fn batch(ids: &[&str], n: i64, more: bool) -> Value {
    let messages: Vec<Value> = ids.iter().map(|id| text(id, "@a", id)).collect();
    json!({
        "BaseResponse": { "Ret": 0 }, "AddMsgList": messages, "ContinueFlag": i32::from(more),
        "SyncKey": key(n), "SyncCheckKey": key(n + 1000), "SKey": "",
    })
}

fn with(mut batch: Value, field: &str, value: Value) -> Value {
    batch[field] = value;
    batch
}

fn is_batch(request: &Request) -> bool {
    request.http.uri().path().ends_with("/webwxbatchgetcontact")
}

fn is_check(request: &Request) -> bool {
    request.http.uri().path().ends_with("/synccheck")
}

/// Returns the key of a request, such as `1_5`, or the names of a lookup.
fn asked_with(request: &Request) -> String {
    if is_check(request) {
        let (_, key) = request.http.uri().query().unwrap().split_once("&synckey=").unwrap();
        return key.split('&').next().unwrap().replace("%7C", "|");
    }
    let body: Value = serde_json::from_str(&body(&request.http)).unwrap();
    if is_batch(request) {
        let names = body["List"].as_array().unwrap().iter();
        return names.map(|item| item["UserName"].as_str().unwrap()).collect::<Vec<_>>().join(" ");
    }
    let counters = body["SyncKey"]["List"].as_array().unwrap();
    let pairs: Vec<_> = counters.iter().map(|c| format!("{}_{}", c["Key"], c["Val"])).collect();
    pairs.join("|")
}

/// An inbox, its account, and the next replies.
struct Stage {
    host: Host,
    inbox: Inbox,
    account: Account,
    replies: VecDeque<Input>,
}

impl Stage {
    fn new(replies: impl IntoIterator<Item = Input>) -> Self {
        Self::of(session(), replies)
    }

    fn of(session: Session, replies: impl IntoIterator<Item = Input>) -> Self {
        let mut account = Account::from(session);
        // The sender is known, so that no lookup is needed.
        account.learn([contact(r#"{"UserName":"@a"}"#)]);
        let replies = replies.into_iter().collect();
        Self { host: Host::new(), inbox: Inbox::new(), account, replies }
    }

    /// Returns the next message or error; [`Error::Stopped`] after the last reply.
    fn next(&mut self) -> Result<Message, Error> {
        for _ in 0..1000 {
            match self.inbox.poll(&mut self.account, self.host.now) {
                Ok(message) => return Ok(message),
                Err(Interrupt::Fail(error)) => return Err(error),
                Err(Interrupt::Sleep(time)) => {
                    self.host.slept += time;
                    self.host.now = self.host.now.after(time);
                }
                Err(Interrupt::Send(request)) => {
                    let Some(input) = self.replies.pop_front() else {
                        self.host.requests.push(*request);
                        return Err(Error::Stopped);
                    };
                    let took = if is_check(&request) { 25_000 } else { 20 };
                    self.host.requests.push(*request);
                    self.host.now = self.host.now.after(Duration::from_millis(took));
                    self.inbox.handle(input);
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        panic!("the inbox does not end")
    }

    /// Returns the ids of the messages up to the last reply.
    fn ids(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        loop {
            match self.next() {
                Ok(message) => ids.push(message.id.to_string()),
                Err(Error::Stopped) => return ids,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Returns the requests with their keys or names: `check 1_5`, `fetch 1_5`, `lookup @b`.
    fn requested(&self) -> Vec<String> {
        let kind = |request: &Request| match (is_check(request), is_batch(request)) {
            (true, _) => "check",
            (_, true) => "lookup",
            _ => "fetch",
        };
        self.host
            .requests
            .iter()
            .map(|request| format!("{} {}", kind(request), asked_with(request)))
            .collect()
    }
}

/// `docs/protocol.md` §7.2: each request uses its own key, and the first fetch needs no check.
#[test]
fn each_request_uses_its_own_key() {
    let mut stage = Stage::new([
        ok(batch(&["1"], 5, false)),
        ok(QUIET),
        ok(NEWS),
        ok(batch(&["2"], 6, false)),
        ok(QUIET),
    ]);
    assert_eq!(stage.ids(), ["1", "2"]);
    assert_eq!(
        stage.requested(),
        [
            "fetch 1_643606091|2_643606203", "check 1_1005", "check 1_1005", "fetch 1_5",
            "check 1_1006", "check 1_1006"
        ]
    );
}

/// Until the first `SyncCheckKey`, the other key is used; a key with `Count` 0 is ignored.
///
/// Threat S3.
#[test]
fn an_empty_key_is_ignored() {
    let none = json!({ "Count": 0, "List": [] });
    let odd = json!({ "Count": 0, "List": [{ "Key": 1, "Val": 9 }] });
    let mut stage = Stage::new([
        ok(with(batch(&[], 5, false), "SyncCheckKey", none.clone())),
        ok(NEWS),
        ok(with(with(batch(&["1"], 6, false), "SyncKey", none), "SyncCheckKey", odd)),
        ok(NEWS),
    ]);
    assert_eq!(stage.ids(), ["1"]);
    assert_eq!(
        stage.requested(),
        ["fetch 1_643606091|2_643606203", "check 1_5", "fetch 1_5", "check 1_5", "fetch 1_5"]
    );
}

/// Threat S7.
#[test]
fn any_news_is_fetched() {
    for selector in ["1", "2", "3", "4", "6", "7", "99", "-1", "4294967296"] {
        let check = format!("window.synccheck={{retcode:\"0\",selector:\"{selector}\"}}");
        let mut stage = Stage::new([ok(batch(&[], 5, false)), ok(check)]);
        assert_eq!(stage.ids(), [""; 0]);
        assert_eq!(stage.requested().last().unwrap(), "fetch 1_5", "{selector}");
    }
}

#[test]
fn more_is_fetched_at_once() {
    let mut stage = Stage::new([
        ok(batch(&["1", "2"], 5, true)),
        ok(batch(&["3"], 6, true)),
        ok(batch(&[], 7, false)),
    ]);
    assert_eq!(stage.ids(), ["1", "2", "3"]);
    assert_eq!(
        stage.requested(),
        ["fetch 1_643606091|2_643606203", "fetch 1_5", "fetch 1_6", "check 1_1007"]
    );
}

/// Threat S6.
#[test]
fn consecutive_fetches_are_limited() {
    let rounds = (0..300).map(|n| ok(batch(&[&format!("{n}")], n, true)));
    let mut stage = Stage::new(rounds.take(100).chain([ok(QUIET), ok(NEWS)]));
    assert_eq!(stage.ids().len(), 100);
    let requested = stage.requested();
    assert_eq!(requested.iter().position(|requested| requested.starts_with("check")), Some(100));
    assert_eq!(requested.len(), 103);

    // The key does not advance, or is missing.
    let none = json!({ "Count": 0, "List": [] });
    for still in [batch(&["2"], 5, true), with(batch(&["2"], 5, true), "SyncKey", none)] {
        let mut stage = Stage::new([ok(batch(&["1"], 5, true)), ok(still)]);
        assert_eq!(stage.ids(), ["1", "2"]);
        assert_eq!(
            stage.requested(),
            ["fetch 1_643606091|2_643606203", "fetch 1_5", "check 1_1005"]
        );
    }
}

#[test]
fn a_new_skey_is_used_at_once() {
    let first = with(batch(&["1"], 5, true), "SKey", json!("@crypt_new"));
    let mut stage = Stage::new([ok(first), ok(batch(&[], 6, false))]);
    assert_eq!(stage.ids(), ["1"]);
    let uris = stage.host.requests.iter().map(|request| request.http.uri().to_string());
    let renewed: Vec<_> = uris.map(|uri| uri.contains("skey=%40crypt_new&")).collect();
    assert_eq!(renewed, [false, true, true]);
    assert_eq!(stage.account.session.auth.skey.expose(), "@crypt_new");
}

#[test]
fn changes_are_applied() {
    let mut stage = Stage::new([]);
    let records =
        [r#"{"UserName":"@gone","NickName":"G"}"#, r#"{"UserName":"@old","NickName":"O"}"#];
    stage.account.learn(records.map(contact));
    let profile = json!({ "BitFlag": 190, "NickName": { "Buff": "New &amp; me" }, "HeadImgUpdateFlag": 1, "HeadImgUrl": "/h" });
    let mut changes = with(batch(&["1"], 5, false), "Profile", profile);
    changes["ModContactList"] =
        json!([{ "UserName": "@old", "RemarkName": "R" }, { "UserName": "@new" }, 5]);
    changes["DelContactList"] =
        json!([{ "UserName": "@gone", "ContactFlag": 0 }, { "UserName": "@never" }, {}]);
    let unchanged = json!({ "BitFlag": 0, "NickName": { "Buff": "Else" }, "HeadImgUrl": "/x" });
    let last = with(batch(&[], 6, false), "Profile", unchanged);
    stage.replies.extend([ok(changes), ok(NEWS), ok(last)]);
    // Changes are applied before the messages of the batch are delivered.
    assert!(stage.next().is_ok());
    let directory = stage.account.directory();
    assert_eq!(directory.len(), 3, "@a, @old, @new");
    assert_eq!(&*directory.name_of(&name("@old")), "R");
    assert_eq!(&*directory.find(&name("@old")).unwrap().nick_name, "O");
    assert_eq!(stage.ids(), [""; 0]);
    let me = stage.account.session().me();
    assert_eq!((&*me.nick_name, &*me.head_img_url), ("New & me", "/h"));
}

/// A contact that is both removed and changed in one batch is known: removals are applied first.
#[test]
fn a_contact_removed_and_changed_in_one_batch_is_known() {
    let mut stage = Stage::new([]);
    stage.account.learn([contact(r#"{"UserName":"@back","NickName":"before"}"#)]);
    let record = json!([{ "UserName": "@back", "NickName": "after" }]);
    let changes = with(batch(&["1"], 5, false), "ModContactList", record.clone());
    stage.replies.extend([ok(with(changes, "DelContactList", record)), ok(NEWS)]);
    assert!(stage.next().is_ok());
    assert_eq!(&*stage.account.directory().name_of(&name("@back")), "after");
}

/// `docs/protocol.md` §1.4: a new `DeviceID` each time; §7.1: a new clock.
#[test]
fn each_check_has_a_new_clock_and_device_id() {
    let mut stage = Stage::new([ok(batch(&[], 5, false)), ok(QUIET), ok("<html>"), ok(QUIET)]);
    stage.ids();
    let mut uris: Vec<_> =
        stage.host.requests.iter().skip(1).map(|request| request.http.uri().to_string()).collect();
    let count = uris.len();
    uris.sort();
    uris.dedup();
    assert_eq!((uris.len(), count), (4, 4));
}
