//! Contacts and their records (docs/protocol.md §5.3).

pub(crate) mod rooms;

use crate::wire::reply::{Node, Object};

/// A person, an official account, a special account or a room.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Contact {
    /// `@…`, `@@…` for a room, or a bare name such as `filehelper`.
    pub user_name: String,
    /// The permanent id, revealed only by status notifications: `wxid_…`, `…@chatroom`.
    pub permanent: String,
    /// The name in the format of the wire: emoji as spans, `&` as an entity.
    pub nick_name: String,
    /// The name that the account assigned; may be empty.
    pub remark_name: String,
    /// The initials of the name in pinyin, in capitals.
    pub py_initial: String,
    /// The name in Latin letters.
    pub py_quan_pin: String,
    /// 0 unknown, 1 male, 2 female.
    pub sex: i64,
    /// The profile's motto.
    pub signature: String,
    /// A province's name.
    pub province: String,
    /// A city's name.
    pub city: String,
    /// The id chosen by its owner.
    pub alias: String,
    /// A bit mask; the bit of value 8 marks an official account.
    pub verify_flag: i64,
    /// Bit 1: in the address book (docs/protocol.md §10).
    pub contact_flag: i64,
    /// A mask that may exceed 31 bits.
    pub attr_status: i64,
    /// Bit 1 is set if the contact has a Moments album.
    pub sns_flag: i64,
    /// 1 for a starred friend.
    pub star_friend: i64,
    /// The notifications of a room: 0 if muted, 1 otherwise.
    pub statues: i64,
    /// `gh_` for an official account.
    pub key_word: String,
    /// A room's id for its members' details.
    pub encry_chat_room_id: String,
    /// The room's owner.
    pub owner: String,
    /// The members of the room.
    pub members: Vec<Member>,
    /// Whether a room is in the address book.
    pub saved: bool,
}

/// A member of a room.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Member {
    /// The `UserName` of the person.
    pub user_name: String,
    /// The name in this room; may be empty.
    pub display_name: String,
}

impl Member {
    /// Creates a member without a display name.
    pub fn new(user_name: &str) -> Self {
        Self { user_name: user_name.to_owned(), display_name: String::new() }
    }
}

/// The bare names that exist in every account.
pub(crate) const SPECIAL: &[&str] =
    &["filehelper", "fmessage", "newsapp", "weixin", "medianote", "floatbottle"];

