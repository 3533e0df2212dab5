//! A single exchange: a request and its reply.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, header};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Request, Response, Want};

use crate::body::{BodyState, Download, Incoming};
use crate::failure::reply_failure;
use crate::service::Exchange;
use crate::timer::{Alarm, unless};

/// A reply, and the rest of its body under [`Want::Head`].
pub(crate) type Exchanged = Result<(Response, Option<Download>), Failure>;

/// Sends a request and reads as much of the reply as it wants. `cap` limits its deadlines. Dropping
/// the future closes the connection.
pub(crate) async fn exchange(
    service: &dyn Exchange,
    // Boxed, because every layer would copy it.
    request: Box<Request>,
    alarm: &Alarm,
    cap: Duration,
) -> Exchanged {
    request.check()?;
    let (limit, want) = (request.deadline.min(cap), request.want);
    let bodiless = request.http.body().is_empty();
    let head_only = request.http.method() == Method::HEAD;
    let mut state = BodyState::default();
    let mut http = request.http.map(|body| state.track(body));
    let connection = service.watch(&mut http);
    let reply = service.exchange(http);
    let sent = || {
        let read = state.revoke();
        // Without a connection nothing was sent, even if the request has no body.
        let connected =
            connection.as_ref().is_none_or(|connection| connection.connection_metadata().is_some());
        if read || bodiless && connected { Sent::Maybe } else { Sent::No }
    };
    let mut deadline = alarm.after(limit);
    let reply = match unless(&mut deadline, reply).await {
        Some(Ok(reply)) => reply,
        Some(Err(error)) => return Err(reply_failure(error, sent())),
        None => return Err(Failure::new(FailureKind::Timeout, sent())),
    };
    let (mut head, body) = reply.into_parts();
    // Extensions of the service are not part of the reply.
    head.extensions.clear();
    let announced = flow::announced(&head.headers)?;
    let delimited = announced.is_some() || head.headers.contains_key(header::TRANSFER_ENCODING);
    // These replies may announce a body that they do not have.
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

/// The maximum buffer allocated for a body because of its announced length: `docs/threats.md` B2.
const MAX_ALLOCATION: usize = 1 << 20;

/// Reads a body of up to `limit` bytes.
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
    let room = usize::try_from(announced.unwrap_or(0)).unwrap_or(0).min(MAX_ALLOCATION);
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
