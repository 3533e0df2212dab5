//! Messages and changes that accounts of the same service send to each other.
//!
//! Each account knows the others by its own `UserName`s, so persons and rooms are named by their permanent ids here.

use crate::contact::Contact;
use crate::message::Incoming;

/// A message or a change that another account has sent.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A message without the prefix of a room.
    Message {
        author: String,
        room: Option<String>,
        message: Box<Incoming>,
    },
    Revocation {
        author: String,
        room: Option<String>,
        msg_id: String,
    },
    /// The state of a room, and its members, with the `UserName`s of the sender.
    Room {
        room: Box<Contact>,
        people: Vec<Contact>,
    },
    /// The notice of a change that the author has made in a room.
    RoomEvent {
        author: String,
        room: String,
        event: RoomEvent,
    },
    /// An invitation into a room with this name.
    Invitation {
        author: String,
        room: String,
        name: String,
    },
    /// The acceptance of an invitation.
    Joining {
        profile: Box<Contact>,
        room: String,
    },
    /// A friend request.
    Request {
        profile: Box<Contact>,
        greeting: String,
    },
    /// The acceptance of a friend request.
    Accepted(Box<Contact>),
    /// A changed profile.
    Profile(Box<Contact>),
}

/// A change that an account has made in a room. Persons are named by their permanent ids.
#[derive(Clone, Debug)]
pub(crate) enum RoomEvent {
    Invited(Vec<String>),
    Removed(Vec<String>),
    Renamed(String),
}
