//! Messages: `docs/protocol.md` §6, §9.

pub(crate) mod content;
mod envelope;
pub mod forward;
pub mod mention;
pub mod notify;
mod patterns;
mod preview;
mod recent;
pub mod reply;
pub mod revoke;
mod send;
pub mod send_app;
pub mod send_emoticon;
pub mod send_image;
pub mod send_media;
pub mod send_text;
pub mod send_video;
mod status;
mod sysmsg;
mod system;
mod template;

pub(crate) use envelope::WireMessage;
pub use envelope::{Kind, Message, Raw};
pub use forward::{Forward, NotForwardable};
pub(crate) use recent::Recent;
pub use send::Receipt;
pub use send_emoticon::EmoticonMd5;
pub use status::{StatusCode, StatusNotify, UnreadChat};
pub use sysmsg::{Revoked, RoomTip, SysMsg, Tickle};
pub use system::{Person, System, SystemEvent};
pub use template::{Template, TemplateLink, TemplateMember};
