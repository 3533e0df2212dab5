//! What can go wrong, sorted by what the reader can do about it.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ended::Circumstances;
pub use crate::ended::SessionEnded;
pub use crate::storage::{StorageFailure, StorageKind};

/// Why a flow failed. One type for the core and its transports.
///
/// No value of this type, printed in any way, shows a credential, a cookie or a URL.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no reply. Ask again later; for a request that changes something, look at
    /// [`Failure::sent`] first.
    #[error("no reply: {0}")]
    Transport(#[source] Failure),
    /// The server understood and declined. From a login with [`Ret::ENVIRONMENT`] (1203): this
    /// account may not log in on the web.
    #[error("{endpoint} was refused with {ret}{sep}{message}", sep = separator(message))]
    Refused {
        /// The endpoint that declined.
        endpoint: &'static str,
        /// Its code.
        ret: Ret,
        /// The server's own text, decoded; may be empty.
        message: Box<str>,
    },
    /// Too many requests of this kind (1205). Later; each try in between makes it longer.
    #[error("{endpoint} was called too often{sep}{message}", sep = separator(message))]
    Limited {
        /// The endpoint that declined.
        endpoint: &'static str,
        /// The server's own text, decoded; may be empty.
        message: Box<str>,
    },
    /// The session is over (1100, 1101 or 1102): only a new login helps. Seconds after a login,
    /// this is how the service drops accounts that it does not want on the web
    /// ([`SessionEnded::is_drop`]). With [`Ret::OK`]: it ended by its own logout.
    #[error("the session is over: {ret}{}", Circumstances(ended.as_ref()))]
    #[non_exhaustive]
    LoggedOut {
        /// Which of the codes.
        ret: Ret,
        /// How long it lasted and whether anything came; nothing from a parser, which knows no
        /// session, during a login, and of a session that a version before this one stored.
        ended: Option<SessionEnded>,
    },
    /// The QR code expired, or was cancelled, as often as a login renews it. Polling the login
    /// again starts with a new one.
    #[error("nobody confirmed the login")]
    Expired,
    /// The reply is not what the protocol gives here.
    #[error("{endpoint} answered something other than {expected}{sep}{found}", sep = separator(found))]
    Malformed {
        /// The endpoint that answered.
        endpoint: &'static str,
        /// What its answer should have been.
        expected: &'static str,
        /// A description or a short excerpt of what it was; empty for replies that carry
        /// credentials.
        found: Cow<'static, str>,
    },
    /// The server answered with an HTTP status instead of a reply: 402 for a form that it does not
    /// take, 413 for one that is too long, 5xx where it failed itself; where a download was asked
    /// for, a redirect or anything else without its bytes.
    #[error("{endpoint} was refused with HTTP status {status}")]
    Status {
        /// The endpoint that declined.
        endpoint: &'static str,
        /// The status.
        status: u16,
    },
    /// The service has nothing to give: its reply has no bytes. It may have them later.
    #[error("{endpoint} answered with nothing in it")]
    EmptyMedia {
        /// The endpoint that answered.
        endpoint: &'static str,
    },
    /// An empty file: the service takes none. Nothing was sent.
    #[error("an empty file cannot be sent")]
    EmptyFile,
    /// A file is longer than the limit set for it. Of an upload, nothing was sent.
    #[error("{size} bytes are more than the {limit} allowed")]
    TooLarge {
        /// How long it is, or how much of it came before that was known.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The server named a host that no credential may go to. Nothing was sent there.
    #[error("{host:?} is none of the service's hosts")]
    Untrusted {
        /// The host, or as much of the address as could be read.
        host: Box<str>,
    },
    /// A request that changes something may have been made, and there is no answer: look (on the
    /// phone, say) before it is repeated. Why there is none; nothing if the exchange was given up.
    #[error("the request may have been sent; whether it took effect is unknown")]
    Unanswered(#[source] Option<Failure>),
    /// The flow's source failed, or changed while it was read.
    #[error("the source could not be read or has changed")]
    Source(#[source] Option<Failure>),
    /// What a download was written to failed. What came before may have been written.
    #[error("what was downloaded could not be written")]
    Sink(#[source] Failure),
    /// A newer inbox of the session took over, or another holder has its store.
    #[error("the session is in use elsewhere")]
    InUse,
    /// The client was stopped.
    #[error("the client was stopped")]
    Stopped,
    /// A session cannot be read from where it is stored, or not be stored there.
    #[error(transparent)]
    Storage(StorageFailure),
}

impl Error {
    /// Whether the same request may well succeed later, without anybody doing anything: no reply
    /// came, or one that is not the protocol's or has nothing in it, or the service is too busy
    /// (1205) or failed (-1, -2, 5xx).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Transport(failure) => !matches!(
                failure.kind,
                FailureKind::Unsendable | FailureKind::Encoding | FailureKind::TooLarge
            ),
            Self::Refused { ret, .. } => matches!(*ret, Ret::SYSTEM | Ret::LOGIC),
            Self::Status { status, .. } => *status >= 500,
            Self::Limited { .. } | Self::Malformed { .. } | Self::EmptyMedia { .. } => true,
            _ => false,
        }
    }

    /// Whether a flow asks again by itself before it tells: all that does not end it.
    pub(crate) const fn passes(&self) -> bool {
        matches!(
            self,
            Self::Transport(_)
                | Self::Refused { .. }
                | Self::Limited { .. }
                | Self::Malformed { .. }
                | Self::Status { .. }
                | Self::EmptyMedia { .. }
        )
    }
}

const fn separator(text: &str) -> &'static str {
    if text.is_empty() { "" } else { ": " }
}

