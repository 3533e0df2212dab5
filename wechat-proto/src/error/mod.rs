//! Errors, grouped by how the caller can react.

mod chain;
mod failure;
mod invalid;
mod ret;
pub(crate) mod session_end;
mod storage;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::fmt;

use crate::contact::{Candidate, Candidates};
use crate::media::NotFetchable;
use crate::message::NotForwardable;

pub use self::chain::Chain;
pub use self::failure::{Failure, FailureKind, Sent};
pub use self::invalid::Invalid;
pub use self::ret::Ret;
use self::session_end::Circumstances;
pub use self::session_end::SessionEnded;
pub use self::storage::{StorageFailure, StorageKind};

/// The error of a request or a flow, shared by the core and its transports.
///
/// Variants are grouped by how the caller can react. [`Error::is_transient`] returns whether
/// waiting and repeating can help.
///
/// `Display` writes one line. It does not include the errors of the operating system and of HTTP
/// libraries, which are at the end of the chain of `source`; [`Chain`] adds them. Neither `Display`
/// nor `Debug` shows credentials, cookies or URLs.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // Wait, then repeat.
    /// No complete, valid response was received. [`Failure::kind`] is the kind of failure.
    #[error("the exchange failed: {0}")]
    Transport(#[source] Failure),
    /// The server returned an HTTP status of 500 or above: the service or a server in front of it
    /// failed. An upload also fails with this error for 400 to 499 (402 for a malformed form, 413 for
    /// one that is too large), and a streamed download for every status other than 200, 204 and 206.
    /// All other endpoints report an unexpected status below 500 as [`Error::Malformed`].
    #[error("{endpoint} returned HTTP status {status}")]
    Status {
        /// The endpoint that was called.
        endpoint: &'static str,
        /// The status.
        status: u16,
    },
    /// The service failed to answer a query (-1, -2). The same code in reply to a change is
    /// [`Error::Refused`].
    #[error("{endpoint} failed with {ret}{sep}{message}", sep = separator(message))]
    ServiceFailed {
        /// The endpoint that failed.
        endpoint: &'static str,
        /// [`Ret::SYSTEM`] or [`Ret::LOGIC`].
        ret: Ret,
        /// The service's own text, decoded; may be empty.
        message: Box<str>,
    },
    /// Too many requests of this kind (1205). Each attempt extends the limit.
    #[error("{endpoint} was called too often{sep}{message}", sep = separator(message))]
    Limited {
        /// The endpoint that refused.
        endpoint: &'static str,
        /// The service's own text, decoded; may be empty.
        message: Box<str>,
    },
    /// The response is not a reply of this endpoint.
    #[error("{endpoint} did not return {expected}{sep}{found}", sep = separator(found))]
    Malformed {
        /// The endpoint that was called.
        endpoint: &'static str,
        /// The expected reply.
        expected: &'static str,
        /// A description of the response, which does not quote it. If a `wechat-simulator` on this
        /// machine refused the request, its reason.
        found: Cow<'static, str>,
    },
    /// The service has no bytes for this download, perhaps not yet.
    #[error("{endpoint} returned no bytes")]
    EmptyMedia {
        /// The endpoint that was called.
        endpoint: &'static str,
    },

    // Check the outcome before repeating.
    /// A request that must not be repeated may have been sent, and there is no reply to it. Find
    /// out whether it took effect (on the phone, for example) before repeating it.
    #[error("it is unknown whether the request took effect: {}", Cause(cause.as_deref()))]
    Unanswered {
        /// The failure of the exchange, or the error of a response that is not a reply of the
        /// endpoint. `None` if the exchange was cancelled.
        #[source]
        cause: Option<Box<Error>>,
    },

    // Change the request, or do without it.
    /// The service understood the request and refused it. A login fails with [`Ret::ENVIRONMENT`]
    /// (1203), or with [`Ret::OK`] and the text of a page, if the account is not allowed to log in on the web.
    #[error("{endpoint} was refused{code}{sep}{message}", code = Code(*ret), sep = separator(message))]
    Refused {
        /// The endpoint that refused.
        endpoint: &'static str,
        /// The code; [`Ret::OK`] for a refusal without one.
        ret: Ret,
        /// The service's own text, decoded; may be empty.
        message: Box<str>,
    },
    /// The server named a host that must not receive credentials. No request was sent there.
    #[error("{host:?} is not one of the service's hosts")]
    Untrusted {
        /// The host, or as much of the address as could be read.
        host: Box<str>,
    },
    /// The file is empty, which the service refuses. No request was sent.
    #[error("an empty file cannot be sent")]
    EmptyFile,
    /// A file is larger than its limit. For an upload, no request was sent.
    #[error("{size} bytes are more than the {limit} allowed")]
    TooLarge {
        /// The length; if it is unknown, the number of bytes received so far.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The source of an upload failed, or changed while it was read.
    #[error("the source {}", if .0.is_some() { "could not be read" } else { "has changed" })]
    Source(#[source] Option<Failure>),
    /// The writer of a download failed. A part of the content may have been written.
    #[error("the download could not be written")]
    Sink(#[source] Failure),
    /// A value from the caller that the protocol cannot represent. No request was sent.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A message has no media to fetch. No request was sent.
    #[error(transparent)]
    NotFetchable(#[from] NotFetchable),
    /// A message cannot be forwarded. No request was sent.
    #[error(transparent)]
    NotForwardable(#[from] NotForwardable),
    /// No contact has this name. No request was sent.
    /// [`Directory::search`](crate::contact::Directory::search) returns the contacts with a part of a
    /// name.
    #[error("no contact is named {name:?}")]
    UnknownContact {
        /// The name.
        name: Box<str>,
    },
    /// Several contacts have this name. No request was sent. [`Candidate::user_name`] is unique.
    #[error("several contacts are named {name:?}: {}", Candidates(candidates))]
    AmbiguousContact {
        /// The name.
        name: Box<str>,
        /// The contacts that have it.
        candidates: Box<[Candidate]>,
    },
    /// The stored session belongs to another server, to which no request was sent.
    #[error("the stored session belongs to {stored}, not to {expected}")]
    OtherServer {
        /// The origin to which the session belongs.
        stored: Box<str>,
        /// The origin of the device that was to open it.
        expected: Box<str>,
    },
    /// A session cannot be loaded from its store, or cannot be stored.
    #[error(transparent)]
    Storage(#[from] StorageFailure),

    // Log in again.
    /// The session is closed (1100, 1101 or 1102); only a new login helps. Seconds after a login,
    /// this is how the service drops accounts that are not allowed on the web
    /// ([`SessionEnded::is_drop`]); such a session has to be removed from its store before the next
    /// login ([`Open`](crate::login::Open)). [`Ret::OK`] if the client's own logout closed it.
    #[error(
        "the session is closed: {ret}{}{sep}{message}",
        Circumstances(ended.as_ref()),
        sep = separator(message)
    )]
    #[non_exhaustive]
    LoggedOut {
        /// The code that closed it first.
        ret: Ret,
        /// The duration of the session, and whether any message arrived. `None` if a parser returns
        /// the error, during a login, for sessions stored by version 0.1 without a start time, and if
        /// the clock was set back.
        ended: Option<SessionEnded>,
        /// The service's own text in the response that closed the session, decoded; may be empty.
        message: Box<str>,
    },
    /// The login was not confirmed: all of its QR codes expired or were cancelled (a login renews
    /// its code five times). A push login without a code
    /// ([`Login::on_phone`](crate::login::Login::on_phone)) fails with this error if its prompt is
    /// declined or expires, or if no account is known. Running the login again starts with a new
    /// code or prompt.
    #[error("the login was not confirmed")]
    NotConfirmed,

    // The caller ended the operation.
    /// Another holder uses the session: a newer inbox replaced this one, the store is locked, or its
    /// lease has ended. Also returned by an [`Open`](crate::login::Open) that has already returned the
    /// session.
    #[error("the session is in use elsewhere")]
    InUse,
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
}

impl Error {
    /// Returns whether the same request may succeed later without any intervention.
    ///
    /// `true` for a missing or malformed response, HTTP status 500 and above, a service that failed
    /// (-1, -2 in reply to a query) or was called too often (1205), and media that are not
    /// available yet. `false` for a refused certificate or proxy authorisation, for a response that
    /// is too large or has an unsupported encoding, for [`Error::Unanswered`] (a repetition may
    /// take effect twice), and for every refusal.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport(failure) => !matches!(
                failure.kind,
                FailureKind::Certificate
                    | FailureKind::ProxyAuthorization
                    | FailureKind::Unsendable
                    | FailureKind::Encoding
                    | FailureKind::TooLarge
            ),
            Self::Status { status, .. } => *status >= 500,
            Self::ServiceFailed { .. }
            | Self::Limited { .. }
            | Self::Malformed { .. }
            | Self::EmptyMedia { .. } => true,
            _ => false,
        }
    }

    /// Returns whether a flow retries the request silently before it reports the error.
    pub(crate) const fn is_retried(&self) -> bool {
        match self {
            Self::Transport(failure) => {
                !matches!(failure.kind, FailureKind::Certificate | FailureKind::ProxyAuthorization)
            }
            Self::Refused { .. }
            | Self::ServiceFailed { .. }
            | Self::Limited { .. }
            | Self::Malformed { .. }
            | Self::Status { .. }
            | Self::EmptyMedia { .. } => true,
            _ => false,
        }
    }

    /// Returns whether the error is a well-formed reply of the endpoint: the service received the
    /// request and did not perform it.
    pub(crate) const fn is_reply(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. }
                | Self::ServiceFailed { .. }
                | Self::Limited { .. }
                | Self::LoggedOut { .. }
        )
    }
}

