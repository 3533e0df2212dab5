//! Contacts on the wire: `docs/protocol.md` §5.3.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::flags::{ContactFlag, SnsFlag, VerifyFlag};
use super::record::{Contact, Pinyin};
use super::{Member, Members};
use crate::ids::UserName;
use crate::text::{Text, decode};
use crate::wire::lenient::{ELEMENTS, Int, Lenient, List};
use crate::wire::object::object;

object! {
    /// A contact's fields on the wire, without fields of unknown meaning: `AppAccountFlag`,
    /// `UniFriend`, `ChatRoomId` and `ContactType` (0 in every capture), `DisplayName` (empty except
    /// in members), `HeadImgUpdateFlag`.
    struct WireFields {
        "Uin" => uin: Int,
        "UserName" => user_name: Text,
        "NickName" => nick_name: Text,
        "HeadImgUrl" => head_img_url: Picture,
        "ContactFlag" => contact_flag: Int,
        "MemberCount" => member_count: Int,
        "MemberList" => members: List<WireMember>,
        "RemarkName" => remark_name: Text,
        "HideInputBarFlag" => hide_input_bar_flag: Int,
        "Sex" => sex: Int,
        "Signature" => signature: Text,
        "VerifyFlag" => verify_flag: Int,
        "OwnerUin" => owner_uin: Int,
        "PYInitial" => py_initial: Text,
        "PYQuanPin" => py_quan_pin: Text,
        "RemarkPYInitial" => remark_py_initial: Text,
        "RemarkPYQuanPin" => remark_py_quan_pin: Text,
        "StarFriend" => star_friend: Int,
        "Statues" => statues: Int,
        "AttrStatus" => attr_status: Int,
        "Province" => province: Text,
        "City" => city: Text,
        "Alias" => alias: Text,
        "SnsFlag" => sns_flag: Int,
        "KeyWord" => key_word: Text,
        "EncryChatRoomId" => encry_chat_room_id: Text,
        "IsOwner" => is_owner: Int,
        "ChatRoomOwner" => chat_room_owner: Text,
    }
}

object! {
    /// A member on the wire.
    pub(crate) struct WireMember blank without user_name {
        "UserName" => user_name: Text,
        "NickName" => nick_name: Text,
        "AttrStatus" => attr_status: Int,
        "MemberStatus" => member_status: Int,
        "DisplayName" => display_name: Text,
    }
}

impl WireFields {
    /// Returns the record, or `None` without a valid `UserName`.
    #[inline]
    fn take(self) -> Option<Contact> {
        let members = WireMember::take_all(self.members);
        // A list without a count is assumed to be complete.
        let member_count = match self.member_count.0 {
            0 => i64::try_from(members.len()).unwrap_or(0),
            count => count,
        };
        Some(Contact {
            user_name: name(self.user_name)?,
            nick_name: decode(self.nick_name),
            remark_name: decode(self.remark_name),
            alias: self.alias.into_boxed(),
            head_img_url: self.head_img_url.0,
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
            member_count,
            members: Members::from(members),
        })
    }
}

/// A contact on the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct WireContact(Option<Contact>);

impl WireContact {
    /// Returns the record, or `None` without a valid `UserName`.
    pub(crate) fn take(self) -> Option<Contact> {
        self.0
    }

    /// Returns the records of a list that have a valid `UserName`.
    pub(crate) fn take_all(list: List<Self>) -> Vec<Contact> {
        list.0.into_iter().filter_map(Self::take).collect()
    }
}

impl From<WireFields> for WireContact {
    #[inline]
    fn from(fields: WireFields) -> Self {
        Self(fields.take())
    }
}

impl<'de> Deserialize<'de> for WireContact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WireFields::deserialize(deserializer).map(Self::from)
    }
}

impl Lenient for WireContact {
    fn is_blank(&self) -> bool {
        self.0.is_none()
    }
}

impl WireMember {
    /// Returns the members of a list that have a valid `UserName`.
    pub(crate) fn take_all(list: List<Self>) -> Vec<Member> {
        list.0.into_iter().filter_map(Self::take).collect()
    }

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

/// Removes the credential from the path of a picture: `webwxbatchgetcontact` leaves it out, the
/// other lists do not (`docs/protocol.md` §5.2, §5.4). Requests for the picture add it again.
pub(crate) fn picture(path: &str) -> Box<str> {
    // Searched from the end, where the credential nearly always is.
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

/// A picture's path, without the credential. It is removed while parsing: removing it later would
/// fragment memory with a reallocation per contact.
#[derive(Default)]
struct Picture(Box<str>);

impl Lenient for Picture {}

/// Defines the visitor methods for unexpected values: each returns the default.
macro_rules! nothing {
    ($kind:ty) => {
        fn visit_bool<E>(self, _: bool) -> Result<$kind, E> {
            Ok(Default::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<$kind, E> {
            Ok(Default::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<$kind, E> {
            Ok(Default::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<$kind, E> {
            Ok(Default::default())
        }
        fn visit_unit<E>(self) -> Result<$kind, E> {
            Ok(Default::default())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$kind, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}

impl<'de> Deserialize<'de> for Picture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Path;

        impl<'de> Visitor<'de> for Path {
            type Value = Picture;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path")
            }

            fn visit_str<E>(self, path: &str) -> Result<Picture, E> {
                Ok(Picture(picture(path)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Picture, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Picture::default())
            }

            nothing!(Picture);
        }

        deserializer.deserialize_any(Path)
    }
}

/// The records of a list, each converted to a [`Contact`] as soon as it is parsed: its fields are
/// still in the cache then, and thousands of records need no second pass.
#[derive(Default)]
pub(crate) struct Records(pub(crate) Vec<Contact>);

impl Lenient for Records {}

impl<'de> Deserialize<'de> for Records {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Records;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_str<E>(self, _: &str) -> Result<Records, E> {
                Ok(Records::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Records, A::Error> {
                let mut records = Vec::new();
                // The same limit as for a [`List`].
                while records.len() < ELEMENTS
                    && let Some(WireContact(record)) = seq.next_element()?
                {
                    records.extend(record);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Records(records))
            }

            nothing!(Records);
        }

        deserializer.deserialize_any(All)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use crate::testing::contact;

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
        assert_eq!(contact("{\"UserName\":\"@1\"}"), Contact::unknown("@1".parse().unwrap()));
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
