//! Messages: `docs/protocol.md` §6, §9.

pub(crate) mod content;
mod envelope;
mod send;
pub mod send_text;

pub(crate) use envelope::WireMessage;
pub use envelope::{Kind, Message, Raw};
pub use send::Receipt;
