//! Helpers of unit tests: rendered requests, invented replies, a driver without a network.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, REFERER, SET_COOKIE,
    USER_AGENT,
};

use crate::contact::{Contact, Directory};
use serde_json::Value;

use crate::contact::wire::WireContact;
use crate::error::{Failure, FailureKind, Sent};
use crate::flow::{Request, Response};
use crate::login::Credentials;
use crate::media::{MediaType, Uploaded};
use crate::message::WireMessage;
use crate::session::Me;
use crate::sync::key::WireKey;
use crate::wire::lenient::{Lenient as _, List};
use crate::{
    Account, Body, Device, Endpoint, Error, Flow, Input, Interrupt, Message, Session, Timestamp,
    UserName,
};

#[path = "../tests/it/files.rs"]
mod files;
#[path = "../tests/it/form.rs"]
pub(crate) mod form;
#[path = "../tests/it/xml.rs"]
pub(crate) mod xml;

/// The time of tests: the clock of notes-L.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_476_606_163_580);

/// Returns the request of an endpoint as text: method and URI, headers, body.
pub(crate) fn rendered<E: Endpoint>(endpoint: E, state: &mut E::State) -> String {
    render(&http_of(endpoint, state))
}

/// Returns the request of an endpoint.
pub(crate) fn http_of<E: Endpoint>(mut endpoint: E, state: &mut E::State) -> http::Request<Body> {
    endpoint.request(state, NOW)
}

/// Sends the request of an endpoint, and receives this reply.
pub(crate) fn exchange<E: Endpoint>(
    mut endpoint: E,
    state: &mut E::State,
    body: &str,
) -> Result<E::Output, Error> {
    let uri = endpoint.request(state, NOW).uri().clone();
    endpoint.receive(state, &uri, &reply(body), NOW)
}

/// Returns the body of a request.
pub(crate) fn body(request: &http::Request<Body>) -> String {
    String::from_utf8(request.body().clone().into_bytes().into()).unwrap()
}

/// Returns a request as text, without the usual values: those of the headers `Host`, `User-Agent`,
/// `Accept-Encoding` and `Content-Length`, of `Referer` and `Origin` for the page of `wx.qq.com`, and
/// of `Accept` and `Content-Type` for JSON. It shows any other value of these headers, and panics if
/// one is missing.
pub(crate) fn render(http: &http::Request<Body>) -> String {
    let (host, length) = (http.uri().authority().unwrap(), http.body().len().to_string());
    let mut usual = vec![
        (HOST, host.as_str()),
        (USER_AGENT, AGENT),
        (ACCEPT, "application/json, text/plain, */*"),
        (ACCEPT_ENCODING, "gzip"),
        (REFERER, "https://wx.qq.com/?lang=zh_CN"),
    ];
    if http.method() == http::Method::POST {
        let json = "application/json;charset=UTF-8";
        usual.extend([
            (ORIGIN, "https://wx.qq.com"),
            (CONTENT_TYPE, json),
            (CONTENT_LENGTH, &length),
        ]);
    }
    assert!(usual.iter().all(|(name, _)| http.headers().contains_key(name)), "{http:?}");
    let mut text = format!("{} {}\n", http.method(), http.uri());
    for (name, value) in http.headers() {
        let value = value.to_str().unwrap();
        if !usual.contains(&(name.clone(), value)) {
            text += &format!("{name}: {value}\n");
        }
    }
    text += &format!("\n{}", String::from_utf8_lossy(&http.body().clone().into_bytes()));
    text.trim_end().to_string()
}

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";

/// Returns the JSON in the body of an endpoint's request.
pub(crate) fn json_of<E: Endpoint>(endpoint: E, state: &mut E::State) -> Value {
    serde_json::from_str(&body(&http_of(endpoint, state))).unwrap()
}

/// Returns a reply with status 200.
pub(crate) fn reply(body: &str) -> Response {
    Response::new(Bytes::copy_from_slice(body.as_bytes()))
}

/// Returns a reply with another status.
pub(crate) fn status(code: u16, body: &str) -> Response {
    let mut reply = reply(body);
    *reply.status_mut() = http::StatusCode::from_u16(code).unwrap();
    reply
}

/// Returns a reply that sets cookies.
pub(crate) fn with_cookies(mut reply: Response, lines: &[&str]) -> Response {
    for line in lines {
        reply.headers_mut().append(SET_COOKIE, line.parse().unwrap());
    }
    reply
}

/// Returns a reply as the input of a flow.
pub(crate) fn ok(body: impl ToString) -> Input {
    Input::Reply(Ok(reply(&body.to_string())))
}

