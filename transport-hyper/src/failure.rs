//! Conversion of errors to [`Failure`]s.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;

use hyper_util::client::legacy;
use wechat_proto::error::{Failure, FailureKind, Sent};

use crate::BoxError;

/// Returns the failure of an exchange without a reply.
pub(crate) fn reply_failure(error: BoxError, sent: Sent) -> Failure {
    // A failure of the connector or of a custom service.
    if let Some(failure) = find::<Failure>(&*error) {
        return failure.clone();
    }
    let unconnected = find::<legacy::Error>(&*error).is_some_and(legacy::Error::is_connect);
    let kind = match find::<hyper::Error>(&*error) {
        _ if unconnected => FailureKind::Connect,
        None if find::<io::Error>(&*error).is_some() => FailureKind::Closed,
        None => FailureKind::Other,
        // hyper has no method to detect this error. The conformance suite checks its text.
        Some(error) if error.to_string() == "message head is too large" => FailureKind::TooLarge,
        Some(error) if error.is_parse() => FailureKind::Protocol,
        Some(error) if error.is_timeout() => FailureKind::Timeout,
        Some(error) if error.is_user() => FailureKind::Unsendable,
        Some(_) => FailureKind::Closed,
    };
    let failure = Failure::new(kind, if unconnected { Sent::No } else { sent });
    // Errors of a custom service may quote the request.
    if error.is::<legacy::Error>() { failure.because(io::Error::other(error)) } else { failure }
}

/// Returns the failure of a connection to the host of `uri` or of its encryption, with the kind
/// `stage` unless the error is more specific.
#[cfg(feature = "rustls")]
pub(crate) fn tls_failure(error: BoxError, stage: FailureKind, uri: &http::Uri) -> Failure {
    if let Some(failure) = find::<Failure>(&*error) {
        return failure.clone();
    }
    let kind = match find(&*error) {
        Some(rustls::Error::InvalidCertificate(_)) => FailureKind::Certificate,
        Some(rustls::Error::InvalidMessage(_)) | None => stage,
        Some(_) => FailureKind::Tls,
    };
    let cause = Some(io::Error::other(error));
    Failure::new(kind, Sent::No).because(wechat_transport::at_host(uri, cause))
}

/// Returns the failure of a body that ended early, or `None` if this is its regular end.
pub(crate) fn body_failure(error: BoxError, delimited: bool) -> Option<Failure> {
    let kind = match find::<io::Error>(&*error).map(io::Error::kind) {
        // Without a length, the body ends with the connection, even if the peer does not close TLS
        // properly.
        Some(io::ErrorKind::UnexpectedEof) if !delimited => return None,
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => FailureKind::Protocol,
        _ => FailureKind::Truncated,
    };
    let failure = Failure::new(kind, Sent::Maybe);
    Some(if error.is::<hyper::Error>() {
        failure.because(io::Error::other(error))
    } else {
        failure
    })
}

/// Returns the first error of this type in the chain of sources.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut chain = successors(Some(error), |&error| {
        // `source` would skip the error inside.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map_or_else(|| error.source(), |inner| Some(inner))
    });
    chain.find_map(|error| error.downcast_ref())
}
