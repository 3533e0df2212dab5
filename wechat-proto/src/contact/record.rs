//! A contact's record: `docs/protocol.md` §5.3.

use alloc::boxed::Box;
use alloc::string::String;

use serde::Serialize;

use super::flags::{ContactFlag, SnsFlag, VerifyFlag};
use super::members::{Member, Members};
use crate::ids::UserName;

/// A person, a room (a group chat), an official account or a built-in one: [`Contact::kind`].
///
/// Names are decoded: emoji are characters, entities are replaced by their characters. A field that
/// the service left out is empty or 0. Methods interpret the flags and numbers.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Contact {
    /// The name, valid for this login.
    pub user_name: UserName,
    /// The nickname; a room's topic.
    pub nick_name: Box<str>,
    /// The remark that the account gave the contact.
    pub remark_name: Box<str>,
    /// The id that the contact chose to be found by; often empty.
    pub alias: Box<str>,
    /// The avatar: a path on the API host, without the value of its `skey`.
    pub head_img_url: Box<str>,
    /// The signature of the profile.
    pub signature: Box<str>,
    /// Province, in the service's language.
    pub province: Box<str>,
    /// City, in the service's language.
    pub city: Box<str>,
    /// The nickname in Latin letters.
    pub pinyin: Pinyin,
    /// The remark in Latin letters.
    pub remark_pinyin: Pinyin,
    /// `KeyWord`: `gh_` for official accounts; searched like a name.
    pub key_word: Box<str>,
    /// `ContactFlag`: the relation to the account.
    pub contact_flag: ContactFlag,
    /// `VerifyFlag`: the type of official account.
    pub verify_flag: VerifyFlag,
    /// `SnsFlag`: flags of Moments.
    pub sns_flag: SnsFlag,
    /// `AttrStatus`: a bit mask of more than 32 bits.
    pub attr_status: i64,
    /// `Statues` (sic): for a room, 0 if its notifications are muted.
    pub statues: i64,
    /// 1 male, 2 female, 0 unknown.
    pub sex: i64,
    /// 1 if starred.
    pub star_friend: i64,
    /// `HideInputBarFlag`: not 0 if the official page offers no input field.
    pub hide_input_bar_flag: i64,
    /// The contact's number, the same in every login; 0 nearly always.
    pub uin: i64,
    /// The number of the room's owner; 0 nearly always.
    pub owner_uin: i64,
    /// 1 if the account owns the room.
    pub is_owner: i64,
    /// The room's owner, where the service names one.
    pub chat_room_owner: Option<UserName>,
    /// The room's other name, used to look up its members.
    pub encry_chat_room_id: Box<str>,
    /// The number of members by the service's count, or the length of the list (which may be
    /// incomplete) if there is no count.
    pub member_count: i64,
    /// The members of a room, as far as the service listed them.
    pub members: Members,
}

/// A name in Latin letters. Either part may be empty.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pinyin {
    /// `PYInitial`: the initials.
    pub initials: Box<str>,
    /// `PYQuanPin`: the whole name.
    pub full: Box<str>,
}

impl Contact {
    /// Returns the display name in a list of chats: the remark, else the nickname, else (for a
    /// room) the names of its first ten members (`docs/protocol.md` §10), else `unknown`; for a built-in
    /// account its `UserName`.
    ///
    /// [`Directory::name_of`](super::Directory::name_of) also uses the account's remarks for the
    /// members.
    pub fn name(&self) -> Box<str> {
        self.name_with(|member| member.name().into())
    }

    /// Returns [`Contact::name`], with the names of members from `member_name`.
    pub(crate) fn name_with(&self, member_name: impl Fn(&Member) -> Box<str>) -> Box<str> {
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
            names.push_str(&member_name(member));
        }
        if names.is_empty() { self.user_name.readable().into() } else { names.into() }
    }

    /// Returns the key by which a list of contacts is sorted: the remark in Latin letters, else the
    /// nickname in Latin letters, else the nickname; reduced to its letters, digits and underscores
    /// in upper case, or `~` if it does not begin with a letter (`docs/protocol.md` §10).
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

    /// Returns the approximate size in memory.
    pub(super) fn bytes(&self) -> usize {
        let texts = [
            self.user_name.as_str(),
            &self.nick_name,
            &self.remark_name,
            &self.alias,
            &self.head_img_url,
            &self.signature,
            &self.province,
            &self.city,
            &self.pinyin.initials,
            &self.pinyin.full,
            &self.remark_pinyin.initials,
            &self.remark_pinyin.full,
            &self.key_word,
            &self.encry_chat_room_id,
        ];
        size_of::<Self>() + texts.map(str::len).iter().sum::<usize>() + self.members.bytes()
    }

    /// Returns the member of this name.
    pub fn member(&self, name: &UserName) -> Option<&Member> {
        self.members.find(name)
    }

    /// Returns whether the list of members is complete by the service's own count. `webwxinit`
    /// lists only a few members of each room.
    pub fn has_all_members(&self) -> bool {
        usize::try_from(self.member_count).is_ok_and(|count| self.members.len() >= count)
            && !self.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::contact;

    #[test]
    fn name_falls_back_to_unknown() {
        for (json, name) in [
            (r#"{"UserName":"@1","NickName":"n","RemarkName":"r"}"#, "r"),
            (r#"{"UserName":"@1","NickName":"n"}"#, "n"),
            (
                r#"{"UserName":"@@1","MemberList":[{"UserName":"@2","NickName":"a"},{"UserName":"@3","DisplayName":"b"}]}"#,
                "a、b",
            ),
            (r#"{"UserName":"@@1","MemberList":[{"UserName":"@2"}]}"#, "unknown"),
            (r#"{"UserName":"@1"}"#, "unknown"),
            (r#"{"UserName":"1@chatroom"}"#, "unknown"),
            (r#"{"UserName":"filehelper"}"#, "filehelper"),
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
    fn sort_key_is_that_of_the_official_page() {
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
