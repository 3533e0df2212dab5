//! The control API.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Running, agent};

/// A world file with the kinds of people, and a room.
const WORLD: &str = r#"
seed = 7
account = "Me & myself"

[[people]]
name = "Ada"

[[people]]
name = "Bo"
kind = "stranger"
remark = "Robert"

[[people]]
name = "News"
kind = "official"

[[rooms]]
name = "Readers"
members = ["Ada", "Bo"]

[[faults]]
endpoint = "qrcode"
effect = { refuse = { ret = 1 } }
after = 1
"#;

fn started() -> Running {
    let folder = crate::Folder::new();
    let file = folder.file("world.toml", WORLD);
    Running::start(&["--script", &file])
}

#[test]
fn people_and_rooms_are_changed() {
    let running = started();
    let contact = |name: &str| {
        let all = running.get("/v1/contacts");
        let mut all = all["contacts"].as_array().expect("a list").iter();
        all.find(|contact| contact["name"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(running.get("/v1/state")["account_name"], "Me & myself");
    let cy = running.done("POST", "/v1/people", &json!({"name": "Cy <3"}))["id"].clone();
    assert_eq!(contact("Cy <3")["id"], cy);
    let members = json!({"add": ["Cy <3"], "remove": ["Bo"]});
    running.done("POST", "/v1/rooms/Readers/members", &members);
    let room = contact("Readers");
    assert_eq!(room["members"].as_array().map(Vec::len), Some(3), "{room}");
    assert_eq!(room["members"][2], cy);
    running.done("PATCH", "/v1/contacts/Readers", &json!({"name": "Writers", "owner": "Cy <3"}));
    assert_eq!(contact("Writers")["owner"], cy);
    running.done("POST", "/v1/rooms", &json!({"name": "New", "members": ["Ada"], "saved": true}));
    assert_eq!(contact("New")["in_address_book"], true);
    running.done("DELETE", "/v1/contacts/Ada", &Value::Null);
    assert_eq!(contact("Ada")["in_address_book"], false);
    running.done("POST", "/v1/reset", &Value::Null);
    assert_eq!((contact("Cy <3"), &contact("Ada")["in_address_book"]), (Value::Null, &json!(true)));
}

#[test]
fn invalid_calls_return_their_reason() {
    let running = started();
    running.done("POST", "/v1/people", &json!({"name": "Ada"}));
    let text = json!({"text": "x"});
    for (call, body, status, expected) in [
        ("POST /v1/phone", json!({"action": "scan"}), 409, "no login is waiting"),
        ("POST /v1/phone", json!({"action": "dance"}), 422, "expected one of `scan`"),
        ("POST /v1/end", json!({"code": 1100}), 409, "there is no session"),
        ("POST /v1/end", json!({"code": 1}), 422, "1, not 1100, 1101 or 1102"),
        (
            "POST /v1/messages",
            json!({"from": "Ada", "message": text}),
            400,
            "`Ada` names several: @",
        ),
        ("POST /v1/messages", json!({"from": "Zed", "message": text}), 400, "named `Zed`"),
        ("POST /v1/messages", json!({"from": "Readers", "message": text}), 400, "a room"),
        (
            "POST /v1/messages",
            json!({"from": "News", "room": "Readers", "message": text}),
            400,
            "not a member",
        ),
        ("POST /v1/messages", json!({"from": "me", "message": text}), 400, "either `to` or `room`"),
        (
            "POST /v1/messages",
            json!({"from": "Bo", "message": {"image": {"data": "?"}}}),
            400,
            "not base64",
        ),
        (
            "POST /v1/messages",
            json!({"from": "Bo", "message": {"quote": {"reply": "", "msg_id": "1"}}}),
            400,
            "the id `1`",
        ),
        ("POST /v1/messages", json!({"from": "Bo", "text": "x"}), 422, "unknown field `text`"),
        ("POST /v1/people", json!({"name": ""}), 400, "empty or `me`"),
        ("POST /v1/rooms", json!({"name": "x", "members": []}), 400, "at least one member"),
        ("POST /v1/rooms/Bo/members", json!({}), 400, "`Bo` is not a room"),
        ("POST /v1/invitations/accept", Value::Null, 409, "no account has invited this one"),
        ("PATCH /v1/contacts/me", json!({"remark": "x"}), 400, "of `me`, only `name`"),
        ("PATCH /v1/contacts/Zed", json!({}), 404, "named `Zed`"),
        ("PATCH /v1/contacts/Readers", json!({"owner": "News"}), 400, "not a member"),
        (
            "POST /v1/faults",
            json!({"endpoint": "x", "effect": {"delay_ms": 1}}),
            400,
            "not one of jslogin",
        ),
        (
            "POST /v1/faults",
            json!({"endpoint": "login", "effect": {"reply": {"status": 99}}}),
            400,
            "from 200",
        ),
        (
            "POST /v1/faults",
            json!({"endpoint": "login", "effect": {"delay_ms": 1}, "times": 0}),
            400,
            "no call would have the fault",
        ),
        (
            "POST /v1/faults",
            json!({"endpoint": "login", "effect": "alter"}),
            400,
            "`alter` is only for webwxuploadmedia",
        ),
        ("POST /v1/settings", json!({"blocked_by": ["Zed"]}), 400, "named `Zed`"),
        (
            "POST /v1/wait",
            json!({"list": "sent", "where": {"content": {"contain": "x"}}}),
            400,
            "an object other than",
        ),
        ("POST /v1/wait", json!({"list": "sent", "where": {"text": "x"}}), 400, "the fields are"),
        ("GET /v1/records/apples", Value::Null, 400, "expected one of `state`"),
        ("GET /v1/records/sent?limit=x", Value::Null, 400, "not a whole number"),
        (
            "GET /v1/records/sent?limt=1",
            Value::Null,
            400,
            "unknown query parameter `limt`, expected `account`, `cursor`, `limit`",
        ),
        (
            "GET /v1/state?acount=Me",
            Value::Null,
            400,
            "unknown query parameter `acount`, expected `account`",
        ),
        ("POST /v1/reset?account=Me", Value::Null, 400, "`account`, expected none"),
        ("GET /v1/requests/x", Value::Null, 400, "`x` is not a whole number"),
        ("GET /v1/requests/0", Value::Null, 404, "there are 0 requests"),
        ("GET /v1/nothing", Value::Null, 404, "/v1/openapi.json"),
        ("DELETE /v1/state", Value::Null, 405, "see the header `Allow`"),
    ] {
        let (method, path) = call.split_once(' ').expect("a call");
        let (found, reply) = running.call(method, path, &body);
        assert_eq!(found, status, "{call} {body}: {reply}");
        let error = reply["error"].as_str().unwrap_or_default();
        assert!(error.contains(expected), "{call} {body}: {reply}");
        for word in ["deserialize", "usize", "u64", "struct", "URL", "line 1 column"] {
            assert!(!error.contains(word), "{call} {body}: {reply}");
        }
    }
    let wait = json!({"list": "sent", "where": {}, "field": 1});
    let fields = "expected one of `list`, `cursor`, `where`, `timeout_ms`";
    let expected = json!({"error": format!("unknown field `field`, {fields}"), "path": "field"});
    assert_eq!(running.call("POST", "/v1/wait", &wait), (422, expected));
}

#[test]
fn body_of_48_mib_is_read_and_a_larger_one_is_refused() {
    let running = started();
    for (size, status, expected) in [
        (48 << 20, 400, "the body is not JSON"),
        ((48 << 20) + 1, 413, "the body has more than 48 MiB"),
    ] {
        let (found, reply) = running.send("POST", "/v1/messages", "x".repeat(size));
        assert_eq!(found, status, "{size}: {reply}");
        assert!(
            reply["error"].as_str().is_some_and(|error| error.starts_with(expected)),
            "{reply}"
        );
    }
}

#[test]
fn expired_code_cannot_be_scanned() {
    let running = started();
    let query = "appid=wx782c26e4c19acffb&fun=new&lang=zh_CN";
    let url = format!(
        "{}/jslogin?{query}&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage",
        running.address("http")
    );
    agent().get(url).call().expect("a code");
    running.done("POST", "/v1/phone", &json!({"action": "expire"}));
    let (status, reply) = running.call("POST", "/v1/phone", &json!({"action": "scan"}));
    assert_eq!(status, 409, "{reply}");
}

#[test]
fn request_is_recorded_with_its_violations() {
    for (options, status) in [
        (&[][..], 200),
        (&["--mode=service"], 200),
        (&["--mode=page"], 400),
        (&["--mode=library"], 400),
    ] {
        let running = Running::start(options);
        let url = format!("{}/jslogin?appid=x", running.address("http"));
        agent().get(url).call().expect("a reply");
        let page = running.get("/v1/records/requests");
        let request = &page["records"][0];
        assert_eq!((&request["endpoint"], &request["status"]), (&json!("jslogin"), &json!(status)));
        assert_eq!(
            (&request["target"], &request["grade"]),
            (&json!("/jslogin?appid=x"), &json!("fatal"))
        );
        let wrong = "query parameter `appid` is `x`, not `wx782c26e4c19acffb`";
        assert!(
            request["violations"].as_array().expect("a list").contains(&json!(wrong)),
            "{request}"
        );
        let violations = running.get("/v1/records/violations?limit=100");
        let mut violations = violations["records"].as_array().expect("a list").iter();
        let found = violations.find(|found| found["what"] == wrong).expect("the violation");
        let found = ["grade", "difference", "source"].map(|name| &found[name]);
        assert_eq!(found, ["fatal", "appid", "guess"]);
        let text = running.get("/v1/requests/0");
        assert!(text["text"].as_str().expect("text").starts_with("GET //127.0.0.1:"), "{text}");
    }
}

#[test]
fn address_beyond_loopback_needs_the_token() {
    let running = Running::start(&["--bind=0.0.0.0", "--control-token=secret"]);
    assert_eq!(running.call("GET", "/v1/state", &Value::Null).0, 401);
    let url = format!("{}/v1/state", running.address("control"));
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let reply = agent().get(url).header("authorization", "Bearer secret").call();
    assert_eq!(reply.expect("a reply").status(), 200);
}

#[test]
fn unmet_wait_lists_the_nearest_records() {
    let running = started();
    let wait = json!({
        "list": "state",
        "where": {"stage": "online", "account_name": {"contains": "myself"}},
        "timeout_ms": 50,
    });
    let (status, reply) = running.call("POST", "/v1/wait", &wait);
    assert_eq!((status, &reply["error"]), (408, &json!("no such record within 50 ms")));
    assert_eq!((&reply["nearest"][0]["differs"], &reply["cursor"]), (&json!(["stage"]), &json!(1)));
}

/// The requests are refused with status 200, whereas injected faults have another status.
#[test]
fn faults_occur_in_the_chosen_calls() {
    let running = started();
    let origin = running.address("http").to_owned();
    let ask = |path: &str| {
        let reply = agent().get(format!("{origin}{path}")).call();
        reply.map_or(0, |reply| reply.status().as_u16())
    };
    let fault = |endpoint: &str, effect: Value, more: Value| {
        let mut body = json!({"endpoint": endpoint, "effect": effect});
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        running.done("POST", "/v1/faults", &body);
    };
    fault(
        "login",
        json!({"reply": {"status": 503, "body": "busy"}}),
        json!({"after": 1, "times": 2}),
    );
    fault("login", json!({"cut": "reply"}), json!({}));
    fault("jslogin", json!({"reply": {"status": 502}}), json!({"always": true}));
    fault("jslogin", json!({"delay_ms": 300}), json!({}));
    let pending = running.get("/v1/faults");
    // The first one is of the world file.
    let effects: Vec<_> = pending["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| &fault["effect"])
        .collect();
    assert_eq!(effects, ["refuse", "reply", "cut", "reply", "delay"]);
    let login = "/cgi-bin/mmwebwx-bin/login";
    assert_eq!([(); 5].map(|()| ask(login)), [0, 503, 503, 200, 200]);
    assert_eq!([(); 2].map(|()| ask("/jslogin")), [502, 502]);
    running.done("DELETE", "/v1/faults", &Value::Null);
    assert_eq!(ask("/jslogin"), 200);
    fault("jslogin", json!({"delay_ms": 300}), json!({}));
    let start = Instant::now();
    assert_eq!(ask("/jslogin"), 200);
    assert!(start.elapsed() >= Duration::from_millis(300));
    running.done("POST", "/v1/reset", &Value::Null);
    let pending = running.get("/v1/faults");
    let first = json!({"endpoint": "qrcode", "effect": "refuse", "after": 1, "times": 1});
    assert_eq!(pending["faults"], json!([first]));
}

#[test]
fn each_seed_has_its_own_ids() {
    let ids = |seed: &str| {
        let running =
            Running::start(&["--clock=fixed", "--contacts=2", "--rooms=1", "--seed", seed]);
        let message = json!({"from": "Friend 1", "room": "Room 1", "message": {"text": "hello"}});
        let mut ids = running.done("POST", "/v1/messages", &message).to_string();
        let state = running.get("/v1/state");
        let contacts = running.get("/v1/contacts");
        write!(ids, "{state} {contacts}").expect("written");
        ids
    };
    let (first, again, other) = (ids("1"), ids("1"), ids("2"));
    assert_eq!(first, again);
    assert_ne!(first, other);
}
