//! `listen`, and the session that it holds.

use std::process::Child;

use serde_json::json;

use crate::place::{Place, Ran, signal, until};

/// Starts `listen` and waits until it polls.
fn listening(place: &Place, arguments: &[&str]) -> Child {
    let polls = place.requests("synccheck");
    let child = place.command(&[&["listen"], arguments].concat()).spawn().unwrap();
    until("a poll", || place.requests("synccheck") > polls);
    child
}

fn ended(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

#[test]
fn messages_are_printed_and_acknowledged_once() {
    let place = Place::web();
    let ada = place.world().add_person("Ada");
    let bob = place.world().add_person("Bob");
    let room = place.world().add_room("Book club", &[&bob]);
    let place = place.logged_in("web");
    let child = listening(&place, &["--count", "3"]);
    place.world().person_writes(&ada, "one\nBoss: two");
    place.world().member_writes(&room, &bob, "hello");
    place.world().phone().writes(&ada, "from my phone");
    let ran = ended(child);
    assert_eq!(ran.code, 0, "{ran:?}");
    let printed: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(
        printed,
        ["Ada: one\\nBoss: two", "[Book club] Bob: hello", "me → Ada: from my phone"]
    );

    place.world().person_writes(&ada, "later");
    place.ok(&["send", "Ada", "a command in between acknowledges nothing"]);
    place.ok(&["contacts"]);
    place.ok(&["status"]);
    let ran = place.run(&["listen", "--json", "--count", "1"]);
    let line = &ran.lines()[0];
    assert_eq!((&line["v"], &line["type"]), (&json!(1), &json!("message")));
    assert_eq!((&line["text"], &line["chat_name"]), (&json!("later"), &json!("Ada")));
    assert_eq!(line["message"]["kind"], json!({ "text": "later" }));
    assert_eq!(line["raw"]["MsgId"], line["message"]["id"]);
    place.assert_no_violations();
}

#[test]
fn signals_end_the_command_cleanly() {
    let place = Place::web().logged_in("web");
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let child = listening(&place, &[]);
        signal(&child, name);
        let ran = ended(child);
        assert!(ran.stderr.starts_with("Printing the messages of "), "{ran:?}");
        assert_eq!((ran.code, ran.stderr.lines().count()), (code, 1), "{ran:?}");
    }
}

#[test]
fn second_process_names_the_holder() {
    let place = Place::web().logged_in("web");
    let mut child = listening(&place, &[]);
    let pid = child.id().to_string();
    let ran = place.run(&["listen", "--wait", "0"]);
    ran.assert_fails(4, &["the session is in use: `wechat listen` is running", &pid, "--wait"]);
    let ran = place.run(&["listen", "--wait", "2"]);
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.starts_with("Waiting up to 2 s: `wechat listen` is running"), "{ran:?}");
    let ran = place.run(&["status", "--json"]);
    assert_eq!(ran.lines()[0]["holder"], json!({ "pid": child.id(), "command": "listen" }));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn messages_stay_unacknowledged_if_they_cannot_be_printed() {
    let (place, ada) = Place::with_ada();
    place.world().person_writes(&ada, "nobody reads this");
    let full = std::fs::File::create("/dev/full").unwrap();
    let child = place.command(&["listen", "--json"]).stdout(full).spawn().unwrap();
    ended(child).assert_fails(9, &["standard output: No space left on device"]);
    let ran = place.run(&["listen", "--count", "1"]);
    assert_eq!(ran.stdout, "Ada: nobody reads this\n");
}

#[test]
fn end_of_the_session_is_reported_and_stored() {
    let place = Place::web().logged_in("web");
    let child = listening(&place, &["--json"]);
    place.world().phone().kick();
    ended(child).assert_fails(3, &["1101", "wechat login"]);
    place.run(&["send", "filehelper", "a"]).assert_fails(3, &["1101"]);
}
