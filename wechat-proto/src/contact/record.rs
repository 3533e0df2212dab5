//! A contact's record: `docs/protocol.md` §5.3.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

use crate::ids::UserName;
use crate::text::{Text, decode};
use crate::wire::lenient::{Int, List};
use crate::wire::object::object;

/// A person, a room (a group chat), an official account or a built-in one.
///
/// Names are decoded: emoji are characters, entities are what they stand for. A field that the
/// service left out is empty or 0.
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
    /// `PYInitial` and `PYQuanPin`: the nickname in Latin letters, initials and whole.
    pub pinyin: [Box<str>; 2],
    /// `RemarkPYInitial` and `RemarkPYQuanPin`: the remark in Latin letters.
    pub remark_pinyin: [Box<str>; 2],
    /// `KeyWord`
    pub key_word: Box<str>,
    /// `ContactFlag`: bits, `docs/protocol.md` §10.
    pub contact_flag: i64,
    /// `VerifyFlag`: bits, `docs/protocol.md` §10.
    pub verify_flag: i64,
    /// `SnsFlag`: bits, `docs/protocol.md` §10.
    pub sns_flag: i64,
    /// `AttrStatus`: bits, wider than 32.
    pub attr_status: i64,
    /// `Statues` (so spelt): of a room, 0 if its messages raise no notice.
    pub statues: i64,
    /// 1 male, 2 female, 0 not said.
    pub sex: i64,
    /// 1 if starred.
    pub star_friend: i64,
    /// 1 if the room is the account's own.
    pub is_owner: i64,
    /// The room's owner, where the service names one.
    pub chat_room_owner: Option<UserName>,
    /// The room's other name, with which its members are asked for.
    pub encry_chat_room_id: Box<str>,
    /// How many members the service says there are; the list may be shorter.
    pub member_count: i64,
    /// The members of a room, as far as the service named them.
    pub members: Vec<Member>,
}

/// A member of a room.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Member {
    /// Its name in this login.
    pub user_name: UserName,
    /// What it calls itself.
    pub nick_name: Box<str>,
    /// What it calls itself in this room.
    pub display_name: Box<str>,
    /// `AttrStatus`: bits, wider than 32.
    pub attr_status: i64,
    /// `MemberStatus`
    pub member_status: i64,
}

impl Contact {
    /// Whether it is a room.
    pub fn is_room(&self) -> bool {
        self.user_name.is_room()
    }

    /// Whether it is an official account: `docs/protocol.md` §10.
    pub const fn is_official(&self) -> bool {
        self.verify_flag & 8 != 0
    }

    /// What a list of chats shows: the remark, else the nickname, else (of a room) the names of
    /// its first ten members, else the `UserName`.
    pub fn name(&self) -> Box<str> {
        for name in [&self.remark_name, &self.nick_name] {
            if !name.is_empty() {
                return name.clone();
            }
        }
        let names: Vec<&str> = self.members.iter().take(10).map(Member::name).collect();
        match names.join("、") {
            names if names.is_empty() => self.user_name.as_str().into(),
            names => names.into(),
        }
    }

    /// The member of this name.
    pub fn member(&self, name: &UserName) -> Option<&Member> {
        self.members.iter().find(|member| member.user_name == *name)
    }

    /// This record, completed by what an older one knows: nothing that is empty or 0 in a new
    /// record erases what was there (`docs/protocol.md` §5.3).
    pub(crate) fn over(mut self, old: &Self) -> Self {
        fn text(new: &mut Box<str>, old: &str) {
            if new.is_empty() {
                *new = old.into();
            }
        }
        fn number(new: &mut i64, old: i64) {
            if *new == 0 {
                *new = old;
            }
        }
        text(&mut self.nick_name, &old.nick_name);
        text(&mut self.remark_name, &old.remark_name);
        text(&mut self.alias, &old.alias);
        text(&mut self.head_img_url, &old.head_img_url);
        text(&mut self.signature, &old.signature);
        text(&mut self.province, &old.province);
        text(&mut self.city, &old.city);
        text(&mut self.key_word, &old.key_word);
        text(&mut self.encry_chat_room_id, &old.encry_chat_room_id);
        for (new, old) in self.pinyin.iter_mut().zip(&old.pinyin) {
            text(new, old);
        }
        for (new, old) in self.remark_pinyin.iter_mut().zip(&old.remark_pinyin) {
            text(new, old);
        }
        number(&mut self.contact_flag, old.contact_flag);
        number(&mut self.verify_flag, old.verify_flag);
        number(&mut self.sns_flag, old.sns_flag);
        number(&mut self.attr_status, old.attr_status);
        number(&mut self.statues, old.statues);
        number(&mut self.sex, old.sex);
        number(&mut self.star_friend, old.star_friend);
        number(&mut self.is_owner, old.is_owner);
        number(&mut self.member_count, old.member_count);
        if self.chat_room_owner.is_none() {
            self.chat_room_owner.clone_from(&old.chat_room_owner);
        }
        if self.members.is_empty() {
            self.members.clone_from(&old.members);
        } else {
            self.complete_members(old);
        }
        self
    }

