//! Tencent's page in a browser is clean in [`Mode::Page`], and every other request is not.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};

use crate::strictness::strictness_scenario::scenario;
use crate::{Mode, World};

/// Headers and cookies that a browser may omit or change, depending on its version and settings.
const FREE: [&str; 7] = [
    "accept-language", "connection", "dnt", "sec-fetch-mode", "user-agent", "MM_WX_NOTIFY_STATE",
    "login_frequency",
];

/// Returns the scenario as a browser sends it, each request with the world before it.
fn recorded() -> Vec<(World, Request<Bytes>)> {
    let mut steps = scenario();
    for (world, request) in &mut steps {
        world.set_mode(Mode::Page);
        let set = |request: &mut Request<Bytes>, name: &'static str, value: &str| {
            request.headers_mut().insert(name, HeaderValue::try_from(value).expect("a value"));
        };
        set(request, "accept-encoding", "gzip, deflate, br");
        set(request, "accept-language", "zh-CN,zh;q=0.9,en;q=0.8");
        set(request, "connection", "keep-alive");
        set(request, "dnt", "1");
        set(request, "sec-fetch-mode", "cors");
        let cookies = request.headers().get("cookie").and_then(|cookies| cookies.to_str().ok());
        let own = "MM_WX_NOTIFY_STATE=1; login_frequency=1";
        let all = cookies.map_or_else(|| own.to_owned(), |cookies| format!("{cookies}; {own}"));
        set(request, "cookie", &all);
        let path = request.uri().path();
        if path.ends_with("/webwxlogout") {
            set(
                request,
                "accept",
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            );
        } else if path.ends_with("/webwxsync") {
            let uri = request.uri().to_string();
            let (start, rest) = uri.split_once('?').expect("a query");
            let raw = |pair: &str| match pair.starts_with("sid=") || pair.starts_with("skey=") {
                true => crate::request::decode(pair),
                false => pair.to_owned(),
            };
            let pairs: Vec<String> = rest.split('&').map(raw).collect();
            *request.uri_mut() =
                format!("{start}?{}", pairs.join("&")).parse().expect("an address");
        }
    }
    steps
}

/// Returns the violations of a request.
fn found(world: &World, request: &Request<Bytes>) -> Vec<String> {
    let mut world = world.clone();
    let before = world.violations().len();
    let _ = world.handle(request);
    world.violations()[before..].iter().map(ToString::to_string).collect()
}

#[test]
fn page_in_a_browser_is_clean() {
    let steps = recorded();
    assert!(steps.len() > 40);
    for (world, request) in steps {
        assert_eq!(found(&world, &request), Vec::<String>::new(), "{request:?}");
    }
}

#[test]
fn library_in_page_mode_is_not_clean() {
    for (mut world, request) in scenario() {
        world.set_mode(Mode::Page);
        let found = found(&world, &request);
        assert!(found.iter().any(|found| found.contains("`accept-encoding`")), "{found:?}");
    }
}

#[test]
fn every_header_cookie_and_parameter_is_checked() {
    for (world, request) in recorded() {
        let assert_found = |changed: &Request<Bytes>, name: &str, what: &str| {
            let found = found(&world, changed);
            let is_found = found.iter().any(|found| found.contains(name));
            let path = request.uri().path();
            assert!(is_found || FREE.contains(&name), "{path}: {name} {what}: {found:?}");
        };
        let names: Vec<HeaderName> = request.headers().keys().cloned().collect();
        for name in names.iter().filter(|name| *name != "cookie") {
            let mut changed = request.clone();
            let value = changed.headers_mut().remove(name).expect("a header");
            assert_found(&changed, name.as_str(), "left out");
            let value = format!("{}x", value.to_str().expect("text"));
            changed.headers_mut().insert(name, HeaderValue::try_from(value).expect("a value"));
            assert_found(&changed, name.as_str(), "changed");
        }
        let cookies = request.headers()["cookie"].to_str().expect("text").to_owned();
        for pair in cookies.split("; ") {
            let name = pair.split('=').next().expect("a name");
            let others = cookies.split("; ").filter(|other| *other != pair);
            let mut changed = request.clone();
            let fewer = others.collect::<Vec<_>>().join("; ");
            changed.headers_mut().insert("cookie", fewer.parse().expect("a value"));
            assert_found(&changed, name, "left out");
            let other = cookies.replace(pair, &format!("{pair}x"));
            changed.headers_mut().insert("cookie", other.parse().expect("a value"));
            assert_found(&changed, name, "changed");
        }
        let uri = request.uri().to_string();
        let Some((start, query)) = uri.split_once('?') else { continue };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().expect("a name");
            let fewer: Vec<&str> = query.split('&').filter(|other| *other != pair).collect();
            let mut changed = request.clone();
            *changed.uri_mut() = format!("{start}?{}", fewer.join("&")).parse().expect("one");
            // Without it, the request is for another size.
            if name != "type" {
                assert_found(&changed, name, "left out");
            }
            let other = query.replace(pair, &format!("{pair}x"));
            *changed.uri_mut() = format!("{start}?{other}").parse().expect("an address");
            assert_found(&changed, name, "changed");
        }
    }
}
