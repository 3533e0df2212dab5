//! Tests of replies from a custom service that does not check them itself.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::sync::Mutex;

use http_body_util::Full;
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncReadExt as _, BufWriter, duplex};
use wechat_proto::MsgId;
use wechat_proto::endpoint::Endpoint as _;
use wechat_proto::media::{GetImage, ImageSize};
use wechat_proto::{Body, Error};
use wechat_transport::Options;

use super::*;
use crate::BoxError;

const WHOLE: Want = Want::Whole { limit: 100 };
const HEAD: Want = Want::Head { idle: Duration::from_secs(5) };

/// Exchanges a request for a reply with this status, announced length and body.
async fn exchanged(
    method: Method,
    want: Want,
    status: u16,
    announced: Option<usize>,
    body: &'static str,
) -> Result<(Response, Download), Failure> {
    let mut reply = http::Response::builder().status(status);
    if let Some(length) = announced {
        reply = reply.header(CONTENT_LENGTH, length);
    }
    let reply = reply.body(Full::from(body)).unwrap();
    let service = tower::service_fn(move |_| ready(Ok::<_, Infallible>(reply.clone())));
    let transport = Transport::with_service(Options::default(), service, TokioTimer::new());
    let http = http::Request::builder().method(method).uri("http://127.0.0.1/x");
    let http = http.body(Body::empty()).unwrap();
    let request = Box::new(Request { http, deadline: Duration::from_secs(5), want });
    let mut rest = Download::empty(&transport.inner.timer);
    let reply = exchange(&transport, request, &mut rest).await?;
    Ok((reply, rest))
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
    // These replies have no body, regardless of the announced length.
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304)] {
        let (reply, _) = exchanged(method, WHOLE, status, Some(5), "").await.unwrap();
        assert!(reply.body().is_empty());
    }
}

#[tokio::test]
async fn copied_body_shorter_than_announced_is_truncated() {
    let (reply, rest) = exchanged(Method::GET, HEAD, 200, Some(5), "hel").await.unwrap();
    let head = GetImage::new(MsgId::from("1"), ImageSize::Full).parse(&reply).unwrap();
    let mut written = Vec::new();
    match rest.copy_to(&head, &mut written, 100, |_| {}).await {
        Err(Error::Transport(failure)) => assert_eq!(failure.kind, FailureKind::Truncated),
        other => panic!("{other:?}"),
    }
    assert_eq!(written, b"hel");
}

/// A writer that accepts one byte at a time, and buffers until it is flushed.
#[tokio::test]
async fn slow_writer_receives_whole_body() {
    let (reply, rest) = exchanged(Method::GET, HEAD, 200, None, "hello").await.unwrap();
    let head = GetImage::new(MsgId::from("1"), ImageSize::Full).parse(&reply).unwrap();
    let (mut reader, writer) = duplex(1);
    let (size, written) = tokio::join!(
        async { rest.copy_to(&head, &mut BufWriter::new(writer), 5, |_| {}).await.unwrap() },
        async {
            let mut written = Vec::new();
            reader.read_to_end(&mut written).await.unwrap();
            written
        }
    );
    assert_eq!((size, written.as_slice()), (5, &b"hello"[..]));
}

/// The future can be spawned.
#[test]
fn copy_to_future_is_send() {
    fn is_send(_: impl Send) {}
    let _ = |rest: Download, head: &wechat_proto::media::Head| {
        is_send(rest.copy_to(head, &mut tokio::io::sink(), 1, |_| {}));
    };
}

/// The outcome of a request to a custom service is unknown, unless its error states otherwise.
#[tokio::test]
async fn failure_of_a_custom_service_is_returned() {
    let refused = Failure::new(FailureKind::Connect, Sent::No);
    for (error, kind, sent) in [
        (BoxError::from(refused), FailureKind::Connect, Sent::No),
        (io::Error::other("secret").into(), FailureKind::Closed, Sent::Maybe),
        ("secret".into(), FailureKind::Other, Sent::Maybe),
    ] {
        let error = Arc::new(Mutex::new(Some(error)));
        let service = tower::service_fn(move |_| {
            let error = error.lock().unwrap().take().unwrap();
            ready(Err::<http::Response<Full<Bytes>>, _>(error))
        });
        let transport = Transport::with_service(Options::default(), service, TokioTimer::new());
        let http = http::Request::get("http://127.0.0.1/x").body(Body::empty()).unwrap();
        let request = Box::new(Request { http, deadline: Duration::from_secs(5), want: WHOLE });
        let mut rest = Download::empty(&transport.inner.timer);
        let failure = exchange(&transport, request, &mut rest).await.unwrap_err();
        assert_eq!((failure.kind, failure.sent), (kind, sent));
        assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
    }
}
