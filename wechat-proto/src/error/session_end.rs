//! The end of a session.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::ret::Ret;
use crate::time::Timestamp;

/// The circumstances of the end of a session: the code, the time since its login, and whether
/// messages arrived.
///
/// Since January 2025 the service lets many accounts log in and drops them seconds later
/// (`docs/protocol.md` §0.1): [`SessionEnded::is_drop`] distinguishes that from
/// the regular end of a session. The library never logs in again by itself after a session ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SessionEnded {
    /// The code that ended it: 1100, 1101 or 1102, or [`Ret::OK`] for a logout by this client.
    pub retcode: Ret,
    /// The time since its login ([`Session::open`](crate::Session::open)), by the driver's clock.
    /// Resuming the session does not reset it.
    pub after: Duration,
    /// Whether any message was delivered, except status messages of the phone (`MsgType` 51), which
    /// arrive with every login.
    pub had_messages: bool,
}

impl SessionEnded {
    /// Returns whether the session ended with 1101 or 1102 less than a minute after its login, as
    /// sessions of accounts that are not allowed on the web do.
    ///
    /// The service gives no reason: a login elsewhere within that minute cannot be distinguished.
    pub fn is_drop(&self) -> bool {
        matches!(self.retcode, Ret::SESSION_INVALID | Ret::COOKIE_INVALID)
            && self.after < DROP_WINDOW
    }
}

/// Drops were seen two to six seconds after the login: `docs/protocol.md` §0.1.
const DROP_WINDOW: Duration = Duration::from_secs(60);

impl fmt::Display for SessionEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.retcode, Circumstances(Some(self)))
    }
}

/// A formatter of the circumstances of the end, except the code; empty for `None`.
pub(crate) struct Circumstances<'a>(pub(crate) Option<&'a SessionEnded>);

impl fmt::Display for Circumstances<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ended) = self.0 else { return Ok(()) };
        let messages = if ended.had_messages { "" } else { " and before any message" };
        write!(f, ", {} s after the login{messages}", ended.after.as_secs())
    }
}

/// The lifetime of a session, and whether it received messages.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Lifetime {
    since: Timestamp,
    #[serde(rename = "heard")]
    has_messages: bool,
    /// `None` while the session is open.
    until: Option<Timestamp>,
}

impl Lifetime {
    pub(crate) const fn begin(now: Timestamp) -> Self {
        Self { since: now, has_messages: false, until: None }
    }

    /// Records that a message was delivered.
    pub(crate) const fn note_message(&mut self) {
        self.has_messages = true;
    }

    /// Records the end of the session; only the first call has an effect.
    pub(crate) const fn end(&mut self, now: Timestamp) {
        if self.until.is_none() {
            self.until = Some(now);
        }
    }

    pub(crate) fn ended(&self, ret: Ret) -> Option<SessionEnded> {
        // If the clock was set back meanwhile, the duration is unknown.
        let after = self.until.filter(|until| *until >= self.since)?.since(self.since);
        Some(SessionEnded { retcode: ret, after, had_messages: self.has_messages })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn only_an_early_1101_or_1102_is_a_drop() {
        for (ret, seconds, is_drop) in [
            (1101, 2, true),
            (1102, 6, true),
            (1102, 59, true),
            (1102, 60, false),
            // Logged out on the phone.
            (1100, 2, false),
            (0, 2, false),
        ] {
            for had_messages in [true, false] {
                let after = Duration::from_secs(seconds);
                let ended = SessionEnded { retcode: Ret(ret), after, had_messages };
                assert_eq!(ended.is_drop(), is_drop, "{ended}");
            }
        }
    }

    #[test]
    fn only_the_first_end_is_recorded() {
        let mut life = Lifetime::begin(Timestamp::from_secs(100));
        assert_eq!(life.ended(Ret(1101)), None);
        life.end(Timestamp::from_secs(104));
        life.end(Timestamp::from_secs(900));
        let ended = life.ended(Ret(1101)).unwrap();
        assert_eq!((ended.after, ended.had_messages), (Duration::from_secs(4), false));
        assert_eq!(
            ended.to_string(),
            "1101 (session no longer valid), 4 s after the login and before any message"
        );
        life.note_message();
        assert_eq!(
            life.ended(Ret(1101)).unwrap().to_string(),
            "1101 (session no longer valid), 4 s after the login"
        );
        // The clock was set back.
        let mut life = Lifetime::begin(Timestamp::from_secs(100));
        life.end(Timestamp::from_secs(50));
        assert_eq!(life.ended(Ret(1101)), None, "unknown duration");
    }
}
