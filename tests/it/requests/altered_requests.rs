//! Checks that the simulator validates everything: each part of each request is dropped and altered
//! in turn, and each time the simulator must name that part.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{HeaderValue, Request};
use serde_json::Value;
use serde_json::value::RawValue;
use wechat_simulator::World;

use crate::contacts::rooms;
use crate::media::downloads;
use crate::messages::{kinds, sending};
use crate::sessions::{entries, misc, story};
use crate::wire::memory::{Recorded, Recorder};
use crate::wire::{Memory, Place};

/// A request with one part altered, and the name of that part.
pub(crate) struct Altered {
    pub(crate) part: String,
    pub(crate) request: Request<Bytes>,
}

#[test]
fn every_part_of_every_request_is_checked() {
    let place = Place::memory(story::world());
    story::script(&place.simulator);
    let recorded = Recorder::of(&place, |place| {
        story::run_bot::<Memory>(place).unwrap();
    });
    assert!(recorded.len() >= 100, "{} requests", recorded.len());
    let altered = assert_seen(&first_of_each(recorded), alter);
    assert!(altered >= 1000, "{altered}");
}

/// Returns the first six requests of each endpoint.
fn first_of_each(mut recorded: Vec<Recorded>) -> Vec<Recorded> {
    let mut counts = BTreeMap::<String, usize>::new();
    recorded.retain(|(_, request)| {
        let count = counts.entry(request.uri().path().to_owned()).or_default();
        *count += 1;
        *count <= 6
    });
    recorded
}

#[test]
fn every_part_of_every_download_is_checked() {
    let place = Place::memory(downloads::world());
    let mut recorded = Recorder::of(&place, downloads::everything::<Memory>);
    recorded.retain(|(_, request)| request.uri().path().contains("webwxget"));
    let altered = assert_seen(&recorded, alter);
    assert!(altered >= 200, "{altered}");
}

#[test]
fn every_part_of_every_change_is_checked() {
    let scenarios: [fn(&Place); 3] =
        [rooms::contacts::<Memory>, rooms::friends::<Memory>, rooms::rooms::<Memory>];
    let mut recorded = Vec::new();
    for scenario in scenarios {
        recorded.extend(Recorder::of(&Place::memory(rooms::world()), scenario));
    }
    recorded.retain(|(_, request)| {
        let path = request.uri().path();
        let names = ["oplog", "verify", "search", "chatroom", "batch"];
        names.iter().any(|name| path.contains(name))
    });
    let altered = assert_seen(&recorded, alter);
    assert!(recorded.len() >= 20 && altered >= 500, "{} requests, {altered}", recorded.len());
}

#[test]
fn every_part_of_every_send_is_checked() {
    let scenarios: [fn(&Place); 3] =
        [sending::sends::<Memory>, sending::revokes::<Memory>, sending::notifies::<Memory>];
    let forwards = Recorder::of(&Place::memory(kinds::world()), kinds::forwarded::<Memory>);
    let mut recorded = first_of_each(forwards);
    for scenario in scenarios {
        let place = Place::memory(sending::world());
        recorded.extend(Recorder::of(&place, scenario));
    }
    let paths: BTreeSet<&str> = recorded.iter().map(|(_, request)| request.uri().path()).collect();
    for name in [
        "webwxsendmsg", "webwxsendmsgimg", "webwxsendvideomsg", "webwxsendemoticon",
        "webwxsendappmsg", "webwxrevokemsg", "webwxstatusnotify",
    ] {
        assert!(paths.iter().any(|path| path.ends_with(name)), "{name}");
    }
    // Other scenarios check the rest of these requests.
    recorded.retain(|(_, request)| {
        let path = request.uri().path();
        path.contains("webwxsend") || path.contains("webwxrevoke") || path.contains("webwxstatus")
    });
    let altered = assert_seen(&recorded, alter);
    assert!(altered >= 1500, "{altered}");
}

/// Checks the same for the other kinds of login and the remaining calls.
#[test]
fn every_part_of_the_other_calls_is_checked() {
    for (least, world, scenario) in [
        (12, entries::world(), entries::pushed::<Memory> as fn(&Place)),
        (8, entries::desktop_world(), entries::desktop::<Memory>),
        (8, entries::file_helper_world(), entries::file_helper::<Memory>),
        (12, misc::world(), misc::all_calls::<Memory>),
        (8, misc::world(), misc::logout_after_kick::<Memory>),
        (10, misc::world(), misc::login_reports),
    ] {
        let mut recorded = Recorder::of(&Place::memory(world), scenario);
        // Forms with files are altered by `altered_forms`.
        recorded.retain(|(_, request)| !request.uri().path().ends_with("webwxuploadmedia"));
        assert!(recorded.len() >= least, "{} requests", recorded.len());
        assert!(assert_seen(&recorded, alter) > 20 * least);
    }
}

