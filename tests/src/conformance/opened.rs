//! The parts of checks: open transports, requests, and expectations of replies.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{Request, Response, Want};
use wechat_proto::{Body, Device, Error, Session};

use super::probe::Step;
use super::report::Seen;
use super::transport::Open;
use super::{Deviation, Options, Probe, Script, Source, Transport};

/// The result of an exchange.
pub(super) type Exchanged = Seen<Result<Response, Failure>>;

/// The factory of a check's transports.
pub(crate) struct Bench {
    pub(super) open: Arc<Open>,
}

impl Bench {
    /// Opens a transport with default options.
    pub(crate) fn client(&self) -> Seen<Opened> {
        self.with(Options::default())
    }

    pub(crate) fn with(&self, options: Options) -> Seen<Opened> {
        self.open(&options).map_err(|error| {
            let expected = format!("a transport with {options:?}");
            Deviation::new(expected, format!("it cannot be created: {error}"))
        })
    }

    pub(crate) fn open(&self, options: &Options) -> Result<Opened, Error> {
        (self.open)(options).map(Opened)
    }
}

/// The result of streaming a body.
pub(crate) struct Streamed {
    pub(crate) head: Response,
    pub(crate) body: Vec<u8>,
    pub(crate) end: Result<(), FailureKind>,
}

/// An open transport.
pub(crate) struct Opened(Box<dyn Transport>);

impl Opened {
    /// Runs these steps to their end.
    pub(crate) fn run(&self, steps: impl IntoIterator<Item = Step>) -> Seen<Probe> {
        let mut probe = Probe::new(steps);
        let result = self.0.run(&mut probe);
        finished(&probe, result)?;
        Ok(probe)
    }

    /// Runs these steps once.
    pub(crate) fn run_once(&self, probe: &mut Probe) -> Result<(), Error> {
        self.0.run(probe)
    }

    /// Makes one exchange.
    pub(crate) fn ask(&self, request: Request) -> Seen<Result<Response, Failure>> {
        let mut probe = self.run([Step::Send(Box::new(request))])?;
        probe.replies.pop().ok_or_else(|| Deviation::new("a reply for the flow", "none"))
    }

    /// Makes one exchange with `Want::Head`, and streams the body.
    pub(crate) fn stream(&self, request: Request) -> Seen<Result<Streamed, Failure>> {
        let mut probe = Probe::new([Step::Send(Box::new(request))]);
        let mut body = Vec::new();
        let end = match self.0.stream(&mut probe, &mut body) {
            Ok(()) => Ok(()),
            Err(Error::Transport(failure)) => Err(failure.kind),
            Err(error) => {
                let expected = "an end of the body, or `Error::Transport`";
                return Err(Deviation::new(expected, format!("{error:?}")));
            }
        };
        finished(&probe, Ok(()))?;
        let reply =
            probe.replies.pop().ok_or_else(|| Deviation::new("a reply for the flow", "none"))?;
        Ok(reply.map(|head| Streamed { head, body, end }))
    }

    /// Reads a range of a source in a flow.
    pub(crate) fn read(&self, range: Range<u64>, source: Source) -> Seen<Result<Bytes, Failure>> {
        let mut probe = Probe::new([Step::Read(range)]);
        let result = self.0.run_with(&mut probe, source);
        finished(&probe, result)?;
        probe.pieces.pop().ok_or_else(|| Deviation::new("a piece for the flow", "none"))
    }
}

fn finished(probe: &Probe, result: Result<(), Error>) -> Seen {
    if let Some(fault) = &probe.fault {
        return Err(fault.clone());
    }
    let expected = "a run to the output of the flow";
    result.map_err(|error| Deviation::new(expected, format!("the driver failed: {error:?}")))?;
    let returned = || Deviation::new(expected, "the driver returned without an output");
    if probe.done { Ok(()) } else { Err(returned()) }
}

/// Returns a session of an arbitrary account, for transports that are created with one.
pub fn session() -> Session {
    session_of(Device::new())
}

