//! A single exchange: a request and its reply.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper_util::client::legacy::connect::capture_connection;
use tower::{Service as _, ServiceExt as _};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Request, Response, Want, WholeBody};

use crate::RequestBody;
use crate::download::Download;
use crate::failure::reply_failure;
use crate::transport::{Inner, Transport};

/// Sends a request and reads the reply as far as its [`Want`] requires; `rest` becomes the unread
/// body. Dropping the future closes the connection.
pub(crate) async fn exchange(
    transport: &Transport,
    // The request is boxed, because every layer would copy it.
    mut request: Box<Request>,
    rest: &mut Download,
) -> Result<Response, Failure> {
    request.check()?;
    let Inner { options, timer, service, reports_connections } = &*transport.inner;
    let (want, deadline) = (request.want, timer.sleep(options.capped(request.deadline)));
    let is_head = request.http.method() == Method::HEAD;
    let connection = reports_connections.then(|| capture_connection(&mut request.http));
    // Without a connection no request was sent.
    let sent = || match &connection {
        Some(connection) if connection.connection_metadata().is_none() => Sent::No,
        _ => Sent::Maybe,
    };
    let work = async {
        let mut service = service.clone();
        let replying = {
            let ready = service.ready().await.map_err(|error| reply_failure(error, sent()))?;
            // Moved out of its box only here, so that the future needs no space for it.
            let Request { http, .. } = *request;
            ready.call(http.map(RequestBody::new))
        };
        let reply = replying.await.map_err(|error| reply_failure(error, sent()))?;
        let (mut head, body) = reply.into_parts();
        // Extensions of the service are not part of the reply.
        head.extensions.clear();
        let delimited =
            [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| head.headers.contains_key(name));
        let (whole, idle) = match want {
            Want::Whole { limit } => (Some(WholeBody::new(&head, limit)?), Duration::ZERO),
            Want::Head { idle } => {
                flow::announced(&head.headers, want)?;
                (None, options.capped(idle))
            }
        };
        let mut body = Download { body, delimited, idle, timer: Arc::clone(timer) };
        let Some(mut whole) = whole.filter(|_| !is_head) else {
            *rest = body;
            return Ok(Response::from_parts(head, Bytes::new()));
        };
        while let Some(bytes) = body.next().await? {
            whole.push(bytes)?;
        }
        Ok(Response::from_parts(head, whole.end()?))
    };
    let timeout = |sent| Failure::new(FailureKind::Timeout, sent);
    let connecting = async {
        // Polled after `work`, which has sent the request if there was an idle connection.
        if sent() == Sent::No {
            timer.sleep(options.connect_limit()).await;
        }
        if sent() == Sent::Maybe {
            pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        result = work => result,
        () = connecting, if connection.is_some() => Err(timeout(Sent::No)),
        () = deadline => Err(timeout(sent())),
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
