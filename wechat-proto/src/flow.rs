//! The contract between the core and whatever moves its bytes.
//!
//! A [`Flow`] is a conversation with the server. A *driver* (an adapter, a test, your own
//! loop) runs it:
//!
//! ```text
//! loop {
//!     match flow.poll(&mut state, now()) {          // state locked here, and only here
//!         Ok(output)                    => return output,
//!         Err(Interrupt::Send(request)) => flow.handle(Input::Reply(exchange(request))),
//!         Err(Interrupt::Read(range))   => flow.handle(Input::Piece(source.read(range))),
//!         Err(Interrupt::Sleep(time))   => sleep(time),
//!         Err(Interrupt::Fail(error))   => return error,
//!     }
//! }
//! ```
//!
//! What the flow needs stands in the `Err` place, so that `?` carries it up through flows made
//! of flows.
//!
//! # What a driver promises
//!
//! - It follows no redirect and keeps no cookie; a status is not an error.
//! - It sends the request as it is, if [`Request::check`] lets it: no header added, none changed.
//! - It reads at most [`Want::Whole`]'s `limit` bytes of a body, checks a body against the length
//!   it announced, and refuses a `Content-Encoding` other than `identity` ([`announced`]).
//! - It ends an exchange at its `deadline`.
//! - It gives every failure back, as [`Input::Reply`] with a [`Failure`] that says what kind it is
//!   and whether anything can have been sent.
//! - It serves one interrupt at a time, and polls again after each.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{HeaderMap, Method};

use crate::body::Body;
use crate::error::{Error, Failure, FailureKind, Sent};
use crate::time::Timestamp;

/// A conversation with the server, without its input and output.
pub trait Flow {
    /// What it shares with other flows; borrowed during [`poll`](Flow::poll) only.
    type State;
    /// What it tells the caller, once or many times.
    type Output;

    /// Goes as far as it can, applies what [`handle`](Flow::handle) has read, and says what is
    /// next.
    ///
    /// The answer changes only when an input was handled, when `now` moved on after
    /// [`Interrupt::Sleep`], or when an output or an error was given: polling again then asks for
    /// the next one. Polling without having served the interrupt is allowed and means that it was
    /// given up (a dropped future, a broken driver): the flow starts that step again, unless the
    /// step could do harm twice ([`Call`](crate::Call)). A clock that falls back during a sleep, or
    /// that stands still over many of them, ends it: no wait depends on the clock's going right.
    ///
    /// # Errors
    ///
    /// What the flow waits for ([`Interrupt::Send`], [`Interrupt::Read`], [`Interrupt::Sleep`]),
    /// or [`Interrupt::Fail`], the only true error.
    fn poll(&mut self, state: &mut Self::State, now: Timestamp) -> Result<Self::Output, Interrupt>;

    /// Takes what came of the last interrupt. Parses, but changes no shared state: no lock is
    /// needed. An input that nobody waits for is ignored.
    fn handle(&mut self, input: Input);
}

/// What a flow needs before it can go on.
#[derive(Debug)]
#[must_use = "a flow goes nowhere until its interrupt is served"]
#[expect(clippy::exhaustive_enums, reason = "a driver cannot go on without serving each of them")]
pub enum Interrupt {
    /// Exchange this request for an [`Input::Reply`].
    Send(Box<Request>),
    /// Read these bytes of the flow's source and give them as [`Input::Piece`].
    Read(Range<u64>),
    /// Poll again when this time has passed; a host that gives up a sleep keeps the rest of it. Who
    /// polls at once, again and again in one millisecond, is taken for one whose clock stands, and
    /// the wait ends.
    Sleep(Duration),
    /// The flow could not do what was asked. Polling again tries again, where that makes sense.
    Fail(Error),
}

impl From<Error> for Interrupt {
    fn from(error: Error) -> Self {
        Self::Fail(error)
    }
}

/// What came of an interrupt. A failure is an input too.
#[expect(clippy::exhaustive_enums, reason = "one for each interrupt that has a result")]
pub enum Input {
    /// Of [`Interrupt::Send`].
    Reply(Result<Response, Failure>),
    /// Of [`Interrupt::Read`]: exactly the bytes asked for, or fewer if the source ended.
    Piece(Result<Bytes, Failure>),
}

/// Lengths alone: replies carry credentials.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply(Ok(reply)) => {
                write!(f, "Reply({}, {} bytes)", reply.status(), reply.body().len())
            }
            Self::Piece(Ok(piece)) => write!(f, "Piece({} bytes)", piece.len()),
            Self::Reply(Err(failure)) => f.debug_tuple("Reply").field(failure).finish(),
            Self::Piece(Err(failure)) => f.debug_tuple("Piece").field(failure).finish(),
        }
    }
}

