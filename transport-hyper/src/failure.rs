//! Conversion of errors to [`Failure`]s.

use std::error::Error as StdError;
use std::{fmt, io};

use hyper_util::client::legacy;
use wechat_proto::error::{Failure, FailureKind, Sent};

use crate::BoxError;

/// Returns the failure of an exchange without a reply.
pub(crate) fn reply_failure(error: BoxError, sent: Sent) -> Failure {
    // A failure of the connector or the resolver.
    if let Some(failure) = find::<Failure>(&*error) {
        return failure.clone();
    }
    let kind = match find::<hyper::Error>(&*error) {
        // Failures of lookups and connections returned above, so this is a failure of TLS.
        None if find::<legacy::Error>(&*error).is_some_and(legacy::Error::is_connect) => {
            let untrusted = find::<rustls::Error>(&*error)
                .is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_)));
            let kind = if untrusted { FailureKind::Certificate } else { FailureKind::Tls };
            return Failure::new(kind, Sent::No).because(Cause(error));
        }
        None if find::<io::Error>(&*error).is_some() => FailureKind::Closed,
        None => FailureKind::Other,
        // hyper has no method to detect this one; the conformance suite checks its text.
        Some(error) if error.to_string() == "message head is too large" => FailureKind::TooLarge,
        Some(error) if error.is_parse() => FailureKind::Protocol,
        Some(error) if error.is_timeout() => FailureKind::Timeout,
        Some(error) if error.is_user() => FailureKind::Unsendable,
        Some(_) => FailureKind::Closed,
    };
    let failure = Failure::new(kind, sent);
    // Errors of a custom service may quote the request.
    if error.is::<legacy::Error>() { failure.because(Cause(error)) } else { failure }
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
    Some(if error.is::<hyper::Error>() { failure.because(Cause(error)) } else { failure })
}

/// Returns the first error of this type in the chain of sources.
pub(crate) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // `source` would skip the error inside.
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// A boxed error that implements [`Error`](StdError).
pub(crate) struct Cause(pub(crate) BoxError);

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
