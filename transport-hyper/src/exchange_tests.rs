//! Replies of a custom service, which may not check them.

use std::convert::Infallible;
use std::future::{Pending, Ready, pending, ready};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use http_body_util::Full;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncWrite;
use tower_service::Service;
use wechat_proto::MsgId;
use wechat_proto::endpoint::Endpoint as _;
use wechat_proto::media::{GetImage, ImageSize};
use wechat_proto::{Body, Error};

use super::*;
use crate::body::RequestBody;
use crate::service::Served;

/// A service that returns this reply to every request.
#[derive(Clone)]
struct Always(http::Response<Full<Bytes>>);

impl Service<http::Request<RequestBody>> for Always {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<RequestBody>) -> Self::Future {
        ready(Ok(self.0.clone()))
    }
}

const WHOLE: Want = Want::Whole { limit: 100 };
const HEAD: Want = Want::Head { idle: Duration::from_secs(5) };

/// Exchanges a request for a reply with this status, announced length and body.
async fn exchanged(
    method: Method,
    want: Want,
    status: u16,
    announced: Option<usize>,
    body: &'static str,
) -> Exchanged {
    let mut reply = http::Response::builder().status(status);
    if let Some(length) = announced {
        reply = reply.header(header::CONTENT_LENGTH, length);
    }
    let service = Served(Always(reply.body(Full::from(body)).unwrap()));
    let http = http::Request::builder().method(method).uri("http://127.0.0.1/x");
    let http = http.body(Body::empty()).unwrap();
    let request = Box::new(Request { http, deadline: Duration::from_secs(5), want });
    let alarm = Alarm::new(TokioTimer::new());
    exchange(&service, request, &alarm, Duration::MAX).await
}

fn kind<T>(result: Result<T, Failure>) -> FailureKind {
    match result {
        Ok(_) => panic!("no failure"),
        Err(failure) => failure.kind,
    }
}

/// hyper checks the length itself; a custom service may not.
#[tokio::test]
async fn body_shorter_than_announced_is_truncated() {
    for body in ["", "hel"] {
        let short = exchanged(Method::GET, WHOLE, 200, Some(5), body).await;
        assert_eq!(kind(short), FailureKind::Truncated);
    }
    let (reply, _) = exchanged(Method::GET, WHOLE, 200, Some(5), "hello").await.unwrap();
    assert_eq!(reply.body(), "hello");
    // These replies have no body, whatever length they announce.
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304)] {
        let (reply, _) = exchanged(method, WHOLE, status, Some(5), "").await.unwrap();
        assert!(reply.body().is_empty());
    }
}

#[tokio::test]
async fn streamed_body_shorter_than_announced_is_truncated() {
    let (_, rest) = exchanged(Method::GET, HEAD, 200, Some(5), "hel").await.unwrap();
    let mut rest = rest.unwrap();
    assert_eq!(rest.chunk().await.unwrap().unwrap(), "hel");
    match rest.chunk().await {
        Err(Error::Transport(failure)) => assert_eq!(failure.kind, FailureKind::Truncated),
        other => panic!("{other:?}"),
    }
    assert!(rest.chunk().await.unwrap().is_none(), "reported once");

    let (reply, rest) = exchanged(Method::GET, HEAD, 200, Some(5), "hel").await.unwrap();
    let head = GetImage::new(MsgId::from("1"), ImageSize::Full).parse(&reply).unwrap();
    let mut written = Vec::new();
    match rest.unwrap().copy_to(&head, &mut written, 100, |_| {}).await {
        Err(Error::Transport(failure)) => assert_eq!(failure.kind, FailureKind::Truncated),
        other => panic!("{other:?}"),
    }
    assert_eq!(written, b"hel");
}

/// A writer that takes one byte every third call, with a pending and an interrupted call in between,
/// and is slow to flush.
#[derive(Default)]
struct Drip {
    written: Vec<u8>,
    calls: usize,
    flushed: usize,
}

impl AsyncWrite for Drip {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.calls += 1;
        match self.calls % 3 {
            0 => {
                self.written.push(bytes[0]);
                Poll::Ready(Ok(1))
            }
            1 => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Err(ErrorKind::Interrupted.into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed += 1;
        if self.flushed < 3 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn slow_writer_receives_whole_body() {
    let (reply, rest) = exchanged(Method::GET, HEAD, 200, None, "hello").await.unwrap();
    let head = GetImage::new(MsgId::from("1"), ImageSize::Full).parse(&reply).unwrap();
    let mut drip = Drip::default();
    let size = rest.unwrap().copy_to(&head, &mut drip, 5, |_| {}).await.unwrap();
    assert_eq!((size, drip.written.as_slice(), drip.flushed), (5, &b"hello"[..], 3));
}

/// The future can be spawned.
#[test]
fn copy_to_future_is_send() {
    fn is_send(_: impl Send) {}
    let _ = |rest: Download, head: &wechat_proto::media::Head| {
        is_send(rest.copy_to(head, &mut Drip::default(), 1, |_| {}));
    };
}

/// A service that never replies, and keeps the bodies of its requests after their deadlines.
#[derive(Clone, Default)]
struct Unresponsive(Arc<Mutex<Vec<RequestBody>>>);

impl Service<http::Request<RequestBody>> for Unresponsive {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pending<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        self.0.lock().unwrap().push(request.into_body());
        pending()
    }
}

/// Threat S9: a body reported as not sent is not sent afterwards.
#[tokio::test]
async fn body_is_not_sent_after_the_deadline() {
    for read_before in [false, true] {
        let unresponsive = Unresponsive::default();
        let service = Served(unresponsive.clone());
        let http = http::Request::post("http://127.0.0.1/x").header(header::CONTENT_LENGTH, 5);
        let http = http.body(Body::from(String::from("hello"))).unwrap();
        let deadline = Duration::from_millis(50);
        let request = Box::new(Request { http, deadline, want: WHOLE });
        let alarm = Alarm::new(TokioTimer::new());
        let read = || {
            let mut bodies = unresponsive.0.lock().unwrap();
            let body = Pin::new(bodies.first_mut().expect("a request"));
            http_body::Body::poll_frame(body, &mut Context::from_waker(Waker::noop())).is_ready()
        };
        let exchange = exchange(&service, request, &alarm, Duration::MAX);
        let (result, ()) = tokio::join!(exchange, async {
            if read_before {
                assert!(read());
            }
        });
        let failure = result.map(drop).unwrap_err();
        let sent = if read_before { Sent::Maybe } else { Sent::No };
        assert_eq!((failure.kind, failure.sent), (FailureKind::Timeout, sent));
        assert_eq!(read(), read_before);
    }
}
