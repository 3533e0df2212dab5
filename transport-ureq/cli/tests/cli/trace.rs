//! `--trace`, and its files in `inspect`.

use serde_json::Value;

use crate::place::{Place, until};

/// Returns the values of these fields, wherever they are in a JSON value.
fn secrets(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if ["skey", "sid", "pass_ticket"].contains(&&**name) => {
                        found.push(text.clone());
                    }
                    value => secrets(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| secrets(value, found)),
        _ => {}
    }
}

#[test]
fn trace_is_a_capture_without_secrets() {
    let place = Place::web();
    let ada = place.world().add_person("Ada");
    let [masked, full] = ["masked.har", "full.har"].map(|name| place.path(name));
    let [masked, full] = [masked.to_str().unwrap(), full.to_str().unwrap()];
    let session = place.path("s.session");
    let session = session.to_str().unwrap();
    // An existing file is replaced, and made private.
    std::fs::write(masked, "x".repeat(100_000)).unwrap();
    place.confirm_login();
    place.ok(&["login", "--json", "--session", session, "--trace", masked]);
    place.world().person_writes(&ada, "hello");
    place.ok(&["send", "Ada", "hi", "--session", session, "--trace", full, "--trace-secrets"]);
    let stored = serde_json::from_str(&std::fs::read_to_string(session).unwrap()).unwrap();
    let mut secret = Vec::new();
    secrets(&stored, &mut secret);
    assert_eq!(secret.len(), 3, "{stored}");
    let [masked_text, full_text] =
        [masked, full].map(|path| std::fs::read_to_string(path).unwrap());
    for secret in &secret {
        assert!(!masked_text.contains(secret) && full_text.contains(secret), "{secret}");
    }
    #[cfg(unix)]
    for path in [masked, full] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let ran = place.run(&["inspect", "--json", masked]);
    let endpoints: Vec<_> = ran.lines().iter().map(|line| line["endpoint"].clone()).collect();
    for endpoint in ["jslogin", "login", "webwxnewloginpage", "webwxinit", "webwxstatusnotify"] {
        assert!(endpoints.contains(&endpoint.into()), "{endpoint}: {ran:?}");
    }
    assert!(ran.lines().iter().all(|line| line["error"].is_null()), "{ran:?}");
    assert!(ran.lines().iter().all(|line| line["unknown"].as_array().is_none_or(Vec::is_empty)));
    let shown = place.ok(&["inspect", full]);
    assert!(shown.contains("request  to Ada, type 1, content hi"), "{shown}");
    place.assert_no_violations();
}

/// The file is complete even if the command is killed.
#[cfg(unix)]
#[test]
fn trace_is_complete_after_each_exchange() {
    let place = Place::web().logged_in("web");
    let path = place.path("a.har");
    let path = path.to_str().unwrap();
    let polls = place.requests("synccheck");
    let mut child = place.command(&["listen", "--trace", path]).spawn().unwrap();
    until("three polls", || place.requests("synccheck") > polls + 2);
    child.kill().unwrap();
    child.wait().unwrap();
    let capture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(capture["log"]["entries"].as_array().unwrap().len() >= 2);
}

#[test]
fn failures_are_traced_and_reported() {
    let place = Place::web();
    let nowhere = place.path("nowhere/a.har");
    place
        .run(&["login", "--json", "--trace", nowhere.to_str().unwrap()])
        .assert_fails(9, &["nowhere"]);
    place.run(&["status", "--trace-secrets"]).assert_fails(2, &["--trace"]);
}
