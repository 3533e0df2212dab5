//! Receiving messages and changes: `docs/protocol.md` §7.
//!
//! [`Events`] returns all events of an account, and [`Inbox`] only its messages; [`SyncCheck`] and
//! [`FetchBatch`] are their endpoints.

mod batch;
mod check;
mod events;
mod fetch;
mod inbox;
pub(crate) mod key;

pub use batch::{Batch, Profile};
pub use check::{Check, Selector, SyncCheck};
pub use events::{Event, Events, Step};
pub use fetch::FetchBatch;
pub use inbox::Inbox;
pub use key::SyncKey;
