//! One time limit for everything that an exchange waits for.
//!
//! ureq measures its phases one by one, each from the end of the one before; its limit for all of
//! them ends with the body, which is too late where the body is streamed. An exchange runs on the
//! thread of its caller, so the limit is kept there, and the connections ask for what is left.

use std::cell::Cell;
use std::time::{Duration, Instant};

thread_local! {
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Does `work`; whatever it waits for ends when `limit` has passed.
pub(crate) fn within<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    /// Takes the limit off again, also when the work panics.
    struct Restore(Option<Instant>);
    impl Drop for Restore {
        fn drop(&mut self) {
            UNTIL.set(self.0);
        }
    }
    // A limit beyond the end of time is none.
    let _restore = Restore(UNTIL.replace(Instant::now().checked_add(limit)));
    work()
}

/// What is left, if there is a limit.
pub(crate) fn remaining() -> Option<Duration> {
    UNTIL.get().map(|until| until.saturating_duration_since(Instant::now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applies_to_the_work_alone() {
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
