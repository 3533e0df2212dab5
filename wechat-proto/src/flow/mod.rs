//! The contract between the core and its drivers.
//!
//! A [`Flow`] is a sequence of exchanges with the server. A *driver* (an adapter, a test, your own
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
//! Interrupts are returned as `Err`, so that `?` propagates them through nested flows.
//!
//! # Obligations of a driver
//!
//! - It follows no redirects and stores no cookies. An HTTP error status is not a failure.
//! - It sends the request unchanged, without adding headers, if [`Request::check`] succeeds. An empty
//!   body is no body: many HTTP clients would add `Content-Length: 0`. (Clients that use `url::Url`,
//!   such as reqwest, encode `'` in a query as `%27`, which changes the spelling but not the value.)
//! - It reads at most `limit` bytes of a body ([`Want::Whole`]), checks a body against its
//!   announced length, and refuses a `Content-Encoding` other than `identity` and, unless the body is
//!   streamed, `gzip`, and a `Transfer-Encoding` other than `chunked` ([`WholeBody`], [`announced`]).
//!   It leaves the body compressed, or decodes it and removes its `Content-Encoding`.
//! - It ends an exchange at its `deadline`.
//! - It returns every failure as [`Input::Reply`] with a [`Failure`], which states the kind of
//!   failure and whether the request may have been sent.
//! - It serves one interrupt at a time, and polls again after each.
//! - It mixes random bytes into the device of a login ([`Device::mix_seed`](crate::Device::mix_seed)),
//!   and into a session that is resumed without [`Open`](crate::login::Open)
//!   ([`Session::mix_seed`](crate::Session::mix_seed)).

pub(crate) mod gzip;
pub(crate) mod whole;

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;
use core::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};

pub use self::whole::{WholeBody, announced};
use crate::error::{Failure, FailureKind, Sent};
use crate::{Body, Error, Timestamp};

/// A sequence of exchanges with the server, without I/O.
pub trait Flow {
    /// The state shared with other flows; borrowed only during [`poll`](Flow::poll).
    type State;
    /// The output of the flow, returned once or repeatedly.
    type Output;

    /// Advances the flow as far as possible, applies the parsed inputs of
    /// [`handle`](Flow::handle), and returns the next output or interrupt.
    ///
    /// The result changes only after an input was handled, after `now` advanced following
    /// [`Interrupt::Sleep`], or after an output or an error was returned: then polling again
    /// continues. Polling again without serving an interrupt is allowed, and means that the
    /// interrupt was abandoned (a dropped future, a failed driver). The flow then repeats the step,
    /// unless the step could take effect twice ([`Call`](crate::Call)). A sleep ends if the clock
    /// is set back during it, or does not advance over many polls: no wait depends on a correct
    /// clock.
    ///
    /// # Errors
    ///
    /// The interrupt to serve ([`Interrupt::Send`], [`Interrupt::Read`], [`Interrupt::Sleep`]), or
    /// [`Interrupt::Fail`], which is the only actual error.
    fn poll(&mut self, state: &mut Self::State, now: Timestamp) -> Result<Self::Output, Interrupt>;

    /// Accepts the result of the last interrupt. Parses it without changing shared state, so no
    /// lock is needed. Unexpected inputs are ignored.
    fn handle(&mut self, input: Input);
}

/// A request of a flow to its driver, or its failure.
#[derive(Debug)]
#[must_use = "a flow makes no progress until its interrupt is served"]
#[expect(clippy::exhaustive_enums, reason = "a driver has to serve each of them")]
pub enum Interrupt {
    /// Exchange this request for an [`Input::Reply`].
    Send(Box<Request>),
    /// Read these bytes of the flow's source and pass them as [`Input::Piece`].
    Read(Range<u64>),
    /// Poll again after this time. If the driver ends a sleep early, the flow waits for the rest.
    /// Several polls in a row within one millisecond count as a stopped clock, and end the wait.
    Sleep(Duration),
    /// The flow failed. Polling it again retries where possible.
    Fail(Error),
}

impl From<Error> for Interrupt {
    fn from(error: Error) -> Self {
        Self::Fail(error)
    }
}

