//! Commands whose session is held by another process.

use std::fs::{self, DirBuilder};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Child;

use serde_json::{Value, json};
use wechat_simulator::Incoming;
use wechat_transport_ureq::FileStore;

use crate::place::{Place, Ran, signal, until};
use crate::program::Program;

/// Returns the path of the socket of the session in a place.
fn socket(place: &Place, entry: &str) -> std::path::PathBuf {
    place.path(&format!("state/wechat/default/{entry}.session.d/s"))
}

/// Starts a command that holds the session, and waits until other commands can use it.
fn holder(place: &Place, entry: &str, arguments: &[&str]) -> Child {
    let child = place.command(arguments).spawn().unwrap();
    until("a socket", || UnixStream::connect(socket(place, entry)).is_ok());
    child
}

fn end(child: Child) -> Ran {
    signal(&child, "INT");
    child.wait_with_output().unwrap().into()
}

fn texts(place: &Place) -> Vec<String> {
    place.world().sent().iter().map(|sent| sent.content.clone()).collect()
}

#[test]
fn commands_use_the_session_while_listen_runs() {
    let place = Place::web();
    let ada = place.world().add_person("Ada");
    place.world().add_room("Book club", &[&ada]);
    let place = place.logged_in("web");
    let child = holder(&place, "web", &["listen", "--json"]);
    let mode = |name| fs::metadata(name).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(socket(&place, "web").parent().unwrap()), 0o700);

    let sent = place.ok(&["send", "Ada", "while listening", "--wait", "0"]);
    assert!(sent.starts_with("Sent to Ada (message "), "{sent}");
    let line = place.ok(&["send", "Ada", "two", "--json", "--wait", "0"]);
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["to"], ada);
    assert!(place.ok(&["revoke", line["msg_id"].as_str().unwrap()]).starts_with("Revoked"));
    assert_eq!(place.ok(&["contacts", "ada"]), format!("Ada\tperson\t{ada}\n"));
    assert!(place.ok(&["rooms"]).contains("Book club\troom of 2"));
    assert_eq!(place.ok(&["login", "--wait", "0"]), "Logged in as 小雨 Rain.\n");
    assert!(place.ok(&["members", "Book club"]).contains("Ada"));
    let file = place.file("a.txt", b"text");
    place.ok(&["send", "Book club", "--file", &file]);
    place
        .run(&["send", "Ad", "x"])
        .assert_fails(5, &["no contact is named `Ad`; similar names: Ada"]);
    place.run(&["members", "Ada"]).assert_fails(5, &["is not a room"]);
    place.world().refuse("webwxsendmsg", 1205, "");
    place.run(&["send", "Ada", "x"]).assert_fails(6, &["wait a few minutes"]);

    let id = place.world().deliver(Incoming::file(&ada, "报告.pdf", &b"%PDF"[..]));
    let known = || place.run(&["forward", &id, "filehelper"]).code == 0;
    until("the message", known);
    assert!(place.ok(&["download", &id, "in"]).starts_with("Saved 报告.pdf"));
    assert_eq!(fs::read(place.path("in/报告.pdf")).unwrap(), b"%PDF");
    place.run(&["download", "7", "in"]).assert_fails(2, &["no recent message has the id 7"]);
    let status = place.run(&["status", "--json"]).lines().remove(0);
    assert_eq!(
        (&status["holder"]["command"], &status["unacknowledged"]),
        (&json!("listen"), &json!(0))
    );
    assert!(status["last_event_ms"].is_u64(), "{status}");
    let ran = end(child);
    assert_eq!((ran.code, ran.lines().len()), (130, 1), "{ran:?}");
    // All commands shared one login.
    assert_eq!(place.requests("jslogin"), 1);
    place.assert_no_violations();
}

