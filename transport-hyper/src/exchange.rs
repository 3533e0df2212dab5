//! One request for one reply.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Method;
use http::header::{self, HeaderMap};
use wechat_proto::Body;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{Request, Response, Want};

use crate::body::{Download, Incoming, RequestBody};
use crate::failure::unanswered;
use crate::service::Exchange;
use crate::timer::{Alarm, unless};

/// A reply, and what of its body the flow did not want.
pub(crate) type Exchanged = Result<(Response, Option<Download>), Failure>;

/// Sends a request and reads as much of its reply as is wanted. No time limit of it is longer
/// than `cap`. Dropped, it breaks the connection.
pub(crate) async fn exchange(
    service: &dyn Exchange,
    request: Request,
    alarm: &Alarm,
    cap: Duration,
) -> Exchanged {
    #[cfg(feature = "tracing")]
    let log = crate::log::Log::new(&request);
    let result = send(service, request, alarm, cap).await;
    #[cfg(feature = "tracing")]
    log.end(&result);
    result
}

async fn send(service: &dyn Exchange, request: Request, alarm: &Alarm, cap: Duration) -> Exchanged {
    sendable(&request.http)?;
    let (head, body) = request.http.into_parts();
    let bodiless = body.is_empty();
    let (body, asked) = RequestBody::new(body);
    let sent = || if bodiless || asked.yet() { Sent::Maybe } else { Sent::No };
    let mut deadline = alarm.after(request.deadline.min(cap));
    let reply = service.exchange(http::Request::from_parts(head, body));
    let reply = match unless(&mut deadline, reply).await {
        Some(Ok(reply)) => reply,
        Some(Err(error)) => return Err(unanswered(error, sent())),
        None => return Err(Failure::new(FailureKind::Timeout, sent())),
    };
    let (mut head, body) = reply.into_parts();
    // Whatever the service noted there is not the reply's.
    head.extensions.clear();
    let announced = readable(&head.headers)?;
    let delimited = announced.is_some() || head.headers.contains_key(header::TRANSFER_ENCODING);
    let mut body = Incoming::new(body, delimited);
    match request.want {
        Want::Whole { limit } => {
            match unless(&mut deadline, whole(&mut body, announced, limit)).await {
                Some(whole) => Ok((Response::from_parts(head, whole?), None)),
                None => Err(Failure::new(FailureKind::Timeout, Sent::Maybe)),
            }
        }
        Want::Head { idle } => {
            let rest = Download::new(Some(body), idle.min(cap), alarm.clone());
            Ok((Response::from_parts(head, Bytes::new()), Some(rest)))
        }
        _ => Err(Failure::new(FailureKind::Unsendable, Sent::Maybe)),
    }
}

/// The most room made for a body because its server says how long it will be: `docs/threats.md`
/// B2.
const ROOM: usize = 1 << 20;

/// A body of up to `limit` bytes.
async fn whole(
    body: &mut Incoming,
    announced: Option<u64>,
    limit: usize,
) -> Result<Bytes, Failure> {
    let too_large = Failure::new(FailureKind::TooLarge, Sent::Maybe);
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large);
    }
    let Some(first) = body.next().await.transpose()? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(too_large);
    }
    let Some(mut next) = body.next().await.transpose()? else { return Ok(first) };
    let room = usize::try_from(announced.unwrap_or(0)).unwrap_or(0).min(ROOM);
    let mut bytes = BytesMut::with_capacity(room);
    bytes.extend_from_slice(&first);
    loop {
        if next.len() > limit - bytes.len() {
            return Err(too_large);
        }
        bytes.extend_from_slice(&next);
        match body.next().await.transpose()? {
            Some(more) => next = more,
            None => return Ok(bytes.freeze()),
        }
    }
}

/// Whether a request means on the wire what it says: both clients differ in what they make of
/// one that does not.
fn sendable(request: &http::Request<Body>) -> Result<(), Failure> {
    let headers = request.headers();
    let announced = match headers.get(header::CONTENT_LENGTH) {
        Some(length) => length.to_str().ok().and_then(|length| length.parse().ok()),
        None => matches!(*request.method(), Method::GET | Method::HEAD).then_some(0),
    };
    let absolute = request.uri().scheme().is_some() && request.uri().authority().is_some();
    let plain =
        [header::EXPECT, header::TRANSFER_ENCODING].iter().all(|name| !headers.contains_key(name));
    if announced == Some(request.body().len()) && absolute && plain {
        Ok(())
    } else {
        Err(Failure::new(FailureKind::Unsendable, Sent::No))
    }
}

/// Checks the head of a reply for what makes its body unreadable (`docs/threats.md` B1); gives the
/// announced length.
fn readable(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let identity = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"));
    if !identity {
        return Err(Failure::new(FailureKind::Encoding, Sent::Maybe));
    }
    let length = headers.get(header::CONTENT_LENGTH);
    Ok(length.and_then(|length| length.to_str().ok()?.parse().ok()))
}