/// Returns a session of an arbitrary account and the given device.
///
/// # Panics
///
/// If the stored session format of `wechat-proto` has changed.
pub fn session_of(device: Device) -> Session {
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
    Session::from_json(&stored.to_string()).expect("the format of a stored session")
}

/// Builds a request with limits that no check reaches.
pub(crate) fn request(http: http::request::Builder, body: impl Into<Body>) -> Request {
    let http = http.body(body.into()).expect("a request");
    Request { http, deadline: Duration::from_secs(20), want: Want::Whole { limit: 1 << 16 } }
}

pub(crate) fn get(server: &Script) -> Request {
    let uri = format!("http://{}/path?query=1", server.address());
    request(http::Request::get(uri).header("host", server.authority()), Body::empty())
}

pub(crate) fn post(server: &Script, body: &'static str) -> Request {
    let http = http::Request::post(format!("http://{}/path", server.address()))
        .header("host", server.authority())
        .header("content-length", body.len());
    request(http, body.to_owned())
}

/// Builds a reply with a `content-length`.
pub(crate) fn reply(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// Returns the reply, or an error if the exchange failed.
pub(crate) fn replied<T>(reply: Seen<Result<T, Failure>>) -> Seen<T> {
    reply?.map_err(|failure| Deviation::new("a reply", shown(&failure)))
}

/// Returns an error unless the reply has this body.
pub(crate) fn body(reply: Seen<Result<Response, Failure>>, expected: &str) -> Seen {
    let reply = replied(reply)?;
    if *reply.body() == *expected.as_bytes() {
        return Ok(());
    }
    Err(Deviation::new(format!("the body {expected:?}"), format!("{:?}", reply.body())))
}

/// Returns the failure, or an error if there is a reply.
pub(crate) fn fails<T: Debug>(result: Seen<Result<T, Failure>>) -> Seen<Failure> {
    match result? {
        Ok(reply) => Err(Deviation::new("a failure", format!("{reply:?}"))),
        Err(failure) => Ok(failure),
    }
}

/// Returns an error unless the exchange failed with this kind and sent status.
pub(crate) fn failed<T: Debug>(
    result: Seen<Result<T, Failure>>,
    kind: FailureKind,
    sent: Sent,
) -> Seen {
    expect(&fails(result)?, kind, sent)
}

/// Returns an error unless the exchange failed, in any way, after the request may have arrived.
pub(crate) fn lost<T: Debug>(result: Seen<Result<T, Failure>>) -> Seen {
    let failure = fails(result)?;
    expect(&failure, failure.kind, Sent::Maybe)
}

/// Returns an error unless the exchange failed with this kind.
pub(crate) fn kind<T: Debug>(result: Seen<Result<T, Failure>>, kind: FailureKind) -> Seen {
    let failure = fails(result)?;
    expect(&failure, kind, failure.sent)
}

/// Returns an error unless the exchange failed before anything was sent.
pub(crate) fn unsent<T: Debug>(result: Seen<Result<T, Failure>>) -> Seen {
    let failure = fails(result)?;
    expect(&failure, failure.kind, Sent::No)
}

fn expect(failure: &Failure, kind: FailureKind, sent: Sent) -> Seen {
    if (failure.kind, failure.sent) == (kind, sent) {
        return Ok(());
    }
    Err(Deviation::new(shown(&Failure::new(kind, sent)), shown(failure)))
}

fn shown(failure: &Failure) -> String {
    format!("a failure ({:?}, Sent::{:?})", failure.kind, failure.sent)
}

/// Returns an error unless `work` takes a number of milliseconds in this range.
pub(crate) fn takes(millis: Range<u64>, work: impl FnOnce() -> Seen) -> Seen {
    let start = Instant::now();
    work()?;
    let elapsed = start.elapsed().as_millis() as u64;
    if millis.contains(&elapsed) {
        return Ok(());
    }
    let expected = format!("an end after {} to {} ms", millis.start, millis.end);
    Err(Deviation::new(expected, format!("an end after {elapsed} ms")))
}

impl Debug for Streamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} with {} bytes", self.head.status(), self.body.len())
    }
}
