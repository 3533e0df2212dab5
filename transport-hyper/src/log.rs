//! Events of exchanges, with the feature `tracing`.

use std::time::Instant;

use wechat_proto::flow::Request;

use crate::exchange::Exchanged;

/// An exchange in progress. Logs host and path, but never a query, a header or a body.
pub(crate) struct Log {
    uri: http::Uri,
    start: Instant,
}

impl Log {
    pub(crate) fn new(request: &Request) -> Self {
        Self { uri: request.http.uri().clone(), start: Instant::now() }
    }

    pub(crate) fn end(self, result: &Exchanged) {
        let (host, path) = (self.uri.host().unwrap_or_default(), self.uri.path());
        let elapsed = self.start.elapsed();
        match result {
            Ok((reply, _)) => {
                let status = reply.status().as_u16();
                tracing::debug!(%host, %path, status, ?elapsed, "exchanged");
            }
            Err(failure) => {
                let (kind, sent) = (failure.kind, failure.sent);
                tracing::debug!(%host, %path, ?kind, ?sent, ?elapsed, "failed");
            }
        }
    }
}
