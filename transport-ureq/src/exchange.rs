//! One request for one reply.

use std::io::{self, Read as _};
use std::time::Duration;

use bytes::Bytes;
use ureq::{Agent, SendBody};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Request, Response, Want};

use crate::body::{Download, Outgoing, broken};
use crate::deadline;

/// A reply, and what of its body the flow did not want.
pub(crate) type Exchanged = Result<(Response, Option<Download>), Failure>;

/// Sends a request and reads as much of its reply as is wanted. No time limit of it is longer
/// than `cap`.
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
        // `()`, or ureq would announce an empty body of its own.
        agent.run(http::Request::from_parts(head, ()))
    } else {
        agent.run(http::Request::from_parts(head, SendBody::from_reader(&mut outgoing)))
    };
    let reply = reply.map_err(|error| {
        let unseen = !bodiless && !outgoing.asked;
        unanswered(error, if unseen { Sent::No } else { Sent::Maybe })
    })?;
    let (mut head, body) = reply.into_parts();
    // ureq notes the URL there.
    head.extensions.clear();
    let announced = flow::announced(&head.headers)?;
    let mut reader = body.into_reader();
    match request.want {
        Want::Whole { limit } => {
            let too_large = || Failure::new(FailureKind::TooLarge, Sent::Maybe);
            if announced.is_some_and(|length| length > limit as u64) {
                return Err(too_large());
            }
            let room = usize::try_from(announced.unwrap_or(0)).unwrap_or(0).min(ROOM);
            let mut bytes = Vec::with_capacity(room);
            let most = (limit as u64).saturating_add(1);
            reader.by_ref().take(most).read_to_end(&mut bytes).map_err(broken)?;
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

/// The most room made for a body because its server says how long it will be: `docs/threats.md`
/// B2.
const ROOM: usize = 1 << 20;

/// Why there is no reply. Sources are given where their text is of the system's making.
fn unanswered(error: ureq::Error, sent: Sent) -> Failure {
    match error {
        // What the connector and the resolver say.
        ureq::Error::Other(source) => match source.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(_) => Failure::new(FailureKind::Other, sent),
        },
        ureq::Error::Timeout(_) => Failure::new(FailureKind::Timeout, sent),
        ureq::Error::Io(source) if source.kind() == io::ErrorKind::NotConnected => {
            // How an agent that was shut down refuses; also what a system may say of a connection
            // that broke, so that nothing is promised here.
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
