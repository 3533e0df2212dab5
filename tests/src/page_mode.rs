//! Tests that Tencent's page in a browser has no violations in `Mode::Page`, and that every other request has some.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri};
use serde_json::Value;

use crate::recording::replay;
use crate::request::ordered;
use crate::{Answer, World};

/// Headers and cookies that may be left out or changed, with the paragraph of docs/protocol.md.
const FREE: [(&str, &[&str], &str); 22] = [
    ("accept-language", &["changed"], "§1.3"),
    ("connection", &["left out"], "§1.3"),
    ("dnt", &["left out", "changed"], "§1.3"),
    ("sec-ch-ua", &["left out", "changed"], "§1.3"),
    ("sec-ch-ua-mobile", &["left out", "changed"], "§1.3"),
    ("sec-ch-ua-platform", &["left out", "changed"], "§1.3"),
    ("sec-fetch-dest", &["left out", "changed"], "§1.3"),
    ("sec-fetch-mode", &["left out", "changed"], "§1.3"),
    ("sec-fetch-site", &["left out", "changed"], "§1.3"),
    ("upgrade-insecure-requests", &["left out", "changed"], "§1.3"),
    ("MM_WX_NOTIFY_STATE", &["left out", "changed"], "§1.7"),
    ("MM_WX_SOUND_STATE", &["left out", "changed"], "§1.7"),
    ("last_wxuin", &["left out", "changed"], "§1.7"),
    ("login_frequency", &["left out", "changed"], "§1.7"),
    // Without them, the request is for a picture of another size, and the text has no mentions.
    ("type", &["left out"], "§8"),
    ("MsgSource", &["left out"], "§9.5"),
    // Texts of the user, and the declared size of the user's file.
    ("FileName", &["changed"], "§6.6"),
    ("FileSize", &["changed"], "§6.6"),
    ("RemarkName", &["changed"], "§11.1"),
    ("VerifyContent", &["changed"], "§11.2"),
    ("Topic", &["changed"], "§11.4"),
    ("NewTopic", &["changed"], "§11.5"),
];

/// Returns the violations of a request.
fn found(world: &World, request: &Request<Bytes>) -> Vec<String> {
    let mut world = world.clone();
    let before = world.violations().len();
    let _ = world.handle(request);
    world.violations()[before..].iter().map(ToString::to_string).collect()
}

/// Returns whether the service refuses a request that has no violation, such as one with a wrong ticket.
fn is_refused(world: &World, request: &Request<Bytes>) -> bool {
    let (Answer::Reply(reply) | Answer::Hold(reply)) = world.clone().handle(request);
    let reply: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    reply.pointer("/BaseResponse/Ret").is_some_and(|ret| *ret != 0)
}

#[test]
fn recorded_page_has_no_violations() {
    // The ids of a world differ from the recorded ones.
    for seed in [2023, 1] {
        let steps = replay(seed);
        assert!(steps.len() > 50);
        for (world, request) in steps {
            assert_eq!(found(&world, &request), Vec::<String>::new(), "{request:?}");
        }
    }
}