/// The code of a `BaseResponse`, a login page or a `synccheck`: `docs/protocol.md` §12.
///
/// An open set: a code without a name here is a value like any other.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Ret(pub i64);

impl Ret {
    /// Done.
    pub const OK: Self = Self(0);
    /// The ticket is not valid.
    pub const TICKET: Self = Self(-14);
    /// The service failed, or the object does not exist.
    pub const SYSTEM: Self = Self(-1);
    /// The service failed.
    pub const LOGIC: Self = Self(-2);
    /// A parameter is wrong; also the refusal of uploads and of operations on rooms.
    pub const PARAMETER: Self = Self(1);
    /// No such session: logged out on the phone, wrong host, dead cookies.
    pub const NO_SESSION: Self = Self(1100);
    /// The session is not valid any more: logged in elsewhere, or kicked.
    pub const SESSION_INVALID: Self = Self(1101);
    /// The cookies are not valid, or the account is restricted.
    pub const COOKIE_INVALID: Self = Self(1102);
    /// The request could not be read.
    pub const PARSE: Self = Self(1200);
    /// The account or its environment may not log in on the web.
    pub const ENVIRONMENT: Self = Self(1203);
    /// The receiver is no contact of this account.
    pub const NOT_A_CONTACT: Self = Self(1204);
    /// Too frequent.
    pub const TOO_FREQUENT: Self = Self(1205);

    /// Whether this code ends the session: `docs/protocol.md` §12.
    pub const fn ends_session(self) -> bool {
        matches!(self, Self::NO_SESSION | Self::SESSION_INVALID | Self::COOKIE_INVALID)
    }
}

impl fmt::Display for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::OK => "ok",
            Self::TICKET => "invalid ticket",
            Self::SYSTEM => "system error",
            Self::LOGIC => "logic error",
            Self::PARAMETER => "parameter error",
            Self::NO_SESSION => "no such session",
            Self::SESSION_INVALID => "session no longer valid",
            Self::COOKIE_INVALID => "cookies not valid",
            Self::PARSE => "unreadable request",
            Self::ENVIRONMENT => "login not allowed on the web",
            Self::NOT_A_CONTACT => "receiver is not a contact",
            Self::TOO_FREQUENT => "too frequent",
            Self(code) => return write!(f, "{code}"),
        };
        write!(f, "{} ({name})", self.0)
    }
}

/// Why there is no reply, as a driver reports it.
#[derive(Clone)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// Whether the server can have seen the request.
    pub sent: Sent,
    source: Option<Arc<dyn core::error::Error + Send + Sync>>,
}

impl Failure {
    /// A failure without a cause of its own.
    pub const fn new(kind: FailureKind, sent: Sent) -> Self {
        Self { kind, sent, source: None }
    }

