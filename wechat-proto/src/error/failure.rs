//! Failed exchanges, as drivers report them.

use alloc::sync::Arc;
use core::fmt;

/// The failure of an exchange, as reported by a driver.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// Whether the server may have received the request.
    pub sent: Sent,
    source: Option<Arc<dyn core::error::Error + Send + Sync>>,
}

impl Failure {
    /// Returns a failure without a source.
    pub const fn new(kind: FailureKind, sent: Sent) -> Self {
        Self { kind, sent, source: None }
    }

    /// Sets the error that caused the failure.
    ///
    /// It is available from [`core::error::Error::source`]; its text should not quote the request.
    #[must_use]
    pub fn because(mut self, source: impl core::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FailureKind::Resolve => "the host name could not be resolved",
            FailureKind::Connect => "the host could not be reached",
            FailureKind::Proxy => "the proxy could not be used",
            FailureKind::ProxyAuthorization => "the proxy rejected the credentials",
            FailureKind::Tls => "the TLS handshake failed",
            FailureKind::Certificate => "the server's certificate is not trusted",
            FailureKind::Timeout => "the request timed out",
            FailureKind::Closed => "the connection was closed",
            FailureKind::Truncated => "the response ended early",
            FailureKind::TooLarge => "the response is longer than allowed",
            FailureKind::Encoding => "the response has an unsupported or malformed encoding",
            FailureKind::Protocol => "the response is not valid HTTP",
            FailureKind::Unsendable => "the request cannot be sent as it is",
            FailureKind::Source => "the source could not be read",
            FailureKind::Sink => "the download could not be written",
            FailureKind::Cancelled => "the exchange was cancelled",
            FailureKind::Other => "the transport failed",
        })?;
        match (self.sent, self.kind) {
            (Sent::Maybe, _) | (_, FailureKind::Source | FailureKind::Sink) => Ok(()),
            (Sent::No, _) => f.write_str(" (the request was not sent)"),
        }
    }
}

impl core::error::Error for Failure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The kind of a [`Failure`].
///
/// Few kinds change the behaviour of flows: a [`Timeout`](Self::Timeout) of a long poll is not a
/// failure, [`Certificate`](Self::Certificate) and [`ProxyAuthorization`](Self::ProxyAuthorization)
/// are reported without retries, and with them [`Encoding`](Self::Encoding),
/// [`TooLarge`](Self::TooLarge) and [`Unsendable`](Self::Unsendable) are not transient. A driver that
/// cannot determine the kind reports [`Other`](Self::Other).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The host name has no address.
    Resolve,
    /// No connection could be made.
    Connect,
    /// The proxy cannot be reached, or did not connect to the host. If it replied with another status,
    /// the source of the failure states it.
    Proxy,
    /// The proxy rejected the credentials (407).
    ProxyAuthorization,
    /// The TLS handshake failed.
    Tls,
    /// The certificate of the server is not trusted, or belongs to another host.
    Certificate,
    /// The deadline of the exchange or the idle time of a body has passed.
    Timeout,
    /// The connection was closed before the response was complete.
    Closed,
    /// The body is shorter than its `Content-Length`, or its chunks end early.
    Truncated,
    /// The body, or the head, is longer than allowed.
    TooLarge,
    /// A `Content-Encoding` other than `identity` and `gzip`, a `Transfer-Encoding` other than
    /// `chunked`, or a compressed body that is malformed.
    Encoding,
    /// The response is not valid HTTP, such as malformed chunks or contradictory lengths.
    Protocol,
    /// The request is inconsistent, for example its `Content-Length` differs from the length of its
    /// body.
    Unsendable,
    /// The source of an upload failed.
    Source,
    /// The writer of a download failed.
    Sink,
    /// The driver ended the exchange.
    Cancelled,
    /// Anything else.
    Other,
}

/// The progress of a failed request: whether the server may have received it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Sent {
    /// It has not: the request was rejected before it was sent, no connection was made, or the
    /// transport had not begun to read the body.
    No,
    /// Something may have been sent. This is always safe to report, whereas `No` allows the request
    /// to be sent again.
    Maybe,
}
