//! Checks that the simulator validates everything: each part of each request is dropped and altered
//! in turn, and each time the simulator must name that part.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use wechat_simulator::{Mode, World};

use crate::contacts::rooms;
use crate::media::downloads;
use crate::messages::{kinds, sending};
use crate::requests::altered_json::replace_json;
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
    let altered = assert_seen(&first_of_each(story()), alter);
    assert!(altered >= 1000, "{altered}");
}

#[test]
fn library_has_violations_in_page_mode() {
    for (mut world, request) in first_of_each(story()) {
        world.set_mode(Mode::Page);
        let found = violations(&world, &request);
        assert!(found.iter().any(|found| names(found, "accept-encoding")), "{found:?}");
    }
}

fn story() -> Vec<Recorded> {
    let place = Place::memory(story::world());
    story::script(&place.simulator);
    let recorded = Recorder::of(&place, |place| {
        story::run_bot::<Memory>(place).unwrap();
    });
    assert!(recorded.len() >= 100, "{} requests", recorded.len());
    recorded
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
        (8, misc::world(), misc::qr_code_picture::<Memory>),
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

/// Returns whether a violation names this part: in back-quotes, alone or at the end of a path. The
/// method and the whole body are not in back-quotes.
pub(crate) fn names(violation: &str, name: &str) -> bool {
    if matches!(name, "method" | "body") {
        return violation.contains(name);
    }
    violation.match_indices(name).any(|(at, _)| {
        let before = violation[..at].ends_with(['`', '.', '&']);
        before && violation[at + name.len()..].starts_with(['`', '.', '[', '='])
    })
}

/// Returns the violations that a request adds.
pub(crate) fn violations(world: &World, request: &Request<Bytes>) -> Vec<String> {
    let mut world = world.clone();
    let before = world.violations().len();
    let _ = world.handle(request);
    world.violations()[before..].iter().map(ToString::to_string).collect()
}

pub(crate) fn alter(request: &Request<Bytes>) -> Vec<Altered> {
    let mut all = Vec::new();
    methods(request, &mut all);
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

pub(crate) fn methods(request: &Request<Bytes>, all: &mut Vec<Altered>) {
    let mut altered = request.clone();
    *altered.method_mut() =
        if request.method() == Method::GET { Method::POST } else { Method::GET };
    all.push(Altered { part: "another method".to_owned(), request: altered });
}

pub(crate) fn queries(request: &Request<Bytes>, all: &mut Vec<Altered>) {
    let uri = request.uri().to_string();
    let Some((path, query)) = uri.split_once('?') else { return };
    let mut altered = pairs(query, "&");
    altered.push(("with an unknown extra".to_owned(), format!("{query}&extra=1")));
    // `?&MsgID=` (docs/protocol.md §8).
    altered.extend(query.strip_prefix('&').map(|rest| {
        let name = rest.split('=').next().unwrap_or_default();
        (format!("without & before {name}"), rest.to_owned())
    }));
    for (what, query) in altered {
        let mut altered = request.clone();
        *altered.uri_mut() = format!("{path}?{query}").parse().unwrap();
        all.push(Altered { part: format!("query {what}"), request: altered });
    }
}

/// Returns copies of the list with each pair dropped, altered and repeated in turn.
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
        all.push((format!("with a repeated {name}"), format!("{list}{separator}{part}")));
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
        let mut twice = request.clone();
        twice.headers_mut().append(name, request.headers()[name].clone());
        all.push(Altered { part: format!("header with a repeated {name}"), request: twice });
    }
    for name in ["expect", "transfer-encoding", "te", "x-other", "connection"] {
        let mut more = request.clone();
        more.headers_mut().insert(name, HeaderValue::from_static("x"));
        all.push(Altered { part: format!("header with an unknown {name}"), request: more });
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
    let mut altered = pairs(text, "&");
    let (first, rest) = text.split_once('&').unwrap();
    let name = first.split('=').next().unwrap_or_default();
    altered.push((format!("with another place of {name}"), format!("{rest}&{first}")));
    for (what, text) in altered {
        all.push(Altered { part: format!("form {what}"), request: with_body(request, text) });
    }
}

fn json(request: &Request<Bytes>, all: &mut Vec<Altered>) {
    for (what, text) in replace_json("body", request.body()) {
        all.push(Altered { part: format!("body {what}"), request: with_body(request, text) });
    }
}

/// Returns the request with another body and a matching `content-length`.
pub(crate) fn with_body(request: &Request<Bytes>, body: impl Into<Bytes>) -> Request<Bytes> {
    let (mut request, body) = (request.clone(), body.into());
    request.headers_mut().insert("content-length", body.len().into());
    *request.body_mut() = body;
    request
}
