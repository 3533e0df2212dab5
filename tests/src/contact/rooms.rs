//! Changes of contacts and rooms by a client, and their settings (docs/protocol.md §11).

use std::collections::BTreeSet;

/// A friend request of the account, or its answer to one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(Default, serde::Serialize, utoipa::ToSchema))]
#[non_exhaustive]
pub struct Verification {
    /// 2 request, 3 acceptance, 4 rejection …
    pub opcode: i64,
    /// The `UserName` of the other person.
    pub user: String,
    /// The text sent with it.
    pub content: String,
    /// The origin of the contact: 33 for the web.
    pub scene: i64,
}

/// An invitation into a room.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(Default, serde::Serialize, utoipa::ToSchema))]
#[non_exhaustive]
pub struct Invitation {
    /// The room's `UserName`.
    pub room: String,
    /// The `UserName` of the invited person.
    pub user: String,
}

/// An invitation that the account has received: the permanent ids of the room and of the person who invites.
#[derive(Clone, Debug)]
pub(crate) struct Invited {
    pub(crate) room: String,
    pub(crate) by: String,
}

/// The state of contacts and rooms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rooms {
    pub(crate) verifications: Vec<Verification>,
    pub(crate) invitations: Vec<Invitation>,
    /// The invitations that other accounts have sent, and that the account has not accepted.
    pub(crate) invited: Vec<Invited>,
    pub(crate) ignores_remarks: bool,
    pub(crate) blockers: BTreeSet<String>,
    /// The notice that refuses the next room.
    pub(crate) notice: Option<String>,
    pub(crate) invite_start: usize,
    /// Rooms without a message.
    pub(crate) silent: BTreeSet<String>,
}
