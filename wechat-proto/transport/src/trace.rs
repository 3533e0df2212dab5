//! Completed exchanges, for the function of a trace.

use std::sync::Arc;
use std::time::Duration;

use wechat_proto::error::Failure;
use wechat_proto::flow::Response;
use wechat_proto::{Body, Timestamp};

/// A completed exchange, for [`Options::trace`](crate::Options::trace).
///
/// **It contains credentials**: in the URL, and in the headers and bodies of the request and the
/// response.
#[non_exhaustive]
pub struct Exchange<'a> {
    /// The time at which the request was started.
    pub started: Timestamp,
    /// The time until the response was complete; until its head arrived if the body is streamed.
    pub elapsed: Duration,
    /// The complete request.
    pub request: &'a http::Request<Body>,
    /// The response, or the failure of the exchange.
    pub result: Result<&'a Response, &'a Failure>,
    /// Whether the body of the response is streamed to the caller, and thus missing here.
    pub is_streamed: bool,
}

/// A function that receives exchanges.
pub(crate) type Trace = Arc<dyn Fn(&Exchange<'_>) + Send + Sync>;