    /// The same, with the error that caused it.
    ///
    /// It is reachable by [`core::error::Error::source`]; its text should not quote the request.
    #[must_use]
    pub fn because(mut self, source: impl core::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FailureKind::Resolve => "the host's name could not be resolved",
            FailureKind::Connect => "the host could not be reached",
            FailureKind::Tls => "the secure connection could not be made",
            FailureKind::Timeout => "the time limit passed",
            FailureKind::Closed => "the connection broke",
            FailureKind::Truncated => "the reply ended early",
            FailureKind::TooLarge => "the reply is longer than allowed",
            FailureKind::Encoding => "the reply has a content coding that was not asked for",
            FailureKind::Protocol => "the reply is not HTTP",
            FailureKind::Unsendable => "the request cannot be sent as it is",
            FailureKind::Source => "the source failed",
            FailureKind::Sink => "the writer failed",
            FailureKind::Cancelled => "the exchange was cancelled",
            FailureKind::Other => "the transport failed",
        })?;
        f.write_str(match self.sent {
            Sent::No => " (nothing was sent)",
            Sent::Maybe => "",
        })
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("kind", &self.kind)
            .field("sent", &self.sent)
            .field("source", &self.source)
            .finish()
    }
}

impl core::error::Error for Failure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// What kind of failure.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The host's name has no address.
    Resolve,
    /// No connection could be made.
    Connect,
    /// No secure connection could be made: the certificate, or the handshake.
    Tls,
    /// The exchange's deadline, or a body's idle time, passed.
    Timeout,
    /// The connection broke before the reply was complete.
    Closed,
    /// The body is shorter than announced.
    Truncated,
    /// The body, or the head, is longer than allowed.
    TooLarge,
    /// A `Content-Encoding` other than `identity`.
    Encoding,
    /// What came is not HTTP.
    Protocol,
    /// The request contradicts itself: its `Content-Length` is not its body's.
    Unsendable,
    /// The source of an upload failed.
    Source,
    /// What a download was written to failed.
    Sink,
    /// The driver ended the exchange.
    Cancelled,
    /// Anything else.
    Other,
}

/// Whether the server can have seen the request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Sent {
    /// Certainly not: no connection was made or, for a request with a body, nothing of the body
    /// was asked for.
    No,
    /// It may have.
    Maybe,
}

/// A value of the caller's that the protocol cannot carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not {what}: expected {expected}")]
pub struct Invalid {
    /// What the value was to be, with its article: "a host's origin".
    pub what: &'static str,
    /// What such a value looks like.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn reads_well() {
        let refused = |message: &str| Error::Refused {
            endpoint: "webwxsendmsg",
            ret: Ret::NOT_A_CONTACT,
            message: message.into(),
        };
        assert_eq!(
            refused("").to_string(),
            "webwxsendmsg was refused with 1204 (receiver is not a contact)"
        );
        assert_eq!(
            refused("请求失败").to_string(),
            "webwxsendmsg was refused with 1204 (receiver is not a contact): 请求失败"
        );
        assert_eq!(
            Error::Transport(Failure::new(FailureKind::Connect, Sent::No)).to_string(),
            "no reply: the host could not be reached (nothing was sent)"
        );
        assert_eq!(Ret(77).to_string(), "77");
    }

    /// `docs/protocol.md` §12: no other code ends a session.
    #[test]
    fn three_codes_end_a_session() {
        let ending = (-2000..3000).map(Ret).filter(|ret| ret.ends_session());
        assert!(ending.eq([Ret(1100), Ret(1101), Ret(1102)]));
    }

    #[test]
    fn says_whether_later_may_help() {
        let refused = |ret| Error::Refused { endpoint: "x", ret: Ret(ret), message: "".into() };
        let transport = |kind| Error::Transport(Failure::new(kind, Sent::No));
        for (error, transient) in [
            (refused(-1), true),
            (refused(1204), false),
            (refused(1), false),
            (refused(1203), false),
            (transport(FailureKind::Connect), true),
            (transport(FailureKind::Unsendable), false),
            (Error::Unanswered(None), false),
            (Error::LoggedOut { ret: Ret(1101), ended: None }, false),
        ] {
            assert_eq!(error.is_transient(), transient, "{error}");
        }
    }

    #[test]
    fn stays_small() {
        assert!(size_of::<Error>() <= 56, "{}", size_of::<Error>());
    }
}
