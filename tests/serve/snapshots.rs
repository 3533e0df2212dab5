//! Snapshots.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wechat_proto::Device;
use wechat_proto::message::SendText;

use crate::{Folder, Running};

/// The faults and the script are restored too.
const WORLD: &str = r#"
account = "Me"

[[people]]
name = "Ada"

[[faults]]
endpoint = "webwxstatreport"
effect = { refuse = { ret = 1 } }

[[script]]
message = { from = "Ada", message = { text = "first" } }

[[script]]
after_ms = 600_000
message = { from = "Ada", message = { text = "second" } }

[[accounts]]
account = "Ben"
"#;

#[test]
fn restored_world_keeps_its_client_and_ends_polls_and_waits() {
    let running = Running::start(&["--auto-confirm"]);
    let client = running.login(Device::new());
    let (texts, received) = std::sync::mpsc::channel();
    let bot = thread::spawn(move || {
        for message in client.messages() {
            let message = message.expect("a message");
            let Some(text) = message.text() else { continue };
            texts.send(text.to_owned()).expect("sent");
            client.call(SendText::reply(&message, text)).expect("a reply");
            if text == "stop" {
                break;
            }
        }
    });
    let write = |text: &str| {
        let message = json!({"from": "Óscar", "message": {"text": text}});
        running.done("POST", "/v1/messages", &message);
        assert_eq!(received.recv_timeout(Duration::from_secs(20)).expect("received"), text);
        running.wait("sent", &json!({"content": text}));
    };
    write("one");
    running.done("POST", "/v1/snapshots", &json!({"name": "logged in"}));
    let held = json!({"endpoint": "synccheck", "status": null});
    for text in ["two", "three"] {
        write(text);
    }
    running.done("DELETE", "/v1/contacts/Óscar", &Value::Null);
    for round in 0..2 {
        let never = json!({"list": "uploads", "timeout_ms": 60_000});
        thread::scope(|scope| {
            let waiting = scope.spawn(|| running.call("POST", "/v1/wait", &never));
            running.wait("requests", &held);
            // A wait that begins only after the restoration ends with status 408, and the test fails.
            thread::sleep(Duration::from_millis(300));
            let start = Instant::now();
            running.done("POST", "/v1/snapshots/logged%20in/restore", &Value::Null);
            let (status, reply) = waiting.join().expect("an answer");
            assert_eq!((status, &reply["error"]), (409, &json!("the world was reset")), "{round}");
            // The held poll ends: the client polls the restored world, whose log does not have the held one.
            running.wait("requests", &held);
            assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        });
        let sent = running.get("/v1/records/sent");
        assert_eq!((&sent["total"], &sent["records"][0]["content"]), (&json!(1), &json!("one")));
        write("again");
    }
    write("stop");
    bot.join().expect("the bot ends");
    let violations = running.get("/v1/records/violations");
    assert_eq!(violations["total"], 0, "{violations}");
}

#[test]
fn snapshot_has_all_accounts_faults_and_the_rest_of_the_script() {
    let folder = Folder::new();
    let file = folder.file("world.toml", WORLD);
    let log = folder.path().join("log");
    let log = log.to_str().expect("text");
    let running = Running::start(&["--script", &file, "--auto-confirm", "--log", log]);
    let client = running.login(Device::new());
    let first = client.messages().map(|message| message.expect("a message"));
    assert_eq!(first.filter(|one| one.text().is_some()).take(1).count(), 1);
    for name in ["b", "a", "b"] {
        running.done("POST", "/v1/snapshots", &json!({"name": name}));
    }
    running.done("DELETE", "/v1/faults", &Value::Null);
    running.done("POST", "/v1/people?account=Ben", &json!({"name": "Cy"}));
    running.done("POST", "/v1/reset", &Value::Null);
    assert_eq!(running.get("/v1/state")["stage"], "idle");
    let all = running.get("/v1/snapshots");
    assert_eq!(all, json!({"snapshots": [{"name": "a"}, {"name": "b"}]}));
    running.done("POST", "/v1/snapshots/b/restore", &Value::Null);
    assert_eq!(running.get("/v1/state")["stage"], "online");
    let faults = running.get("/v1/faults");
    assert_eq!(faults["faults"][0]["endpoint"], "webwxstatreport");
    let contacts = running.get("/v1/contacts?account=Ben");
    assert!(!contacts.to_string().contains("\"Cy\""), "{contacts}");
    // The stored session continues, and the first step of the script is not repeated.
    let helper = "filehelper".parse().expect("a name");
    client.call(SendText::new(helper, "still here")).expect("sent");
    let chats = running.get("/v1/chats").to_string();
    assert_eq!(chats.matches("first").count(), 1, "{chats}");
    // The requests before the snapshot are logged once.
    let lines = std::fs::read_to_string(log).expect("a log");
    assert_eq!(lines.matches("\"endpoint\":\"jslogin\"").count(), 1, "{lines}");
    running.done("DELETE", "/v1/snapshots/b", &Value::Null);
    for (method, path) in [("POST", "/v1/snapshots/b/restore"), ("DELETE", "/v1/snapshots/b")] {
        let (status, reply) = running.call(method, path, &Value::Null);
        assert_eq!((status, &reply["error"]), (404, &json!("no snapshot is named `b`")));
    }
    let (status, reply) = running.call("POST", "/v1/snapshots", &json!({"name": ""}));
    assert_eq!((status, &reply["path"]), (400, &json!("name")));
    for number in 0..31 {
        running.done("POST", "/v1/snapshots", &json!({"name": format!("{number}")}));
    }
    assert_eq!(running.call("POST", "/v1/snapshots", &json!({"name": "too many"})).0, 409);
}
