//! `drop --receive`

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use wechat_simulator::{Cut, Incoming};

use crate::place::{Place, Ran, kill_times, until};

fn place() -> Place {
    Place::file_helper().logged_in("filehelper")
}

fn phone_sends(place: &Place, message: Incoming) {
    place.world().phone().sends("filehelper", message);
}

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> Incoming {
    Incoming::file("self", name, bytes.into())
}

/// Returns the files of a folder with their contents.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn everything_the_phone_sends_is_saved_or_shown() {
    let place = place();
    let inbox = place.path("in");
    place.world().echo_sends(true);
    let own = place.file("own.txt", b"sent from here");
    place.ok(&["drop", &own, "--text", "from here"]);
    phone_sends(&place, file("../../报告\u{202e}.pdf", b"one"));
    phone_sends(&place, file("报告.pdf", b"two"));
    phone_sends(&place, Incoming::unsupported("self"));
    phone_sends(&place, Incoming::uploading_file("self", "film.mp4", 9));
    phone_sends(&place, Incoming::image("self", &b"\xff\xd8\xff\xe0"[..]));
    place.world().phone().writes("filehelper", "a note\nof two lines");
    phone_sends(&place, Incoming::video("self", Duration::from_secs(1), &b"video"[..]));
    let arguments = ["drop", "--receive", inbox.to_str().unwrap(), "--count", "4"];
    let ran = place.run(&arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    let saved = files(&inbox);
    let names: Vec<_> = saved.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(saved["报告.pdf"], b"two");
    assert!(names.iter().any(|name| name.starts_with("image-") && name.ends_with(".jpg")));
    assert!(names.iter().any(|name| name.starts_with("video-") && name.ends_with(".mp4")));
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(lines.contains(&"a note\\nof two lines"), "{ran:?}");
    assert!(lines.contains(&"The phone is uploading: [File] film.mp4"), "{ran:?}");
    assert!(lines.iter().any(|line| line.starts_with("Only the phone can show this")), "{ran:?}");
    assert!(
        ran.stderr.starts_with("Saving files sent to ") && ran.stderr.contains("Ctrl-C"),
        "{ran:?}"
    );
    place.assert_no_violations();
}

#[test]
fn file_of_30_mb_is_received() {
    let place = place();
    let bytes: Vec<_> = (0..30_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    phone_sends(&place, file("big.bin", bytes.clone()));
    let ran = place.run(&["drop", "--receive", "in", "--count", "1", "--json"]);
    let line = &ran.lines()[0];
    assert_eq!((&line["type"], &line["size"]), (&json!("saved"), &json!(30_000_000)));
    assert!(files(&place.path("in"))["big.bin"] == bytes);
    place.assert_no_violations();
}

#[test]
fn existing_files_are_not_overwritten() {
    let place = place();
    fs::create_dir(place.path("in")).unwrap();
    place.file("in/a.txt", b"mine");
    std::os::unix::fs::symlink("nowhere", place.path("in/a (1).txt")).unwrap();
    phone_sends(&place, file("a.txt", b"first"));
    phone_sends(&place, file("a.txt", b"second"));
    place.ok(&["drop", "--receive", "in", "--count", "2"]);
    fs::remove_file(place.path("in/a (1).txt")).unwrap();
    let saved = files(&place.path("in"));
    let expected = [("a (2).txt", "first"), ("a (3).txt", "second"), ("a.txt", "mine")];
    assert!(
        saved
            .iter()
            .map(|(name, bytes)| (&**name, &**bytes))
            .eq(expected.iter().map(|(name, text)| (*name, text.as_bytes())))
    );
}

#[test]
fn larger_files_are_reported_and_not_fetched_again() {
    let place = place();
    phone_sends(&place, file("large.bin", vec![7; 3000]));
    phone_sends(&place, file("small.bin", vec![7; 1000]));
    let arguments = ["drop", "--receive", "in", "--count", "1", "--max-size", "2K", "--json"];
    let ran = place.run(&arguments);
    let kinds: Vec<_> = ran.lines().iter().map(|line| line["type"].clone()).collect();
    assert_eq!(kinds, ["not_saved", "saved"], "{ran:?}");
    assert!(files(&place.path("in")).into_keys().eq(["small.bin"]));
    phone_sends(&place, file("next.bin", vec![7; 9]));
    assert_eq!(place.run(&arguments).lines().len(), 1);
}

#[test]
fn program_runs_with_the_absolute_path_and_may_fail() {
    let place = place();
    let log = place.path("log");
    let script =
        place.file("run.sh", b"#!/bin/sh\necho \"$1|$2|$WECHAT_MSG_ID\" >> \"$LOG\"; exit 7\n");
    for name in ["-rf $(x).txt", "b.txt"] {
        phone_sends(&place, file(name, b"x"));
    }
    let arguments =
        ["drop", "--receive", "in", "--count", "2", "--server", &place.server.origin(), "--exec"];
    let mut command = crate::place::wechat(&place.path(""));
    command.args(arguments).args(["/bin/sh", &script, "-x"]).env("LOG", &log);
    let ran = crate::place::run(&mut command);
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 2), "{ran:?}");
    let failures = ran.stderr.lines().filter(|line| line.contains("failed for")).count();
    assert_eq!(failures, 2, "{ran:?}");
    let log = fs::read_to_string(log).unwrap();
    let folder = fs::canonicalize(place.path("in")).unwrap();
    let first = format!("-x|{}/-rf $(x).txt|", folder.display());
    assert!(log.starts_with(&first) && log.lines().count() == 2, "{log}");

    phone_sends(&place, file("c.txt", b"x"));
    let ran =
        place.run(&["drop", "--receive", "in", "--count", "1", "--json", "--exec", "/absent/x"]);
    let lines = ran.lines();
    assert_eq!((ran.code, &lines[1]["type"]), (0, &json!("exec_failed")), "{ran:?}");
    assert_eq!(lines[1]["message"], json!("No such file or directory (os error 2)"));
}

