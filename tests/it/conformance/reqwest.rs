//! A transport over `reqwest`, in the form in which a program would contain it.

use std::error::Error as StdError;
use std::io;
use std::ops::Range;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout_at};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Request, Response, Want, WholeBody};
use wechat_proto::{Body, Error, Flow, Input, Interrupt, Timestamp};

/// An executor of flows on an HTTP client.
pub(crate) struct Transport(Client);

impl Transport {
    /// Builds a client that follows no redirects. Cookies and decompression are features that are not enabled.
    pub(crate) fn new(builder: ClientBuilder) -> Result<Self, Error> {
        let client = builder.redirect(Policy::none()).build();
        Ok(Self(client.map_err(|error| Error::Transport(failure(error)))?))
    }

    /// Runs a flow; `read` reads its source. Also returns the body of a reply to a request with `Want::Head`.
    pub(crate) async fn run<F: Flow>(
        &self,
        flow: &mut F,
        state: &mut F::State,
        mut read: impl FnMut(Range<u64>) -> io::Result<Bytes>,
    ) -> Result<(F::Output, Option<Rest>), Error> {
        let mut rest = None;
        loop {
            let now = Timestamp::default().after(UNIX_EPOCH.elapsed().unwrap_or_default());
            match flow.poll(state, now) {
                Ok(output) => return Ok((output, rest)),
                Err(Interrupt::Send(request)) => {
                    let reply = self.exchange(*request).await.map(|(reply, body)| {
                        rest = body;
                        reply
                    });
                    flow.handle(Input::Reply(reply));
                }
                Err(Interrupt::Read(range)) => {
                    let failed = |error| Failure::new(FailureKind::Source, Sent::No).because(error);
                    flow.handle(Input::Piece(read(range).map_err(failed)));
                }
                Err(Interrupt::Sleep(time)) => sleep(time).await,
                Err(Interrupt::Fail(error)) => return Err(error),
            }
        }
    }

    async fn exchange(&self, request: Request) -> Result<(Response, Option<Rest>), Failure> {
        request.check()?;
        let until = Instant::now() + request.deadline;
        let http = request.http.map(Body::into_bytes).try_into().map_err(failure)?;
        let reply = timeout_at(until, self.0.execute(http)).await.map_err(late)?;
        let mut reply = reply.map_err(failure)?;
        let mut response = Response::default();
        *response.status_mut() = reply.status();
        *response.headers_mut() = reply.headers().clone();
        let (head, _) = response.into_parts();
        match request.want {
            Want::Head { idle } => {
                flow::announced(&head.headers, request.want)?;
                let rest = Rest { reply, idle };
                Ok((Response::from_parts(head, Bytes::new()), Some(rest)))
            }
            Want::Whole { limit } => {
                let mut body = WholeBody::new(&head, limit)?;
                while let Some(part) = chunk(&mut reply, until).await? {
                    body.push(part)?;
                }
                Ok((Response::from_parts(head, body.end()?), None))
            }
        }
    }
}

/// The body of a reply whose head the flow has received.
pub(crate) struct Rest {
    reply: reqwest::Response,
    idle: Duration,
}

impl Rest {
    /// Returns the next bytes, or `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        chunk(&mut self.reply, Instant::now() + self.idle).await.map_err(Error::Transport)
    }
}

async fn chunk(reply: &mut reqwest::Response, until: Instant) -> Result<Option<Bytes>, Failure> {
    timeout_at(until, reply.chunk()).await.map_err(late)?.map_err(failure)
}

fn late(_: Elapsed) -> Failure {
    Failure::new(FailureKind::Timeout, Sent::Maybe)
}

fn failure(error: reqwest::Error) -> Failure {
    let sent = if error.is_connect() { Sent::No } else { Sent::Maybe };
    let kind = match &error {
        error if error.is_timeout() => FailureKind::Timeout,
        error if is_untrusted(error) => FailureKind::Certificate,
        error if error.is_connect() => FailureKind::Connect,
        error if error.is_decode() => FailureKind::Truncated,
        _ => FailureKind::Closed,
    };
    // The URL contains credentials.
    Failure::new(kind, sent).because(error.without_url())
}

fn is_untrusted(error: &(dyn StdError + 'static)) -> bool {
    if let Some(error) = error.downcast_ref() {
        return matches!(error, rustls::Error::InvalidCertificate(_));
    }
    // `source` would skip the error inside of an `io::Error`.
    let inner = error.downcast_ref().and_then(io::Error::get_ref).map(|inner| inner as _);
    inner.or_else(|| error.source()).is_some_and(is_untrusted)
}
