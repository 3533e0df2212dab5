//! Contacts and rooms.

pub(crate) mod directory;
pub(crate) mod rooms;
