//! The news that one `webwxsync` reports: `docs/protocol.md` §7.2.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::SyncKey;
use crate::UserName;
use crate::contact::Contact;
use crate::message::{Message, Raw, WireMessage};
use crate::secret::Secret;
use crate::wire::lenient::List;

/// The messages and changes since the key of the request.
#[derive(Clone)]
#[non_exhaustive]
pub struct Batch {
    pub(super) messages: Messages,
    /// Contacts that were added or changed.
    pub changed: Vec<Contact>,
    /// Changed rooms and members of rooms: `ModChatRoomMemberList`.
    pub changed_members: Vec<Contact>,
    /// Contacts and rooms that were removed.
    pub removed: Vec<UserName>,
    /// Changes of the account itself.
    pub profile: Option<Profile>,
    /// The new key for the next `webwxsync`; `None` to keep the current key.
    pub sync_key: Option<SyncKey>,
    /// The new key for the next `synccheck`; `None` to keep the current key.
    pub sync_check_key: Option<SyncKey>,
    /// The new `Skey`; usually empty.
    pub(crate) skey: Secret,
    /// Whether there is more to fetch at once.
    pub has_more: bool,
}

#[derive(Clone)]
pub(super) enum Messages {
    /// The messages of a reply that was parsed without a request.
    Raw(List<Raw>),
    /// The messages, parsed for the account that sent the request.
    Parsed(Vec<Message>),
}

/// Changes of the account itself; `None` for unchanged fields.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// The new nickname.
    pub nick_name: Option<Box<str>>,
    /// The new avatar: a path on the API host, without the value of its `skey`.
    pub head_img_url: Option<Box<str>>,
}

/// Shows only the number of messages: they contain tickets and keys.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("messages", &self.messages.len())
            .field("changed", &self.changed)
            .field("changed_members", &self.changed_members)
            .field("removed", &self.removed)
            .field("profile", &self.profile)
            .field("sync_key", &self.sync_key)
            .field("sync_check_key", &self.sync_check_key)
            .field("has_more", &self.has_more)
            .finish_non_exhaustive()
    }
}

impl Batch {
    /// Returns the messages, parsed for the account `me`, without applying the batch. Intended for
    /// captures. `me` is ignored if the batch was requested.
    pub fn messages(self, me: &UserName) -> Vec<Message> {
        match self.messages {
            Messages::Raw(messages) => WireMessage::take_all(messages, me),
            Messages::Parsed(messages) => messages,
        }
    }

    /// Returns whether the batch has neither messages nor changes.
    pub fn is_empty(&self) -> bool {
        self.messages.len() == 0 && !self.has_changes()
    }

    /// Returns whether the batch has changes, besides messages.
    pub(crate) fn has_changes(&self) -> bool {
        self.profile.is_some()
            || !self.removed.is_empty()
            || !self.changed.is_empty()
            || !self.changed_members.is_empty()
    }
}

impl Messages {
    const fn len(&self) -> usize {
        match self {
            Self::Raw(List(messages, _)) => messages.len(),
            Self::Parsed(messages) => messages.len(),
        }
    }
}
