//! Logins, entries, restored sessions and their ends.

pub(crate) mod accounts;
pub(crate) mod entries;
pub(crate) mod failures;
pub(crate) mod misc;
pub(crate) mod resume;
pub(crate) mod story;
pub(crate) mod transitions;
