//! The progress of a login.

use alloc::boxed::Box;

use crate::error::{Ret, SessionEnded};
use crate::{Account, Uuid};

/// A step of a login, for the user.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress {
    /// Show this as a QR code ([`Uuid::url`]). It replaces an earlier code, or the prompt on the
    /// phone.
    Code {
        /// The login's name.
        uuid: Uuid,
    },
    /// The phone prompts to confirm the login ([`Login::again`](super::Login::again)). Inform the
    /// user, who otherwise sees only a wait.
    ConfirmOnPhone {
        /// The login's name; there is no code to scan.
        uuid: Uuid,
    },
    /// The phone scanned the code.
    Scanned {
        /// The account's picture as a `data:` URI, if the reply has one.
        avatar: Option<Box<str>>,
    },
    /// Declined on the phone. A code follows.
    Cancelled,
    /// The login is complete.
    LoggedIn(Box<Account>),
    /// The stored session is closed, and a login follows ([`Open`](super::Open)).
    Over {
        /// The code that closed it.
        ret: Ret,
        /// How it ended, if its start is known.
        ended: Option<SessionEnded>,
    },
    /// The stored session is still open and was resumed ([`Open`](super::Open)).
    Resumed(Box<Account>),
}
