//! `download`, `forward`, `revoke` and `chat`.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;
use wechat_simulator::Incoming;

use crate::place::{Place, Ran, until};

#[test]
fn printed_message_is_downloaded_and_forwarded() {
    let place = Place::web();
    let ada = place.world().add_person("Ada");
    let bob = place.world().add_person("Bob");
    let place = place.logged_in("web");
    place.world().deliver(Incoming::file(&ada, "报告.pdf", &b"%PDF"[..]));
    let printed = place.ok(&["listen", "--json", "--count", "1"]);
    for name in ["报告.pdf", "报告 (1).pdf"] {
        let ran = place.run_with(&["download", "-", "in", "--json"], printed.as_bytes());
        assert_eq!(ran.code, 0, "{ran:?}");
        let path = fs::canonicalize(place.path("in")).unwrap().join(name);
        assert_eq!(ran.lines()[0]["path"], json!(path), "{ran:?}");
        assert_eq!(fs::read(path).unwrap(), b"%PDF");
    }
    // The message as an argument.
    place.ok(&["forward", printed.trim_end(), "Bob"]);
    let world = place.world();
    assert_eq!((&*world.sent()[0].to, &*world.sent()[0].endpoint), (&*bob, "webwxsendappmsg"));
    drop(world);

    place.world().person_writes(&ada, "only text");
    let printed = place.ok(&["listen", "--json", "--count", "1"]);
    let ran = place.run_with(&["download", "-", "in"], printed.as_bytes());
    ran.assert_fails(1, &["a message of this kind has no media"]);
    let unknown =
        "no recent message has the id 7; an id suffices only while the command that received";
    place.run(&["download", "7", "in"]).assert_fails(2, &[unknown, "listen --json"]);
    place.run(&["forward", "7", "Bob"]).assert_fails(2, &[unknown, "listen --json"]);
    for (line, shown) in [("{}", "not a message: {}"), ("", "not a message: an empty text")] {
        place.run_with(&["forward", "-", "Bob"], line.as_bytes()).assert_fails(2, &[shown]);
    }
    let sent = r#"{"to":"@1","msg_id":"7"}"#;
    place
        .run(&["forward", sent, "Bob"])
        .assert_fails(2, &["this line is of a message that was sent"]);
    let other = printed.replace("\"me\":\"@", "\"me\":\"@x");
    let ran = place.run_with(&["forward", "-", "Bob"], other.as_bytes());
    ran.assert_fails(5, &["an earlier login"]);
    place.assert_no_violations();
}

#[test]
fn own_messages_are_revoked() {
    let (place, ada) = Place::with_ada();
    let sent = place.ok(&["send", "Ada", "one", "--json"]);
    let revoked = place.run_with(&["revoke", "-"], sent.as_bytes());
    assert!(revoked.stdout.starts_with("Revoked message "), "{revoked:?}");
    let id = place.world().phone().writes(&ada, "two");
    place.ok(&["revoke", &id, "Ada"]);
    place.ok(&["listen", "--count", "1"]);
    place.world().phone().writes(&ada, "three");
    let printed = place.ok(&["listen", "--json", "--count", "1"]);
    let ran = place.run_with(&["revoke", "-"], printed.as_bytes());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(place.world().sent().iter().all(|sent| sent.revoked));
    place.world().person_writes(&ada, "hers");
    let printed = place.ok(&["listen", "--json", "--count", "1"]);
    let ran = place.run_with(&["revoke", "-"], printed.as_bytes());
    ran.assert_fails(1, &["of your own"]);
    place.run(&["revoke", "7"]).assert_fails(
        2,
        &["an id suffices only while the command that sent", "wechat revoke ID NAME"],
    );
    place.assert_no_violations();
}

#[test]
fn chat_sends_lines_and_leaves_other_chats_alone() {
    let place = Place::web();
    let ada = place.world().add_person("Ada");
    let bob = place.world().add_person("Bob");
    let place = place.logged_in("web");
    let mut child = place.command(&["chat", "ada"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all("你好\n\nbye\n".as_bytes()).unwrap();
    until("two texts", || place.world().sent().len() == 2);
    place.world().person_writes(&bob, "from Bob");
    place.world().person_writes(&ada, "from Ada");
    let polls = place.requests("webwxsync");
    until("a sync", || place.requests("webwxsync") > polls);
    until("another poll", || {
        place.world().log().last().is_some_and(|last| last.endpoint == "synccheck")
    });
    drop(input);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, &*ran.stdout), (0, "Ada: from Ada\n"), "{ran:?}");
    assert!(ran.stderr.starts_with("Chat with Ada."), "{ran:?}");
    let texts: Vec<_> = place.world().sent().iter().map(|sent| sent.content.clone()).collect();
    assert_eq!(texts, ["你好", "bye"]);
    assert_eq!(place.ok(&["listen", "--count", "1"]), "Bob: from Bob\n");
    place.assert_no_violations();
}

#[test]
fn chat_reports_lines_that_could_not_be_sent() {
    let (place, _) = Place::with_ada();
    place.world().refuse("webwxsendmsg", 1205, "");
    let ran = place.run_with(&["chat", "Ada", "--json"], b"one\ntwo\n");
    assert_eq!((ran.code, ran.lines().len()), (6, 1), "{ran:?}");
    assert_eq!(place.world().sent()[0].content, "two");
}
