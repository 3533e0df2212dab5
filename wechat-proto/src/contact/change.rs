//! Differences between two copies of a directory.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use serde::{Serialize, Serializer};

use super::{Contact, Directory, Member, Members};
use crate::ids::UserName;

/// A difference between two copies of a directory: [`Directory::changes_since`].
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A contact was added.
    Added {
        /// The new contact.
        #[serde(serialize_with = "shared")]
        contact: Arc<Contact>,
    },
    /// A contact was removed: it was deleted, or is a room that the account left.
    Removed {
        /// The old contact.
        #[serde(serialize_with = "shared")]
        contact: Arc<Contact>,
    },
    /// A contact's nickname or a room's topic changed.
    Renamed {
        /// The person or room.
        user_name: UserName,
        /// The name before; not empty.
        old: Box<str>,
        /// The name now.
        new: Box<str>,
    },
    /// A room's owner changed.
    OwnerChanged {
        /// The room.
        user_name: UserName,
        /// The owner before.
        old: UserName,
        /// The owner now.
        new: UserName,
    },
    /// Members joined a room. This change and the next two are reported only if the list of members
    /// was complete before and is complete now.
    MembersJoined {
        /// The room.
        user_name: UserName,
        /// The new members.
        members: Vec<Member>,
    },
    /// Members left a room.
    MembersLeft {
        /// The room.
        user_name: UserName,
        /// The members that left, as they were last known.
        members: Vec<Member>,
    },
    /// Members of a room changed their nickname or their name in the room.
    MembersRenamed {
        /// The room.
        user_name: UserName,
        /// The members, with their new names.
        members: Vec<Member>,
    },
    /// Other fields of a contact changed.
    Changed {
        /// The person or room.
        user_name: UserName,
        /// The changed fields.
        fields: Fields,
    },
}

fn shared<S: Serializer>(contact: &Arc<Contact>, serializer: S) -> Result<S::Ok, S::Error> {
    (**contact).serialize(serializer)
}

impl Change {
    /// Returns the name of the person or room that changed.
    pub fn user_name(&self) -> &UserName {
        match self {
            Self::Added { contact } | Self::Removed { contact } => &contact.user_name,
            Self::Renamed { user_name, .. }
            | Self::OwnerChanged { user_name, .. }
            | Self::MembersJoined { user_name, .. }
            | Self::MembersLeft { user_name, .. }
            | Self::MembersRenamed { user_name, .. }
            | Self::Changed { user_name, .. } => user_name,
        }
    }
}

