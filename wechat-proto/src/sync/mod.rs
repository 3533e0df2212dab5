//! Receiving messages and changes: `docs/protocol.md` §7.
//!
//! [`Inbox`] receives messages; [`SyncCheck`] and [`FetchBatch`] are its endpoints.

mod check;
mod fetch;
mod inbox;
pub(crate) mod key;

pub use check::{Check, Selector, SyncCheck};
pub use fetch::{Batch, FetchBatch, Profile};
pub use inbox::Inbox;
pub use key::SyncKey;