/// Asserts that the simulator reports each altered part of each request, and returns the number of
/// altered requests.
pub(crate) fn assert_seen(
    recorded: &[Recorded],
    alter: fn(&Request<Bytes>) -> Vec<Altered>,
) -> usize {
    let mut altered = 0;
    let mut unseen = Vec::new();
    for (world, request) in recorded {
        for Altered { part, request } in alter(request) {
            altered += 1;
            let seen = violations(world, &request);
            let name = part.rsplit(' ').next().unwrap_or_default();
            if !seen.iter().any(|seen| names(seen, name)) {
                unseen.push(format!(
                    "{} {}: {part}: {seen:?}",
                    request.method(),
                    request.uri().path()
                ));
            }
        }
        // The unaltered request is valid in the same world.
        assert_eq!(violations(world, request), Vec::<String>::new());
    }
    unseen.sort();
    unseen.dedup();
    assert!(unseen.is_empty(), "not reported:\n{}", unseen.join("\n"));
    altered
}

/// Returns whether a violation names this part: in back-quotes, alone or at the end of a path.
fn names(violation: &str, name: &str) -> bool {
    violation.match_indices(name).any(|(at, _)| {
        let before = violation[..at].ends_with(['`', '.', '&']);
        before && violation[at + name.len()..].starts_with(['`', '.', '[', '='])
    })
}

/// Returns the violations that a request adds.
fn violations(world: &World, request: &Request<Bytes>) -> Vec<String> {
    let mut world = world.clone();
    let before = world.violations().len();
    let _ = world.handle(request);
    world.violations()[before..].iter().map(ToString::to_string).collect()
}

pub(crate) fn alter(request: &Request<Bytes>) -> Vec<Altered> {
    let mut all = Vec::new();
    queries(request, &mut all);
    headers(request, &mut all);
    cookies(request, &mut all);
    let kind = request.headers().get("content-type").map(HeaderValue::as_bytes);
    match kind {
        Some(kind) if kind.starts_with(b"application/json") => json(request, &mut all),
        Some(_) => form(request, &mut all),
        None => {}
    }
    all
}

pub(crate) fn queries(request: &Request<Bytes>, all: &mut Vec<Altered>) {
    let uri = request.uri().to_string();
    let Some((path, query)) = uri.split_once('?') else { return };
    for (what, query) in pairs(query, "&") {
        let mut altered = request.clone();
        *altered.uri_mut() = format!("{path}?{query}").parse().unwrap();
        all.push(Altered { part: format!("query {what}"), request: altered });
    }
}

/// Returns copies of the list with each pair dropped and altered in turn.
fn pairs(list: &str, separator: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = list.split(separator).collect();
    let mut all = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let name = part.split('=').next().unwrap_or_default();
        // In `?&MsgID=`, the part before `&` has no name.
        if name.is_empty() {
            continue;
        }
        // A request for another picture size is valid.
        if !matches!(*part, "type=slave" | "type=big") {
            let mut dropped = parts.clone();
            dropped.remove(index);
            all.push((format!("without {name}"), dropped.join(separator)));
        }
        let changed = format!("{part}x");
        let mut altered = parts.clone();
        altered[index] = &changed;
        all.push((format!("with another {name}"), altered.join(separator)));
    }
    all
}

pub(crate) fn headers(request: &Request<Bytes>, all: &mut Vec<Altered>) {
    for name in request.headers().keys().filter(|name| *name != "cookie") {
        let mut dropped = request.clone();
        dropped.headers_mut().remove(name);
        all.push(Altered { part: format!("header without {name}"), request: dropped });
        let mut altered = request.clone();
        let value = altered.headers_mut().get_mut(name).unwrap();
        *value = format!("{}x", value.to_str().unwrap()).parse().unwrap();
        all.push(Altered { part: format!("header with another {name}"), request: altered });
    }
}

pub(crate) fn cookies(request: &Request<Bytes>, all: &mut Vec<Altered>) {
    let Some(list) = request.headers().get("cookie") else { return };
    for (what, list) in pairs(list.to_str().unwrap(), "; ") {
        let mut altered = request.clone();
        if list.is_empty() {
            altered.headers_mut().remove("cookie");
        } else {
            altered.headers_mut().insert("cookie", list.parse().unwrap());
        }
        all.push(Altered { part: format!("cookie {what}"), request: altered });
    }
}

