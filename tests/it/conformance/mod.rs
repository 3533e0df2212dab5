//! What [`wechat_proto::flow`] asks of a host, asked of both adapters, against a server that does
//! exactly what its script says.
//!
//! `differences` has the situations in which the two HTTP clients behave differently when left to
//! themselves, one test or more each.

mod copies;
mod differences;
mod encryption;
mod ends;
mod failures;
mod flow;
mod host;
mod limits;
mod promises;
mod server;
mod streams;

use std::time::{Duration, Instant};

use serde_json::json;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{Request, Response, Want};
use wechat_proto::{Body, Device, Session};

use host::{Client, Host, Settings};
use server::Server;

/// Makes a test for each adapter of functions that take a [`Host`].
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

/// A client with the usual settings.
fn client(host: &dyn Host) -> Box<dyn Client> {
    with(host, Settings::default())
}

fn with(host: &dyn Host, settings: Settings) -> Box<dyn Client> {
    host.open(session(Device::new()), settings).unwrap()
}

/// A session as if stored, of no account in particular.
fn session(device: Device) -> Session {
    let stored = json!({
        "format": 1,
        "device": device,
        "auth": { "uin": "1", "sid": "sid", "skey": "@crypt_x", "pass_ticket": "ticket" },
        "me": {
            "user_name": "@me", "nick_name": "me", "head_img_url": "", "uin": 1,
            "signature": "", "sex": 0,
        },
        "sync_key": [[1, 1]],
        "sync_check_key": null,
        "taken": { "batch": [], "recent": [] },
        "chat_set": [],
        "invite_start_count": 40,
        "last_client_msg_id": 0,
    });
    Session::from_json(&stored.to_string()).unwrap()
}

/// A request on terms that no case wants to reach.
fn request(http: http::Request<Body>) -> Request {
    Request { http, deadline: Duration::from_secs(20), want: Want::Whole { limit: 1 << 16 } }
}

fn get(server: &Server) -> Request {
    let uri = format!("http://{}/path?query=1", server.address);
    let http = http::Request::get(uri).header("host", server.authority());
    request(http.body(Body::empty()).unwrap())
}

fn post(server: &Server, body: &'static str) -> Request {
    let http = http::Request::post(format!("http://{}/path", server.address))
        .header("host", server.authority())
        .header("content-length", body.len());
    request(http.body(Body::from(body.to_owned())).unwrap())
}

/// A reply with a length.
fn reply(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[track_caller]
fn body(reply: Result<Response, Failure>) -> String {
    String::from_utf8(reply.unwrap().into_body().to_vec()).unwrap()
}

#[track_caller]
fn failed<T>(result: Result<T, Failure>, kind: FailureKind, sent: Sent) {
    match result {
        Ok(_) => panic!("no {kind:?}"),
        Err(failure) => assert_eq!((failure.kind, failure.sent), (kind, sent), "{failure:?}"),
    }
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
