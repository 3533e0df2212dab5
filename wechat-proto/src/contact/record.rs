//! A contact's record: `docs/protocol.md` §5.3.

use alloc::boxed::Box;
use alloc::string::String;

use serde::Serialize;

use super::flags::{ContactFlag, SnsFlag, VerifyFlag};
use super::members::{Member, Members};
pub(crate) use super::wire::{WireContact, WireMember, picture};
use crate::error::Invalid;
use crate::ids::UserName;
use crate::wire::json;

/// A person, a room (a group chat), an official account or a built-in one: [`Contact::kind`].
///
/// Names are decoded: emoji are characters, entities are what they stand for. A field that the
/// service left out is empty or 0. What a field *means* is told by the methods.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Contact {
    /// Its name in this login.
    pub user_name: UserName,
    /// What it calls itself; a room's topic.
    pub nick_name: Box<str>,
    /// What the account calls it.
    pub remark_name: Box<str>,
    /// The name it chose to be found by; often empty.
    pub alias: Box<str>,
    /// Its picture: a path on the api host, without the value of its `skey`.
    pub head_img_url: Box<str>,
    /// What it says of itself.
    pub signature: Box<str>,
    /// Province, as the service's language writes it.
    pub province: Box<str>,
    /// City, as the service's language writes it.
    pub city: Box<str>,
    /// The nickname in Latin letters.
    pub pinyin: Pinyin,
    /// The remark in Latin letters.
    pub remark_pinyin: Pinyin,
    /// `KeyWord`: `gh_` of official accounts; searched like a name.
    pub key_word: Box<str>,
    /// `ContactFlag`: what it is to the account.
    pub contact_flag: ContactFlag,
    /// `VerifyFlag`: what official account it is.
    pub verify_flag: VerifyFlag,
    /// `SnsFlag`: what there is of its moments.
    pub sns_flag: SnsFlag,
    /// `AttrStatus`: bits, wider than 32.
    pub attr_status: i64,
    /// `Statues` (so spelt): of a room, 0 if its messages raise no notice.
    pub statues: i64,
    /// 1 male, 2 female, 0 not said.
    pub sex: i64,
    /// 1 if starred.
    pub star_friend: i64,
    /// `HideInputBarFlag`: not 0 if the official page lets nobody write to it.
    pub hide_input_bar_flag: i64,
    /// The account's number, the same in every login; 0 nearly always.
    pub uin: i64,
    /// The number of the room's owner; 0 nearly always.
    pub owner_uin: i64,
    /// 1 if the room is the account's own.
    pub is_owner: i64,
    /// The room's owner, where the service names one.
    pub chat_room_owner: Option<UserName>,
    /// The room's other name, with which its members are asked for.
    pub encry_chat_room_id: Box<str>,
    /// How many members the service says there are, else how many the list has; it may be shorter.
    pub member_count: i64,
    /// The members of a room, as far as the service named them.
    pub members: Members,
}

/// A name in Latin letters. Either part may be empty.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pinyin {
    /// `PYInitial`: the initials.
    pub initials: Box<str>,
    /// `PYQuanPin`: all of it.
    pub full: Box<str>,
}

impl Contact {
    /// Reads one record: an entry of a `MemberList`, `ContactList` or `ModContactList`. For those that
    /// were captured.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, or names nobody.
    pub fn from_json(json: &str) -> Result<Self, Invalid> {
        let read = json::text::<WireContact>(json.as_bytes()).ok();
        let expected = "a JSON object with a UserName";
        read.and_then(|(_, wire)| wire.take()).ok_or(Invalid { what: "a contact", expected })
    }

    /// A contact of which nothing else is known, for tests.
    #[cfg(test)]
    pub(crate) fn unknown(user_name: UserName) -> Self {
        Self {
            user_name,
            nick_name: Box::default(),
            remark_name: Box::default(),
            alias: Box::default(),
            head_img_url: Box::default(),
            signature: Box::default(),
            province: Box::default(),
            city: Box::default(),
            pinyin: Pinyin::default(),
            remark_pinyin: Pinyin::default(),
            key_word: Box::default(),
            contact_flag: ContactFlag::default(),
            verify_flag: VerifyFlag::default(),
            sns_flag: SnsFlag::default(),
            attr_status: 0,
            statues: 0,
            sex: 0,
            star_friend: 0,
            hide_input_bar_flag: 0,
            uin: 0,
            owner_uin: 0,
            is_owner: 0,
            chat_room_owner: None,
            encry_chat_room_id: Box::default(),
            member_count: 0,
            members: Members::default(),
        }
    }

