//! Several accounts.

use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use wechat_proto::message::SendText;
use wechat_proto::{Device, Message, UserName};
use wechat_transport_ureq::Client;

use crate::{COMMAND, Folder, Running};

const WORLD: &str = r#"
account = "Ada"

[[accounts]]
account = "Ben & co"

[[accounts.people]]
name = "Cy"

[[accounts.rooms]]
name = "Writers"
members = ["Cy", "Ada"]
"#;

/// Logs a bot in with the phone of an account.
fn login(running: &Running, account: &str) -> Client {
    let transport = running.proxied();
    let path = |path: &str| format!("/v1/{path}?account={account}");
    thread::scope(|scope| {
        let bot = scope.spawn(|| Client::login(&transport, &mut Device::new(), |_| {}));
        let uuid = loop {
            let all = running.get("/v1/accounts");
            match &all["unscanned_codes"][0]["uuid"] {
                Value::Null => thread::yield_now(),
                uuid => break uuid.clone(),
            }
        };
        let wrong = json!({"action": "scan", "uuid": "wrong"});
        assert_eq!(running.call("POST", &path("phone"), &wrong).0, 409);
        let scan = json!({"action": "scan", "uuid": uuid});
        running.done("POST", &path("phone"), &scan);
        running.done("POST", &path("phone"), &json!({"action": "confirm"}));
        bot.join().expect("joined").expect("logged in")
    })
}

fn next_text(client: &Client) -> Message {
    let mut messages = client.messages().map(|message| message.expect("a message"));
    messages.find(|message| message.text().is_some()).expect("a text")
}

fn id(running: &Running, account: &str, name: &str) -> UserName {
    let path = format!("/v1/contacts?account={account}");
    let all = running.get(&path);
    let mut all = all["contacts"].as_array().expect("a list").iter();
    let found = all.find(|contact| contact["name"] == name).expect("a contact");
    found["id"].as_str().expect("text").parse().expect("a name")
}

/// Asserts that the log file and the request log name the account of each request.
fn assert_logged(running: &Running, log: &Path) {
    let text = std::fs::read_to_string(log).expect("a log");
    for (parameter, name) in [("Ada", "Ada"), ("Ben%20%26%20co", "Ben & co")] {
        let path = format!("/v1/records/requests?limit=1000&account={parameter}");
        let page = running.get(&path);
        let mut records = page["records"].as_array().expect("a list").iter();
        assert!(records.all(|record| record["account"] == name), "{page}");
        for call in ["jslogin", "webwxsendmsg"] {
            let line = format!("\"account\":\"{name}\",\"endpoint\":\"{call}\"");
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
}

#[test]
fn bots_of_a_world_file_talk_in_their_room() {
    let folder = Folder::new();
    let file = folder.file("world.toml", WORLD);
    let log = folder.path().join("log");
    let running = Running::start(&["--script", &file, "--log", log.to_str().expect("text")]);
    let (state, ben) = ("/v1/state?account=Ben%20%26%20co", "Ben%20%26%20co");
    for _ in 0..2 {
        let all = running.get("/v1/accounts");
        assert_eq!(all["accounts"], json!([{"name": "Ada"}, {"name": "Ben & co"}]));
        let two = login(&running, ben);
        let one = login(&running, "Ada");
        assert_eq!(running.get("/v1/state")["account_name"], "Ada");
        assert_eq!(running.get(state)["account_name"], "Ben & co");
        one.call(SendText::new(id(&running, "Ada", "Writers"), "hello")).expect("sent");
        let message = next_text(&two);
        assert_eq!(message.text(), Some("hello"));
        assert_eq!(*message.peer(), id(&running, ben, "Writers"));
        two.call(SendText::new(id(&running, ben, "Ada"), "hi")).expect("sent");
        let delivered = json!({"list": "sent", "where": {"content": "hi", "to_name": "Ada"}});
        running.done("POST", &format!("/v1/wait?account={ben}"), &delivered);
        assert_eq!(next_text(&one).text(), Some("hi"));
        for account in ["Ada", ben] {
            let path = format!("/v1/records/violations?limit=9&account={account}");
            let violations = running.get(&path);
            assert_eq!(violations["total"], 0, "{violations}");
        }
        let (status, reply) = running.call("GET", "/v1/state?account=Zed", &Value::Null);
        assert_eq!((status, &reply["error"]), (404, &json!("no account is named `Zed`")));
        assert_logged(&running, &log);
        // The second round finds the initial worlds.
        running.done("POST", "/v1/reset", &Value::Null);
    }
}

#[test]
fn new_name_is_seen_by_the_other_account() {
    let folder = Folder::new();
    let file = folder.file("world.toml", WORLD);
    let running = Running::start(&["--script", &file]);
    running.done("PATCH", "/v1/contacts/me", &json!({"name": "Eve <3"}));
    let all = running.get("/v1/accounts");
    assert_eq!(all["accounts"][0]["name"], "Eve <3");
    id(&running, "Ben%20%26%20co", "Eve <3");
}

#[test]
fn logins_are_confirmed_by_the_accounts_in_order() {
    let folder = Folder::new();
    let file = folder.file("world.toml", WORLD);
    let running = Running::start(&["--script", &file, "--auto-confirm"]);
    for name in ["Ada", "Ben & co"] {
        let client = Client::login(&running.proxied(), &mut Device::new(), |_| {});
        assert_eq!(&*client.expect("logged in").session().me().nick_name, name);
    }
}

#[test]
fn problems_name_their_account() {
    let folder = Folder::new();
    let file = folder.file(
        "world.toml",
        "account = \"Ada\"\n[[accounts]]\naccount = \"Ada\"\n[[accounts.rooms]]\nname = \"R\"\nmembers = [\"Zed\"]\n[[accounts]]\naccount = \"Ben\"\nseed = 1\n",
    );
    let output = Command::new(COMMAND).args(["check", &file]).output().expect("run");
    let text = String::from_utf8_lossy(&output.stderr);
    for expected in [
        ":3: accounts[0].account: each account needs a name of its own",
        ":6: accounts[0].rooms[0].members[0]: no person or room is named `Zed`",
        "accounts[1]: `accounts`, `faults` and `seed` belong at the top of the file",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}