/// The alterations without a finding: the free ones, and those that are not listed.
#[derive(Default)]
struct Checked {
    free: BTreeSet<(String, &'static str)>,
    unlisted: BTreeSet<(String, String, &'static str)>,
}

impl Checked {
    fn check(&mut self, world: &World, changed: &Request<Bytes>, name: &str, what: &'static str) {
        let found = found(world, changed);
        if found.iter().any(|found| found.contains(name)) || is_refused(world, changed) {
            return;
        }
        let is_listed = FREE.iter().any(|(free, how, _)| *free == name && how.contains(&what));
        if is_listed {
            self.free.insert((name.to_owned(), what));
        } else {
            let call = changed.uri().path().rsplit('/').next().unwrap_or_default();
            self.unlisted.insert((call.to_owned(), name.to_owned(), what));
        }
    }

    /// Alters each of these pairs of a name and a value; `with` builds the request with the altered ones.
    fn pairs(
        &mut self,
        world: &World,
        pairs: &[String],
        with: impl Fn(&[String]) -> Request<Bytes>,
    ) {
        for (pair, what, altered) in altered(pairs) {
            let name = pair.split('=').next().expect("a name");
            self.check(world, &with(&altered), name, what);
        }
    }

    fn headers(&mut self, world: &World, request: &Request<Bytes>) {
        let names: Vec<HeaderName> = request.headers().keys().cloned().collect();
        for name in names.iter().filter(|name| *name != "cookie") {
            let mut changed = request.clone();
            let value = changed.headers_mut().remove(name).expect("a header");
            self.check(world, &changed, name.as_str(), "left out");
            let value = format!("{}x", value.to_str().expect("text"));
            changed.headers_mut().insert(name, HeaderValue::try_from(value).expect("a value"));
            self.check(world, &changed, name.as_str(), "changed");
        }
    }

    fn cookies(&mut self, world: &World, request: &Request<Bytes>) {
        let Some(cookies) = request.headers().get("cookie") else { return };
        let cookies = split(cookies.to_str().expect("text"), "; ");
        self.pairs(world, &cookies, |cookies| with_cookies(request, cookies));
    }

    fn parameters(&mut self, world: &World, request: &Request<Bytes>) {
        let Some(query) = request.uri().query() else { return };
        self.pairs(world, &split(query, "&"), |pairs| with_query(request, pairs));
    }

    /// Alters the fields of a body: JSON, or a form.
    fn fields(&mut self, world: &World, request: &Request<Bytes>) {
        let body = String::from_utf8(request.body().to_vec()).expect("UTF-8");
        let kind = request.headers().get("content-type").map(|kind| kind.to_str().expect("text"));
        if let Ok(value) = serde_json::from_str::<Value>(&body) {
            let mut all = Vec::new();
            pointers(&value, "", &mut all);
            for pointer in all {
                let is_name = |part: &&str| part.parse::<usize>().is_err();
                let name = pointer.rsplit('/').find(is_name).expect("a name").to_owned();
                let gone = with_body(request, replaced(&body, &pointer, ""));
                self.check(world, &gone, &name, "left out");
                let other = match value.pointer(&pointer).expect("a value") {
                    Value::String(_) if name == "Content" => "7".to_owned(),
                    Value::String(old) => format!("\"{old}x\""),
                    Value::Number(old) => {
                        (old.as_i64().expect("whole") + 1_000_000_007).to_string()
                    }
                    _ => "null".to_owned(),
                };
                let changed = with_body(request, replaced(&body, &pointer, &other));
                self.check(world, &changed, &name, "changed");
            }
        } else if kind.is_some_and(|kind| kind.contains("urlencoded")) {
            self.pairs(world, &split(&body, "&"), |pairs| with_body(request, pairs.join("&")));
        } else if let Some((_, boundary)) = kind.and_then(|kind| kind.split_once("boundary=")) {
            let separator = format!("--{boundary}\r\n");
            let end = format!("--{boundary}--\r\n");
            let body = body.strip_suffix(&end).expect("the end");
            let parts: Vec<&str> = body.split(&separator).collect();
            for index in 1..parts.len() {
                let (_, name) = parts[index].split_once("name=\"").expect("a name");
                let name = name.split('"').next().expect("a name");
                let (mut fewer, mut other) = (parts.clone(), parts.clone());
                fewer.remove(index);
                let altered = parts[index].replacen("\r\n\r\n", "\r\n\r\nx", 1);
                other[index] = &altered;
                for (parts, what) in [(fewer, "left out"), (other, "changed")] {
                    let changed = with_body(request, parts.join(&separator) + &end);
                    self.check(world, &changed, name, what);
                }
            }
        }
    }
}

/// Every omission and change of a header, cookie, parameter or field is found, or is listed as free.
#[test]
fn every_part_of_a_request_is_checked() {
    let mut checked = Checked::default();
    for (world, request) in replay(2023) {
        checked.headers(&world, &request);
        checked.cookies(&world, &request);
        checked.parameters(&world, &request);
        checked.fields(&world, &request);
    }
    assert!(checked.unlisted.is_empty(), "{:#?}", checked.unlisted);
    let protocol = include_str!("../../wechat-proto/docs/protocol.md");
    for (name, how, source) in FREE {
        for what in how {
            assert!(checked.free.contains(&(name.to_owned(), *what)), "{name} {what} is found");
        }
        let title =
            |line: &str| line.trim_start_matches('#').trim_start().starts_with(&source[2..]);
        let lines = protocol.lines().skip_while(|line| !(line.starts_with('#') && title(line)));
        let paragraph: Vec<&str> =
            lines.skip(1).take_while(|line| !line.starts_with('#')).collect();
        let text = paragraph.join("\n").to_ascii_lowercase();
        let stem = name.to_ascii_lowercase();
        let stem = stem.split_once("sec-fetch-").map_or(&*stem, |_| "sec-fetch-");
        let stem = stem.split_once("sec-ch-ua").map_or(stem, |_| "sec-ch-ua");
        assert!(text.contains(stem), "{source} does not mention {name}");
    }
}

fn with_query(request: &Request<Bytes>, pairs: &[String]) -> Request<Bytes> {
    let uri = request.uri().to_string();
    let (origin, _) = uri.split_once('?').expect("a query");
    let mut changed = request.clone();
    *changed.uri_mut() =
        format!("{origin}?{}", pairs.join("&")).parse::<Uri>().expect("an address");
    changed
}

fn with_cookies(request: &Request<Bytes>, cookies: &[String]) -> Request<Bytes> {
    let mut changed = request.clone();
    changed.headers_mut().remove("cookie");
    if !cookies.is_empty() {
        changed.headers_mut().insert("cookie", cookies.join("; ").parse().expect("a value"));
    }
    changed
}

/// Splits the pairs of a query, a form or a cookie header.
fn split(text: &str, separator: &str) -> Vec<String> {
    text.split(separator).map(str::to_owned).collect()
}

/// Leaves out and changes each of these pairs. Returns the pair, the alteration and the altered pairs.
fn altered(pairs: &[String]) -> Vec<(&str, &'static str, Vec<String>)> {
    let mut all = Vec::new();
    // In `?&MsgID=`, the pair before the first `&` is empty.
    for (index, pair) in pairs.iter().enumerate().filter(|(_, pair)| !pair.is_empty()) {
        let (mut fewer, mut other) = (pairs.to_vec(), pairs.to_vec());
        fewer.remove(index);
        other[index].push('x');
        all.extend([(&**pair, "left out", fewer), (pair, "changed", other)]);
    }
    all
}

/// Collects the pointers of all values in a JSON value, except its own.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    for (key, child) in children {
        let path = format!("{at}/{key}");
        pointers(child, &path, out);
        out.push(path);
    }
}

