//! Requests and replies as bytes.

pub(crate) mod date;
pub(crate) mod multipart;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod text;
