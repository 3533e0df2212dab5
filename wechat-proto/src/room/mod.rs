//! Rooms (group chats), made and changed: `docs/protocol.md` §11.4, §11.5.
//!
//! The service refuses much of this to many accounts. [`AddMembers`] adds or invites, whichever
//! the room's size asks for.

mod add;
pub mod create;
mod members;
pub mod update;

pub use add::{AddMembers, Joining};
pub use create::Created;
pub use members::{Founders, Members};
pub use update::Updated;
