//! `contacts`, `rooms`, `members`, `send` and `logout`.

use serde_json::json;

use crate::place::Place;

/// Returns a place with two Adas, Bob and a room of Bob and Eve, where the command has logged in.
fn place() -> Place {
    let place = Place::web();
    let mut world = place.world();
    world.add_person("Ada");
    world.add_person("ada");
    let bob = world.add_person("Bob\n\u{202e}gpj");
    let eve = world.add_stranger("Eve");
    let room = world.add_room("Book club", &[&bob, &eve]);
    world.save_room(&room);
    world.set_contact(&bob, |contact| contact.remark_name = "Bob".into());
    drop(world);
    place.logged_in("web")
}

#[test]
fn contacts_are_listed_and_filtered() {
    let place = place();
    let all = place.ok(&["contacts"]);
    assert_eq!(all.lines().count(), 5, "{all}");
    let adas = place.ok(&["contacts", "ADA"]);
    assert_eq!(adas.lines().count(), 2, "{adas}");
    let bob = place.run(&["contacts", "gpj", "--json"]);
    let line = &bob.lines()[0];
    assert_eq!((&line["v"], &line["type"]), (&json!(1), &json!("contact")));
    assert_eq!((&line["name"], &line["kind"]), (&json!("Bob"), &json!("person")));
    assert_eq!(line["contact"]["nick_name"], json!("Bob\n\u{202e}gpj"));
    let none = place.run(&["contacts", "nobody"]);
    let remark = "No contact has `nobody` in its name.\n";
    assert_eq!((none.code, &*none.stdout, &*none.stderr), (0, "", remark));

    let rooms = place.ok(&["rooms"]);
    assert_eq!(rooms, "Book club\troom of 3\n");
    let members = place.ok(&["members", "book club"]);
    let mut names: Vec<_> = members.lines().collect();
    names.sort_unstable();
    assert_eq!((names.len(), &names[..2]), (3, &["Bob", "Eve"][..]), "{members}");
    place.run(&["members", "Bob"]).assert_fails(5, &["`Bob` is not a room", "wechat rooms"]);
    place.assert_no_violations();
}

#[test]
fn closed_standard_output_is_not_reported() {
    let place = place();
    let line = format!(
        "'{}' contacts --server {} | true",
        env!("CARGO_BIN_EXE_wechat"),
        place.server.origin()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).env("XDG_STATE_HOME", place.path("state"));
    assert_eq!(crate::place::run(&mut command).stderr, "");
}

#[test]
fn names_are_shown_without_control_characters() {
    let place = Place::web();
    place.world().add_person("Boss\n\u{1b}[2J\u{202e}x");
    let place = place.logged_in("web");
    let shown = place.ok(&["contacts", "Boss"]);
    assert!(shown.starts_with("Boss\\n\\u{1b}[2J\\u{202e}x\tperson\t@"), "{shown:?}");
}

#[test]
fn texts_and_files_arrive() {
    let place = place();
    let sent = place.ok(&["send", "Book club", "晚上好 & <b>"]);
    assert!(sent.starts_with("Sent to Book club (message "), "{sent}");
    assert_eq!(place.run_with(&["send", "filehelper", "-"], b"a\nb\n").code, 0);
    let file = place.file("大 list.pdf", b"%PDF");
    let ran = place.run(&["send", "bob", "--file", &file, "--json"]);
    let image = place.file("photo.jpg", b"\xff\xd8\xff\xe0");
    place.ok(&["send", "Bob", "--image", &image]);

    let world = place.world();
    let sent: Vec<_> = world.sent().iter().map(|sent| (&*sent.endpoint, &*sent.content)).collect();
    assert_eq!(sent[..2], [("webwxsendmsg", "晚上好 & <b>"), ("webwxsendmsg", "a\nb")]);
    assert_eq!(world.sent()[2].file.as_ref().unwrap().name, "大 list.pdf");
    assert_eq!(sent[3].0, "webwxsendmsgimg");
    assert_eq!(ran.lines()[0]["msg_id"], json!(world.sent()[2].msg_id));
    assert_eq!(ran.lines()[0]["to"], json!(world.sent()[2].to));
    drop(world);
    place.assert_no_violations();
}