/// Replaces one value in a JSON text without changing the others. An empty replacement also removes the key.
fn replaced(text: &str, pointer: &str, with: &str) -> String {
    let (first, rest) = pointer[1..].split_once('/').map_or((&pointer[1..], ""), |(a, b)| (a, b));
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    let inner =
        |raw: &str| if rest.is_empty() { with.to_owned() } else { replaced(raw, &rest, with) };
    if text.starts_with('[') {
        let items: Vec<Box<serde_json::value::RawValue>> =
            serde_json::from_str(text).expect("a list");
        let items: Vec<String> =
            items
                .iter()
                .enumerate()
                .map(|(index, raw)| {
                    if index.to_string() == first { inner(raw.get()) } else { raw.get().to_owned() }
                })
                .filter(|item| !item.is_empty())
                .collect();
        return format!("[{}]", items.join(","));
    }
    let fields: Vec<String> = ordered(text)
        .expect("an object")
        .iter()
        .map(|(name, raw)| {
            (name, if name == first { inner(raw.get()) } else { raw.get().to_owned() })
        })
        .filter(|(_, raw)| !raw.is_empty())
        .map(|(name, raw)| format!("\"{name}\":{raw}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn with_body(request: &Request<Bytes>, body: String) -> Request<Bytes> {
    let mut changed = request.clone();
    changed.headers_mut().insert("content-length", HeaderValue::from(body.len()));
    *changed.body_mut() = body.into();
    changed
}
