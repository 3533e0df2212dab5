//! Contacts: `docs/protocol.md` §5, §10.
//!
//! [`Contacts`] loads all of them; [`list`] and [`batch`] are its steps.

pub mod batch;
mod directory;
mod flow;
pub mod list;
mod oplog;
pub mod pin;
pub(crate) mod record;
pub mod remark;
pub mod search;
pub mod verify;

pub use directory::Directory;
pub use flow::Contacts;
pub use record::{Contact, Member};
