//! Runs the kit of [`wechat_simulator::conformance`] on both adapters and on two other transports;
//! checks that it detects broken transports; tests further guarantees of the adapters: copied
//! bodies, immediate stops, proxies.

mod bad;
mod copies;
mod environment;
mod floods;
mod host;
mod on_reqwest;
mod options;
mod plain;
mod reqwest;
mod stop;
mod truncated;

use std::time::{Duration, Instant};

use wechat_proto::Body;
use wechat_proto::error::Failure;
use wechat_proto::flow::{Request, Response, Want};
use wechat_simulator::conformance::{Feature, Kit, Script};

use host::{Client, Host, settings};

/// Generates a test on each adapter for functions that take a [`Host`].
macro_rules! conform {
    ($($name:ident,)*) => {
        mod ureq {
            $(#[test] fn $name() { super::$name(&crate::conformance::host::Ureq); })*
        }
        mod hyper {
            $(#[test] fn $name() { super::$name(&crate::conformance::host::Hyper); })*
        }
    };
}
pub(crate) use conform;

/// Threats N4, N7, B1 to B5, S9: every check on the blocking adapter.
#[test]
fn ureq_passes_every_check() {
    let report = Kit::new(host::ureq).deviations(&[]).run();
    assert_eq!(report.skipped().count(), 0);
    report.assert();
}

/// Threats N4, N7, B1 to B5, S9: every check on the async adapter.
#[test]
fn hyper_passes_every_check() {
    let report = Kit::new(host::hyper).deviations(&[]).run();
    assert_eq!(report.skipped().count(), 0);
    report.assert();
}

/// Threats N4, N7, B1 to B5, S9: every *must* check on a transport over another HTTP client.
#[test]
fn reqwest_passes_every_must_check() {
    let deviations = [
        "apostrophe_is_sent_verbatim", "no_header_is_added", "plain_http_is_tunnelled",
        "connect_deadline_is_unsent", "silent_handshake_is_unsent", "end_without_close_notify",
        "unknown_name_has_its_kind", "proxy_refusal_has_its_kind",
        "proxy_authorization_has_its_kind", "failed_handshake_has_its_kind",
        "malformed_reply_has_its_kind", "a_longer_head_is_too_large",
    ];
    let report = Kit::new(on_reqwest::open).deviations(&deviations).run();
    assert!(report.skipped().eq([("deadline_cap_is_applied", Feature::DeadlineCap)]), "{report}");
    report.assert();
    println!("{report}");
}

/// Checks a transport of two hundred lines without optional features.
#[test]
fn plain_transport_passes_every_check() {
    let report = Kit::new(|_| Ok(plain::Plain)).deviations(&[]).run();
    assert!(report.skipped().count() < report.checks.len() / 2, "{report}");
    report.assert();
    println!("{report}");
}

/// Returns a client with default options.
fn client(host: &dyn Host) -> Box<dyn Client> {
    host.open(wechat_simulator::conformance::session(), settings()).unwrap()
}

/// Returns a request with a deadline and a limit that no case reaches.
fn request(http: http::Request<Body>) -> Request {
    Request { http, deadline: Duration::from_secs(20), want: Want::Whole { limit: 1 << 16 } }
}

fn get(server: &Script) -> Request {
    let uri = format!("http://{}/path?query=1", server.address());
    let http = http::Request::get(uri).header("host", server.authority());
    request(http.body(Body::empty()).unwrap())
}

/// Returns a response with a `Content-Length`.
fn reply(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[track_caller]
fn body(reply: Result<Response, Failure>) -> String {
    String::from_utf8(reply.unwrap().into_body().to_vec()).unwrap()
}

/// Asserts that `work` takes about this many milliseconds.
#[track_caller]
fn takes<T>(millis: std::ops::Range<u64>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let elapsed = u64::try_from(start.elapsed().as_millis()).unwrap();
    assert!(millis.contains(&elapsed), "{elapsed} ms");
    result
}
