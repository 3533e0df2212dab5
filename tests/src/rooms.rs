//! What a client changes about contacts and rooms, and what the service lets it (docs/protocol.md §11).

use std::collections::BTreeSet;

use crate::world::World;

/// A step between the account and somebody: a friend request, or the answer to one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// 2 asks, 3 accepts, 4 rejects …
    pub opcode: i64,
    /// Whom.
    pub user: String,
    /// What was said with it.
    pub content: String,
    /// Where they met: 33 for the web.
    pub scene: i64,
}

/// Somebody who was asked into a room.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Invitation {
    /// The room's `UserName`.
    pub room: String,
    /// Who was asked.
    pub user: String,
}

/// All of it.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    pub(crate) verifications: Vec<Verification>,
    pub(crate) invitations: Vec<Invitation>,
    pub(crate) deaf_to_remarks: bool,
    pub(crate) blockers: BTreeSet<String>,
    /// What is said in place of the next room.
    pub(crate) notice: Option<String>,
    pub(crate) invite_start: usize,
    /// Rooms that nobody has written into yet.
    pub(crate) silent: BTreeSet<String>,
}

impl Default for Rooms {
    fn default() -> Self {
        let (verifications, invitations, blockers, silent) = Default::default();
        let (deaf_to_remarks, notice, invite_start) = (false, None, 40);
        Self { verifications, invitations, deaf_to_remarks, blockers, notice, invite_start, silent }
    }
}

impl World {
    /// The friend requests that the client has sent and answered, in order.
    pub fn verifications(&self) -> &[Verification] {
        &self.rooms.verifications
    }

    /// Who was asked into rooms, in order.
    pub fn invitations(&self) -> &[Invitation] {
        &self.rooms.invitations
    }

    /// Remarks are answered with 0 and change nothing, as the service has done since 2023.
    pub const fn ignore_remarks(&mut self, on: bool) {
        self.rooms.deaf_to_remarks = on;
    }

    /// Somebody has blocked or deleted the account: new rooms leave this one out.
    pub fn is_blocked_by(&mut self, user_name: &str) {
        self.rooms.blockers.insert(user_name.to_owned());
    }

    /// The next room is not made: the answer is 0, without a name, and with this notice.
    pub fn make_no_room(&mut self, notice: &str) {
        self.rooms.notice = Some(notice.to_owned());
    }

    /// From how many members on people are invited; `webwxinit` says so. 40 unless set.
    pub const fn invite_start_count(&mut self, count: usize) {
        self.rooms.invite_start = count;
    }
}
