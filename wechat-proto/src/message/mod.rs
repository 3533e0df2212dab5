//! Messages: `docs/protocol.md` §6, §9.

pub mod app;
mod card;
pub(crate) mod content;
#[cfg(test)]
mod corpus_tests;
mod emoticon;
mod envelope;
mod file;
mod friend_request;
mod image;
mod kind;
mod location;
pub mod mention;
mod msg_type;
mod news;
pub(crate) mod notify;
mod piece;
mod preview;
mod raw;
mod recent;
mod recommend;
mod send;
mod status;
mod system;
#[cfg(test)]
mod typed_tests;
mod video;
mod voice;
mod voip;
mod wire;

pub use app::{App, AppContent, AppKind};
pub use card::Card;
pub use emoticon::{Emoticon, Game, Hand};
pub use envelope::Message;
pub(crate) use envelope::Place;
pub use friend_request::{FriendRequest, PossibleFriend};
pub use image::Image;
pub use kind::Kind;
pub use location::{Coordinates, Location};
pub use msg_type::MsgType;
pub use news::{Article, News};
pub use notify::NotifyPhone;
pub use piece::Hidden;
pub use raw::Raw;
pub(crate) use recent::Recent;
pub use recommend::RecommendInfo;
pub use send::{
    EmoticonMd5, ForwardMessage, NotForwardable, Receipt, Revocation, RevokeMessage, SendEmoticon,
    SendFile, SendImage, SendText, SendUpload, SendVideo,
};
pub use status::{StatusCode, StatusNotify, UnreadChat};
pub use system::{
    Person, Revoked, RoomTip, SysMsg, System, SystemEvent, Template, TemplateLink, TemplateMember,
    Tickle,
};
pub use video::Video;
pub use voice::Voice;
pub use voip::{Voip, VoipBy, VoipStep};
pub(crate) use wire::WireMessage;