#[test]
fn line_of_a_chat_is_revoked_by_its_id() {
    let (place, _) = Place::with_ada();
    let mut command = place.command(&["chat", "Ada", "--json"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"oops\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let sent: Value = serde_json::from_str(&line).unwrap();
    place.ok(&["revoke", sent["msg_id"].as_str().unwrap()]);
    assert!(place.world().sent()[0].revoked);
    end(child);
}

#[test]
fn drop_uses_the_session_of_its_receiver() {
    let place = Place::file_helper().logged_in("filehelper");
    place.world().echo_sends(true);
    let child = holder(&place, "filehelper", &["drop", "--receive", "in", "--json"]);
    let file = place.file("a.txt", b"from here");
    assert_eq!(place.ok(&["drop", &file]), "Sent a.txt (9 B).\n");
    let ran = place.run_with(&["drop", "-", "--name", "b.txt", "--text", "note"], b"piped");
    assert_eq!((ran.code, &*ran.stdout), (0, "Sent the note.\nSent b.txt (5 B).\n"), "{ran:?}");
    place.run(&["drop", "absent"]).assert_fails(9, &["absent"]);
    place.world().phone().sends("filehelper", Incoming::file("self", "end", &b"end"[..]));
    until("the file of the phone", || place.path("in/end").exists());
    let ran = end(child);
    // Their echoes are not files of the phone.
    assert_eq!(ran.lines().len(), 1, "{ran:?}");
    let names: Vec<_> =
        fs::read_dir(place.path("in")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["end"]);
    assert_eq!(place.world().uploads().len(), 2);
    place.assert_no_violations();
}

#[test]
fn drop_uses_the_session_of_listen() {
    let place = Place::file_helper().logged_in("filehelper");
    let child = holder(&place, "filehelper", &["listen", "--entry", "filehelper"]);
    let file = place.file("a.txt", b"from here");
    assert_eq!(place.ok(&["drop", &file, "--wait", "0"]), "Sent a.txt (9 B).\n");
    place.ok(&["send", "filehelper", "hi", "--wait", "0"]);
    end(child);
    assert_eq!(place.requests("jslogin"), 1);
    assert_eq!(place.world().sent().len(), 2);
    place.assert_no_violations();
}

#[test]
fn simultaneous_sends_through_a_holder_arrive_once_each() {
    let place = Place::web().logged_in("web");
    let child = holder(&place, "web", &["listen"]);
    place.send_at_once();
    end(child);
    place.assert_no_violations();
}

#[test]
fn killed_holder_is_replaced_without_a_code() {
    let place = Place::web().logged_in("web");
    let mut child = holder(&place, "web", &["listen"]);
    child.kill().unwrap();
    child.wait().unwrap();
    place.ok(&["send", "filehelper", "taken over", "--wait", "0"]);
    let child = holder(&place, "web", &["listen"]);
    place.ok(&["send", "filehelper", "and again", "--wait", "0"]);
    end(child);
    assert_eq!(
        (texts(&place), place.requests("jslogin")),
        (vec!["taken over".into(), "and again".into()], 1)
    );
}

/// Holds the session of a place, and serves its socket until it closes a connection after this line.
fn dying_holder(place: &Place, reply: &'static str) -> std::thread::JoinHandle<String> {
    let store = FileStore::open(place.path("state/wechat/default/web.session")).unwrap();
    let path = socket(place, "web");
    DirBuilder::new().mode(0o700).create(path.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = String::new();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut request).unwrap();
        stream.write_all(reply.as_bytes()).unwrap();
        drop((store, listener));
        request
    })
}

