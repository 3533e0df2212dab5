//! Tests of the whole crate by its public API.

mod bounds;
mod corpus;
mod endpoints;
mod files;
mod form;
mod injection;
mod notes;
mod refusals;
mod request_rate;
mod unanswered;
mod vectors;
mod xml;

use bytes::Bytes;
use wechat_proto::flow::Response;

/// Returns a reply with status 200.
fn reply(body: &str) -> Response {
    Response::new(Bytes::copy_from_slice(body.as_bytes()))
}
