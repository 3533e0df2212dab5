//! The steps of receiving a file, at which tests can end the process.

/// Does nothing. In tests, may end the process like a kill.
#[cfg(not(test))]
pub(crate) const fn step() {}

/// Ends the process at the step whose number is in [`KILL_AT`], counted from 0.
#[cfg(test)]
pub(crate) fn step() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    if std::env::var(KILL_AT).is_ok_and(|at| at == number.to_string()) {
        // Like a kill, this runs no destructors.
        std::process::abort();
    }
}

/// The variable with the number of the step at which a process ends.
#[cfg(test)]
pub(crate) const KILL_AT: &str = "WECHAT_TEST_KILL_AT";
