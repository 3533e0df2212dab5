//! Messages received and sent.

pub(crate) mod kinds;
pub(crate) mod sending;
pub(crate) mod system_messages;
pub(crate) mod uploading;