/// A formatter of the reason why there is no reply.
struct Cause<'a>(Option<&'a Error>);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(error) => error.fmt(f),
            None => f.write_str("the exchange was cancelled"),
        }
    }
}

/// A formatter of the code of a refusal, if it has one.
struct Code(Ret);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ret::OK => Ok(()),
            ret => write!(f, " with {ret}"),
        }
    }
}

const fn separator(text: &str) -> &'static str {
    if text.is_empty() { "" } else { ": " }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn errors_are_displayed() {
        let endpoint = "webwxsendmsg";
        let refused =
            |ret, message: &str| Error::Refused { endpoint, ret, message: message.into() };
        let unanswered = |cause: Option<Error>| Error::Unanswered { cause: cause.map(Box::new) };
        for (error, text) in [
            (
                refused(Ret::NOT_A_CONTACT, ""),
                "webwxsendmsg was refused with 1204 (receiver is not a contact)",
            ),
            (
                refused(Ret::NOT_A_CONTACT, "请求失败"),
                "webwxsendmsg was refused with 1204 (receiver is not a contact): 请求失败",
            ),
            // A refusal without a code shows no code.
            (refused(Ret::OK, "No web."), "webwxsendmsg was refused: No web."),
            (
                Error::Transport(Failure::new(FailureKind::Connect, Sent::No)),
                "the exchange failed: the host could not be reached (the request was not sent)",
            ),
            (
                unanswered(Some(Error::Status { endpoint, status: 502 })),
                "it is unknown whether the request took effect: webwxsendmsg returned HTTP status 502",
            ),
            (
                unanswered(None),
                "it is unknown whether the request took effect: the exchange was cancelled",
            ),
            (Error::Source(None), "the source has changed"),
        ] {
            assert_eq!(error.to_string(), text);
        }
        assert_eq!(Ret(77).to_string(), "77");
    }

    #[test]
    fn source_of_a_failure_is_kept() {
        let failure = Failure::new(FailureKind::Connect, Sent::No).because(fmt::Error);
        let source = core::error::Error::source(&failure);
        assert!(source.is_some_and(<dyn core::error::Error>::is::<fmt::Error>));
    }

    /// `docs/protocol.md` §12: no other code ends a session.
    #[test]
    fn only_three_codes_end_a_session() {
        let ending = (-2000..3000).map(Ret).filter(|ret| ret.ends_session());
        assert!(ending.eq([Ret(1100), Ret(1101), Ret(1102)]));
    }

    #[test]
    fn transient_errors_are_those_that_waiting_can_resolve() {
        let refused = |ret| Error::Refused { endpoint: "x", ret: Ret(ret), message: "".into() };
        let failed = Error::ServiceFailed { endpoint: "x", ret: Ret::SYSTEM, message: "".into() };
        let transport = |kind| Error::Transport(Failure::new(kind, Sent::No));
        let status = |status| Error::Status { endpoint: "x", status };
        for (error, transient) in [
            (failed, true),
            (refused(-1), false),
            (refused(1204), false),
            (refused(1), false),
            (refused(0), false),
            (refused(1203), false),
            (status(500), true),
            (status(402), false),
            (transport(FailureKind::Connect), true),
            (transport(FailureKind::Proxy), true),
            (transport(FailureKind::ProxyAuthorization), false),
            (transport(FailureKind::Tls), true),
            (transport(FailureKind::Certificate), false),
            (transport(FailureKind::Unsendable), false),
            (Error::Unanswered { cause: None }, false),
            (Error::Unanswered { cause: Some(Box::new(status(502))) }, false),
            (Error::LoggedOut { ret: Ret(1101), ended: None, message: "".into() }, false),
        ] {
            assert_eq!(error.is_transient(), transient, "{error}");
        }
    }

    #[test]
    fn error_is_small() {
        assert!(size_of::<Error>() <= 64, "{}", size_of::<Error>());
    }
}