fn form(request: &Request<Bytes>, all: &mut Vec<Altered>) {
    let text = std::str::from_utf8(request.body()).unwrap();
    for (what, text) in pairs(text, "&") {
        all.push(Altered { part: format!("form {what}"), request: with_body(request, text) });
    }
}

fn json(request: &Request<Bytes>, all: &mut Vec<Altered>) {
    for (what, text) in replace_json(request.body()) {
        all.push(Altered { part: format!("body {what}"), request: with_body(request, text) });
    }
}

/// Returns copies of a JSON text with each field dropped and altered in turn.
pub(crate) fn replace_json(json: &[u8]) -> Vec<(String, String)> {
    let whole: Value = serde_json::from_slice(json).unwrap();
    let mut all = Vec::new();
    let mut paths = Vec::new();
    paths_of(&whole, String::new(), &mut paths);
    for path in paths {
        let name = path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap();
        let old = whole.pointer(&path).unwrap();
        let mut altered = Vec::new();
        // Mentions are optional in a text.
        if name != "MsgSource" {
            altered.push((format!("without {name}"), None));
        }
        for other in others(name, old) {
            altered.push((format!("{path} as {other}, another {name}"), Some(other)));
        }
        for (what, other) in altered {
            // Altering the text keeps the order of the fields.
            all.push((what, replaced(json, &path, other.as_ref())));
        }
    }
    all
}

/// Returns a value of another type and, unless any value of the same type is valid, a different one
/// of the same type.
fn others(name: &str, value: &Value) -> Vec<Value> {
    // The simulator accepts any value of these fields, such as the name and length of an announced
    // file.
    let free = matches!(
        name,
        "Content"
            | "FileName"
            | "FileSize"
            | "Topic"
            | "RemarkName"
            | "NewTopic"
            | "VerifyContent"
            | "KeyWord"
            | "VerifyUserTicket"
    );
    match value {
        Value::String(_) if free => vec![Value::from(7)],
        Value::String(text) => vec![Value::from(7), Value::from(format!("{text}x"))],
        Value::Number(number) if free => vec![Value::from(number.to_string())],
        Value::Number(number) => {
            let more = number.as_i64().unwrap().wrapping_add(1 << 40);
            vec![Value::from(number.to_string()), Value::from(more)]
        }
        Value::Object(_) | Value::Array(_) => vec![Value::from("x"), Value::Null],
        other => vec![Value::from(other.to_string())],
    }
}

fn paths_of(value: &Value, path: String, all: &mut Vec<String>) {
    if !path.is_empty() {
        all.push(path.clone());
    }
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| paths_of(value, format!("{path}/{name}"), all));
        }
        // Only the first and the last item are altered.
        Value::Array(items) => {
            for index in [0, items.len().saturating_sub(1)] {
                if let Some(item) = items.get(index) {
                    paths_of(item, format!("{path}/{index}"), all);
                }
            }
        }
        _ => {}
    }
}

/// Returns the JSON text with the value at `path` replaced or removed.
fn replaced(text: &[u8], path: &str, other: Option<&Value>) -> String {
    let text = std::str::from_utf8(text).unwrap();
    let (mut value, mut key) = (text, String::new());
    for name in path.split('/').skip(1) {
        value = if value.starts_with('[') {
            key.clear();
            serde_json::from_str::<Vec<&RawValue>>(value).unwrap()[name.parse::<usize>().unwrap()]
                .get()
        } else {
            key = format!("\"{name}\":");
            serde_json::from_str::<BTreeMap<&str, &RawValue>>(value).unwrap()[name].get()
        };
    }
    // The value is a slice of the text.
    let start = value.as_ptr().addr() - text.as_ptr().addr();
    let (before, after) = (&text[..start], &text[start + value.len()..]);
    match (other, after.strip_prefix(',')) {
        (Some(other), _) => format!("{before}{other}{after}"),
        (None, Some(after)) => format!("{}{after}", before.strip_suffix(&key).unwrap()),
        (None, None) => {
            format!("{}{after}", before.strip_suffix(&key).unwrap().trim_end_matches(','))
        }
    }
}

/// Returns the request with another body and a matching `content-length`.
pub(crate) fn with_body(request: &Request<Bytes>, body: impl Into<Bytes>) -> Request<Bytes> {
    let (mut request, body) = (request.clone(), body.into());
    request.headers_mut().insert("content-length", body.len().into());
    *request.body_mut() = body;
    request
}
