//! Whether the simulator looks at everything: each part of each request of the main job is
//! dropped and altered in turn, and each time the simulator must name that part.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderValue, Request};
use serde_json::Value;
use wechat_simulator::World;

use crate::wire::memory::{Asked, Recorder};
use crate::wire::{Memory, Place};
use crate::{downloads, entries, forwarding, odds, rooms, sending, story};

/// A request with one part spoiled, and the name of that part.
pub(crate) struct Spoiled {
    pub(crate) part: String,
    pub(crate) request: Request<Bytes>,
}

#[test]
fn every_part_of_every_request_is_checked() {
    let place = Place::memory(story::world());
    story::script(&place.simulator);
    let recorded = Recorder::of(&place, |place| {
        story::day::<Memory>(place).unwrap();
    });
    assert!(recorded.len() >= 100, "{} requests", recorded.len());
    let spoiled = assert_seen(&recorded, spoil);
    assert!(spoiled >= 4000, "{spoiled}");
}

#[test]
fn every_part_of_every_download_is_checked() {
    let place = Place::memory(downloads::world());
    let mut recorded = Recorder::of(&place, downloads::everything::<Memory>);
    recorded.retain(|(_, request)| request.uri().path().contains("webwxget"));
    let spoiled = assert_seen(&recorded, spoil);
    assert!(spoiled >= 200, "{spoiled}");
}

#[test]
fn every_part_of_every_change_is_checked() {
    let stories: [fn(&Place); 3] =
        [rooms::contacts::<Memory>, rooms::friends::<Memory>, rooms::rooms::<Memory>];
    let mut recorded = Vec::new();
    for story in stories {
        recorded.extend(Recorder::of(&Place::memory(rooms::world()), story));
    }
    recorded.retain(|(_, request)| {
        let path = request.uri().path();
        let names = ["oplog", "verify", "search", "chatroom", "batch"];
        names.iter().any(|name| path.contains(name))
    });
    let spoiled = assert_seen(&recorded, spoil);
    assert!(recorded.len() >= 20 && spoiled >= 500, "{} requests, {spoiled}", recorded.len());
}

#[test]
fn every_part_of_every_send_is_checked() {
    let stories: [fn(&Place); 4] = [
        sending::sends::<Memory>,
        forwarding::forwards::<Memory>,
        sending::takes_back::<Memory>,
        sending::notifies::<Memory>,
    ];
    let mut recorded = Vec::new();
    for story in stories {
        let place = Place::memory(sending::world());
        recorded.extend(Recorder::of(&place, story));
    }
    let paths: BTreeSet<&str> = recorded.iter().map(|(_, request)| request.uri().path()).collect();
    for name in [
        "webwxsendmsg",
        "webwxsendmsgimg",
        "webwxsendvideomsg",
        "webwxsendemoticon",
        "webwxsendappmsg",
        "webwxrevokemsg",
        "webwxstatusnotify",
    ] {
        assert!(paths.iter().any(|path| path.ends_with(name)), "{name}");
    }
    // What these have in common with every other story was looked at there.
    recorded.retain(|(_, request)| {
        let path = request.uri().path();
        path.contains("webwxsend") || path.contains("webwxrevoke") || path.contains("webwxstatus")
    });
    let spoiled = assert_seen(&recorded, spoil);
    assert!(spoiled >= 1500, "{spoiled}");
}

/// The same for the other ways in, and for what else there is to ask.
#[test]
fn every_part_of_the_other_calls_is_checked() {
    for (least, world, story) in [
        (12, entries::world(), entries::pushed::<Memory> as fn(&Place)),
        (8, entries::desktop_world(), entries::desktop::<Memory>),
        (8, entries::file_helper_world(), entries::file_helper::<Memory>),
        (12, odds::world(), odds::done::<Memory>),
        (8, odds::world(), odds::thrown_out::<Memory>),
        (10, odds::world(), odds::before),
    ] {
        let mut recorded = Recorder::of(&Place::memory(world), story);
        // Forms are spoiled otherwise.
        recorded.retain(|(_, request)| !request.uri().path().ends_with("webwxuploadmedia"));
        assert!(recorded.len() >= least, "{} requests", recorded.len());
        assert!(assert_seen(&recorded, spoil) > 20 * least);
    }
}

