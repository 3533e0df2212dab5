//! Contacts on the wire: `docs/protocol.md` §5.3.

use alloc::boxed::Box;
use alloc::string::ToString as _;

use super::flags::{ContactFlag, SnsFlag, VerifyFlag};
use super::record::{Contact, Pinyin};
use super::{Member, Members};
use crate::error::Invalid;
use crate::text::{brief, decode};
use crate::wire::json;
use crate::wire::lenient::List;
use crate::wire::lenient::scalar;
use crate::wire::object::object;
use crate::wire::scalar::Scalar;
use crate::{Text, UserName};

object! {
    /// A contact on the wire, without fields of unknown meaning: `AppAccountFlag`,
    /// `UniFriend`, `ChatRoomId` and `ContactType` (0 in every capture), `DisplayName` (empty except
    /// in members), `HeadImgUpdateFlag`.
    pub(crate) struct WireContact listed as Contact {
        "Uin" => uin: i64,
        "UserName" => user_name: Text,
        "NickName" => nick_name: Decoded,
        "HeadImgUrl" => head_img_url: Picture,
        "ContactFlag" => contact_flag: i64,
        "MemberCount" => member_count: i64,
        "MemberList" => members: List<WireMember>,
        "RemarkName" => remark_name: Decoded,
        "HideInputBarFlag" => hide_input_bar_flag: i64,
        "Sex" => sex: i64,
        "Signature" => signature: Decoded,
        "VerifyFlag" => verify_flag: i64,
        "OwnerUin" => owner_uin: i64,
        "PYInitial" => py_initial: Brief,
        "PYQuanPin" => py_quan_pin: Brief,
        "RemarkPYInitial" => remark_py_initial: Brief,
        "RemarkPYQuanPin" => remark_py_quan_pin: Brief,
        "StarFriend" => star_friend: i64,
        "Statues" => statues: i64,
        "AttrStatus" => attr_status: i64,
        "Province" => province: Brief,
        "City" => city: Brief,
        "Alias" => alias: Brief,
        "SnsFlag" => sns_flag: i64,
        "KeyWord" => key_word: Brief,
        "EncryChatRoomId" => encry_chat_room_id: Brief,
        "IsOwner" => is_owner: i64,
        "ChatRoomOwner" => chat_room_owner: Text,
    }
}

object! {
    /// A member on the wire.
    pub(crate) struct WireMember listed as Member {
        "UserName" => user_name: Text,
        "NickName" => nick_name: Decoded,
        "AttrStatus" => attr_status: i64,
        "MemberStatus" => member_status: i64,
        "DisplayName" => display_name: Decoded,
    }
}

