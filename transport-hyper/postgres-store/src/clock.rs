//! The worker's own clock.

use std::time::Duration;

/// Returns the time since the machine started, including the time in suspend.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn now() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    clock_gettime(ClockId::Boottime).try_into().expect("the time since the start is not negative")
}

/// Returns the time since the first call. Whether it includes the time in suspend depends on the
/// system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn now() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
