//! Logs bots in at the real host names, through the proxy.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use wechat_proto::login::Logout;
use wechat_proto::message::SendText;
use wechat_proto::{Device, Entry, UserName};
use wechat_transport_ureq::Client;

use crate::Running;

/// Replies to each `ping` until the client is stopped.
fn bot(client: &Client) {
    for message in client.messages() {
        let message = message.expect("a message");
        match message.text() {
            Some("ping") => drop(client.call(SendText::reply(&message, "pong")).expect("sent")),
            Some("stop") => client.call(Logout::new()).expect("logged out"),
            _ => {}
        }
    }
}

#[cfg(unix)]
#[test]
fn bot_answers_through_the_proxy() {
    let folder = crate::Folder::new();
    let log = folder.path().join("log");
    let log = log.to_str().expect("text");
    let mut running = Running::start(&["--auto-confirm", "--log", log]);
    let client = Client::login(&running.proxied(), &mut Device::new(), |_| {}).expect("logged in");
    running.wait("state", &json!({"stage": "online"}));
    let bot = thread::spawn(move || bot(&client));
    let answer = json!({"from": "Óscar", "message": {"text": "stop"}});
    let reaction = json!({"to": "Óscar", "equals": "pong", "answer": answer});
    running.done("POST", "/v1/reactions", &reaction);
    running.done("POST", "/v1/messages", &json!({"from": "Óscar", "message": {"text": "ping"}}));
    let sent = running.wait("sent", &json!({"content": "pong"}));
    assert_eq!(sent["record"]["to_name"], "Óscar");
    assert_eq!(sent["cursor"], 1);
    // The automatic answer stops the bot.
    bot.join().expect("the bot ends");
    running.wait("requests", &json!({"endpoint": "webwxlogout"}));
    let violations = running.get("/v1/records/violations");
    assert_eq!(violations, json!({"records": [], "cursor": 0, "total": 0}));
    let requests = running.get("/v1/records/requests?limit=1000");
    let status = running.interrupt();
    assert_eq!(status.code(), Some(0));
    // The log file has each request once.
    let text = std::fs::read_to_string(log).expect("a log");
    assert_eq!(
        text.lines().count() as u64,
        requests["total"].as_u64().expect("a number"),
        "{text}"
    );
    assert!(
        text.contains(r#""endpoint":"webwxsendmsg""#) && text.contains(r#""status":200"#),
        "{text}"
    );
}

#[test]
fn reset_ends_sessions_and_waits() {
    let running = Running::start(&["--auto-confirm"]);
    let client = running.login(Device::new());
    let messages = thread::spawn(move || client.messages().find_map(Result::err).is_some());
    let wait = json!({"list": "sent", "timeout_ms": 60_000});
    thread::scope(|scope| {
        let wait = scope.spawn(|| running.call("POST", "/v1/wait", &wait));
        running.wait("requests", &json!({"endpoint": "synccheck", "status": null}));
        // The wait for a message has most likely begun. Otherwise the test fails below by its time limit.
        thread::sleep(Duration::from_millis(300));
        running.done("POST", "/v1/reset", &Value::Null);
        assert_eq!(wait.join().expect("an answer").0, 409);
    });
    // The held poll is answered: the session does not exist any more.
    messages.join().expect("the bot ends");
    let state = running.get("/v1/state");
    assert_eq!(state["stage"], "idle");
}

#[test]
fn file_transfer_page_is_served() {
    let running = Running::start(&["--auto-confirm", "--entry", "filehelper", "--mode", "library"]);
    let client = running.login(Device::new().with_entry(Entry::file_helper()));
    client.call(SendText::new(UserName::file_helper(), "to the phone")).expect("sent");
    let sent = running.wait("sent", &json!({"content": "to the phone"}));
    assert_eq!(sent["record"]["to"], "filehelper");
}
