//! The page, without a browser. `clients/page.test.mjs` runs it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::Running;

/// Returns a reply, with its headers in lower case.
fn get(running: &Running, path: &str) -> String {
    let host = running.address("control").trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("a connection");
    let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("written");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("text");
    reply
}

#[test]
fn page_has_a_strict_policy_and_no_texts() {
    let running = Running::start(&["--bind=0.0.0.0", "--control-token=secret"]);
    for path in ["/", "/page.js", "/page.css"] {
        let reply = get(&running, path);
        assert!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply}");
        for expected in [
            "content-security-policy: default-src 'none'; script-src 'self'; ",
            "require-trusted-types-for 'script'; trusted-types 'none'\r\n",
            "x-content-type-options: nosniff\r\n",
        ] {
            assert!(reply.contains(expected), "{path}: {reply}");
        }
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!reply.contains(sink), "{path}: {sink}");
        }
    }
    let page = get(&running, "/");
    for inline in ["style=", "onclick", "<style", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
    assert!(get(&running, "/v1/state").starts_with("HTTP/1.1 401"));
}

#[test]
fn markup_in_texts_stays_text_in_chats() {
    let running = Running::start(&[]);
    let hostile = "<img src=x onerror=alert(1)></script><script>alert(2)</script>";
    running.done("POST", "/v1/people", &json!({"name": hostile}));
    let message = json!({"from": hostile, "message": {"text": hostile}});
    running.done("POST", "/v1/messages", &message);
    let chats = running.get("/v1/chats");
    let chat = &chats["chats"][0];
    assert_eq!((&chat["name"], &chat["messages"][0]["text"]), (&json!(hostile), &json!(hostile)));
    assert_eq!(running.call("GET", "/v1/qr-code", &Value::Null).0, 404);
    assert!(get(&running, "/v1/chats").contains("content-type: application/json\r\n"));
}