/// Returns a reply with this code in its `BaseResponse` as the input of a flow.
pub(crate) fn refused(ret: i64) -> Input {
    ok(format!(r#"{{"BaseResponse":{{"Ret":{ret}}}}}"#))
}

/// Returns the failure of an exchange that may have been sent as the input of a flow.
pub(crate) fn failed(kind: FailureKind) -> Input {
    Input::Reply(Err(Failure::new(kind, Sent::Maybe)))
}

/// Asserts that an endpoint parses none of `bodies`, nor a list of generally malformed bodies, and
/// that the errors name the endpoint and the expected reply.
pub(crate) fn malformed<E: Endpoint>(endpoint: &E, bodies: &[&str]) {
    let always = ["", " ", "<html><body>502 Bad Gateway</body></html>", "{", "[]", "null", "\u{0}"];
    for body in always.iter().chain(bodies) {
        match endpoint.parse(&reply(body)) {
            Err(Error::Malformed { endpoint, expected, .. }) => {
                assert!(!endpoint.is_empty() && !expected.is_empty());
            }
            Err(other) => panic!("{body:?}: {other}"),
            Ok(_) => panic!("{body:?} was parsed"),
        }
    }
}

/// A driver that runs a flow until it returns an output or fails. Time passes only during sleeps
/// and with each reply.
pub(crate) struct Host {
    pub(crate) now: Timestamp,
    /// Method and path of each request, in order.
    pub(crate) paths: Vec<String>,
    pub(crate) requests: Vec<Request>,
    pub(crate) slept: core::time::Duration,
}

impl Host {
    pub(crate) const fn new() -> Self {
        Self {
            now: NOW,
            paths: Vec::new(),
            requests: Vec::new(),
            slept: core::time::Duration::ZERO,
        }
    }

    pub(crate) fn run<F: Flow>(
        &mut self,
        flow: &mut F,
        state: &mut F::State,
        mut serve: impl FnMut(&Request) -> Input,
    ) -> Result<F::Output, Error> {
        for _ in 0..1000 {
            match flow.poll(state, self.now) {
                Ok(output) => return Ok(output),
                Err(Interrupt::Fail(error)) => return Err(error),
                Err(Interrupt::Sleep(time)) => {
                    self.slept += time;
                    self.now = self.now.after(time);
                }
                Err(Interrupt::Send(request)) => {
                    let http = &request.http;
                    self.paths.push(format!("{} {}", http.method(), http.uri().path()));
                    let input = serve(&request);
                    self.requests.push(*request);
                    self.now = self.now.after(core::time::Duration::from_millis(7));
                    flow.handle(input);
                }
                Err(Interrupt::Read(_)) => panic!("unexpected read"),
            }
        }
        panic!("the flow does not end: {:?}", self.paths);
    }
}

/// Returns invented credentials.
pub(crate) fn credentials() -> Credentials {
    Credentials {
        uin: "752650838".parse().unwrap(),
        sid: "kByRoJSUlD7S2pif".parse().unwrap(),
        skey: "@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e".parse().unwrap(),
        pass_ticket: "xYZ2UYgVCw0xSwWT%2FlQGCIMDn9LHCGnnKxo6%2B8ZXXt5Z".parse().unwrap(),
    }
}

/// Returns an invented session on `wx.qq.com`.
pub(crate) fn session() -> Session {
    let me = r#"{"UserName":"@09ed9af3","NickName":"Zhang San","Uin":752650838}"#;
    let me = Me { uin: 566_148_615, ..Me::of(WireContact::read(me).take().unwrap()) };
    let key =
        WireKey::of(r#"{"Count":2,"List":[{"Key":1,"Val":643606091},{"Key":2,"Val":643606203}]}"#);
    Session::new(Device::new(), credentials(), me, key.unwrap())
}

/// Returns an account on [`session`], without contacts.
pub(crate) fn account() -> Account {
    Account::from(session())
}

/// Returns an uploaded file.
pub(crate) fn uploaded(media_type: MediaType, file_name: &str) -> Uploaded {
    Uploaded {
        media_id: "@crypt_6084141c_c73c046b".into(),
        media_type,
        file_name: file_name.into(),
        size: 1760,
        keys: Default::default(),
        is_plain: false,
    }
}

/// Returns the receiver of test messages.
pub(crate) fn me() -> UserName {
    "@me".parse().unwrap()
}

/// Parses a name.
pub(crate) fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

/// Returns a directory with these contact records.
pub(crate) fn directory(records: &[&str]) -> Directory {
    let mut directory = Directory::default();
    records.iter().for_each(|json| directory.merge(contact(json)));
    directory
}

/// Parses a contact record.
pub(crate) fn contact(json: &str) -> Contact {
    WireContact::read(json).take().unwrap()
}

/// Returns the texts of the files in a folder of `corpus`, by name without extension.
pub(crate) fn corpus(folder: &str) -> BTreeMap<String, String> {
    let files = files::corpus(folder).into_iter();
    files.map(|(name, text)| (name, String::from_utf8(text).unwrap())).collect()
}

/// Returns a message with these fields, the second of its batch.
pub(crate) fn message(fields: &str) -> Message {
    let list = List::read(&format!("[7,{{{fields}}}]"));
    WireMessage::take_all(list, &me()).pop().unwrap()
}

/// Returns a message to the account.
pub(crate) fn said_by(from: &str, msg_type: i64, content: &str) -> Message {
    let content = Value::from(content);
    message(&format!(
        r#""FromUserName":"{from}","ToUserName":"@me","MsgType":{msg_type},"Content":{content}"#
    ))
}

/// Returns a message of this type and content to the account, with optional further fields.
pub(crate) fn said(msg_type: i64, fields: &str, content: &str) -> Message {
    let content = Value::from(content);
    let comma = if fields.is_empty() { "" } else { "," };
    message(&format!(
        r#""FromUserName":"@a","ToUserName":"@me","MsgType":{msg_type},"Content":{content}{comma}{fields}"#
    ))
}
