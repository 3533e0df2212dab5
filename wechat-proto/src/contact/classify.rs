//! The kind of a contact, and the meaning of its flags: `docs/protocol.md` §10.

use serde::Serialize;

use super::Contact;
use super::flags::{ContactFlag, SnsFlag, VerifyFlag};
use crate::ids::UserName;

/// The kind of a contact.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContactKind {
    /// A person: a friend, or a stranger who wrote or was looked up.
    Person,
    /// A room: a group chat.
    Room,
    /// An official account, of a business or a publisher.
    Official,
    /// A contact that every account has, such as `filehelper`, or a chat of another service, a location-based room or a talk room.
    BuiltIn,
}

/// The names of built-in accounts according to the official page, notes-L and urinx:
/// `docs/protocol.md` §10.
const BUILT_IN: &[&str] = &[
    "blogapp", "blogappweixin", "brandsessionholder", "facebookapp", "feedsapp", "filehelper",
    "floatbottle", "fmessage", "gh_22b87fa7cb3c", "lbsapp", "masssendapp", "medianote",
    "meishiapp", "newsapp", "notification_messages", "officialaccounts", "qmessage", "qqfriend",
    "qqmail", "qqsync", "readerapp", "shakeapp", "tmessage", "userexperience_alarm", "voip",
    "weibo", "weixin", "weixinreminder", "wxid_novlwrv3lqwv11", "wxitil",
];

/// The suffixes of chats of other services, of location-based rooms and of talk rooms.
const BUILT_IN_SUFFIXES: [&str; 3] = ["@qqim", "@lbsroom", "@talkroom"];

/// The names that the official page never shows.
const HIDDEN: [&str; 4] =
    ["newsapp", "wxid_novlwrv3lqwv11", "gh_22b87fa7cb3c", "notification_messages"];
const HIDDEN_SUFFIXES: [&str; 2] = ["@lbsroom", "@talkroom"];

impl ContactKind {
    /// Returns the kind of a contact with this name and flag; pass 0 for an unknown flag.
    pub fn of(name: &UserName, verify_flag: VerifyFlag) -> Self {
        if name.is_room() {
            Self::Room
        } else if is_built_in(name) {
            Self::BuiltIn
        } else if verify_flag.has(VerifyFlag::BRAND) || name.as_str().starts_with("gh_") {
            Self::Official
        } else {
            Self::Person
        }
    }
}