    /// `webwxinit` names members without their nicknames; a later list may know them.
    fn complete_members(&mut self, old: &Self) {
        if self.members.iter().all(|member| !member.nick_name.is_empty()) {
            return;
        }
        let known: alloc::collections::BTreeMap<_, _> =
            old.members.iter().map(|member| (&member.user_name, member)).collect();
        for member in &mut self.members {
            if let Some(old) = known.get(&member.user_name)
                && member.nick_name.is_empty()
            {
                member.nick_name.clone_from(&old.nick_name);
                if member.display_name.is_empty() {
                    member.display_name.clone_from(&old.display_name);
                }
            }
        }
    }
}

impl Member {
    /// What the room shows: its name there, else the nickname, else the `UserName`.
    pub fn name(&self) -> &str {
        [&self.display_name, &self.nick_name]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or(self.user_name.as_str(), |name| name)
    }
}

object! {
    /// A contact on the wire.
    #[derive(Clone, Debug)]
    pub(crate) struct WireContact blank without user_name {
        "Uin" => pub(crate) uin: Int,
        "UserName" => user_name: Text,
        "NickName" => nick_name: Text,
        "RemarkName" => remark_name: Text,
        "Alias" => alias: Text,
        "HeadImgUrl" => head_img_url: Text,
        "Signature" => signature: Text,
        "Province" => province: Text,
        "City" => city: Text,
        "PYInitial" => py_initial: Text,
        "PYQuanPin" => py_quan_pin: Text,
        "RemarkPYInitial" => remark_py_initial: Text,
        "RemarkPYQuanPin" => remark_py_quan_pin: Text,
        "KeyWord" => key_word: Text,
        "ContactFlag" => contact_flag: Int,
        "VerifyFlag" => verify_flag: Int,
        "SnsFlag" => sns_flag: Int,
        "AttrStatus" => attr_status: Int,
        "Statues" => statues: Int,
        "Sex" => sex: Int,
        "StarFriend" => star_friend: Int,
        "IsOwner" => is_owner: Int,
        "ChatRoomOwner" => chat_room_owner: Text,
        "EncryChatRoomId" => encry_chat_room_id: Text,
        "MemberCount" => member_count: Int,
        "MemberList" => members: List<WireMember>,
    }
}

object! {
    /// A member on the wire.
    #[derive(Clone, Debug)]
    pub(crate) struct WireMember blank without user_name {
        "UserName" => user_name: Text,
        "NickName" => nick_name: Text,
        "DisplayName" => display_name: Text,
        "AttrStatus" => attr_status: Int,
        "MemberStatus" => member_status: Int,
    }
}

impl WireContact {
    /// The record, unless it names nobody.
    pub(crate) fn take(self) -> Option<Contact> {
        Some(Contact {
            user_name: self.user_name.parse().ok()?,
            nick_name: decode(self.nick_name),
            remark_name: decode(self.remark_name),
            alias: self.alias.into_boxed(),
            head_img_url: picture(self.head_img_url),
            signature: decode(self.signature),
            province: self.province.into_boxed(),
            city: self.city.into_boxed(),
            pinyin: [self.py_initial.into_boxed(), self.py_quan_pin.into_boxed()],
            remark_pinyin: [
                self.remark_py_initial.into_boxed(),
                self.remark_py_quan_pin.into_boxed(),
            ],
            key_word: self.key_word.into_boxed(),
            contact_flag: self.contact_flag.0,
            verify_flag: self.verify_flag.0,
            sns_flag: self.sns_flag.0,
            attr_status: self.attr_status.0,
            statues: self.statues.0,
            sex: self.sex.0,
            star_friend: self.star_friend.0,
            is_owner: self.is_owner.0,
            chat_room_owner: self.chat_room_owner.parse().ok(),
            encry_chat_room_id: self.encry_chat_room_id.into_boxed(),
            member_count: self.member_count.0,
            members: WireMember::take_all(self.members),
        })
    }

