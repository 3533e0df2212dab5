//! Every part of every request.

pub(crate) mod altered_forms;
mod altered_json;
pub(crate) mod altered_requests;
pub(crate) mod endpoints;
mod notes;
mod page_mode;
mod recording;
mod service_mode;
