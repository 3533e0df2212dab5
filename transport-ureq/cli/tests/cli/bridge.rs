//! `bridge` on standard input and output.

use std::fs;

use serde_json::{Value, json};
use wechat_simulator::{Effect, Incoming, Injection};

use crate::place::{Place, kill_times, until};
use crate::program::Program;

#[test]
fn bridge_serves_operations_until_end_of_input() {
    let place = Place::web();
    let ada = place.world().add_person("Ada");
    place.confirm_login();
    let mut program = Program::start(&place, &[]);
    let code = program.event("qr");
    assert!(code["url"].as_str().unwrap().ends_with(code["uuid"].as_str().unwrap()), "{code}");
    program.event("scanned");
    let login = program.event("logged_in");
    let user = login["user"].as_str().unwrap();
    assert!(user.starts_with('@') && user.contains('#'), "{login}");

    let sent = program.ok(json!({"do": "send_text", "to": "Ada", "text": "hi"}));
    assert_eq!((&sent["name"], &sent["repeated"]), (&json!("Ada"), &json!(false)));
    assert_eq!(place.world().sent()[0].content, "hi");
    let to = sent["to"].as_str().unwrap().to_owned();
    assert_eq!(to.split_once('#').unwrap().0, ada);
    program.ok(json!({"do": "send_text", "to": to, "text": "by its name"}));
    let stale = format!("{ada}#00000000");
    let error = program.error(json!({"do": "send_text", "to": stale, "text": "x"}));
    assert_eq!((&error["kind"], &error["exit"]), (&json!("stale_contact"), &json!(5)));
    let error = program.error(json!({"do": "send_text", "to": "Adb", "text": "x"}));
    assert_eq!(error["kind"], "contact");
    place.world().refuse("webwxsendmsg", 1204, "no");
    let error = program.error(json!({"do": "send_text", "to": "Ada", "text": "x"}));
    assert_eq!((&error["kind"], &error["ret"]), (&json!("refused"), &json!(1204)));
    program.write("not JSON");
    program.write("{\"do\":\"fly\"}");
    program.write("");
    for _ in 0..3 {
        let reply = program.line(|line| !line["error"].is_null());
        assert_eq!((&reply["id"], &reply["error"]["kind"]), (&Value::Null, &json!("malformed")));
    }
    let revoked = program.ok(json!({"do": "revoke", "msg_id": sent["msg_id"]}));
    assert_eq!(revoked["msg_id"], sent["msg_id"]);
    assert!(place.world().sent()[0].revoked);
    // Requests before the end of the input are served.
    program.write(r#"{"id":"last","do":"send_text","to":"filehelper","text":"bye"}"#);
    let (status, lines) = program.end();
    assert_eq!(status.code(), Some(0));
    assert!(lines.iter().any(|line| line["id"] == "last" && line["ok"]["to"] == "filehelper"));
    assert_eq!(lines.last().unwrap()["reason"], "stopped");
    place.assert_no_violations();
}

#[test]
fn login_precedes_all_replies() {
    let place = Place::web().logged_in("web");
    for _ in 0..20 {
        let mut program = Program::start(&place, &[]);
        program.write(r#"{"do":"status"}"#);
        let [first, second] = [(); 2].map(|()| program.next().unwrap());
        assert_eq!((&first["type"], second["ok"].is_object()), (&json!("logged_in"), true));
        program.end();
    }
}

#[test]
fn unacknowledged_events_are_delivered_again_with_their_numbers() {
    let (place, ada) = Place::with_ada();
    let mut program = Program::logged_in(&place);
    for text in ["one", "two", "three"] {
        place.world().person_writes(&ada, text);
    }
    let events: Vec<_> = (0..3).map(|_| program.event("message")).collect();
    assert_eq!((&events[0]["text"], &events[0]["chat_name"]), (&json!("one"), &json!("Ada")));
    assert!(events[0]["chat"].as_str().unwrap().starts_with(&format!("{ada}#")));
    program.ok(json!({"do": "ack", "seq": events[1]["seq"]}));
    program.ok(json!({"do": "ack", "seq": events[1]["seq"]}));
    assert_eq!(program.error(json!({"do": "ack", "seq": 9_000_000}))["kind"], "usage");
    program.kill();

    let mut program = Program::logged_in(&place);
    // Possibly acknowledged before it is delivered again.
    program.ok(json!({"do": "ack", "seq": events[2]["seq"]}));
    let is_other = |line: &Value| line["type"] == "message" && line["seq"] != events[2]["seq"];
    let again = program.line(is_other);
    assert_eq!((&again["seq"], &again["text"]), (&events[0]["seq"], &json!("one")));
    program.ok(json!({"do": "ack", "seq": again["seq"]}));
    place.world().person_writes(&ada, "four");
    let next = program.line(is_other);
    assert_eq!(next["text"], "four");
    assert!(next["seq"].as_u64() > events[2]["seq"].as_u64());
    program.ok(json!({"do": "ack", "seq": next["seq"]}));
    program.kill();
    let mut program = Program::logged_in(&place);
    place.world().person_writes(&ada, "five");
    assert_eq!(program.event("message")["text"], "five");
    let (status, lines) = program.end();
    assert_eq!(status.code(), Some(0));
    assert!(lines.iter().all(|line| line["type"] != "message"), "{lines:?}");
    place.assert_no_violations();
}

#[test]
fn auto_ack_acknowledges_written_events() {
    let (place, ada) = Place::with_ada();
    let mut program = Program::start(&place, &["--auto-ack"]);
    program.event("logged_in");
    place.world().person_writes(&ada, "one");
    program.event("message");
    until("an acknowledgement", || program.ok(json!({"do": "status"}))["unacknowledged"] == 0);
    program.end();
    let mut program = Program::logged_in(&place);
    place.world().person_writes(&ada, "two");
    assert_eq!(program.event("message")["text"], "two");
}

#[test]
fn send_with_a_key_arrives_once() {
    let place = Place::web().logged_in("web");
    let send = json!({"do": "send_text", "to": "filehelper", "text": "once", "key": "order 7"});
    // The reply does not arrive.
    let cut = wechat_simulator::Cut::Reply;
    place.server.inject(Injection::new("webwxsendmsg", Effect::Cut(cut)));
    let mut program = Program::start(&place, &[]);
    let error = program.error(send.clone());
    assert_eq!((&error["kind"], &error["exit"]), (&json!("unanswered"), &json!(7)));
    program.kill();
    let mut program = Program::start(&place, &[]);
    let sent = program.ok(send.clone());
    assert_eq!(sent["repeated"], false);
    let again = program.ok(send);
    assert_eq!((&again["repeated"], &again["msg_id"]), (&json!(true), &sent["msg_id"]));
    program.kill();
    // The service has one message, because it recognised the id of the second.
    let world = place.world();
    let texts: Vec<_> =
        world.sent().iter().map(|sent| (&*sent.content, &sent.client_msg_id)).collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    drop(world);
    place.assert_no_violations();
}

#[test]
fn files_are_saved_and_rooms_are_changed() {
    let place = Place::web();
    let ada = place.world().add_person("Ada");
    let bob = place.world().add_person("Bob");
    let room = place.world().add_room("Book club", &[&ada, &bob]);
    let place = place.logged_in("web");
    let mut program = Program::logged_in(&place);
    place.world().deliver(Incoming::file(&ada, "报告.pdf", &b"%PDF"[..]));
    let event = program.event("message");
    let id = &event["message"]["id"];
    let folder = place.path("in");
    fs::create_dir(&folder).unwrap();
    for name in ["报告.pdf", "报告 (1).pdf"] {
        let saved = program.ok(json!({"do": "download", "msg_id": id, "path": folder}));
        assert_eq!((&saved["path"], &saved["size"]), (&json!(folder.join(name)), &json!(4)));
        assert_eq!(fs::read(folder.join(name)).unwrap(), b"%PDF");
    }
    let path = folder.join("exact");
    program.ok(json!({"do": "download", "msg_id": id, "path": path}));
    let error = program.error(json!({"do": "download", "msg_id": id, "path": path}));
    assert_eq!(error["kind"], "local_file");
    let missing = place.path("absent/in");
    let error = program.error(json!({"do": "download", "msg_id": id, "path": missing}));
    assert!(error["message"].as_str().unwrap().contains(missing.to_str().unwrap()), "{error}");
    let error = program.error(json!({"do": "download", "msg_id": "7", "path": folder}));
    assert_eq!(error["kind"], "unknown_message");
    program.ok(json!({"do": "forward", "msg_id": id, "to": "Bob"}));
    let own = place.file("own.txt", b"text");
    program.ok(json!({"do": "send_file", "to": "Book club", "path": own, "name": "notes.txt"}));
    let error = program.error(json!({"do": "send_file", "to": "Ada", "path": "absent"}));
    assert_eq!(error["kind"], "local_file");
    program
        .ok(json!({"do": "send_emoticon", "to": "Ada", "md5": "a0c4153e43c3fd2e9a2fbb9be2f4de07"}));
    let error = program.error(json!({"do": "send_emoticon", "to": "Ada"}));
    assert_eq!(error["kind"], "usage");
    let endpoints: Vec<_> = place.world().sent().iter().map(|sent| sent.endpoint.clone()).collect();
    assert_eq!(endpoints, ["webwxsendappmsg", "webwxsendappmsg", "webwxsendemoticon"]);

    let members = program.ok(json!({"do": "members", "room": "Book club"}));
    let names: Vec<_> =
        members["members"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert!(names.contains(&&json!("Ada")), "{members}");
    assert_eq!(program.error(json!({"do": "members", "room": "Ada"}))["kind"], "contact");
    program.ok(json!({"do": "rename_room", "room": "Book club", "topic": "Readers"}));
    assert_eq!(place.world().contact(&room).unwrap().nick_name, "Readers");
    program.ok(json!({"do": "set_remark", "user": "Ada", "remark": "Countess"}));
    let found = program.ok(json!({"do": "find", "name": "Countess"}));
    assert_eq!(found["kind"], "person");
    program.ok(json!({"do": "pin", "chat": "Countess"}));
    program.ok(json!({"do": "unpin", "chat": "Countess"}));
    program.ok(json!({"do": "mark_read", "chat": "Countess"}));
    let created =
        program.ok(json!({"do": "create_room", "members": ["Bob", "Countess"], "topic": "Two"}));
    assert!(created["room"].as_str().unwrap().starts_with("@@"), "{created}");
    program.ok(json!({"do": "quit_room", "room": created["room"]}));
    program.ok(json!({"do": "avatar", "user": "Bob", "path": folder.join("bob.jpg")}));
    assert!(fs::metadata(folder.join("bob.jpg")).unwrap().len() > 0);
    let contacts = program.ok(json!({"do": "contacts", "pattern": "bob"}));
    assert_eq!(contacts["contacts"].as_array().unwrap().len(), 1);
    program.ok(json!({"do": "logout"}));
    assert_eq!(program.event("ended")["reason"], "logged_out");
    let (status, _) = program.end();
    assert_eq!(status.code(), Some(0));
    place.assert_no_violations();
}

#[test]
fn friend_request_is_accepted_by_its_message() {
    let place = Place::web();
    let stranger = place.world().add_stranger("Eve");
    let place = place.logged_in("web");
    let mut program = Program::logged_in(&place);
    let contact = place.world().contact(&stranger).unwrap().clone();
    place.world().deliver(Incoming::friend_request(&contact, "hello"));
    let event = program.event("friend_request");
    program.ok(json!({"do": "accept_friend", "msg_id": event["message"]["id"]}));
    assert_eq!(place.world().verifications().len(), 1);
    place.assert_no_violations();
}

#[test]
fn end_of_the_session_ends_the_bridge() {
    let place = Place::web().logged_in("web");
    let mut program = Program::logged_in(&place);
    let polls = place.requests("synccheck");
    until("a poll", || place.requests("synccheck") > polls);
    place.world().phone().kick();
    let ended = program.event("ended");
    assert_eq!((&ended["reason"], &ended["ret"]), (&json!("session_ended"), &json!(1101)));
    let (status, _) = program.end();
    assert_eq!(status.code(), Some(3));
}

#[test]
fn end_of_input_before_the_login_ends_the_bridge() {
    let place = Place::web();
    let mut program = Program::start(&place, &[]);
    program.event("qr");
    let (status, lines) = program.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(lines.last().unwrap()["reason"], "stopped");
    let ran = place.run(&["bridge"]);
    assert_eq!((ran.code, &ran.lines().last().unwrap()["reason"]), (0, &json!("stopped")));
}

/// Kills the bridge at seeded points in time while its program receives and acknowledges: 6, or 50
/// with `WECHAT_SWEEP=all`. The program handles each message once, by its number.
#[test]
fn killed_bridge_loses_no_message() {
    let (place, ada) = Place::with_ada();
    let (mut handled, mut delivered) = (std::collections::BTreeMap::new(), Vec::new());
    // The last bridge is not killed.
    for (round, after) in kill_times(17).map(Some).chain([None]).enumerate() {
        let mut program = Program::logged_in(&place);
        for number in 0..4 {
            let text = format!("{round}.{number}");
            place.world().person_writes(&ada, &text);
            delivered.push(text);
        }
        let pid = program.pid().to_string();
        let killer = after.map(|after| {
            std::thread::spawn(move || {
                std::thread::sleep(after);
                std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
            })
        });
        // The loop ends when the bridge is killed or all messages are handled.
        while handled.len() < delivered.len() || after.is_some() {
            let Some(event) = program.next() else { break };
            if event["type"] == "message" {
                let seq = event["seq"].as_u64().unwrap();
                let text = event["text"].as_str().unwrap().to_owned();
                assert_eq!(handled.entry(seq).or_insert_with(|| text.clone()), &text);
                program.try_write(&json!({"do": "ack", "seq": seq}).to_string());
            }
        }
        killer.map(std::thread::JoinHandle::join);
    }
    assert_eq!(handled.into_values().collect::<Vec<_>>(), delivered);
    place.assert_no_violations();
}
