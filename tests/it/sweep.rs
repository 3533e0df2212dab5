//! The size of sweeps, such as each fault at each request: a sample by default, everything with
//! `WECHAT_SWEEP=all`.

use std::env;

/// Returns whether everything is requested, which takes an hour.
pub(crate) fn is_complete() -> bool {
    env::var("WECHAT_SWEEP").is_ok_and(|value| value == "all")
}

/// Returns the distance between two steps of a sample of one in `sample`.
pub(crate) fn stride(sample: usize) -> usize {
    if is_complete() { 1 } else { sample }
}