#[test]
fn send_is_unanswered_if_the_holder_ends_after_accepting_it() {
    let place = Place::web().logged_in("web");
    let holder = dying_holder(&place, "{\"v\":1,\"id\":null,\"accepted\":true}\n");
    let ran = place.run(&["send", "filehelper", "once"]);
    ran.assert_fails(7, &["which may have taken effect", "look at the phone"]);
    let request = holder.join().unwrap();
    assert!(
        request.starts_with(r#"{"do":"send_text","to":"filehelper","text":"once""#),
        "{request}"
    );
    // The message is not sent again silently.
    assert!(texts(&place).is_empty());
}

#[test]
fn command_continues_if_the_holder_ends_before_accepting_it() {
    let place = Place::web().logged_in("web");
    let holder = dying_holder(&place, "");
    place.ok(&["send", "filehelper", "once"]);
    holder.join().unwrap();
    assert_eq!(texts(&place), ["once"]);
    // A list can be repeated even if it was accepted.
    fs::remove_dir_all(socket(&place, "web").parent().unwrap()).unwrap();
    let holder = dying_holder(&place, "{\"v\":1,\"id\":null,\"accepted\":true}\n");
    assert!(place.ok(&["contacts"]).contains("文件传输助手"));
    holder.join().unwrap();
}

#[test]
fn abandoned_command_is_not_run_by_a_resumed_holder() {
    let place = Place::web().logged_in("web");
    let child = holder(&place, "web", &["listen"]);
    signal(&child, "STOP");
    place.run(&["send", "filehelper", "given up"]).assert_fails(4, &["does not respond"]);
    signal(&child, "CONT");
    place.ok(&["send", "filehelper", "later"]);
    assert_eq!(texts(&place), ["later"]);
    end(child);
}

#[test]
fn observer_sees_events_and_cannot_acknowledge() {
    let (place, ada) = Place::with_ada();
    let mut program = Program::logged_in(&place);
    let mut observer = UnixStream::connect(socket(&place, "web")).unwrap();
    let mut lines = BufReader::new(observer.try_clone().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    observer.write_all(b"{\"id\":1,\"do\":\"events\"}\n").unwrap();
    assert_eq!(next(), json!({"v": 1, "id": 1, "accepted": true}));
    assert_eq!(next(), json!({"v": 1, "id": 1, "ok": {}}));
    assert_eq!(next()["type"], "logged_in");
    place.world().person_writes(&ada, "one");
    assert_eq!(next(), program.event("message"));
    observer.write_all(b"{\"id\":2,\"do\":\"ack\",\"seq\":1}\n").unwrap();
    assert_eq!(next()["accepted"], true);
    assert_eq!(next()["error"]["kind"], "not_consumer");
    observer.write_all(b"nonsense\n").unwrap();
    assert_eq!(next()["error"]["kind"], "malformed");
}

#[test]
fn folder_that_others_can_enter_is_not_used() {
    let place = Place::web().logged_in("web");
    let folder = socket(&place, "web").parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    place.run(&["listen"]).assert_fails(9, &["must be your own folder"]);
}

#[test]
fn port_is_used_where_no_socket_can_be_created() {
    let place = Place::web().logged_in("web");
    let folder = socket(&place, "web").parent().unwrap().to_owned();
    DirBuilder::new().mode(0o700).create(&folder).unwrap();
    // A folder with the name of the socket prevents its creation.
    fs::create_dir(socket(&place, "web")).unwrap();
    let child = place.command(&["listen"]).spawn().unwrap();
    until("a port", || folder.join("port").exists());
    place.ok(&["send", "filehelper", "by port", "--wait", "0"]);
    let ran = end(child);
    assert_eq!((ran.code, texts(&place)), (130, vec!["by port".into()]), "{ran:?}");

    // This is the port of a process that has ended. Now it belongs to a process of another user.
    let store = FileStore::open(place.path("state/wechat/default/web.session")).unwrap();
    let mut port: Value = serde_json::from_slice(&fs::read(folder.join("port")).unwrap()).unwrap();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    port["port"] = other.local_addr().unwrap().port().into();
    fs::write(folder.join("port"), port.to_string()).unwrap();
    let stranger = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        let mut received = vec![0; 32];
        stream.read_exact(&mut received).unwrap();
        stream.write_all(&[0; 64]).unwrap();
        received.clear();
        let _ = stream.read_to_end(&mut received);
        received
    });
    let ran = place.run(&["send", "filehelper", "not to a stranger", "--wait", "0"]);
    ran.assert_fails(4, &["the session is in use"]);
    assert_eq!(stranger.join().unwrap(), b"");
    drop(store);
    place.ok(&["send", "filehelper", "by itself", "--wait", "0"]);
    assert_eq!(texts(&place), ["by port", "by itself"]);
    assert_eq!(place.requests("jslogin"), 1);
}
