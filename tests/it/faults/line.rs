//! A transport to the simulator that injects one fault at a chosen request.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Want};
use wechat_proto::{Error, Flow, Input, Interrupt, Timestamp};
use wechat_simulator::{Simulator, World};

use crate::wire::memory::{Rest, piece, whole};
use crate::wire::{endpoint, requests};

/// A fault in one exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// The connection is refused.
    Connect,
    /// The deadline passes before anything is sent.
    TimeoutUnsent,
    /// The request is lost, and the deadline passes.
    TimeoutLost,
    /// The response is lost, and the deadline passes.
    TimeoutAnswered,
    /// The connection is reset before the service receives the request.
    ResetLost,
    /// The connection is reset after the service handled the request.
    ResetAnswered,
    /// Half of the body, with a `Content-Length`.
    Truncated,
    /// Half of the body, delimited by the end of the connection.
    Half,
    /// 502; the service does not receive the request.
    BadGateway,
    /// 502, although the service handled the request.
    BadGatewayAnswered,
    /// The HTML page of a captive portal.
    Html,
    /// A JSON array instead of an object.
    OtherJson,
    /// A JSON object without fields.
    EmptyObject,
    /// 200 with an empty body.
    Empty,
    /// The connection ends before the first byte of a reply.
    NoStatus,
    /// A body that is not UTF-8.
    Garbage,
    /// 404 with an HTML page.
    NotFound,
    /// The response has a `Content-Encoding` that was not requested.
    Encoding,
    /// The response exceeds the limit of the request.
    TooLarge,
    /// 1101: the account logs in elsewhere.
    Kicked,
    /// 1205.
    Limited,
    /// -1.
    Failed,
    /// An unknown `Ret`.
    UnknownRet,
}

impl Fault {
    pub(crate) const ALL: [Self; 23] = [
        Self::Connect,
        Self::TimeoutUnsent,
        Self::TimeoutLost,
        Self::TimeoutAnswered,
        Self::ResetLost,
        Self::ResetAnswered,
        Self::Truncated,
        Self::Half,
        Self::BadGateway,
        Self::BadGatewayAnswered,
        Self::Html,
        Self::OtherJson,
        Self::EmptyObject,
        Self::Empty,
        Self::NoStatus,
        Self::Garbage,
        Self::NotFound,
        Self::Encoding,
        Self::TooLarge,
        Self::Kicked,
        Self::Limited,
        Self::Failed,
        Self::UnknownRet,
    ];

    /// Returns whether the service handles the request although its response is lost.
    pub(crate) const fn is_done(self) -> bool {
        matches!(
            self,
            Self::TimeoutAnswered
                | Self::ResetAnswered
                | Self::Truncated
                | Self::Half
                | Self::BadGatewayAnswered
                | Self::NoStatus
                | Self::Encoding
                | Self::TooLarge
        )
    }

    /// Returns whether another response arrives in place of the service's.
    pub(crate) const fn is_foreign(self) -> bool {
        self.failure().is_none() && self.ret().is_none() && !self.is_done()
    }

    /// Returns whether it is certain that nothing was sent.
    pub(crate) const fn is_unsent(self) -> bool {
        matches!(self, Self::Connect | Self::TimeoutUnsent)
    }

    /// Returns the `Ret` with which the service refuses; `None` if it does not.
    pub(crate) const fn ret(self) -> Option<i64> {
        match self {
            Self::Kicked => Some(1101),
            Self::Limited => Some(1205),
            Self::Failed => Some(-1),
            Self::UnknownRet => Some(-4711),
            _ => None,
        }
    }

    /// Returns the failure of the transport; `None` if a response arrives.
    pub(crate) const fn failure(self) -> Option<(FailureKind, Sent)> {
        Some(match self {
            Self::Connect => (FailureKind::Connect, Sent::No),
            Self::TimeoutUnsent => (FailureKind::Timeout, Sent::No),
            Self::TimeoutLost | Self::TimeoutAnswered => (FailureKind::Timeout, Sent::Maybe),
            Self::ResetLost | Self::ResetAnswered => (FailureKind::Closed, Sent::Maybe),
            Self::Truncated => (FailureKind::Truncated, Sent::Maybe),
            Self::NoStatus => (FailureKind::Protocol, Sent::Maybe),
            Self::Encoding => (FailureKind::Encoding, Sent::Maybe),
            Self::TooLarge => (FailureKind::TooLarge, Sent::Maybe),
            _ => return None,
        })
    }

