//! A single exchange: a request and its reply.

use std::io::Read as _;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use ureq::{Agent, AsSendBody, SendBody};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::{self, Request, Response, Want, WholeBody};
use wechat_transport::Options;

use crate::download::Download;
use crate::failure::{body_failure, failure};

/// A reply, and the rest of its body under [`Want::Head`].
pub(crate) type Exchanged = Result<(Response, Option<Download>), Failure>;

/// Sends a request and reads the reply as far as its [`Want`] requires.
pub(crate) fn exchange(agent: &Agent, request: Request, options: &Options) -> Exchanged {
    request.check()?;
    let Request { http, deadline, want } = request;
    let deadline = options.capped(deadline);
    let (head, body) = http.into_parts();
    let reply = if body.is_empty() {
        // With a type other than `()`, ureq would announce an empty body.
        run(agent, http::Request::from_parts(head, ()), deadline, want, options)
    } else {
        let body = SendBody::from_owned_reader(body.reader());
        run(agent, http::Request::from_parts(head, body), deadline, want, options)
    };
    let reply = reply.map_err(|error| failure(error, FailureKind::Closed, Sent::Maybe))?;
    let (mut head, body) = reply.into_parts();
    // ureq stores the URL there.
    head.extensions.clear();
    let mut reader = body.into_reader();
    match want {
        Want::Whole { limit } => {
            let mut whole = WholeBody::new(&head, limit)?;
            let mut bytes = Vec::new();
            let most = (limit as u64).saturating_add(1);
            reader.by_ref().take(most).read_to_end(&mut bytes).map_err(body_failure)?;
            whole.push(bytes.into())?;
            Ok((Response::from_parts(head, whole.end()?), None))
        }
        Want::Head { .. } => {
            flow::announced(&head.headers, want)?;
            Ok((Response::from_parts(head, Bytes::new()), Some(Download(reader))))
        }
    }
}

/// Sends a request with its time limits.
fn run(
    agent: &Agent,
    request: http::Request<impl AsSendBody>,
    deadline: Duration,
    want: Want,
    options: &Options,
) -> Result<http::Response<ureq::Body>, ureq::Error> {
    let request = agent.configure_request(request);
    let request = match want {
        Want::Whole { .. } => request.timeout_global(Some(deadline)),
        // ureq's global limit would include the streamed body.
        Want::Head { idle } => {
            let connect = options.connect_limit().min(deadline);
            request
                .timeout_resolve(Some(connect))
                .timeout_connect(Some(connect))
                .timeout_send_request(Some(deadline))
                .timeout_send_body(Some(deadline))
                .timeout_recv_response(Some(deadline))
                .timeout_per_read(Some(options.capped(idle)))
        }
    };
    agent.run(request.build())
}
