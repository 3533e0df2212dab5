//! Messages for the account and from the client, of each kind.

pub(crate) mod app;
mod file;
mod incoming;
pub(crate) mod kinds;
pub(crate) mod reaction;
mod sent;
pub(crate) mod xml;

pub use self::incoming::{Incoming, Recommend};
pub use self::sent::{Delivered, Notice, Sent, SentFile};
