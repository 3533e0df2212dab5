//! Messages: `docs/protocol.md` §6, §9.

mod content;
mod envelope;
pub mod mention;
mod patterns;
mod preview;
mod recent;
pub mod reply;
mod send;
pub mod send_text;
mod status;
mod sysmsg;
mod system;
mod template;

pub(crate) use envelope::WireMessage;
pub use envelope::{Kind, Message, Raw};
pub(crate) use recent::Recent;
pub use send::Receipt;
pub use status::{StatusCode, StatusNotify, UnreadChat};
pub use sysmsg::{Revoked, RoomTip, SysMsg, Tickle};
pub use system::{Person, System, SystemEvent};
pub use template::{Template, TemplateLink, TemplateMember};