    const fn is_timeout(self) -> bool {
        matches!(self, Self::TimeoutUnsent | Self::TimeoutLost | Self::TimeoutAnswered)
    }

    /// Returns the response that replaces that of the service: status, content type and body.
    pub(crate) fn body(self) -> (u16, &'static str, &'static [u8]) {
        match self {
            Self::BadGateway | Self::BadGatewayAnswered => {
                (502, "text/html", b"<html><head><title>502 Bad Gateway</title></head></html>")
            }
            Self::Html => (
                200,
                "text/html;charset=utf-8",
                b"<!DOCTYPE html><html><body>Welcome to Hotel Wi-Fi</body></html>",
            ),
            Self::NotFound => (404, "text/html", b"<html><head><title>404</title></head></html>"),
            Self::OtherJson => (200, "application/json", b"[1, \"x\", {}]"),
            Self::EmptyObject => (200, "application/json", b"{}"),
            Self::Garbage => (200, "text/plain", b"\0\x01\xff\xfe{\"BaseResponse\""),
            _ => (200, "text/plain", b""),
        }
    }
}

/// The connection between a client and the simulator.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) simulator: Simulator,
    /// The index of the first failing request, how many fail, and the fault.
    pub(crate) fault: Option<(usize, usize, Fault)>,
    /// The number of requests.
    pub(crate) requests: usize,
    /// The total time slept.
    pub(crate) slept: Duration,
    /// The number of polls for each QR code: the phone scans at the first and confirms at the
    /// second.
    codes: BTreeMap<String, u32>,
    /// The body of a response to a request with `Want::Head`.
    rest: Rest,
}

/// More steps than any flow needs for one output.
const MOST: usize = 5_000;

impl Line {
    pub(crate) fn new(world: World) -> Self {
        Self {
            simulator: Simulator::new(world),
            fault: None,
            requests: 0,
            slept: Duration::ZERO,
            codes: BTreeMap::new(),
            rest: Rest::default(),
        }
    }

