//! One time limit for all waits of an exchange.
//!
//! ureq measures its phases separately, each from the end of the previous one. Its global limit
//! includes the body, which is wrong for a streamed body. An exchange runs on the thread of its
//! caller, so the limit is stored there, and the connections read the remaining time.

use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs `work`; its waits end after `limit`.
pub(crate) fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    /// Restores the previous limit, even if the work panics.
    struct Restore(Option<Instant>);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNTIL.set(self.0);
        }
    }
    // A limit that overflows `Instant` is no limit.
    let _restore = Restore(UNTIL.replace(Instant::now().checked_add(limit)));
    work()
}

/// Returns the remaining time, or `None` without a limit.
pub(crate) fn remaining() -> Option<Duration> {
    UNTIL.get().map(|until| until.saturating_duration_since(Instant::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_applies_only_during_the_work() {
        assert_eq!(remaining(), None);
        within(Duration::from_secs(9), || {
            assert!(remaining().unwrap() > Duration::from_secs(8));
            within(Duration::ZERO, || assert_eq!(remaining(), Some(Duration::ZERO)));
            within(Duration::MAX, || assert_eq!(remaining(), None));
            assert!(remaining().unwrap() > Duration::from_secs(8));
        });
        assert_eq!(remaining(), None);
    }
}
