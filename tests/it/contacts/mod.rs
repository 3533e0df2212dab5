//! Contacts and rooms.

pub(crate) mod between_accounts;
pub(crate) mod directory;
pub(crate) mod rooms;
