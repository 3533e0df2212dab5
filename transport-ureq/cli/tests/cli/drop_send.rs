//! `drop FILE…`

use serde_json::json;

use crate::place::{Place, kill_times};

fn place() -> Place {
    let place = Place::file_helper().logged_in("filehelper");
    place.world().keep_uploads(0);
    place
}

#[test]
fn files_note_and_standard_input_arrive_as_documents() {
    let place = place();
    let picture = place.file("大 photo.JPG", b"\xff\xd8\xff\xe0 picture");
    let sticker = place.file("wave.gif", b"GIF89a");
    let arguments = ["drop", &picture, &sticker, "-", "--text", "three files", "--json"];
    let ran = place.run_with(&arguments, b"from standard input");
    assert_eq!(ran.code, 0, "{ran:?}");
    let world = place.world();
    let sent: Vec<_> = world
        .sent()
        .iter()
        .map(|sent| (&*sent.endpoint, sent.file.as_ref().map_or("", |file| &*file.name)))
        .collect();
    let file = "webwxsendappmsg";
    assert_eq!(
        sent,
        [("webwxsendmsg", ""), (file, "大 photo.JPG"), (file, "wave.gif"), (file, "stdin")]
    );
    assert_eq!(world.uploads()[2].size, 19);
    let lines = ran.lines();
    assert_eq!(lines.len(), 4);
    for (line, sent) in lines.iter().zip(world.sent()) {
        assert_eq!((&line["type"], &line["msg_id"]), (&json!("sent"), &json!(sent.msg_id)));
    }
    assert_eq!((&lines[1]["file"], &lines[1]["size"]), (&json!(picture), &json!(12)));
    drop(world);
    place.assert_no_violations();
}

#[test]
fn file_above_25_mb_arrives() {
    let place = place();
    let bytes: Vec<_> = (0..30_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let path = place.file("big.bin", &bytes);
    let shown = place.ok(&["drop", &path, "--name", "大.bin"]);
    assert_eq!(shown, "Sent 大.bin (28.61 MiB).\n");
    assert_eq!(place.world().uploads()[0].size, 30_000_000);
    place.assert_no_violations();
}

#[test]
fn failure_of_one_file_does_not_stop_the_others() {
    let place = place();
    let good = place.file("good.txt", b"good");
    let empty = place.file("empty.txt", b"");
    let ran = place.run(&["drop", "absent.txt", &empty, &good, "--json"]);
    assert_eq!(ran.code, 9, "{ran:?}");
    let lines = ran.lines();
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].clone()).collect();
    assert_eq!(kinds, ["failed", "failed", "sent"]);
    assert_eq!(lines[0]["file"], json!("absent.txt"));
    assert_eq!(lines[0]["error"]["exit"], json!(9));
    let ran = place.run(&["drop", "absent.txt", &good]);
    ran.assert_fails(9, &["absent.txt: No such file"]);
    assert_eq!(ran.stdout, "Sent good.txt (4 B).\n");
}

#[test]
fn without_a_terminal_an_ended_session_fails_in_one_line() {
    let place = Place::file_helper();
    let file = place.file("a.txt", b"a");
    let ran = place.run(&["drop", &file]);
    let login = format!("`wechat login --entry filehelper --server {}`", place.server.origin());
    ran.assert_fails(3, &["no session is stored", &login]);
    assert_eq!((ran.stdout.as_str(), place.world().log().len()), ("", 0));

    let place = place.logged_in("filehelper");
    place.world().phone().log_out();
    let ran = place.run(&["drop", &file]);
    ran.assert_fails(3, &["1100", &login]);
    assert_eq!(place.requests("jslogin"), 1);
}

#[test]
fn other_commands_use_the_only_session() {
    let place = place();
    let shown = place.ok(&["status"]);
    assert!(shown.contains("is logged in"), "{shown}");
    place.run(&["send", "Ada", "hi"]).assert_fails(5, &["`Ada`", "only reaches `filehelper`"]);
    let ran = place.run(&["contacts"]);
    assert_eq!((ran.code, &*ran.stdout), (0, ""));
    assert!(ran.stderr.starts_with("The file-transfer page has no address book"), "{ran:?}");
    place.ok(&["send", "filehelper", "hi"]);
    place.ok(&["logout"]);
    place.assert_no_violations();
}

#[test]
fn wrong_arguments_are_refused() {
    let place = Place::file_helper();
    place.run(&["drop", "-", "-"]).assert_fails(2, &["once only"]);
    place.run(&["drop", "a", "b", "--name", "c"]).assert_fails(2, &["one file"]);
    place.run(&["drop", "a", "--receive", "b"]).assert_fails(2, &["cannot be used with"]);
    place.run(&["drop", "a", "--max-size", "1"]).assert_fails(2, &["--max-size"]);
    place.run(&["drop", "--receive", "x", "--max-size", "1T"]).assert_fails(2, &["like 500M"]);
    assert_eq!(place.world().log().len(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_a_code_is_shown_and_the_file_sent() {
    let place = Place::file_helper();
    let file = place.file("a.txt", b"a");
    place.confirm_login();
    let binary = env!("CARGO_BIN_EXE_wechat");
    let origin = place.server.origin();
    // `script` gives it a terminal.
    let mut command = std::process::Command::new("script");
    command
        .args(["-qec", &format!("{binary} drop {file} --server {origin}"), "/dev/null"])
        .env("XDG_STATE_HOME", place.path("state"))
        .env("LANG", "en_US.UTF-8")
        .stdin(std::process::Stdio::null());
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
    for line in ["Scan this code", "▀", "Scanned. Confirm", "Sent a.txt (1 B)."] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    place.assert_no_violations();
}

/// Kills the command at seeded points in time: 6, or 50 with `WECHAT_SWEEP=all`.
#[test]
fn killed_command_does_not_repeat_sends() {
    let place = place();
    for (number, after) in kill_times(29).enumerate() {
        let file = place.file(&format!("{number}.bin"), &vec![7; 1_200_000]);
        let mut child = place.command(&["drop", &file]).spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let file = place.file("end.bin", b"end");
    place.ok(&["drop", &file]);
    let world = place.world();
    let mut names: Vec<_> =
        world.sent().iter().map(|sent| &*sent.file.as_ref().unwrap().name).collect();
    assert_eq!(names.pop(), Some("end.bin"));
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
    drop(world);
    assert_eq!(place.requests("jslogin"), 1);
    place.assert_no_violations();
}
