//! Requests, replies and texts in the format of the service.

pub(crate) mod date;
pub(crate) mod multipart;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod text;
