//! Messages: `docs/protocol.md` §6, §9.

pub mod app;
mod card;
mod content;
#[cfg(test)]
mod corpus_tests;
mod emoticon;
mod envelope;
mod friend_request;
mod image;
mod kind;
mod location;
mod news;
mod piece;
mod raw;
mod recommend;
mod send;
pub mod send_text;
mod ticket;
mod video;
mod voice;
mod voip;

pub use app::{App, AppContent, AppKind};
pub use card::Card;
pub use emoticon::{Emoticon, Game, Hand};
pub use envelope::Message;
pub(crate) use envelope::WireMessage;
pub use friend_request::{FriendRequest, PossibleFriend};
pub use image::Image;
pub use kind::{Kind, MsgType};
pub use location::{Coordinates, Location};
pub use news::{Article, News};
pub use piece::Hidden;
pub use raw::Raw;
pub use recommend::RecommendInfo;
pub use send::Receipt;
pub use ticket::Ticket;
pub use video::Video;
pub use voice::Voice;
pub use voip::{Voip, VoipBy, VoipStep};
