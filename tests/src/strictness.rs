//! Tests that every omission or change of a part of a request is a violation.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri};
use serde_json::Value;

use crate::request::ordered;
use crate::{Answer, Contact, World};

#[path = "strictness_scenario.rs"]
pub(crate) mod strictness_scenario;
use strictness_scenario::scenario;

/// Asserts that a violation names the part given by the first word of `what`.
fn assert_named(world: &World, request: &Request<Bytes>, what: &str) {
    let mut world = world.clone();
    let _ = world.handle(request);
    let name = what.split(['=', ' ']).next().expect("a word");
    let name = name.rsplit('/').find(|part| part.parse::<usize>().is_err()).expect("a name");
    let found: Vec<String> = world.violations().iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|found| found.contains(name)), "{what}: {found:?}");
}

fn assert_found(world: &World, request: &Request<Bytes>, what: &str) {
    let mut world = world.clone();
    let answer = world.handle(request);
    assert!(!world.violations().is_empty(), "not found: {what} of {}", request.uri());
    assert!(matches!(answer, Answer::Reply(_)));
}

pub(crate) fn with_query(request: &Request<Bytes>, pairs: &[String]) -> Request<Bytes> {
    let uri = request.uri().to_string();
    let (origin, _) = uri.split_once('?').expect("a query");
    let mut changed = request.clone();
    *changed.uri_mut() =
        format!("{origin}?{}", pairs.join("&")).parse::<Uri>().expect("an address");
    changed
}

pub(crate) fn with_cookies(request: &Request<Bytes>, cookies: &[String]) -> Request<Bytes> {
    let mut changed = request.clone();
    changed.headers_mut().remove("cookie");
    if !cookies.is_empty() {
        changed.headers_mut().insert("cookie", cookies.join("; ").parse().expect("a value"));
    }
    changed
}

/// Splits the pairs of a query, a form or a cookie header.
pub(crate) fn split(text: &str, separator: &str) -> Vec<String> {
    text.split(separator).map(str::to_owned).collect()
}

/// Leaves out and changes each of these pairs. Returns the pair, the alteration and the altered pairs.
pub(crate) fn altered(pairs: &[String]) -> Vec<(&str, &'static str, Vec<String>)> {
    let mut all = Vec::new();
    // `?&MsgID=`: the empty pair before the first `&` has its own test.
    for (index, pair) in pairs.iter().enumerate().filter(|(_, pair)| !pair.is_empty()) {
        let (mut fewer, mut other) = (pairs.to_vec(), pairs.to_vec());
        fewer.remove(index);
        other[index].push('x');
        all.extend([(&**pair, "left out", fewer), (pair, "changed", other)]);
    }
    all
}

#[test]
fn every_query_parameter_is_checked() {
    for (world, request) in scenario() {
        let Some(query) = request.uri().query() else { continue };
        let pairs = split(query, "&");
        for (pair, what, altered) in altered(&pairs) {
            // Without this parameter, the request is valid for another size.
            if what == "left out" && matches!(pair, "type=slave" | "type=big") {
                continue;
            }
            assert_named(&world, &with_query(&request, &altered), &format!("{pair} {what}"));
        }
        for pair in pairs.iter().filter(|pair| !pair.is_empty()) {
            let mut twice = pairs.clone();
            twice.push(pair.clone());
            assert_named(&world, &with_query(&request, &twice), &format!("{pair} twice"));
        }
        let mut more = pairs.clone();
        more.push("extra=1".to_owned());
        assert_found(&world, &with_query(&request, &more), "one more");
    }
}

#[test]
fn missing_leading_ampersand_is_found() {
    let mut all = scenario().into_iter();
    let image = all.find(|(_, request)| request.uri().path().ends_with("/webwxgetmsgimg"));
    let (world, request) = image.expect("a picture");
    let pairs = split(request.uri().query().expect("a query"), "&");
    assert_named(&world, &with_query(&request, &pairs[1..]), "MsgID without its &");
}

#[test]
fn every_header_and_cookie_is_checked() {
    for (world, request) in scenario() {
        let names: Vec<HeaderName> = request.headers().keys().cloned().collect();
        for name in names {
            let mut without = request.clone();
            let value = without.headers_mut().remove(&name).expect("a header");
            assert_named(&world, &without, &format!("{name} left out"));
            let mut other = request.clone();
            let changed = [value.as_bytes(), b"x"].concat();
            other.headers_mut().insert(&name, HeaderValue::from_bytes(&changed).expect("a value"));
            assert_named(&world, &other, &format!("{name} changed"));
            let mut twice = request.clone();
            twice.headers_mut().append(&name, value);
            assert_named(&world, &twice, &format!("{name} twice"));
        }
        for extra in ["expect", "transfer-encoding", "te", "x-other", "connection"] {
            let mut more = request.clone();
            more.headers_mut().insert(extra, HeaderValue::from_static("x"));
            assert_found(&world, &more, extra);
        }
        let Some(cookies) = request.headers().get("cookie") else { continue };
        let cookies = split(cookies.to_str().expect("text"), "; ");
        for (pair, what, altered) in altered(&cookies) {
            assert_named(&world, &with_cookies(&request, &altered), &format!("{pair} {what}"));
        }
    }
}