/// The result of an interrupt, successful or not.
#[expect(clippy::exhaustive_enums, reason = "one for each interrupt that has a result")]
pub enum Input {
    /// The result of [`Interrupt::Send`].
    Reply(Result<Response, Failure>),
    /// The result of [`Interrupt::Read`]: exactly the requested bytes, or fewer if the source ended.
    Piece(Result<Bytes, Failure>),
}

/// Shows only lengths: replies contain credentials.
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

/// A request with its limits.
#[derive(Clone)]
pub struct Request {
    /// The complete HTTP request, including `Host`, `Content-Length` and cookies.
    pub http: http::Request<Body>,
    /// The time limit of the exchange; with [`Want::Head`], of the wait for the head.
    pub deadline: Duration,
    /// The part of the response that is read.
    pub want: Want,
}

impl Request {
    /// Checks that the request is consistent; HTTP clients differ in their handling of inconsistent
    /// requests. A driver calls this before it sends the request.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind [`Unsendable`](FailureKind::Unsendable) if its `Content-Length` is
    /// not the length of its body (without the header, it must be a `GET` or `HEAD` without a
    /// body), if its URI is relative, or if it has an `Expect` or a `Transfer-Encoding` header.
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

/// Shows only method, host and path: the rest contains credentials.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.http.uri();
        let (host, path) = (uri.host().unwrap_or_default(), uri.path());
        write!(f, "Request({} {host}{path})", self.http.method())
    }
}

/// The part of a response that is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to serve each of them")]
pub enum Want {
    /// The whole response, in memory.
    Whole {
        /// The maximum length of the body in bytes, as received and decoded. A longer body is a
        /// [`Failure`] of kind [`TooLarge`](crate::error::FailureKind::TooLarge). May be `usize::MAX`.
        limit: usize,
    },
    /// Only the head. The driver keeps the reader of the body and streams it to the caller.
    Head {
        /// The maximum time between two reads of the streamed body. A driver may apply it to the
        /// wait for the head as well.
        idle: Duration,
    },
}

/// A response. The body is empty for [`Want::Head`].
pub type Response = http::Response<Bytes>;

#[cfg(test)]
mod tests {
    use http::HeaderMap;

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
    fn inconsistent_requests_are_refused() {
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
    fn debug_shows_method_host_and_path() {
        let mut get = request(Method::GET, &[("cookie", "wxsid=1")], "");
        *get.http.uri_mut() = "https://wx.qq.com/x?skey=1".parse().unwrap();
        assert_eq!(alloc::format!("{get:?}"), "Request(GET wx.qq.com/x)");
    }

    #[test]
    fn a_reply_announces_its_length() {
        let headers = |list: &[(&'static str, &str)]| -> HeaderMap {
            let pair = |(name, value): &(&'static str, &str)| {
                (http::HeaderName::from_static(name), value.parse().unwrap())
            };
            list.iter().map(pair).collect()
        };
        let head = Want::Head { idle: Duration::ZERO };
        let whole = Want::Whole { limit: 9 };
        assert_eq!(announced(&headers(&[]), head).unwrap(), None);
        assert_eq!(announced(&headers(&[("content-length", "7")]), head).unwrap(), Some(7));
        assert_eq!(announced(&headers(&[("content-encoding", " Identity ")]), head).unwrap(), None);
        assert_eq!(announced(&headers(&[("transfer-encoding", "Chunked")]), head).unwrap(), None);
        for coding in ["gzip, chunked", "gzip", "chunked, chunked", "identity", ""] {
            let failure = announced(&headers(&[("transfer-encoding", coding)]), head).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Encoding, "{coding}");
        }
        let gzip = headers(&[("content-encoding", "gzip"), ("content-length", "7")]);
        assert_eq!(announced(&gzip, whole).unwrap(), Some(7));
        assert_eq!(announced(&gzip, head).unwrap_err().kind, FailureKind::Encoding);
        for coding in ["gzip, gzip", "deflate", "br", "identity, gzip"] {
            let failure = announced(&headers(&[("content-encoding", coding)]), whole).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Encoding);
        }
    }
}