/// The answer that a record is part of. Each omits different fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum In<'a> {
    /// `webwxinit`: members without names, and only the first seven of them.
    Init { skey: &'a str },
    /// `webwxgetcontact`: rooms without members.
    Book { skey: &'a str },
    /// `webwxbatchgetcontact`: members with names; the picture's address without a key.
    Batch { me: &'a str },
}

/// A lookup of contacts by their `UserName`.
pub(crate) type Find<'a> = &'a dyn Fn(&str) -> Option<Contact>;

impl Contact {
    /// Returns whether this is a room.
    pub fn is_room(&self) -> bool {
        self.user_name.starts_with("@@")
    }

    /// Returns whether the account may write to it.
    pub fn is_reachable(&self) -> bool {
        self.contact_flag & if self.is_room() { 3 } else { 1 } != 0
    }

    /// Returns whether a person is a member of this room.
    pub(crate) fn has_member(&self, user_name: &str) -> bool {
        self.members.iter().any(|member| member.user_name == user_name)
    }

    fn picture(&self, skey: &str) -> String {
        let call =
            if self.is_room() { "webwxgetheadimg?seq=0" } else { "webwxgeticon?seq=654321987" };
        format!("/cgi-bin/mmwebwx-bin/{call}&username={}&skey={skey}", self.user_name)
    }

    /// Returns the record of 31 fields.
    pub(crate) fn record(&self, place: In<'_>, find: Find<'_>) -> Object {
        let (skey, members, owns) = match place {
            In::Init { skey } => (skey, self.member_list(None), 0_i64),
            In::Book { skey } => (skey, Vec::new(), 0),
            In::Batch { me } => (
                "",
                self.member_list(Some(find)),
                i64::from(!self.owner.is_empty() && self.owner == me),
            ),
        };
        let count = if matches!(place, In::Book { .. }) { 0 } else { self.members.len() };
        Object::new()
            .with("Uin", 0_i64)
            .with("UserName", &self.user_name)
            .with("NickName", &self.nick_name)
            .with("HeadImgUrl", self.picture(skey))
            .with("ContactFlag", self.contact_flag)
            .with("MemberCount", count)
            .with("MemberList", members)
            .with("RemarkName", &self.remark_name)
            .with("HideInputBarFlag", 0_i64)
            .with("Sex", self.sex)
            .with("Signature", &self.signature)
            .with("VerifyFlag", self.verify_flag)
            .with("OwnerUin", 0_i64)
            .with("PYInitial", &self.py_initial)
            .with("PYQuanPin", &self.py_quan_pin)
            .with("RemarkPYInitial", self.remark_name.to_uppercase())
            .with("RemarkPYQuanPin", &self.remark_name)
            .with("StarFriend", self.star_friend)
            .with("AppAccountFlag", 0_i64)
            .with("Statues", self.statues)
            .with("AttrStatus", self.attr_status)
            .with("Province", &self.province)
            .with("City", &self.city)
            .with("Alias", &self.alias)
            .with("SnsFlag", self.sns_flag)
            .with("UniFriend", 0_i64)
            .with("DisplayName", "")
            .with("ChatRoomId", 0_i64)
            .with("KeyWord", &self.key_word)
            .with("EncryChatRoomId", &self.encry_chat_room_id)
            .with("IsOwner", owns)
    }

    /// Returns the record of 21 fields in `ModContactList`.
    pub(crate) fn changed(&self, find: Find<'_>) -> Node {
        Object::new()
            .with("UserName", &self.user_name)
            .with("NickName", &self.nick_name)
            .with("Sex", self.sex)
            .with("HeadImgUpdateFlag", 1_i64)
            .with("ContactType", 0_i64)
            .with("Alias", &self.alias)
            .with("ChatRoomOwner", &self.owner)
            .with("HeadImgUrl", self.picture(""))
            .with("ContactFlag", self.contact_flag)
            .with_list("MemberCount", "MemberList", self.member_list(Some(find)))
            .with("HideInputBarFlag", 0_i64)
            .with("Signature", &self.signature)
            .with("VerifyFlag", self.verify_flag)
            .with("RemarkName", &self.remark_name)
            .with("Statues", self.statues)
            .with("AttrStatus", self.attr_status)
            .with("Province", &self.province)
            .with("City", &self.city)
            .with("SnsFlag", self.sns_flag)
            .with("KeyWord", &self.key_word)
            .into()
    }

    /// Returns the records of its members. Without `find`, the first seven of them, without names.
    pub(crate) fn member_list(&self, find: Option<Find<'_>>) -> Vec<Node> {
        let most = if find.is_none() { 7 } else { usize::MAX };
        self.members.iter().take(most).map(|member| member.record(find)).collect()
    }
}

impl Member {
    fn record(&self, find: Option<Find<'_>>) -> Node {
        let person = find.and_then(|find| find(&self.user_name)).unwrap_or_default();
        let display_name = if find.is_some() { self.display_name.as_str() } else { "" };
        Object::new()
            .with("Uin", 0_i64)
            .with("UserName", &self.user_name)
            .with("NickName", person.nick_name)
            .with("AttrStatus", person.attr_status)
            .with("PYInitial", "")
            .with("PYQuanPin", "")
            .with("RemarkPYInitial", "")
            .with("RemarkPYQuanPin", "")
            .with("MemberStatus", 0_i64)
            .with("DisplayName", display_name)
            .with("KeyWord", "")
            .into()
    }
}
