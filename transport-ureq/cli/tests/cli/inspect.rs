//! `wechat inspect`: real files, output and exit codes.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::place::{Ran, run, wechat};

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures")
}

fn inspect(arguments: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    run(wechat(folder.path()).current_dir(captures()).arg("inspect").args(arguments))
}

/// The documentation has the output of the command.
#[test]
fn documentation_shows_real_output() {
    let page = include_str!("../../docs/inspect.md");
    for capture in ["chrome.har", "chrome-sanitised.har"] {
        let ran = inspect(&[capture]);
        assert_eq!((ran.code, &*ran.stderr), (0, ""));
        let shown = format!("```console\n$ wechat inspect {capture}\n{}```\n", ran.stdout);
        assert!(page.contains(&shown), "{shown}");
    }
    let ran = inspect(&["--json", "chrome-sanitised.har"]);
    let lines: Vec<_> = ran.stdout.lines().collect();
    let shown = format!("| sed -n '2p;$p'\n{}\n{}\n```\n", lines[1], lines[3]);
    assert!(page.contains(&shown), "{shown}");
}

#[test]
fn every_exchange_is_a_json_line() {
    let ran = inspect(&["--json", "firefox.har"]);
    let lines = ran.lines();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line["v"] == 1));
    assert_eq!(lines[1]["reply"]["messages"][0]["kind"]["text"], "你好");
    assert_eq!((&lines[3]["type"], &lines[3]["exchanges"]), (&"summary".into(), &3.into()));
}

#[test]
fn line_of_listen_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.json");
    let raw = r#"{"MsgType":1,"MsgId":"1","FromUserName":"@a","ToUserName":"@me","Content":"hi"}"#;
    std::fs::write(&path, format!(r#"{{"v":1,"type":"message","me":"@me","raw":{raw}}}"#)).unwrap();
    let ran = inspect(&[path.to_str().unwrap()]);
    assert!(ran.stdout.contains("@a: hi\n"), "{ran:?}");
}

#[test]
fn copies_and_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (copy, page) = (path("copy.har"), path("page.html"));
    let ran = inspect(&["--redact", &copy, "--html", &page, "chrome.har"]);
    assert_eq!((ran.code, ran.stdout.lines().count()), (0, 1), "{ran:?}");
    assert!(ran.stdout.ends_with(&format!("; written: {copy}; written: {page}\n")), "{ran:?}");
    let text = std::fs::read_to_string(&copy).unwrap();
    assert!(text.contains("__skey-1__") && !text.contains("crypt_5c1f0a77"));
    assert!(serde_json::from_str::<Value>(&text).is_ok());
    assert!(std::fs::read_to_string(&page).unwrap().contains("who broke the build?"));
    let masked = path("masked.har");
    let ran = inspect(&["--redact", &masked, "--mask-texts", "chrome.har"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!std::fs::read_to_string(&masked).unwrap().contains("who broke the build?"));
    // A capture is never overwritten by its copy.
    for output in [["--redact", &copy], ["--html", &copy]] {
        let ran = inspect(&[output[0], output[1], &copy]);
        ran.assert_fails(2, &["copy.har", "is the capture itself"]);
    }
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), text);
    inspect(&["--redact", &copy, "chrome.har", "firefox.har"]).assert_fails(2, &["a single HAR"]);
    let nowhere = path("nowhere/copy.har");
    inspect(&["--redact", &nowhere, "chrome.har"]).assert_fails(9, &["nowhere"]);
}

#[test]
fn invalid_input_is_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let chrome = std::fs::read_to_string(captures().join("chrome.har")).unwrap();
    let broken = file("broken.har", &chrome[..2000]);
    inspect(&[&broken]).assert_fails(1, &["broken.har", "line 92, column", "export the capture"]);
    inspect(&[&file("notes.txt", "hello")]).assert_fails(1, &["notes.txt", "neither a HAR"]);
    inspect(&[&file("empty", "")]).assert_fails(1, &["the file is empty"]);
    inspect(&["missing.har"]).assert_fails(9, &["missing.har"]);
    inspect(&[]).assert_fails(2, &["<FILE>"]);
    inspect(&["--me", "a,b", "chrome.har"]).assert_fails(2, &["--me"]);
    assert_eq!(inspect(&["--help"]).code, 0);
}
