//! The progress of a login.

use alloc::boxed::Box;
use core::fmt;

use crate::error::session_end::Circumstances;
use crate::error::{Ret, SessionEnded};
use crate::{Account, Uuid};

/// A step of a login, for the user.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress {
    /// Show this as a QR code ([`Uuid::url`]). It replaces an earlier code, or the prompt on the
    /// phone.
    Code {
        /// The UUID of the login, which the QR code contains.
        uuid: Uuid,
    },
    /// The phone prompts to confirm the login ([`Login::again`](super::Login::again)). Inform the
    /// user, who otherwise sees only a wait.
    ConfirmOnPhone {
        /// The UUID of the login; there is no code to scan.
        uuid: Uuid,
    },
    /// The phone scanned the code.
    Scanned {
        /// The account's picture as a `data:` URI, if the reply has one.
        avatar: Option<Box<str>>,
    },
    /// The login was declined on the phone. Another code follows.
    Cancelled,
    /// The login is complete.
    LoggedIn(Box<Account>),
    /// The stored session is closed, and a login follows ([`Open`](super::Open)).
    Closed {
        /// The code that closed it.
        ret: Ret,
        /// The circumstances of its end; `None` if its start is unknown.
        ended: Option<SessionEnded>,
    },
    /// The stored session is still open and was resumed ([`Open`](super::Open)).
    Resumed(Box<Account>),
}

/// Displays the step in one line, for the user.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |account: &Account| account.session().me().nick_name.clone();
        match self {
            Self::Code { uuid } => write!(f, "scan this code with the phone: {}", uuid.url()),
            Self::ConfirmOnPhone { .. } => f.write_str("confirm the login on the phone"),
            Self::Scanned { .. } => f.write_str("scanned; now confirm on the phone"),
            Self::Cancelled => f.write_str("cancelled on the phone; another code follows"),
            Self::LoggedIn(account) => write!(f, "logged in as {:?}", name(account)),
            Self::Closed { ret, ended } => {
                write!(f, "the stored session is closed: {ret}{}", Circumstances(ended.as_ref()))
            }
            Self::Resumed(account) => write!(f, "resumed the session of {:?}", name(account)),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;
    use core::time::Duration;

    use super::*;
    use crate::testing::account;

    #[test]
    fn each_step_is_one_line() {
        let uuid = || Uuid::parse("gf5Gk61zEA==").unwrap();
        let after = Duration::from_secs(7200);
        let ended = SessionEnded { retcode: Ret::SESSION_INVALID, after, had_messages: true };
        for (step, line) in [
            (
                Progress::Code { uuid: uuid() },
                "scan this code with the phone: https://login.weixin.qq.com/l/gf5Gk61zEA==",
            ),
            (Progress::ConfirmOnPhone { uuid: uuid() }, "confirm the login on the phone"),
            (Progress::Scanned { avatar: None }, "scanned; now confirm on the phone"),
            (Progress::Cancelled, "cancelled on the phone; another code follows"),
            (Progress::LoggedIn(account().into()), "logged in as \"Zhang San\""),
            (
                Progress::Closed { ret: Ret::SESSION_INVALID, ended: Some(ended) },
                "the stored session is closed: 1101 (session no longer valid), 7200 s after the login",
            ),
            (Progress::Resumed(account().into()), "resumed the session of \"Zhang San\""),
        ] {
            assert_eq!(step.to_string(), line);
        }
    }
}
