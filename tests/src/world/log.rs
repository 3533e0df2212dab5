//! The request log.

use std::ops::Range;

use bytes::Bytes;
use http::{Request, StatusCode};

/// A received request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Logged {
    /// The call, such as `webwxsync`; for an unknown one, its path.
    pub endpoint: String,
    /// The world's clock at its arrival, in milliseconds since the epoch.
    pub at: u64,
    /// The request itself.
    pub request: Request<Bytes>,
    /// The status of its reply; `None` while it is held.
    pub status: Option<StatusCode>,
    /// The findings, as a range of [`World::violations`](crate::World::violations).
    pub violations: Range<usize>,
}

impl Logged {
    /// Renders the request as text: method and address, the headers in order, a blank line, the body. The result is the
    /// same for requests from memory and from a socket.
    pub fn render(&self) -> String {
        let request = &self.request;
        let header = |name| {
            request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
        };
        let host = header("host").unwrap_or_default();
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let mut text = format!("{} //{host}{path}\n", request.method());
        for (name, value) in request.headers() {
            text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        }
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(request.body()));
        text
    }
}