#[test]
fn unknown_and_ambiguous_names_are_refused() {
    let place = place();
    place
        .run(&["send", "Boo", "hi"])
        .assert_fails(5, &["no contact is named `Boo`; similar names: Book club"]);
    place.run(&["send", "Zed", "hi"]).assert_fails(5, &["`Zed`", "wechat contacts"]);
    let ran = place.run(&["send", "ADA", "hi"]);
    let hint = "use a name that begins with @, which `wechat contacts \"ADA\"` shows\n";
    ran.assert_fails(5, &["several contacts are named \"ADA\"", hint]);
    let zh = "有多个名为 `ADA` 的联系人。请使用 `wechat contacts \"ADA\"` 所列以 @ 开头的名称\n";
    place.run(&["send", "ADA", "hi", "--lang", "zh"]).assert_fails(5, &[zh]);
    let ran = place.run(&["send", "ADA", "hi", "--json"]);
    let line: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    let candidates = line["error"]["candidates"].as_array().unwrap();
    assert_eq!((candidates.len(), &line["error"]["kind"]), (2, &json!("contact")));
    assert_eq!(place.world().sent().len(), 0);
    // The `UserName` of a candidate is unique.
    place.ok(&["send", candidates[1]["user_name"].as_str().unwrap(), "hi"]);
    assert_eq!(place.world().sent()[0].to, candidates[1]["user_name"]);
}

#[test]
fn files_that_cannot_be_sent_are_refused_before_any_request() {
    let place = place();
    let before = place.world().log().len();
    let (folder, empty) = (place.path("folder"), place.file("empty", b""));
    std::fs::create_dir(&folder).unwrap();
    let send = |path: &str| place.run(&["send", "Bob", "--file", path]);
    send("absent.txt").assert_fails(9, &["absent.txt: No such file or directory"]);
    send(folder.to_str().unwrap()).assert_fails(9, &["folder is a folder; pack it first"]);
    place.run(&["send", "Bob", ""]).assert_fails(2, &["empty text"]);
    place.run(&["send", "Bob"]).assert_fails(2, &["<TEXT|--file <PATH>|--image <PATH>>"]);
    place.run(&["send", "Bob", "x", "--file", "y"]).assert_fails(2, &["cannot be used with"]);
    assert_eq!(place.world().log().len(), before);
    send(&empty).assert_fails(9, &["empty file"]);
    assert_eq!(place.requests("webwxuploadmedia"), 0);
}

#[test]
fn refusals_and_lost_replies_have_their_own_codes() {
    let place = place();
    place.world().refuse("webwxsendmsg", 1205, "操作太频繁");
    place.run(&["send", "filehelper", "a"]).assert_fails(6, &["操作太频繁", "wait a few minutes"]);
    place.server.cut("webwxsendmsg", wechat_simulator::Cut::Reply);
    place.run(&["send", "filehelper", "b"]).assert_fails(7, &["look at the phone"]);
    assert_eq!(place.world().sent().len(), 1);
    place.world().phone().kick();
    place.run(&["send", "filehelper", "c"]).assert_fails(3, &["1101", "wechat login"]);
    let before = place.world().log().len();
    place.run(&["send", "filehelper", "d"]).assert_fails(3, &["1101", "wechat login"]);
    assert_eq!(place.world().log().len(), before, "the end of the session is stored");
}

#[test]
fn logged_out_session_is_closed() {
    let place = place();
    assert_eq!(place.ok(&["logout"]), "Logged out.\n");
    let hint = format!("you have logged out; `wechat login --server {}`", place.server.origin());
    place.run(&["contacts"]).assert_fails(3, &[&hint]);
    place.run(&["status"]).assert_fails(3, &[&hint]);
    assert_eq!(place.requests("webwxlogout"), 1);
    // The device is known, so the phone asks for a confirmation and no code is shown.
    place.simulator.then(std::time::Duration::from_millis(5), |world| world.phone().confirm());
    let kinds: Vec<_> =
        place.run(&["login", "--json"]).lines().iter().map(|line| line["type"].clone()).collect();
    assert_eq!(kinds, ["ended", "confirm_on_phone", "logged_in"]);
    place.assert_no_violations();
}

#[test]
fn simultaneous_sends_arrive_once_each() {
    let place = place();
    place.send_at_once();
    place.assert_no_violations();
}
