//! Rooms (group chats): creating and changing them (`docs/protocol.md` §11.4, §11.5).
//!
//! The service refuses many of these requests to many accounts. [`AddMembers`] adds or invites,
//! depending on the size of the room.

mod add;
mod create;
mod members;
mod update;

pub use add::{AddMembers, Joining};
pub use create::{CreateRoom, CreatedRoom};
pub use members::{Founders, RoomMembers};
pub use update::{UpdateRoom, UpdatedRoom};
