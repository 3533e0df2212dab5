//! A single exchange: a request and its reply.

use std::io::{self, Read as _};
use std::time::Duration;

use bytes::Bytes;
use ureq::{Agent, SendBody};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Request, Response, Want};

use crate::body::{Download, Outgoing, body_failure};
use crate::deadline;

/// A reply, and the rest of its body under [`Want::Head`].
pub(crate) type Exchanged = Result<(Response, Option<Download>), Failure>;

/// Sends a request and reads as much of the reply as it wants. `cap` limits its deadlines.
pub(crate) fn exchange(agent: &Agent, request: Request, cap: Duration) -> Exchanged {
    #[cfg(feature = "tracing")]
    let log = crate::log::Log::new(&request);
    let deadline = request.deadline.min(cap);
    let result = deadline::within(deadline, || send(agent, request, cap));
    #[cfg(feature = "tracing")]
    log.end(&result);
    result
}

fn send(agent: &Agent, request: Request, cap: Duration) -> Exchanged {
    request.check()?;
    let (head, body) = request.http.into_parts();
    let bodiless = body.is_empty();
    let mut outgoing = Outgoing::new(body);
    let reply = if bodiless {
        // With another type than `()`, ureq would announce an empty body.
        agent.run(http::Request::from_parts(head, ()))
    } else {
        agent.run(http::Request::from_parts(head, SendBody::from_reader(&mut outgoing)))
    };
    let reply = reply.map_err(|error| {
        let unseen = !bodiless && !outgoing.started;
        reply_failure(error, if unseen { Sent::No } else { Sent::Maybe })
    })?;
    let (mut head, body) = reply.into_parts();
    // ureq stores the URL there.
    head.extensions.clear();
    let announced = flow::announced(&head.headers)?;
    let mut reader = body.into_reader();
    match request.want {
        Want::Whole { limit } => {
            let too_large = || Failure::new(FailureKind::TooLarge, Sent::Maybe);
            if announced.is_some_and(|length| length > limit as u64) {
                return Err(too_large());
            }
            let room = usize::try_from(announced.unwrap_or(0)).unwrap_or(0).min(MAX_ALLOCATION);
            let mut bytes = Vec::with_capacity(room);
            let most = (limit as u64).saturating_add(1);
            reader.by_ref().take(most).read_to_end(&mut bytes).map_err(body_failure)?;
            if bytes.len() > limit {
                return Err(too_large());
            }
            Ok((Response::from_parts(head, bytes.into()), None))
        }
        Want::Head { idle } => {
            let rest = Download::new(reader, idle.min(cap));
            Ok((Response::from_parts(head, Bytes::new()), Some(rest)))
        }
    }
}

/// The maximum buffer allocated for a body because of its announced length: `docs/threats.md` B2.
const MAX_ALLOCATION: usize = 1 << 20;

/// Returns the failure of an exchange without a reply. Only errors of the operating system are kept
/// as sources.
fn reply_failure(error: ureq::Error, sent: Sent) -> Failure {
    match error {
        // A failure of the connector or the resolver.
        ureq::Error::Other(source) => match source.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(_) => Failure::new(FailureKind::Other, sent),
        },
        ureq::Error::Timeout(_) => Failure::new(FailureKind::Timeout, sent),
        ureq::Error::Io(source) if source.kind() == io::ErrorKind::NotConnected => {
            // The error of an agent that was shut down. The operating system may return the same for a
            // broken connection, so this does not imply `Sent::No`.
            Failure::new(FailureKind::Cancelled, sent)
        }
        ureq::Error::Io(source) => Failure::new(FailureKind::Closed, sent).because(source),
        ureq::Error::LargeResponseHeader(..) => Failure::new(FailureKind::TooLarge, sent),
        ureq::Error::Protocol(_) | ureq::Error::Http(_) => {
            Failure::new(FailureKind::Protocol, sent)
        }
        ureq::Error::BadUri(_) => Failure::new(FailureKind::Unsendable, Sent::No),
        _ => Failure::new(FailureKind::Other, sent),
    }
}
