//! Messages for the account and from the client, of each kind.

pub(crate) mod app;
pub(crate) mod attached;
mod incoming;
pub(crate) mod kinds;
pub(crate) mod reaction;
pub(crate) mod xml;

pub use self::incoming::{Delivered, Incoming, Notice, Recommend, Sent, SentFile};
pub(crate) use self::incoming::{name_on_the_wire, off_the_wire, on_the_wire};
