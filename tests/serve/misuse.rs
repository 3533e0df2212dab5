//! Tests that usage errors are reported in one line, with a failing exit status.

use std::net::TcpListener;
use std::process::Command;

use crate::{COMMAND, Folder};

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(COMMAND).args(arguments).output().expect("started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn usage_errors_are_reported_in_one_line() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").port().to_string();
    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).expect("a folder");
    std::fs::write(foreign.join("ca.pem"), "x").expect("written");
    let foreign = foreign.to_str().expect("text");
    let world = folder.file("world.toml", "[[rooms]]\nname = \"R\"\nmembers = [\"Ada\"]\n");
    let missing = folder.path().join("no/such").to_str().expect("text").to_owned();
    let ca = folder.path().join("ca").to_str().expect("text").to_owned();
    let rows: [(&str, &[&str], &str); 9] = [
        ("port", &["--control-port", &taken], "the port is in use; choose another, or 0"),
        ("bind", &["--bind", "0.0.0.0"], "--bind 0.0.0.0 needs --control-token"),
        (
            "address",
            &["--bind", "192.0.2.1", "--control-token", "x"],
            "cannot listen on 192.0.2.1:0",
        ),
        ("token", &["--control-token", ""], "--control-token is empty"),
        (
            "world",
            &["--script", &world],
            "world.toml:3: rooms[0].members[0]: no person or room is named",
        ),
        ("no world", &["--script", &missing], "no/such: No such file"),
        ("log", &["--log", &missing], "--log "),
        (
            "empty rooms",
            &["--contacts=0", "--rooms=1"],
            "--contacts and --rooms: rooms[0]: a room needs a name and at least one member",
        ),
        ("authority", &["--ca-dir", foreign], "ca.pem has no ca-key.pem beside it; remove both"),
    ];
    let defaults =
        ["--port=0", "--tls-port=0", "--proxy-port=0", "--control-port=0", "--ca-dir", &ca];
    for (label, options, expected) in rows {
        let (code, out, error) = run(&[&["serve"], &defaults[..], options].concat());
        assert_eq!((code, &*out), (Some(1), ""), "{label}: {error}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{label}: {error}");
    }
    let (code, _, error) = run(&["serve", "--mode", "other"]);
    assert!(
        code == Some(2) && error.contains("[possible values: service, page, library]"),
        "{error}"
    );
}

#[test]
fn check_prints_each_problem_with_its_line() {
    let folder = Folder::new();
    let world = "seed = 7\n[[people]]\nname = \"Ada\"\n";
    for (label, more, expected) in [
        ("syntax", "[[rooms]\n", ":4: "),
        ("unknown field", "height = 3\n", ":4: people[0].height: unknown field `height`"),
        ("type", "starred = 1\n", ":4: people[0].starred: invalid type"),
        ("kind", "kind = \"cat\"\n", ":4: people[0].kind: unknown variant `cat`"),
        (
            "member",
            "[[rooms]]\nname = \"R\"\nmembers = [\"Ada\",\n \"Bo\"]\n",
            ":7: rooms[0].members[1]: no person",
        ),
        ("step", "[[script]]\nafter_ms = 1\n", ":4: script[0]: a step has exactly one of"),
        (
            "content",
            "[[script]]\n[script.message]\nfrom = \"Ada\"\nmessage = { dice = 7 }\n",
            ":7: script[0].message.message.dice: 7, not a number from 1 to 6",
        ),
        ("code", "[[script]]\nend = 1000\n", ":5: script[0].end: 1000, not 1100, 1101 or 1102"),
        (
            "reaction",
            "[[reactions]]\nto = \"Bo\"\nanswer = { from = \"Ada\", message = { text = \"x\" } }\n",
            ":5: reactions[0].to: no person or room is named `Bo`",
        ),
        (
            "fault",
            "[[faults]]\nendpoint = \"x\"\neffect = { cut = \"reply\" }\n",
            ":5: faults[0].endpoint: `x` is not one of jslogin",
        ),
    ] {
        let file = folder.file("world.toml", &format!("{world}{more}"));
        let (code, out, error) = run(&["check", &file]);
        assert_eq!((code, &*out), (Some(1), ""), "{label}: {error}");
        assert!(error.starts_with(&format!("{file}{expected}")), "{label}: {error}");
        assert_eq!(error.lines().count(), 1, "{label}: {error}");
    }
    let file = folder.file("world.toml", world);
    let (code, out, error) = run(&["check", &file]);
    assert_eq!(
        out,
        format!("{file}: accounts: 1, people: 1, rooms: 0, reactions: 0, faults: 0, steps: 0")
    );
    assert_eq!((code, &*error), (Some(0), ""));
}
