//! Contacts: `docs/protocol.md` §5, §10.
//!
//! [`Contacts`] loads all of them; [`list`] and [`batch`] are its steps.

pub mod batch;
mod directory;
mod flow;
pub mod list;
pub(crate) mod record;

pub use directory::Directory;
pub use flow::Contacts;
pub use record::{Contact, Member};
