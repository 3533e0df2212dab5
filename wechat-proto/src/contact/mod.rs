//! Contacts: `docs/protocol.md` §5, §10.
//!
//! [`Contacts`] loads all of them into the account's [`Directory`]; [`list`] and [`batch`] are its
//! steps. [`Identity`] is what may hold beyond one login.
//!
//! # The serialized form
//!
//! [`Contact`], [`Member`], [`Change`], [`Identity`] and [`Evidence`] serialize to what bridges can
//! keep, under the names of their fields, version [`SCHEMA`]:
//!
//! - a `Contact` is an object of all its fields, empty ones included; flags are numbers, `pinyin` is
//!   `{"initials": …, "full": …}`, `chat_room_owner` text or `null`, `members` a list;
//! - a `Change` is an object with a `change` (`added`, `removed`, `renamed`, `owner_changed`,
//!   `members_joined`, `members_left`, `members_renamed`, `changed`) and the fields of its variant;
//!   [`Fields`] are a list of names of a contact's fields;
//! - an `Identity` is an object of all its fields, and is read back; `id` is text or `null`.
//!
//! Later versions may add fields and variants under the same number; a field that goes or changes
//! its meaning makes a new one.

pub mod batch;
mod batches;
mod change;
mod classify;
#[cfg(test)]
mod corpus_tests;
mod directory;
mod flags;
mod flow;
mod identity;
pub mod list;
mod lookup;
mod members;
mod merge;
mod notice;
mod oplog;
pub mod pin;
pub(crate) mod record;
pub mod remark;
pub mod search;
pub mod verify;
pub(crate) mod wanted;
mod wire;

pub use change::{Change, Fields};
pub use classify::ContactKind;
pub use directory::Directory;
pub use flags::{ContactFlag, SnsFlag, VerifyFlag};
pub use flow::Contacts;
pub use identity::{Evidence, Identity, IdentityKind, PermanentId};
pub use members::{Member, Members};
pub use record::{Contact, Pinyin};

/// The version of the serialized form.
pub const SCHEMA: u32 = 1;