    /// The records of a list, without those that name nobody.
    pub(crate) fn take_all(list: List<Self>) -> Vec<Contact> {
        list.0.into_iter().filter_map(Self::take).collect()
    }
}

/// The path of a picture without the credential in it: `webwxbatchgetcontact` leaves that out, the
/// other lists do not (`docs/protocol.md` §5.2, §5.4). Whoever asks for the picture adds it.
pub(crate) fn picture(path: Text) -> Box<str> {
    match path.split_once("skey=") {
        Some((before, rest)) if !rest.is_empty() => {
            let after = rest.find('&').and_then(|at| rest.get(at..)).unwrap_or_default();
            [before, "skey=", after].concat().into()
        }
        _ => path.into_boxed(),
    }
}

impl WireMember {
    fn take(self) -> Option<Member> {
        Some(Member {
            user_name: self.user_name.parse().ok()?,
            nick_name: decode(self.nick_name),
            display_name: decode(self.display_name),
            attr_status: self.attr_status.0,
            member_status: self.member_status.0,
        })
    }

    /// The members of a list, without those that name nobody.
    pub(crate) fn take_all(list: List<Self>) -> Vec<Member> {
        list.0.into_iter().filter_map(Self::take).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::lenient::Lenient as _;

    pub(crate) fn contact(json: &str) -> Contact {
        WireContact::read(json).take().unwrap()
    }

    #[test]
    fn reads_a_record() {
        let room = contact(
            "{\"UserName\":\"@@1\",\"NickName\":\"A &amp; B<span class=\\\"emoji emoji1f604\\\"></span>\",\
             \"AttrStatus\":2147584103,\"MemberCount\":149,\"ChatRoomOwner\":\"@9\",\
             \"MemberList\":[{\"UserName\":\"@9\",\"NickName\":\"n\",\"DisplayName\":\"\"},{\"UserName\":\"\"},7]}",
        );
        assert_eq!(&*room.nick_name, "A & B😄");
        assert_eq!(room.attr_status, 2_147_584_103);
        assert_eq!((room.member_count, room.members.len()), (149, 1));
        assert_eq!(room.chat_room_owner.as_ref().unwrap().as_str(), "@9");
        assert!(room.is_room() && !room.is_official());
        assert_eq!(room.member(&"@9".parse().unwrap()).unwrap().name(), "n");
        assert!(WireContact::read("{\"NickName\":\"nobody\"}").take().is_none());
    }

    /// `docs/threats.md` S1.
    #[test]
    fn a_picture_carries_no_credential() {
        for (path, kept) in [
            ("/icon?seq=1&username=@a&skey=@crypt_1", "/icon?seq=1&username=@a&skey="),
            ("/icon?skey=@crypt_1&seq=1", "/icon?skey=&seq=1"),
            ("/icon?seq=1&skey=", "/icon?seq=1&skey="),
            ("/icon?seq=1", "/icon?seq=1"),
            ("", ""),
        ] {
            assert_eq!(&*picture(path.into()), kept);
        }
    }

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
    }

    #[test]
    fn nothing_empty_erases() {
        let old = contact(
            r#"{"UserName":"@@1","NickName":"n","RemarkName":"r","ContactFlag":3,"IsOwner":1,
                "MemberList":[{"UserName":"@2","NickName":"a","DisplayName":"d"}]}"#,
        );
        let bare = contact(r#"{"UserName":"@@1"}"#).over(&old);
        assert_eq!(bare, old);
        let new = contact(
            r#"{"UserName":"@@1","NickName":"m","MemberList":[{"UserName":"@2"},{"UserName":"@3","NickName":"c"}]}"#,
        )
        .over(&old);
        assert_eq!((&*new.nick_name, &*new.remark_name), ("m", "r"));
        let names: Vec<_> = new.members.iter().map(Member::name).collect();
        assert_eq!(names, ["d", "c"]);
    }
}
