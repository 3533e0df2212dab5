//! Contacts: `docs/protocol.md` §5, §10.
//!
//! [`LoadContacts`] loads all of them into the account's [`Directory`]; [`GetContacts`] and
//! [`BatchGetContacts`] are its steps. [`Identity`] collects the data that may outlast a login.
//!
//! # The serialized form
//!
//! [`Contact`], [`Member`], [`Change`], [`Identity`] and [`Evidence`] serialize to a form that
//! bridges can store, with the names of their fields. This is version [`SCHEMA`]:
//!
//! - a `Contact` is an object of all its fields, empty ones included; flags are numbers, `pinyin` is
//!   `{"initials": …, "full": …}`, `chat_room_owner` text or `null`, `members` a list;
//! - a `Change` is an object with a `change` (`added`, `removed`, `renamed`, `owner_changed`,
//!   `members_joined`, `members_left`, `members_renamed`, `changed`) and the fields of its variant;
//!   [`Fields`] are a list of names of a contact's fields;
//! - an `Identity` is an object of all its fields and can be deserialized; `id` is text or `null`.
//!
//! Later versions may add fields and variants under the same number; removing a field or changing
//! its meaning increments the number.

mod batch;
mod batches;
mod candidate;
mod change;
mod classify;
#[cfg(test)]
mod corpus_tests;
mod directory;
mod find;
mod flags;
mod flow;
mod identity;
mod list;
mod lookup;
mod members;
mod merge;
mod oplog;
pub(crate) mod pending;
mod permanent_id;
mod pin;
mod recipient;
mod record;
mod remark;
mod search;
mod ticket;
mod verify;
pub(crate) mod wire;

pub use batch::BatchGetContacts;
pub use candidate::Candidate;
pub(crate) use candidate::Candidates;
pub use change::{Change, Fields};
pub use classify::ContactKind;
pub use directory::Directory;
pub use find::FindContact;
pub use flags::{ContactFlag, SnsFlag, VerifyFlag};
pub use flow::LoadContacts;
pub use identity::{Evidence, Identity, IdentityKind};
pub use list::{ContactPage, GetContacts};
pub use members::{Member, Members};
pub use permanent_id::PermanentId;
pub use pin::PinChat;
pub use recipient::{Recipient, Resolve};
pub use record::{Contact, Pinyin};
pub use remark::{Remark, SetRemark};
pub use search::SearchContacts;
pub use ticket::Ticket;
pub use verify::{Opcode, Scene, VerifyUser};

/// The version of the serialized form.
pub const SCHEMA: u32 = 1;
