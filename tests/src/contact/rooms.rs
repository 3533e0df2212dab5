//! Changes of contacts and rooms by a client, and their settings (docs/protocol.md §11).

use std::collections::BTreeSet;

use crate::contact::Contact;
use crate::world::World;
use crate::world::relations::Invited;

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

impl World {
    /// Returns the room with this `EncryChatRoomId` or `UserName`: working clients use either (docs/protocol.md §16).
    pub(crate) fn room(&self, id: &str) -> Option<&Contact> {
        let mut rooms = self.contacts().iter().filter(|contact| contact.is_room());
        rooms.find(|room| [&*room.encry_chat_room_id, &room.user_name].contains(&id))
    }

    /// Returns the friend requests that the client has sent or answered, in order.
    pub fn verifications(&self) -> &[Verification] {
        &self.rooms.verifications
    }

    /// Returns the invitations into rooms, in order.
    pub fn invitations(&self) -> &[Invitation] {
        &self.rooms.invitations
    }

    /// Sets whether remarks are answered with 0 without effect, as by the service since 2023. Default: false.
    pub const fn ignore_remarks(&mut self, on: bool) {
        self.rooms.ignores_remarks = on;
    }

    /// Records that a person has blocked or deleted the account: new rooms omit that person.
    pub fn is_blocked_by(&mut self, user_name: &str) {
        self.rooms.blockers.insert(user_name.to_owned());
    }

    /// Refuses the next room. The answer has the code 0, no name, and this notice.
    pub fn make_no_room(&mut self, notice: &str) {
        self.rooms.notice = Some(notice.to_owned());
    }

    /// Sets the number of members at which people are invited instead of added, as announced by `webwxinit`. Default:
    /// 40.
    pub const fn invite_start_count(&mut self, count: usize) {
        self.rooms.invite_start = count;
    }
}
