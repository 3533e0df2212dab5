//! The codes of replies.

use core::fmt;

use serde::{Deserialize, Serialize};

/// The code of a `BaseResponse`, a login page or a `synccheck`: `docs/protocol.md` §12.
///
/// The set is open: codes without a constant are valid values. The error for a code other than 0
/// is:
///
/// - [`Error::LoggedOut`](crate::Error::LoggedOut) for 1100, 1101 and 1102;
/// - [`Error::Limited`](crate::Error::Limited) for 1205;
/// - [`Error::ServiceFailed`](crate::Error::ServiceFailed) for -1 and -2, in reply to a query;
/// - [`Error::Refused`](crate::Error::Refused) for all other codes.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Ret(pub i64);

impl Ret {
    /// Success.
    pub const OK: Self = Self(0);
    /// The ticket is not valid.
    pub const TICKET: Self = Self(-14);
    /// The service failed, or the object does not exist.
    pub const SYSTEM: Self = Self(-1);
    /// The service failed.
    pub const LOGIC: Self = Self(-2);
    /// A parameter is wrong; also the refusal of uploads and of operations on rooms.
    pub const PARAMETER: Self = Self(1);
    /// No such session: logged out on the phone, wrong host, or expired cookies.
    pub const NO_SESSION: Self = Self(1100);
    /// The session is no longer valid: logged in elsewhere, or logged out by the service.
    pub const SESSION_INVALID: Self = Self(1101);
    /// The cookies are not valid, or the account is restricted.
    pub const COOKIE_INVALID: Self = Self(1102);
    /// The request could not be read.
    pub const PARSE: Self = Self(1200);
    /// The account or its environment is not allowed to log in on the web.
    pub const ENVIRONMENT: Self = Self(1203);
    /// The receiver is not a contact of this account.
    pub const NOT_A_CONTACT: Self = Self(1204);
    /// Too many requests.
    pub const TOO_FREQUENT: Self = Self(1205);

    /// Returns whether this code ends the session: `docs/protocol.md` §12.
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
