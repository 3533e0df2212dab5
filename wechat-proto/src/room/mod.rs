//! Rooms (group chats): creating and changing them (`docs/protocol.md` §11.4, §11.5).
//!
//! Many accounts are not allowed to create rooms or to add members: the service refuses the
//! requests. [`AddMembers`] adds or invites, depending on the size of the room.

mod add;
mod create;
mod members;
mod update;

pub use add::{AddMembers, Joining};
pub use create::{CreateRoom, CreatedRoom};
pub use members::{Founders, RoomMembers};
pub use update::{UpdateRoom, UpdatedRoom};
