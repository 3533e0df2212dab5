//! Contacts on the wire: `docs/protocol.md` §5.3.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::flags::{ContactFlag, SnsFlag, VerifyFlag};
use super::record::{Contact, Pinyin};
use super::{Member, Members};
use crate::ids::UserName;
use crate::text::{Text, decode};
use crate::wire::lenient::{Int, List};
use crate::wire::object::object;

object! {
    /// A contact on the wire, without what nobody knows a meaning of: `AppAccountFlag`,
    /// `UniFriend`, `ChatRoomId` and `ContactType` (all 0 in every capture), `DisplayName` (empty
    /// but in members), `HeadImgUpdateFlag`.
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
        "HideInputBarFlag" => hide_input_bar_flag: Int,
        "OwnerUin" => owner_uin: Int,
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
        let members: Vec<_> = self.members.0.into_iter().filter_map(WireMember::take).collect();
        Some(Contact {
            user_name: name(self.user_name)?,
            nick_name: decode(self.nick_name),
            remark_name: decode(self.remark_name),
            alias: self.alias.into_boxed(),
            head_img_url: picture(self.head_img_url),
            signature: decode(self.signature),
            province: self.province.into_boxed(),
            city: self.city.into_boxed(),
            pinyin: pinyin(self.py_initial, self.py_quan_pin),
            remark_pinyin: pinyin(self.remark_py_initial, self.remark_py_quan_pin),
            key_word: self.key_word.into_boxed(),
            contact_flag: ContactFlag(self.contact_flag.0),
            verify_flag: VerifyFlag(self.verify_flag.0),
            sns_flag: SnsFlag(self.sns_flag.0),
            attr_status: self.attr_status.0,
            statues: self.statues.0,
            sex: self.sex.0,
            star_friend: self.star_friend.0,
            hide_input_bar_flag: self.hide_input_bar_flag.0,
            uin: self.uin.0,
            owner_uin: self.owner_uin.0,
            is_owner: self.is_owner.0,
            chat_room_owner: name(self.chat_room_owner),
            encry_chat_room_id: self.encry_chat_room_id.into_boxed(),
            member_count: self.member_count.0,
            members: Members::from(members),
        })
    }

    /// The records of a list, without those that name nobody.
    pub(crate) fn take_all(list: List<Self>) -> Vec<Contact> {
        list.0.into_iter().filter_map(Self::take).collect()
    }
}

impl WireMember {
    fn take(self) -> Option<Member> {
        Some(Member {
            user_name: name(self.user_name)?,
            nick_name: decode(self.nick_name),
            display_name: decode(self.display_name),
            attr_status: self.attr_status.0,
            member_status: self.member_status.0,
        })
    }
}

fn name(text: Text) -> Option<UserName> {
    text.into_boxed().try_into().ok()
}

fn pinyin(initials: Text, full: Text) -> Pinyin {
    Pinyin { initials: initials.into_boxed(), full: full.into_boxed() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::contact;
    use crate::wire::lenient::Lenient as _;

    #[test]
    fn reads_a_record() {
        let room = contact(
            "{\"UserName\":\"@@1\",\"NickName\":\"A &amp; B<span class=\\\"emoji emoji1f604\\\"></span>\",\
             \"AttrStatus\":2147584103,\"MemberCount\":149,\"ChatRoomOwner\":\"@9\",\"OwnerUin\":2200000000,\
             \"MemberList\":[{\"UserName\":\"@9\",\"NickName\":\"n\",\"DisplayName\":\"\"},{\"UserName\":\"\"},7]}",
        );
        assert_eq!(&*room.nick_name, "A & B😄");
        assert_eq!((room.attr_status, room.owner_uin), (2_147_584_103, 2_200_000_000));
        assert_eq!((room.member_count, room.members.len()), (149, 1));
        assert_eq!(room.chat_room_owner.as_ref().unwrap().as_str(), "@9");
        assert!(room.is_room() && !room.is_official() && !room.has_all_members());
        assert_eq!(room.member(&"@9".parse().unwrap()).unwrap().name(), "n");
        assert!(WireContact::read("{\"NickName\":\"nobody\"}").take().is_none());
        assert_eq!(contact("{\"UserName\":\"@1\"}"), Contact::unknown("@1".parse().unwrap()));
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
}
