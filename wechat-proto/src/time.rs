//! Points in time. They are arguments, because the core never reads a clock.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01 00:00 UTC.
///
/// The driver reads its clock and passes the value in; a clock that jumps, in either direction,
/// changes the requests but never makes arithmetic overflow.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Returns the time `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Returns the time `seconds` seconds after the epoch.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Returns the milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Returns the value of JavaScript's `~Date.now()`: the bitwise NOT of the milliseconds,
    /// truncated to 32 bits.
    ///
    /// `login`, `webwxinit` (`r`) and `webwxsync` (`rr`) carry it: `docs/protocol.md` §1.2.
    #[expect(clippy::cast_possible_truncation, reason = "the cut is the definition")]
    pub const fn inverted(self) -> i32 {
        !(self.0 as u32).cast_signed()
    }

    /// Returns this time plus `duration`, saturating at the maximum.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// Returns the time since `earlier`; zero if it is later (the clock was set back).
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// The remaining time of a wait, by a clock that may jump (`docs/threats.md` C1).
///
/// The time between two consecutive checks is summed up, so that a jump of the clock affects only
/// one interval and not the whole wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    left: Duration,
    seen: Timestamp,
    /// The number of consecutive checks at which the clock had not advanced.
    still: u8,
}

impl Wait {
    /// The number of checks without an advance after which the clock counts as stopped. A driver
    /// that repeatedly ends its sleep within one millisecond cannot be distinguished: see
    /// [`crate::flow`].
    const STILL: u8 = 8;

    pub(crate) const fn new(length: Duration, now: Timestamp) -> Self {
        Self { left: length, seen: now, still: 0 }
    }

    /// Returns the remaining time. An interval in which the clock was set back counts as zero.
    pub(crate) const fn left(&mut self, now: Timestamp) -> Duration {
        self.left = self.left.saturating_sub(now.since(self.seen));
        self.seen = now;
        self.left
    }

    /// Returns the remaining time to sleep, after the driver slept for the previously returned
    /// time. Returns zero if the clock was set back meanwhile, because a clock that is set back
    /// repeatedly must not cause endless sleeps.
    pub(crate) fn sleep(&mut self, now: Timestamp) -> Duration {
        self.still = if now == self.seen { self.still.saturating_add(1) } else { 0 };
        if now < self.seen || self.still >= Self::STILL {
            self.left = Duration::ZERO;
        }
        self.left(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threat C1.
    #[test]
    fn a_wait_ends_for_any_clock() {
        let at = Timestamp::from_secs;
        let ten = Duration::from_secs(10);
        let mut wait = Wait::new(ten, at(100));
        assert_eq!(wait.left(at(104)).as_secs(), 6);
        // The clock was set back, so the time that passed is unknown.
        assert_eq!(wait.left(at(1)).as_secs(), 6);
        assert_eq!(wait.left(at(5)).as_secs(), 2);
        assert_eq!(wait.left(at(100_000)), Duration::ZERO);
        assert_eq!(wait.left(at(0)), Duration::ZERO);

        let mut sleep = Wait::new(ten, at(100_000));
        assert_eq!(sleep.sleep(at(100_000)).as_secs(), 10);
        assert_eq!(sleep.sleep(at(100_003)).as_secs(), 7);
        assert_eq!(sleep.sleep(at(10)), Duration::ZERO);

        // A clock that does not advance.
        let mut sleep = Wait::new(ten, at(100));
        assert!((0..7).all(|_| sleep.sleep(at(100)) == ten));
        assert_eq!(sleep.sleep(at(100)), Duration::ZERO);
    }

    #[test]
    fn timestamps_do_not_overflow() {
        let end = Timestamp::from_millis(u64::MAX);
        assert_eq!(end.after(Duration::MAX), end);
        assert_eq!(Timestamp::default().since(end), Duration::ZERO);
        assert_eq!(Timestamp::from_secs(u64::MAX), end);
    }
}