    /// What a list of chats shows: the remark, else the nickname, else (of a room) the names of
    /// its first ten members, else the `UserName` (`docs/protocol.md` §10).
    ///
    /// [`Directory::name_of`](super::Directory::name_of) also knows what the account calls the
    /// members.
    pub fn name(&self) -> Box<str> {
        self.name_with(|member| member.name().into())
    }

    /// [`Contact::name`], where others know what a member is called.
    pub(crate) fn name_with(&self, call: impl Fn(&Member) -> Box<str>) -> Box<str> {
        for name in [&self.remark_name, &self.nick_name] {
            if !name.is_empty() {
                return name.clone();
            }
        }
        let mut names = String::new();
        for member in self.members.iter().take(10) {
            if !names.is_empty() {
                names.push('、');
            }
            names.push_str(&call(member));
        }
        if names.is_empty() { self.user_name.as_str().into() } else { names.into() }
    }

    /// By what a list of contacts is sorted: the remark in Latin letters, else the nickname so,
    /// else the nickname; its letters, digits and underscores in upper case, and `~` for what
    /// begins with no letter (`docs/protocol.md` §10).
    pub fn sort_key(&self) -> Box<str> {
        let names = [&self.remark_pinyin.full, &self.pinyin.full, &self.nick_name];
        let name = names.into_iter().find(|name| !name.is_empty()).map_or("", |name| &**name);
        let word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let key: String = name.chars().filter(word).map(|c| c.to_ascii_uppercase()).collect();
        if key.as_bytes().first().is_none_or(|first| *first < b'A') {
            "~".into()
        } else {
            key.into()
        }
    }

    /// The member of this name.
    pub fn member(&self, name: &UserName) -> Option<&Member> {
        self.members.find(name)
    }

    /// Whether the list of members is all of them, by the service's own count. `webwxinit` names
    /// a few of each room only.
    pub fn has_all_members(&self) -> bool {
        usize::try_from(self.member_count).is_ok_and(|count| self.members.len() >= count)
            && !self.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::contact;

    #[test]
    fn is_called_by_what_is_known() {
        for (json, name) in [
            (r#"{"UserName":"@1","NickName":"n","RemarkName":"r"}"#, "r"),
            (r#"{"UserName":"@1","NickName":"n"}"#, "n"),
            (
                r#"{"UserName":"@@1","MemberList":[{"UserName":"@2","NickName":"a"},{"UserName":"@3","DisplayName":"b"}]}"#,
                "a、b",
            ),
            (r#"{"UserName":"@1"}"#, "@1"),
        ] {
            assert_eq!(&*contact(json).name(), name);
        }
        let members: alloc::string::String = (0..12)
            .map(|n| alloc::format!("{{\"UserName\":\"@{n}\",\"NickName\":\"{n}\"}},"))
            .collect();
        let room = alloc::format!("{{\"UserName\":\"@@1\",\"MemberList\":[{members}0]}}");
        assert_eq!(&*contact(&room).name(), "0、1、2、3、4、5、6、7、8、9");
    }

    /// `docs/protocol.md` §10.
    #[test]
    fn sorts_as_the_official_page_does() {
        for (fields, key) in [
            (
                r#""NickName":"张三","PYQuanPin":"zhangsan","RemarkPYQuanPin":"laozhang""#,
                "LAOZHANG",
            ),
            (r#""NickName":"张三","PYQuanPin":"zhang-san? 3""#, "ZHANGSAN3"),
            (r#""NickName":"Ada L.""#, "ADAL"),
            (r#""NickName":"_x""#, "_X"),
            (r#""NickName":"张三""#, "~"),
            (r#""NickName":"1st""#, "~"),
            (r#""NickName":"😄""#, "~"),
            (r#""NickName":"""#, "~"),
        ] {
            let json = alloc::format!("{{\"UserName\":\"@1\",{fields}}}");
            assert_eq!(&*contact(&json).sort_key(), key, "{fields}");
        }
    }
}
