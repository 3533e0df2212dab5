//! Conversion of ureq's errors to [`Failure`]s.

use std::io;

use http::Uri;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_transport::{at_host, refused_by_proxy};

/// Converts an error to a failure, with the kind `kind` unless the error is more specific. Only
/// errors of the operating system, of TLS and of the proxy are kept as sources.
pub(crate) fn failure(error: ureq::Error, kind: FailureKind, sent: Sent) -> Failure {
    converted(error, kind, sent, None)
}

/// Returns a ureq error that contains the failure of a stage before anything was sent. Its source
/// names the host of `uri`.
pub(crate) fn stage_failure(error: ureq::Error, kind: FailureKind, uri: &Uri) -> ureq::Error {
    ureq::Error::Other(converted(error, kind, Sent::No, Some(uri)).into())
}

/// Returns the failure of a body that ended early.
pub(crate) fn body_failure(error: io::Error) -> Failure {
    failure(error.into(), FailureKind::Truncated, Sent::Maybe)
}

fn converted(error: ureq::Error, kind: FailureKind, sent: Sent, uri: Option<&Uri>) -> Failure {
    let (kind, cause) = match error {
        // A failure of an earlier stage.
        ureq::Error::Other(source) if source.is::<Failure>() => {
            return source.downcast().map_or(Failure::new(kind, sent), |failure| *failure);
        }
        ureq::Error::Io(source) => {
            let kind = match tls_kind(&source, kind) {
                // After the connection, only a certificate error is more specific.
                Some(found) if sent == Sent::No || found == FailureKind::Certificate => found,
                // The error of an agent that was shut down.
                _ if source.kind() == io::ErrorKind::NotConnected => FailureKind::Cancelled,
                // ureq reports the answers of a SOCKS proxy only as text; a test checks them.
                _ if kind == FailureKind::Proxy && SOCKS_LOGIN.contains(&&*source.to_string()) => {
                    FailureKind::ProxyAuthorization
                }
                _ => kind,
            };
            (kind, Some(source))
        }
        ureq::Error::Timeout(_) => (FailureKind::Timeout, None),
        ureq::Error::HostNotFound => (FailureKind::Resolve, None),
        ureq::Error::ConnectProxyFailed(reason) => {
            // ureq reports the proxy's status only as text; a test checks it.
            match reason.rsplit('/').next().and_then(|status| status.parse().ok()) {
                Some(status) => return refused_by_proxy(status),
                None => (FailureKind::Proxy, Some(io::Error::other(reason))),
            }
        }
        ureq::Error::BadUri(_) => (FailureKind::Unsendable, None),
        ureq::Error::LargeResponseHeader(..) => (FailureKind::TooLarge, None),
        ureq::Error::Protocol(_) | ureq::Error::Http(_) if sent == Sent::Maybe => {
            (FailureKind::Protocol, None)
        }
        _ => (kind, None),
    };
    let failure = Failure::new(kind, sent);
    match (uri, cause) {
        (Some(uri), cause) => failure.because(at_host(uri, cause)),
        (None, Some(cause)) => failure.because(cause),
        (None, None) => failure,
    }
}

/// The errors of a SOCKS proxy that requires another login.
const SOCKS_LOGIN: [&str; 2] = ["no acceptable auth methods", "password authentication failed"];

/// Returns the kind of a TLS error. A message that is not TLS has the kind `stage`, because it
/// comes from the proxy, if there is one.
#[cfg(feature = "rustls")]
fn tls_kind(error: &io::Error, stage: FailureKind) -> Option<FailureKind> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(_) => Some(FailureKind::Certificate),
        rustls::Error::InvalidMessage(_) => Some(stage),
        _ => Some(FailureKind::Tls),
    }
}

#[cfg(not(feature = "rustls"))]
const fn tls_kind(_: &io::Error, _: FailureKind) -> Option<FailureKind> {
    None
}
