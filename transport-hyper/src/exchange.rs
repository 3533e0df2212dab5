//! One request for one reply.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, header};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Request, Response, Want};

use crate::body::{Asked, Download, Incoming};
use crate::failure::unanswered;
use crate::service::Exchange;
use crate::timer::{Alarm, unless};

/// A reply, and what of its body the flow did not want.
pub(crate) type Exchanged = Result<(Response, Option<Download>), Failure>;

/// Sends a request and reads as much of its reply as is wanted. No time limit of it is longer
/// than `cap`. Dropped, it breaks the connection.
pub(crate) async fn exchange(
    service: &dyn Exchange,
    // Boxed on its way: each step would copy it.
    request: Box<Request>,
    alarm: &Alarm,
    cap: Duration,
) -> Exchanged {
    request.check()?;
    let (limit, want) = (request.deadline.min(cap), request.want);
    let bodiless = request.http.body().is_empty();
    let head_only = request.http.method() == Method::HEAD;
    let mut asked = Asked::default();
    let mut http = request.http.map(|body| asked.of(body));
    let connection = service.watch(&mut http);
    let reply = service.exchange(http);
    let sent = || {
        let asked = asked.give_up();
        // Without a connection nothing was sent, also of a request that has no body to be asked for.
        let connected =
            connection.as_ref().is_none_or(|connection| connection.connection_metadata().is_some());
        if asked || bodiless && connected { Sent::Maybe } else { Sent::No }
    };
    let mut deadline = alarm.after(limit);
    let reply = match unless(&mut deadline, reply).await {
        Some(Ok(reply)) => reply,
        Some(Err(error)) => return Err(unanswered(error, sent())),
        None => return Err(Failure::new(FailureKind::Timeout, sent())),
    };
    let (mut head, body) = reply.into_parts();
    // Whatever the service noted there is not the reply's.
    head.extensions.clear();
    let announced = flow::announced(&head.headers)?;
    let delimited = announced.is_some() || head.headers.contains_key(header::TRANSFER_ENCODING);
    // Some replies announce a body that they do not have.
    let empty = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut body = Incoming::new(body, delimited, announced.filter(|_| !(head_only || empty)));
    match want {
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

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
