//! Hearing what is new: `docs/protocol.md` §7.
//!
//! [`Inbox`] does all of it; the modules are its steps, each a request and the parser of its
//! reply.

pub mod check;
pub mod fetch;
mod inbox;
pub(crate) mod key;

pub use inbox::Inbox;
pub use key::SyncKey;