#[test]
fn folder_that_cannot_be_written_fails_before_any_request() {
    let place = Place::file_helper();
    let plain = place.file("plain", b"");
    let receive = |folder: &str| place.run(&["drop", "--receive", folder]);
    let hint =
        "absent/in: No such file or directory (os error 2); create its parent folder first\n";
    receive("absent/in").assert_fails(9, &[hint]);
    receive(&plain).assert_fails(9, &["plain: Not a directory"]);
    receive("/proc").assert_fails(9, &["/proc: "]);
    assert_eq!(place.world().log().len(), 0);
}

#[test]
fn full_disk_stops_without_an_acknowledgement() {
    // The disk is simulated by a limit on the size of files, because `/dev/full` cannot be a
    // folder.
    let place = place();
    phone_sends(&place, file("a.bin", vec![7; 300_000]));
    let origin = place.server.origin();
    let binary = env!("CARGO_BIN_EXE_wechat");
    let line =
        format!("trap '' XFSZ; ulimit -f 100; exec {binary} drop --receive in --server {origin}");
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", &line])
        .current_dir(place.path(""))
        .env("XDG_STATE_HOME", place.path("state"))
        .env("LANG", "en_US.UTF-8")
        .stdin(std::process::Stdio::null());
    let ran = crate::place::run(&mut command);
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(ran.stderr.contains("in: File too large"), "{ran:?}");
    assert!(ran.stderr.contains("the next start fetches it again"), "{ran:?}");
    assert!(files(&place.path("in")).is_empty());
    place.ok(&["drop", "--receive", "in", "--count", "1"]);
    assert_eq!(files(&place.path("in"))["a.bin"].len(), 300_000);
}

#[test]
fn truncated_download_is_fetched_again() {
    let place = place();
    place.server.cut("webwxgetmedia", Cut::Reply);
    phone_sends(&place, file("a.bin", vec![7; 300_000]));
    place.ok(&["drop", "--receive", "in", "--count", "1"]);
    assert_eq!(files(&place.path("in"))["a.bin"].len(), 300_000);
    assert_eq!(place.requests("webwxgetmedia"), 2);
}

#[test]
fn end_of_the_session_has_its_own_exit_code() {
    let place = place();
    let polls = place.requests("synccheck");
    let child = place.command(&["drop", "--receive", "in", "--json"]).spawn().unwrap();
    until("a poll", || place.requests("synccheck") > polls);
    place.world().phone().kick();
    let ran: Ran = child.wait_with_output().unwrap().into();
    ran.assert_fails(3, &["1101", "`wechat login --entry filehelper`"]);
    let ran = place.run(&["drop", "--receive", "in"]);
    ran.assert_fails(3, &["1101", "`wechat login --entry filehelper`"]);
}

/// Kills the receiver at seeded points in time: 6, or 50 with `WECHAT_SWEEP=all`.
#[test]
fn killed_receiver_saves_each_file_once() {
    let place = place();
    let inbox = place.path("in");
    let mut expected = Vec::new();
    for (number, after) in kill_times(17).enumerate() {
        let bytes: Vec<_> = (0..2_000_000).map(|at| (at % 251) as u8 ^ number as u8).collect();
        phone_sends(&place, file("file.bin", bytes.clone()));
        expected.push(bytes);
        let mut child = place.command(&["drop", "--receive", "in"]).spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    phone_sends(&place, file("end", b"end"));
    expected.push(b"end".to_vec());
    let mut child = place.command(&["drop", "--receive", "in"]).spawn().unwrap();
    until("the last file", || inbox.join("end").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    let mut saved: Vec<_> = files(&inbox).into_values().collect();
    saved.sort();
    expected.sort();
    assert!(saved == expected, "{:?}", files(&inbox).keys());
    place.assert_no_violations();
}