/// Collects the pointers of all values in a JSON value, except its own.
pub(crate) fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
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
pub(crate) fn replaced(text: &str, pointer: &str, with: &str) -> String {
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

pub(crate) fn with_body(request: &Request<Bytes>, body: String) -> Request<Bytes> {
    let mut changed = request.clone();
    changed.headers_mut().insert("content-length", HeaderValue::from(body.len()));
    *changed.body_mut() = body.into();
    changed
}

#[test]
fn every_field_is_checked() {
    for (world, request) in scenario() {
        let body = String::from_utf8(request.body().to_vec()).expect("UTF-8");
        let Ok(value) = serde_json::from_str::<Value>(&body) else { continue };
        let mut all = Vec::new();
        pointers(&value, "", &mut all);
        for pointer in all {
            let old = value.pointer(&pointer).expect("a value");
            // The mentions of a text are optional.
            if pointer != "/Msg/MsgSource" {
                let gone = with_body(&request, replaced(&body, &pointer, ""));
                assert_named(&world, &gone, &format!("{pointer} left out"));
            }
            for other in ["null", "true", "[]", "{}", "1.5"] {
                if *old != serde_json::from_str::<Value>(other).expect("JSON") {
                    let changed = with_body(&request, replaced(&body, &pointer, other));
                    assert_named(&world, &changed, &format!("{pointer} as {other}"));
                }
            }
            let same_type = match old {
                Value::String(old) if !pointer.ends_with("/Content") => format!("\"{old}x\""),
                Value::String(_) => "7".to_owned(),
                Value::Number(number) => {
                    (number.as_i64().expect("whole") + 1_000_000_007).to_string()
                }
                _ => continue,
            };
            let changed = with_body(&request, replaced(&body, &pointer, &same_type));
            assert_named(&world, &changed, &format!("{pointer} as {same_type}"));
            let stringly = match old {
                Value::String(_) => "12345".to_owned(),
                _ => format!("\"{old}\""),
            };
            let changed = with_body(&request, replaced(&body, &pointer, &stringly));
            assert_named(&world, &changed, &format!("{pointer} as {stringly}"));
        }
    }
}

/// Moves the first field of a JSON object to its end.
fn rotated(text: &str) -> String {
    let mut fields = ordered(text).expect("an object");
    fields.rotate_left(1);
    let text = fields.iter().map(|(name, raw)| format!("\"{name}\":{}", raw.get()));
    format!("{{{}}}", text.collect::<Vec<_>>().join(","))
}

#[test]
fn order_of_keys_is_checked() {
    for (world, request) in scenario() {
        let body = String::from_utf8(request.body().to_vec()).expect("UTF-8");
        let Some(fields) = ordered(&body).filter(|fields| fields.len() > 1) else { continue };
        assert_found(&world, &with_body(&request, rotated(&body)), "another order");
        for inner in ["/BaseRequest", "/Msg"] {
            let Some((_, raw)) = fields.iter().find(|(name, _)| *name == inner[1..]) else {
                continue;
            };
            let body = replaced(&body, inner, &rotated(raw.get()));
            assert_found(&world, &with_body(&request, body), "another order inside");
        }
        let extra = format!("{{\"More\":1,{}", &body[1..]);
        assert_found(&world, &with_body(&request, extra), "one more field");
    }
}

#[test]
fn form_of_a_logout_is_checked() {
    let (world, request) = scenario().pop().expect("the logout");
    let body = String::from_utf8(request.body().to_vec()).expect("UTF-8");
    let (sid, uin) = body.split_once('&').expect("two fields");
    for changed in [
        sid.to_owned(),
        uin.to_owned(),
        format!("{uin}&{sid}"),
        format!("{sid}x&{uin}"),
        format!("{body}x"),
    ] {
        assert_found(&world, &with_body(&request, changed.clone()), &changed);
    }
}

#[test]
fn wrong_method_host_or_path_is_found() {
    for (world, request) in scenario() {
        let mut other = request.clone();
        *other.method_mut() =
            if request.method() == "GET" { http::Method::POST } else { http::Method::GET };
        assert_found(&world, &other, "another method");
        let mut other = request.clone();
        other.headers_mut().insert("host", HeaderValue::from_static("file.wx8.qq.com"));
        assert_found(&world, &other, "another host");
        let mut other = request.clone();
        *other.uri_mut() =
            "https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnothing".parse().expect("an address");
        assert_found(&world, &other, "another path");
    }
}

#[test]
fn every_record_has_all_its_fields() {
    let contact = Contact::default().record(crate::contact::In::Book { skey: "" }, &|_| None);
    let mut text = String::new();
    crate::reply::Node::from(contact).write(&mut text);
    assert_eq!(ordered(&text).expect("an object").len(), 31);
    let mut text = String::new();
    Contact::default().changed(&|_| None).write(&mut text);
    assert_eq!(ordered(&text).expect("an object").len(), 21);
}
