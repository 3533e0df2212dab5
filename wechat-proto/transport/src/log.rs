//! Events of exchanges.

use std::time::Instant;

use wechat_proto::error::Failure;
use wechat_proto::flow::Request;

/// An exchange in progress, whose end is a debug event of `tracing` with host, path, status and
/// duration, but never a query, a header or a body. Does nothing without the feature `tracing`.
#[derive(Debug)]
#[must_use = "the event is emitted at the end of the exchange"]
pub struct Log(Option<(http::Uri, Instant)>);

impl Log {
    /// Records the start of an exchange.
    pub fn start(request: &Request) -> Self {
        let started = || (request.http.uri().clone(), Instant::now());
        Self(cfg!(feature = "tracing").then(started))
    }

    /// Emits the event.
    pub fn end<B>(self, result: Result<&http::Response<B>, &Failure>) {
        #[cfg(feature = "tracing")]
        if let Some((uri, start)) = &self.0 {
            let (host, path) = (uri.host().unwrap_or_default(), uri.path());
            let elapsed = start.elapsed();
            match result {
                Ok(reply) => {
                    let status = reply.status().as_u16();
                    tracing::debug!(%host, %path, status, ?elapsed, "exchanged");
                }
                Err(failure) => {
                    let (kind, sent) = (failure.kind, failure.sent);
                    tracing::debug!(%host, %path, ?kind, ?sent, ?elapsed, "failed");
                }
            }
        }
        #[cfg(not(feature = "tracing"))]
        let _ = (self.0, result);
    }
}
