//! What a login reports.

use alloc::boxed::Box;

use crate::account::Account;
use crate::error::{Ret, SessionEnded};
use crate::ids::Uuid;

/// A step of a login.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress {
    /// Show this as a QR code ([`Uuid::url`]); it replaces one shown before, and the question on
    /// the phone.
    Code {
        /// The login's name.
        uuid: Uuid,
    },
    /// The phone asks to confirm ([`Login::again`](super::Login::again)): say so, or the wait looks
    /// like a hang.
    ConfirmOnPhone {
        /// The login's name; there is nothing to scan.
        uuid: Uuid,
    },
    /// The phone scanned the code.
    Scanned {
        /// The account's picture as a `data:` URI, if it came along.
        avatar: Option<Box<str>>,
    },
    /// Declined on the phone. A code follows.
    Cancelled,
    /// Done.
    LoggedIn(Box<Account>),
    /// The stored session is closed, and a login follows ([`Open`](super::Open)).
    Over {
        /// Which of the codes.
        ret: Ret,
        /// How it ended, if its beginning is known.
        ended: Option<SessionEnded>,
    },
    /// Done: the stored session is still open ([`Open`](super::Open)).
    Resumed(Box<Account>),
}