/// Defines the set of a contact's fields, and how two contacts are compared.
macro_rules! fields {
    ($( $(#[$meta:meta])* $name:ident = $bit:literal $field:literal { $($member:ident),+ } )*) => {
        /// Some fields of a contact, each under the name that it has in [`Contact`].
        #[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
        pub struct Fields(u32);

        impl Fields {
            $( $(#[$meta])* pub const $name: Self = Self(1 << $bit); )*

            const NAMES: &[(&str, Self)] = &[$( ($field, Self::$name) ),*];

            /// Returns the fields in which two contacts differ.
            fn between(old: &Contact, new: &Contact) -> Self {
                // Names all fields, so that none is forgotten.
                let Contact { user_name: _, $( $($member: _,)+ )* } = new;
                let mut fields = Self::default();
                $( if $( old.$member != new.$member )||+ {
                    fields.0 |= Self::$name.0;
                } )*
                fields
            }
        }
    };
}

fields! {
    /// `nick_name`, if it was empty before or is now; otherwise see [`Change::Renamed`].
    NICK_NAME = 0 "nick_name" { nick_name }
    /// `remark_name`
    REMARK_NAME = 1 "remark_name" { remark_name }
    /// `alias`
    ALIAS = 2 "alias" { alias }
    /// `head_img_url`
    HEAD_IMG_URL = 3 "head_img_url" { head_img_url }
    /// `signature`
    SIGNATURE = 4 "signature" { signature }
    /// `province`
    PROVINCE = 5 "province" { province }
    /// `city`
    CITY = 6 "city" { city }
    /// `pinyin`
    PINYIN = 7 "pinyin" { pinyin }
    /// `remark_pinyin`
    REMARK_PINYIN = 8 "remark_pinyin" { remark_pinyin }
    /// `key_word`
    KEY_WORD = 9 "key_word" { key_word }
    /// `contact_flag`
    CONTACT_FLAG = 10 "contact_flag" { contact_flag }
    /// `verify_flag`
    VERIFY_FLAG = 11 "verify_flag" { verify_flag }
    /// `sns_flag`
    SNS_FLAG = 12 "sns_flag" { sns_flag }
    /// `attr_status`
    ATTR_STATUS = 13 "attr_status" { attr_status }
    /// `statues`
    STATUES = 14 "statues" { statues }
    /// `sex`
    SEX = 15 "sex" { sex }
    /// `star_friend`
    STAR_FRIEND = 16 "star_friend" { star_friend }
    /// `hide_input_bar_flag`
    HIDE_INPUT_BAR_FLAG = 17 "hide_input_bar_flag" { hide_input_bar_flag }
    /// `uin`
    UIN = 18 "uin" { uin }
    /// The owner of the room, if the owner was or is unknown. Other changes are reported as
    /// [`Change::OwnerChanged`].
    OWNER = 19 "owner" { chat_room_owner, is_owner, owner_uin }
    /// `encry_chat_room_id`
    ENCRY_CHAT_ROOM_ID = 20 "encry_chat_room_id" { encry_chat_room_id }
    /// `member_count`
    MEMBER_COUNT = 21 "member_count" { member_count }
    /// `members`, if the list was or is incomplete, or if the status of a remaining member changed or
    /// its name became known. Other changes are reported as [`Change::MembersJoined`],
    /// [`Change::MembersLeft`] and [`Change::MembersRenamed`].
    MEMBERS = 22 "members" { members }
}

impl Fields {
    /// Returns whether all of these fields are set.
    pub const fn has(self, fields: Self) -> bool {
        self.0 & fields.0 == fields.0
    }

    /// Returns whether no field is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the names of the fields, as in the serialized form of [`Contact`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(_, field)| self.has(*field)).map(|(name, _)| *name)
    }

    const fn without(self, fields: Self) -> Self {
        Self(self.0 & !fields.0)
    }
}

impl core::ops::BitOr for Fields {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Serializes as a list of names.
impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl Directory {
    /// Returns the differences from an older copy, sorted by `UserName`.
    ///
    /// Cloning a directory copies a few pointers, and the comparison returns immediately if nothing
    /// changed:
    ///
    /// ```
    /// # use wechat_proto::contact::{Change, Directory};
    /// # fn example(directory: &Directory) {
    /// let mut seen = directory.clone();
    /// // … later, with a newer copy of the account's directory:
    /// for change in directory.changes_since(&seen) {
    ///     if let Change::MembersJoined { user_name, members } = &change {
    ///         println!("{} joined {}", members[0].name(), directory.name_of(user_name));
    ///     }
    /// }
    /// seen = directory.clone();
    /// # }
    /// ```
    ///
    /// A change that was reverted between the two copies is not reported. Compare after each message
    /// for the finest granularity that the service offers.
    ///
    /// Before the first message of a batch is returned, the directory contains the changes of the batch
    /// and the members that the [`Inbox`](crate::sync::Inbox) looks up before it returns messages. It
    /// contains all other looked-up contacts before the first message of the next batch.
    pub fn changes_since(&self, old: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if Arc::ptr_eq(&self.contacts, &old.contacts) {
            return changes;
        }
        let (mut before, mut now) =
            (old.contacts.iter().peekable(), self.contacts.iter().peekable());
        loop {
            let order = match (before.peek(), now.peek()) {
                (Some(before), Some(now)) => before.cmp(now),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return changes,
            };
            let gone = if order.is_le() { before.next() } else { None };
            let here = if order.is_ge() { now.next() } else { None };
            match (gone, here) {
                (Some(old), Some(new)) if Arc::ptr_eq(&old.0, &new.0) => {}
                (Some(old), Some(new)) => self.compare(&old.0, &new.0, &mut changes),
                (Some(old), None) => changes.push(Change::Removed { contact: Arc::clone(&old.0) }),
                (None, Some(new)) => changes.push(Change::Added { contact: Arc::clone(&new.0) }),
                (None, None) => {}
            }
        }
    }

    fn compare(&self, old: &Contact, new: &Contact, changes: &mut Vec<Change>) {
        let mut fields = Fields::between(old, new);
        let user_name = || new.user_name.clone();
        if fields.has(Fields::NICK_NAME) && !old.nick_name.is_empty() && !new.nick_name.is_empty() {
            fields = fields.without(Fields::NICK_NAME);
            let (old, new) = (old.nick_name.clone(), new.nick_name.clone());
            changes.push(Change::Renamed { user_name: user_name(), old, new });
        }
        // In a directory without an account, all rooms with `IsOwner` have the same owner.
        let nobody = UserName::nearest("");
        let me = self.me.as_ref().unwrap_or(&nobody);
        if fields.has(Fields::OWNER)
            && let (Some(old), Some(new)) = (old.owner(me), new.owner(me))
        {
            fields = fields.without(Fields::OWNER);
            if old != new {
                let (old, new) = (old.clone(), new.clone());
                changes.push(Change::OwnerChanged { user_name: user_name(), old, new });
            }
        }
        if fields.has(Fields::MEMBERS) && old.has_all_members() && new.has_all_members() {
            let missing = |from: &Members, to: &Members| -> Vec<Member> {
                let missing = to.iter().filter(|member| from.find(&member.user_name).is_none());
                missing.cloned().collect()
            };
            let joined = missing(&old.members, &new.members);
            let left = missing(&new.members, &old.members);
            if !(joined.is_empty() && left.is_empty()) {
                fields = fields.without(Fields::MEMBER_COUNT);
            }
            if !joined.is_empty() {
                changes.push(Change::MembersJoined { user_name: user_name(), members: joined });
            }
            // The status of a remaining member may have changed, or its name may have become known.
            let otherwise = |member: &Member| {
                old.member(&member.user_name).is_some_and(|old| {
                    old.attr_status != member.attr_status
                        || old.member_status != member.member_status
                        || !old.has_name() && member.has_name()
                })
            };
            if !new.members.iter().any(otherwise) {
                fields = fields.without(Fields::MEMBERS);
            }
            if !left.is_empty() {
                changes.push(Change::MembersLeft { user_name: user_name(), members: left });
            }
            let renamed = |member: &&Member| {
                old.member(&member.user_name).is_some_and(|old| {
                    old.has_name()
                        && (old.nick_name != member.nick_name
                            || old.display_name != member.display_name)
                })
            };
            let renamed: Vec<_> = new.members.iter().filter(renamed).cloned().collect();
            if !renamed.is_empty() {
                changes.push(Change::MembersRenamed { user_name: user_name(), members: renamed });
            }
        }
        if !fields.is_empty() {
            changes.push(Change::Changed { user_name: user_name(), fields });
        }
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
