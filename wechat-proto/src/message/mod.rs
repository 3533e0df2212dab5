//! Messages: `docs/protocol.md` §6, §9.

mod envelope;
pub mod forward;
pub mod notify;
pub mod revoke;
mod send;
pub mod send_app;
pub mod send_emoticon;
pub mod send_image;
pub mod send_media;
pub mod send_text;
pub mod send_video;

pub(crate) use envelope::WireMessage;
pub use envelope::{Kind, Message, Raw};
pub use forward::{Forward, NotForwardable};
pub use revoke::Revoked;
pub use send::Receipt;
pub use send_emoticon::EmoticonMd5;