/// A request, with the terms on which it is to be exchanged.
#[derive(Clone)]
pub struct Request {
    /// What to send, complete: `Host`, `Content-Length` and cookies included.
    pub http: http::Request<Body>,
    /// How long the whole exchange may take; under [`Want::Head`], the wait for the head.
    pub deadline: Duration,
    /// How much of the reply is wanted.
    pub want: Want,
}

impl Request {
    /// Whether the request means on the wire what it says: HTTP clients differ in what they make
    /// of one that does not. A driver asks before it sends.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind [`Unsendable`](FailureKind::Unsendable) if its `Content-Length` is
    /// not its body's length (without one, it must be a `GET` or `HEAD` without a body), if its
    /// address is relative, or if it has an `Expect` or a `Transfer-Encoding`.
    pub fn check(&self) -> Result<(), Failure> {
        let http = &self.http;
        let announced = match http.headers().get(CONTENT_LENGTH) {
            Some(length) => length.to_str().ok().and_then(|length| length.parse().ok()),
            None => matches!(*http.method(), Method::GET | Method::HEAD).then_some(0),
        };
        let absolute = http.uri().scheme().is_some() && http.uri().authority().is_some();
        let plain =
            [EXPECT, TRANSFER_ENCODING].iter().all(|name| !http.headers().contains_key(name));
        if announced == Some(http.body().len()) && absolute && plain {
            return Ok(());
        }
        Err(Failure::new(FailureKind::Unsendable, Sent::No))
    }
}

/// The length that the head of a reply announces for its body, if it does. A driver asks before it
/// reads the body.
///
/// # Errors
///
/// A [`Failure`] of kind [`Encoding`](FailureKind::Encoding) if the body has a coding other than
/// `identity`: no flow asks for one (`docs/threats.md` B1).
pub fn announced(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let identity = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"));
    if !identity {
        return Err(Failure::new(FailureKind::Encoding, Sent::Maybe));
    }
    let length = headers.get(CONTENT_LENGTH);
    Ok(length.and_then(|length| length.to_str().ok()?.parse().ok()))
}

/// Method, host and path alone: the rest carries credentials.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.http.uri();
        let (host, path) = (uri.host().unwrap_or_default(), uri.path());
        write!(f, "Request({} {host}{path})", self.http.method())
    }
}

/// How much of a reply a request wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to serve each of them")]
pub enum Want {
    /// All of it, in memory.
    Whole {
        /// The longest body to take: one byte more is a [`Failure`] of kind
        /// [`TooLarge`](crate::error::FailureKind::TooLarge).
        limit: usize,
    },
    /// The head; the driver keeps the body's reader and streams it to the caller.
    Head {
        /// The longest silence of the streamed body.
        idle: Duration,
    },
}

/// A reply: of [`Want::Whole`] with its body, of [`Want::Head`] with an empty one.
pub type Response = http::Response<Bytes>;

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, headers: &[(&str, &str)], body: &'static str) -> Request {
        let mut http = http::Request::new(Bytes::from_static(body.as_bytes()).into());
        *http.method_mut() = method;
        *http.uri_mut() = "http://127.0.0.1/x".parse().unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            http.headers_mut().insert(name, value.parse().unwrap());
        }
        Request { http, deadline: Duration::ZERO, want: Want::Whole { limit: 0 } }
    }

    #[test]
    fn a_request_says_what_it_is() {
        let length = |n| [("content-length", n)];
        for good in [
            request(Method::GET, &[], ""),
            request(Method::POST, &length("0"), ""),
            request(Method::POST, &length("3"), "abc"),
        ] {
            good.check().unwrap();
        }
        let mut relative = request(Method::GET, &[], "");
        *relative.http.uri_mut() = "/x".parse().unwrap();
        for bad in [
            request(Method::GET, &[], "abc"),
            request(Method::POST, &[], ""),
            request(Method::POST, &length("2"), "abc"),
            request(Method::POST, &length("4"), "abc"),
            request(Method::POST, &length("x"), "abc"),
            request(Method::GET, &[("expect", "100-continue")], ""),
            request(Method::GET, &[("transfer-encoding", "chunked")], ""),
            relative,
        ] {
            let failure = bad.check().unwrap_err();
            assert_eq!((failure.kind, failure.sent), (FailureKind::Unsendable, Sent::No));
        }
    }

    #[test]
    fn a_reply_announces_its_length() {
        let headers = |list: &[(&'static str, &str)]| -> HeaderMap {
            let pair = |(name, value): &(&'static str, &str)| {
                (http::HeaderName::from_static(name), value.parse().unwrap())
            };
            list.iter().map(pair).collect()
        };
        assert_eq!(announced(&headers(&[])).unwrap(), None);
        assert_eq!(announced(&headers(&[("content-length", "7")])).unwrap(), Some(7));
        assert_eq!(announced(&headers(&[("content-encoding", " Identity ")])).unwrap(), None);
        for coding in ["gzip", "deflate", "br", "identity, gzip"] {
            let failure = announced(&headers(&[("content-encoding", coding)])).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Encoding);
        }
    }
}