    /// Returns a connection to a copy of the world.
    pub(crate) fn fork(&self) -> Self {
        let simulator = Simulator::new(self.simulator.world().clone());
        let (codes, rest) = (self.codes.clone(), self.rest.clone());
        Self { simulator, codes, rest, ..*self }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.simulator.now())
    }

    /// Returns how many requests of an endpoint the service received.
    pub(crate) fn seen(&self, endpoint: &str) -> usize {
        requests(&self.simulator.world(), endpoint)
    }

    /// Runs a flow to its next output.
    pub(crate) fn run<F: Flow>(
        &mut self,
        flow: &mut F,
        state: &mut F::State,
        source: &[u8],
    ) -> Result<F::Output, Error> {
        for _ in 0..MOST {
            if let Some(result) = self.step(flow, state, source) {
                return result;
            }
        }
        panic!("no output after {MOST} steps, {} requests", self.requests);
    }

    /// Runs one step of a flow: returns its output or serves its interrupt.
    pub(crate) fn step<F: Flow + ?Sized>(
        &mut self,
        flow: &mut F,
        state: &mut F::State,
        source: &[u8],
    ) -> Option<Result<F::Output, Error>> {
        match flow.poll(state, self.now()) {
            Ok(output) => return Some(Ok(output)),
            Err(Interrupt::Fail(error)) => return Some(Err(error)),
            Err(Interrupt::Send(request)) => {
                let reply = self.exchange(*request);
                flow.handle(Input::Reply(reply));
            }
            Err(Interrupt::Read(range)) => flow.handle(piece(source, range)),
            Err(Interrupt::Sleep(time)) => {
                assert!(!time.is_zero(), "zero-length sleep");
                self.slept += time;
                self.simulator.world().advance(time);
            }
        }
        None
    }

    /// Returns the body after the last head, or fails if it is truncated.
    pub(crate) fn rest(&mut self) -> Result<Bytes, Error> {
        std::mem::take(&mut self.rest).into_bytes()
    }

    /// Returns the fault of the next request.
    fn next_fault(&mut self) -> Option<Fault> {
        let number = self.requests;
        self.requests += 1;
        let (first, times, fault) = self.fault?;
        (first..first.saturating_add(times)).contains(&number).then_some(fault)
    }

    /// Exchanges one request.
    pub(crate) fn exchange(&mut self, request: flow::Request) -> Result<flow::Response, Failure> {
        request.check()?;
        let (deadline, want) = (request.deadline, request.want);
        let fault = self.next_fault();
        let request = whole(request);
        let before = self.simulator.now();
        let seen = fault.is_none_or(|fault| fault.is_done() || fault.ret().is_some());
        let answer = seen.then(|| self.answer(&request, fault));
        let Some(fault) = fault.filter(|fault| fault.ret().is_none()) else {
            let answer = answer.expect("the service handled it");
            return Ok(self.receive(answer, want));
        };
        let mut world = self.simulator.world();
        if fault.is_timeout() {
            let end = before + deadline.as_millis() as u64;
            let now = world.now();
            world.set_now(now.max(end));
        } else {
            world.advance(Duration::from_millis(20));
        }
        drop(world);
        if fault == Fault::Truncated && matches!(want, Want::Head { .. }) {
            let mut reply = self.receive(answer.expect("the service handled it"), want);
            self.rest.bytes.truncate(self.rest.bytes.len() / 2);
            *reply.body_mut() = Bytes::new();
            return Ok(reply);
        }
        if let Some((kind, sent)) = fault.failure() {
            return Err(Failure::new(kind, sent));
        }
        let reply = if fault == Fault::Half {
            let mut reply = answer.expect("the service handled it");
            let half = reply.body().len() / 2;
            reply.body_mut().truncate(half);
            // The truncation of a download without a length cannot be detected.
            if !matches!(want, Want::Head { .. }) {
                reply.headers_mut().remove("content-length");
            }
            reply
        } else {
            let (status, content_type, body) = fault.body();
            let reply = Response::builder()
                .status(status)
                .header("content-type", content_type)
                .header("content-length", body.len());
            reply.body(Bytes::from_static(body)).expect("a response")
        };
        Ok(self.receive(reply, want))
    }

    /// Lets the service handle the request.
    fn answer(&mut self, request: &http::Request<Bytes>, fault: Option<Fault>) -> Response<Bytes> {
        let endpoint = endpoint(request);
        let mut world = self.simulator.world();
        match fault.and_then(Fault::ret) {
            Some(1101) if endpoint.starts_with("webwx") && endpoint != "webwxnewloginpage" => {
                world.phone().kick();
            }
            Some(ret) => world.refuse(endpoint, ret, ""),
            None if endpoint == "login" => self.codes.poll_code(request, &mut world),
            None => {}
        }
        drop(world);
        self.simulator.respond(request)
    }

    fn receive(&mut self, mut reply: Response<Bytes>, want: Want) -> Response<Bytes> {
        if let Want::Head { .. } = want {
            self.rest = Rest::of(&mut reply, want);
        }
        reply
    }
}

trait Phone {
    fn poll_code(&mut self, request: &http::Request<Bytes>, world: &mut World);
}

impl Phone for BTreeMap<String, u32> {
    /// Lets the owner scan a code at its first poll and confirm at the second.
    fn poll_code(&mut self, request: &http::Request<Bytes>, world: &mut World) {
        let query = request.uri().query().unwrap_or_default();
        let uuid = query.split('&').find_map(|pair| pair.strip_prefix("uuid=")).unwrap_or_default();
        let times = self.entry(uuid.to_owned()).or_default();
        *times += 1;
        match *times {
            1 if world.phone().is_asking() => world.phone().confirm(),
            1 => world.phone().scan(),
            2 => world.phone().confirm(),
            _ => {}
        }
    }
}