impl Contact {
    /// Parses one captured record: an entry of a `MemberList`, `ContactList` or `ModContactList`.
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`] if the text is not a JSON object or has no valid `UserName`.
    pub fn from_json(json: &str) -> Result<Self, Invalid> {
        let read = json::parse(json.as_bytes()).ok();
        let expected = "a JSON object with a UserName";
        read.and_then(WireContact::take).ok_or(Invalid { what: "a contact", expected })
    }
}

impl WireContact {
    /// Returns the record, or `None` without a valid `UserName`.
    pub(crate) fn take(self) -> Option<Contact> {
        let members = self.members.0;
        // A list without a count is assumed to be complete.
        let member_count = match self.member_count {
            0 => i64::try_from(members.len()).unwrap_or(0),
            count => count,
        };
        Some(Contact {
            user_name: name(self.user_name)?,
            nick_name: self.nick_name.0,
            remark_name: self.remark_name.0,
            alias: self.alias.0,
            head_img_url: self.head_img_url.0,
            signature: self.signature.0,
            province: self.province.0,
            city: self.city.0,
            pinyin: Pinyin { initials: self.py_initial.0, full: self.py_quan_pin.0 },
            remark_pinyin: Pinyin {
                initials: self.remark_py_initial.0,
                full: self.remark_py_quan_pin.0,
            },
            key_word: self.key_word.0,
            contact_flag: ContactFlag(self.contact_flag),
            verify_flag: VerifyFlag(self.verify_flag),
            sns_flag: SnsFlag(self.sns_flag),
            attr_status: self.attr_status,
            statues: self.statues,
            sex: self.sex,
            star_friend: self.star_friend,
            hide_input_bar_flag: self.hide_input_bar_flag,
            uin: self.uin,
            owner_uin: self.owner_uin,
            is_owner: self.is_owner,
            chat_room_owner: name(self.chat_room_owner),
            encry_chat_room_id: self.encry_chat_room_id.0,
            member_count,
            members: Members::from(members),
        })
    }
}

impl WireMember {
    /// Returns the member, or `None` without a valid `UserName`.
    fn take(self) -> Option<Member> {
        Some(Member {
            user_name: name(self.user_name)?,
            nick_name: self.nick_name.0,
            display_name: self.display_name.0,
            attr_status: self.attr_status,
            member_status: self.member_status,
        })
    }
}

fn name(text: Text) -> Option<UserName> {
    text.into_boxed().try_into().ok()
}

/// Removes the credential from the path of a picture. Only the lists other than
/// `webwxbatchgetcontact` contain it (`docs/protocol.md` §5.2, §5.4). Requests for the picture add
/// it again.
pub(crate) fn picture(path: &str) -> Box<str> {
    // The path is searched from the end, where the credential usually is.
    let mut rest = path;
    while let Some(equals) = rest.bytes().rposition(|byte| byte == b'=') {
        rest = path.get(..equals).unwrap_or_default();
        if rest.ends_with("?skey") || rest.ends_with("&skey") {
            let (before, value) = path.split_at(equals + 1);
            let after = value.find('&').and_then(|end| value.get(end..)).unwrap_or_default();
            return [before, after].concat().into();
        }
    }
    path.into()
}

/// Defines texts that are converted and [cut](brief) while they are parsed: doing so later would
/// fragment memory with a reallocation per contact.
macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident = $convert:expr;)*) => {$(
        $(#[$meta])*
        #[derive(Default)]
        struct $name(Box<str>);

        scalar!($name);

        impl Scalar for $name {
            fn set_number(&mut self, number: i64) {
                self.set_text(&number.to_string());
            }

            fn set_text(&mut self, text: &str) {
                let convert: fn(&str) -> Box<str> = $convert;
                self.0 = brief(convert(text));
            }
        }
    )*};
}

texts! {
    /// A text as it is.
    Brief = |text| text.into();
    /// A name or another text, decoded.
    Decoded = |text| decode(text.into());
}

/// The path of a picture, without its credential. A number is not a path.
#[derive(Default)]
struct Picture(Box<str>);

scalar!(Picture);

impl Scalar for Picture {
    fn set_number(&mut self, _: i64) {
        *self = Self::default();
    }

    fn set_text(&mut self, path: &str) {
        self.0 = brief(picture(path));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::contact;
    use crate::wire::lenient::Lenient as _;

    #[test]
    fn record_is_parsed() {
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
        let bare = serde_json::to_value(contact("{\"UserName\":\"@1\",\"HeadImgUrl\":7}")).unwrap();
        for (field, value) in bare.as_object().unwrap() {
            let pinyin = json!({ "initials": "", "full": "" });
            let empty = [json!(""), json!(0), json!([]), json!(null), pinyin];
            assert!(field == "user_name" || empty.contains(value), "{field}");
        }
    }

    /// Threat W3.
    #[test]
    fn long_texts_are_cut() {
        let long = "群".repeat(2_000);
        let json = serde_json::json!({ "UserName": "@@1", "NickName": long, "PYInitial": long, "Alias": long,
            "HeadImgUrl": long, "MemberList": [{ "UserName": "@1", "NickName": long, "DisplayName": long }] });
        let room = contact(&json.to_string());
        let member = &room.members[0];
        let texts = [
            &room.nick_name, &room.pinyin.initials, &room.alias, &room.head_img_url,
            &member.nick_name, &member.display_name,
        ];
        assert_eq!(texts.map(|text| text.len()), [4_095; 6]);
    }

    /// Threat S1.
    #[test]
    fn picture_path_has_no_credential() {
        for (path, kept) in [
            ("/icon?seq=1&username=@a&skey=@crypt_1", "/icon?seq=1&username=@a&skey="),
            ("/icon?skey=@crypt_1&seq=1", "/icon?skey=&seq=1"),
            ("/icon?seq=1&skey=", "/icon?seq=1&skey="),
            ("/icon?seq=1", "/icon?seq=1"),
            ("/icon?xskey=1&&skey=2&skey", "/icon?xskey=1&&skey=&skey"),
            ("/icon", "/icon"),
            ("", ""),
        ] {
            assert_eq!(&*picture(path), kept);
            let json = serde_json::json!({ "UserName": "@1", "HeadImgUrl": path });
            assert_eq!(&*contact(&json.to_string()).head_img_url, kept);
        }
    }
}