/// Returns whether a name is that of a built-in account: a listed one, or any other name without
/// `@`, except for the permanent ids of persons (`wxid_…`) and official accounts (`gh_…`).
pub(crate) fn is_built_in(name: &UserName) -> bool {
    let name = name.as_str();
    let bare = !name.contains('@') && !name.starts_with("wxid_") && !name.starts_with("gh_");
    bare || BUILT_IN.binary_search(&name).is_ok()
        || BUILT_IN_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

impl Contact {
    /// Returns the kind of the contact.
    pub fn kind(&self) -> ContactKind {
        ContactKind::of(&self.user_name, self.verify_flag)
    }

    /// Returns whether the contact is a room.
    pub fn is_room(&self) -> bool {
        self.user_name.is_room()
    }

    /// Returns whether the contact is an official account.
    pub fn is_official(&self) -> bool {
        self.kind() == ContactKind::Official
    }

    /// Returns whether the contact is a person: a friend or a stranger.
    pub fn is_person(&self) -> bool {
        self.kind() == ContactKind::Person
    }

    /// Returns whether the contact is built in, as `filehelper` is.
    pub fn is_built_in(&self) -> bool {
        self.kind() == ContactKind::BuiltIn
    }

    /// Returns whether the official page never shows the contact. The page also hides rooms that
    /// the account has left: [`Contact::includes`].
    pub fn is_hidden(&self) -> bool {
        let name = self.user_name.as_str();
        HIDDEN.contains(&name) || HIDDEN_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
    }

    /// Returns whether messages cannot be sent to the contact: `fmessage`, the source of friend
    /// requests.
    pub fn is_read_only(&self) -> bool {
        self.user_name.as_str() == "fmessage"
    }

    /// Returns whether the official page offers no input field for the contact, as for some
    /// official accounts.
    pub const fn hides_input_bar(&self) -> bool {
        self.hide_input_bar_flag != 0
    }

    /// Returns whether the contact is in the address book: a friend, a followed account, a saved
    /// room.
    pub const fn is_saved(&self) -> bool {
        self.contact_flag.has(ContactFlag::CONTACT)
    }

    /// Returns whether notifications for the contact are muted.
    ///
    /// A muted room has the value 0 on the wire, and a 0 does not replace a known value
    /// ([`Directory`](super::Directory)). A room that is muted during a session is therefore
    /// reported as muted only after the next login.
    pub fn is_muted(&self) -> bool {
        if self.is_room() {
            self.statues == 0
        } else {
            self.contact_flag.has(ContactFlag::NOTIFY_CLOSED)
        }
    }

    /// Returns whether the contact is pinned to the top of the chats.
    pub const fn is_pinned(&self) -> bool {
        self.contact_flag.has(ContactFlag::TOP)
    }

    /// Returns whether the contact is on the account's blacklist.
    pub const fn is_blocked(&self) -> bool {
        self.contact_flag.has(ContactFlag::BLACKLIST)
    }

    /// Returns whether the account starred the contact.
    pub const fn is_starred(&self) -> bool {
        self.star_friend == 1
    }

    /// Returns whether the contact has a Moments album.
    pub const fn has_moments(&self) -> bool {
        self.sns_flag.has(SnsFlag::ALBUM)
    }

    /// Returns whether the account hides its Moments from the contact.
    pub const fn hides_moments(&self) -> bool {
        self.contact_flag.has(ContactFlag::MOMENTS_BLACKLIST)
    }

    /// Returns whether the contact's Moments are not shown to the account.
    pub const fn ignores_moments(&self) -> bool {
        self.contact_flag.has(ContactFlag::MOMENTS_IGNORED)
    }

    /// Returns whether the official page treats the room as deleted: its flag lacks
    /// [`ContactFlag::CHAT_ROOM`]. Rooms in use were seen without that bit, too:
    /// [`Contact::includes`] is more reliable.
    pub fn is_deleted_room(&self) -> bool {
        self.is_room() && !self.contact_flag.has(ContactFlag::CHAT_ROOM)
    }

    /// Returns whether a person, such as the account itself, is in the room.
    ///
    /// Returns `false` if all members are known and the person is not among them, and `true` if the
    /// list is incomplete. If no member is known, returns whether the room has any flag, as the
    /// official page does.
    pub fn includes(&self, name: &UserName) -> bool {
        if self.members.is_empty() {
            return self.contact_flag.0 != 0;
        }
        self.member(name).is_some() || !self.has_all_members()
    }

    /// Returns the owner of the room, if known; `me` is the account.
    pub fn owner<'a>(&'a self, me: &'a UserName) -> Option<&'a UserName> {
        self.chat_room_owner.as_ref().or((self.is_owner == 1).then_some(me))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::testing::contact;

    #[test]
    fn built_in_names_are_sorted() {
        assert!(BUILT_IN.is_sorted());
    }

    #[test]
    fn kind_follows_from_name_and_flag() {
        use ContactKind::{BuiltIn, Official, Person, Room};
        for (name, verify_flag, kind) in [
            ("@0f", 0, Person),
            ("@0f", 8, Official),
            ("@0f", 24, Official),
            ("@0f", 56, Official),
            ("@0f", 136, Official),
            ("@0f", 7, Person),
            ("@@0f", 0, Room),
            ("@@0f", 8, Room),
            ("1234@chatroom", 0, Room),
            ("weixin", 56, BuiltIn),
            ("filehelper", 0, BuiltIn),
            ("anewword", 0, BuiltIn),
            ("12345@qqim", 0, BuiltIn),
            ("x@lbsroom", 0, BuiltIn),
            ("x@talkroom", 0, BuiltIn),
            ("wxid_novlwrv3lqwv11", 0, BuiltIn),
            ("wxid_abc", 0, Person),
            ("wxid_abc", 8, Official),
            ("gh_22b87fa7cb3c", 8, BuiltIn),
            ("gh_abc", 0, Official),
            ("v1_0f@stranger", 0, Person),
        ] {
            let json = format!("{{\"UserName\":\"{name}\",\"VerifyFlag\":{verify_flag}}}");
            let contact = contact(&json);
            assert_eq!(contact.kind(), kind, "{name} {verify_flag}");
            let is = [
                contact.is_person(),
                contact.is_room(),
                contact.is_official(),
                contact.is_built_in(),
            ];
            assert_eq!(is, [Person, Room, Official, BuiltIn].map(|other| other == kind), "{name}");
        }
    }

    #[test]
    fn hidden_and_read_only_contacts_are_known() {
        for (name, hidden) in [
            ("newsapp", true),
            ("wxid_novlwrv3lqwv11", true),
            ("gh_22b87fa7cb3c", true),
            ("notification_messages", true),
            ("x@lbsroom", true),
            ("x@talkroom", true),
            ("x@qqim", false),
            ("weixin", false),
            ("@@1", false),
        ] {
            let contact = contact(&format!("{{\"UserName\":\"{name}\"}}"));
            assert_eq!(contact.is_hidden(), hidden, "{name}");
        }
        assert!(contact(r#"{"UserName":"fmessage"}"#).is_read_only());
        assert!(!contact(r#"{"UserName":"filehelper"}"#).is_read_only());
    }

    #[test]
    fn flags_have_their_meanings() {
        type Is = fn(&Contact) -> bool;
        let rows: [(&str, &str, Is, bool); 20] = [
            ("@1", r#""ContactFlag":1"#, Contact::is_saved, true),
            ("@1", r#""ContactFlag":2"#, Contact::is_saved, false),
            ("@1", r#""ContactFlag":8"#, Contact::is_blocked, true),
            ("@1", r#""ContactFlag":3"#, Contact::is_blocked, false),
            ("@1", r#""ContactFlag":256"#, Contact::hides_moments, true),
            ("@1", r#""ContactFlag":65539"#, Contact::ignores_moments, true),
            ("@1", r#""ContactFlag":65539"#, Contact::hides_moments, false),
            ("@1", r#""ContactFlag":515"#, Contact::is_muted, true),
            ("@1", r#""ContactFlag":3,"Statues":0"#, Contact::is_muted, false),
            ("@@1", r#""ContactFlag":3,"Statues":0"#, Contact::is_muted, true),
            ("@@1", r#""ContactFlag":515,"Statues":1"#, Contact::is_muted, false),
            ("@1", r#""ContactFlag":34819"#, Contact::is_pinned, true),
            ("@1", r#""ContactFlag":1025"#, Contact::is_pinned, false),
            ("@1", r#""StarFriend":1"#, Contact::is_starred, true),
            ("@1", r#""SnsFlag":17"#, Contact::has_moments, true),
            ("@1", r#""SnsFlag":16"#, Contact::has_moments, false),
            ("@1", r#""HideInputBarFlag":1"#, Contact::hides_input_bar, true),
            ("@@1", r#""ContactFlag":4"#, Contact::is_deleted_room, false),
            ("@@1", r#""ContactFlag":0"#, Contact::is_deleted_room, true),
            ("@1", r#""ContactFlag":0"#, Contact::is_deleted_room, false),
        ];
        for (name, fields, is, expected) in rows {
            let contact = contact(&format!("{{\"UserName\":\"{name}\",{fields}}}"));
            assert_eq!(is(&contact), expected, "{name} {fields}");
        }
    }

    #[test]
    fn room_includes_members_and_has_owner() {
        let me: UserName = "@me".parse().unwrap();
        for (fields, included) in [
            (r#""ContactFlag":0"#, false),
            (r#""ContactFlag":2"#, true),
            (r#""ContactFlag":0,"MemberCount":1,"MemberList":[{"UserName":"@me"}]"#, true),
            (r#""ContactFlag":2,"MemberCount":1,"MemberList":[{"UserName":"@a"}]"#, false),
            (r#""ContactFlag":2,"MemberCount":9,"MemberList":[{"UserName":"@a"}]"#, true),
        ] {
            let room = contact(&format!("{{\"UserName\":\"@@1\",{fields}}}"));
            assert_eq!(room.includes(&me), included, "{fields}");
        }
        for (fields, owner) in [
            (r#""IsOwner":1"#, Some("@me")),
            (r#""IsOwner":0"#, None),
            (r#""ChatRoomOwner":"@a""#, Some("@a")),
            (r#""ChatRoomOwner":"@me","IsOwner":0"#, Some("@me")),
        ] {
            let room = contact(&format!("{{\"UserName\":\"@@1\",{fields}}}"));
            assert_eq!(room.owner(&me).map(UserName::as_str), owner, "{fields}");
        }
    }
}