/// Asserts that each part of each request is missed and named; how many were spoiled.
pub(crate) fn assert_seen(recorded: &[Asked], spoil: fn(&Request<Bytes>) -> Vec<Spoiled>) -> usize {
    let mut spoiled = 0;
    let mut unseen = Vec::new();
    for (world, request) in recorded {
        for Spoiled { part, request } in spoil(request) {
            spoiled += 1;
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
        // Unspoiled, the same request on the same world is one that the service takes.
        assert_eq!(violations(world, request), Vec::<String>::new());
    }
    unseen.sort();
    unseen.dedup();
    assert!(unseen.is_empty(), "not seen:\n{}", unseen.join("\n"));
    spoiled
}

/// Whether a violation names this part: in back-quotes, alone or at the end of a path.
fn names(violation: &str, name: &str) -> bool {
    violation.match_indices(name).any(|(at, _)| {
        let before = violation[..at].ends_with(['`', '.', '&']);
        before && violation[at + name.len()..].starts_with(['`', '.', '[', '='])
    })
}

/// What the simulator says of a request beyond what it said before.
fn violations(world: &World, request: &Request<Bytes>) -> Vec<String> {
    let mut world = world.clone();
    let before = world.violations().len();
    let _ = world.handle(request);
    world.violations()[before..].iter().map(ToString::to_string).collect()
}

pub(crate) fn spoil(request: &Request<Bytes>) -> Vec<Spoiled> {
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

pub(crate) fn queries(request: &Request<Bytes>, all: &mut Vec<Spoiled>) {
    let uri = request.uri().to_string();
    let Some((path, query)) = uri.split_once('?') else { return };
    for (what, query) in pairs(query, "&") {
        let mut spoiled = request.clone();
        *spoiled.uri_mut() = format!("{path}?{query}").parse().unwrap();
        all.push(Spoiled { part: format!("query {what}"), request: spoiled });
    }
}

/// The list with each of its pairs dropped and altered in turn.
fn pairs(list: &str, separator: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = list.split(separator).collect();
    let mut all = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let name = part.split('=').next().unwrap_or_default();
        // `?&MsgID=`: what stands before the first has no name.
        if name.is_empty() {
            continue;
        }
        // Another size of a picture is a request like this one.
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

pub(crate) fn headers(request: &Request<Bytes>, all: &mut Vec<Spoiled>) {
    for name in request.headers().keys().filter(|name| *name != "cookie") {
        let mut dropped = request.clone();
        dropped.headers_mut().remove(name);
        all.push(Spoiled { part: format!("header without {name}"), request: dropped });
        let mut altered = request.clone();
        let value = altered.headers_mut().get_mut(name).unwrap();
        *value = format!("{}x", value.to_str().unwrap()).parse().unwrap();
        all.push(Spoiled { part: format!("header with another {name}"), request: altered });
    }
}

pub(crate) fn cookies(request: &Request<Bytes>, all: &mut Vec<Spoiled>) {
    let Some(list) = request.headers().get("cookie") else { return };
    for (what, list) in pairs(list.to_str().unwrap(), "; ") {
        let mut spoiled = request.clone();
        if list.is_empty() {
            spoiled.headers_mut().remove("cookie");
        } else {
            spoiled.headers_mut().insert("cookie", list.parse().unwrap());
        }
        all.push(Spoiled { part: format!("cookie {what}"), request: spoiled });
    }
}

fn form(request: &Request<Bytes>, all: &mut Vec<Spoiled>) {
    let text = std::str::from_utf8(request.body()).unwrap();
    for (what, text) in pairs(text, "&") {
        all.push(Spoiled { part: format!("form {what}"), request: with_body(request, text) });
    }
}

fn json(request: &Request<Bytes>, all: &mut Vec<Spoiled>) {
    for (what, text) in replace_json(request.body()) {
        all.push(Spoiled { part: format!("body {what}"), request: with_body(request, text) });
    }
}

/// A JSON text with each of its fields dropped and altered in turn.
pub(crate) fn replace_json(json: &[u8]) -> Vec<(String, String)> {
    let whole: Value = serde_json::from_slice(json).unwrap();
    let mut all = Vec::new();
    let mut paths = Vec::new();
    paths_of(&whole, String::new(), &mut paths);
    for path in paths {
        let name = path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap();
        let old = whole.pointer(&path).unwrap();
        let mut spoiled = Vec::new();
        // A text may do without mentions.
        if name != "MsgSource" {
            spoiled.push((format!("without {name}"), None));
        }
        for other in others(name, old) {
            spoiled.push((format!("{path} as {other}, another {name}"), Some(other)));
        }
        for (what, other) in spoiled {
            // Spoiled in the text, so that the order of the fields stays as it was.
            all.push((what, replaced(json, &path, other.as_ref())));
        }
    }
    all
}

/// A value of another type and, unless any text will do, another one of the same.
fn others(name: &str, value: &Value) -> Vec<Value> {
    // Of a file that is only announced, any name and any length will do.
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
        // The first and the last stand for all.
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

/// The JSON text with the value at `path` replaced, or left out.
fn replaced(text: &[u8], path: &str, other: Option<&Value>) -> String {
    fn rewrite(raw: &str, path: &[&str], other: Option<&Value>) -> String {
        let [first, rest @ ..] = path else { return other.map_or(String::new(), Value::to_string) };
        let mut out = Vec::new();
        if raw.starts_with('[') {
            let items: Vec<&serde_json::value::RawValue> = serde_json::from_str(raw).unwrap();
            for (index, item) in items.into_iter().enumerate() {
                let hit = index.to_string() == **first;
                let new = if hit { rewrite(item.get(), rest, other) } else { item.get().into() };
                out.extend((!new.is_empty()).then_some(new));
            }
            return format!("[{}]", out.join(","));
        }
        for (name, value) in fields(raw) {
            let new = if name == **first { rewrite(value, rest, other) } else { value.to_owned() };
            out.extend((!new.is_empty()).then(|| format!("\"{name}\":{new}")));
        }
        format!("{{{}}}", out.join(","))
    }
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    rewrite(std::str::from_utf8(text).unwrap(), &parts, other)
}

/// The fields of a JSON object in their order.
fn fields(raw: &str) -> Vec<(String, &str)> {
    struct Fields<'a>(Vec<(String, &'a serde_json::value::RawValue)>);
    impl<'de> serde::Deserialize<'de> for Fields<'de> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Object;
            impl<'de> serde::de::Visitor<'de> for Object {
                type Value = Fields<'de>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Self::Value, A::Error> {
                    let mut fields = Vec::new();
                    while let Some(field) = map.next_entry()? {
                        fields.push(field);
                    }
                    Ok(Fields(fields))
                }
            }
            deserializer.deserialize_map(Object)
        }
    }
    let fields: Fields<'_> = serde_json::from_str(raw).unwrap();
    fields.0.into_iter().map(|(name, value)| (name, value.get())).collect()
}

/// The request with another body, and with the length of that.
pub(crate) fn with_body(request: &Request<Bytes>, body: impl Into<Bytes>) -> Request<Bytes> {
    let (mut request, body) = (request.clone(), body.into());
    request.headers_mut().insert("content-length", body.len().into());
    *request.body_mut() = body;
    request
}
