//! The subject of a message: `RecommendInfo` (`docs/protocol.md` §9.1).

use alloc::boxed::Box;

use serde::Serialize;

use super::piece::{number, plain};
use crate::contact::Ticket;
use crate::text::decode;
use crate::wire::object::object;
use crate::{Text, UserName};

/// The subject of a card, a friend request or a contact suggestion.
///
/// Parsed from the record's `RecommendInfo`; missing fields are taken from the message's XML.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecommendInfo {
    /// The user name in this login, used to send or accept a friend request.
    pub user_name: Option<UserName>,
    /// The nickname.
    pub nick_name: Box<str>,
    /// The QQ number; almost always 0.
    pub qq_num: i64,
    /// The province, in the service's language.
    pub province: Box<str>,
    /// The city, in the service's language.
    pub city: Box<str>,
    /// The greeting of a friend request.
    pub content: Box<str>,
    /// The profile text.
    pub signature: Box<str>,
    /// The alias, by which others can find the account.
    pub alias: Box<str>,
    /// The origin of the contact: 3 and 14 a room, 17 a card, 30 a QR code; others occur.
    pub scene: i64,
    /// A bit mask; the bit of value 8 marks an official account.
    pub verify_flag: i64,
    /// Bits of unknown meaning.
    pub attr_status: i64,
    /// 1 male, 2 female, 0 unspecified.
    pub sex: i64,
    /// The ticket required to accept the request.
    pub ticket: Option<Ticket>,
    /// The operation: 2 is a friend request.
    pub op_code: i64,
}

object! {
    /// `RecommendInfo` on the wire: present in every message, almost always with empty fields.
    #[derive(Clone, Debug)]
    pub(crate) struct WireRecommendInfo {
        "UserName" => user_name: Text,
        "NickName" => nick_name: Text,
        "QQNum" => qq_num: i64,
        "Province" => province: Text,
        "City" => city: Text,
        "Content" => content: Text,
        "Signature" => signature: Text,
        "Alias" => alias: Text,
        "Scene" => scene: i64,
        "VerifyFlag" => verify_flag: i64,
        "AttrStatus" => attr_status: i64,
        "Sex" => sex: i64,
        "Ticket" => ticket: Text,
        "OpCode" => op_code: i64,
    }
}

impl WireRecommendInfo {
    pub(super) fn take(self) -> RecommendInfo {
        RecommendInfo {
            user_name: self.user_name.parse().ok(),
            nick_name: decode(self.nick_name),
            qq_num: self.qq_num,
            province: decode(self.province),
            city: decode(self.city),
            content: decode(self.content),
            signature: decode(self.signature),
            alias: self.alias.into(),
            scene: self.scene,
            verify_flag: self.verify_flag,
            attr_status: self.attr_status,
            sex: self.sex,
            ticket: self.ticket.parse().ok(),
            op_code: self.op_code,
        }
    }
}

impl RecommendInfo {
    /// Returns whether the subject is an official account.
    pub const fn is_official(&self) -> bool {
        self.verify_flag & 8 != 0
    }

    /// Returns whether it identifies somebody.
    pub(super) fn is_identified(&self) -> bool {
        self.user_name.is_some() || !self.nick_name.is_empty() || !self.alias.is_empty()
    }

    /// Sets a field that the record lacks from an XML attribute.
    pub(super) fn complete(&mut self, name: &str, value: &str) {
        match name {
            "nickname" | "fromnickname" if self.nick_name.is_empty() => {
                self.nick_name = plain(value);
            }
            "alias" if self.alias.is_empty() => self.alias = plain(value),
            "province" if self.province.is_empty() => self.province = plain(value),
            "city" if self.city.is_empty() => self.city = plain(value),
            "content" if self.content.is_empty() => self.content = plain(value),
            "sign" if self.signature.is_empty() => self.signature = plain(value),
            "ticket" if self.ticket.is_none() => self.ticket = value.trim().parse().ok(),
            "scene" if self.scene == 0 => self.scene = number(value),
            "sex" if self.sex == 0 => self.sex = number(value),
            "opcode" if self.op_code == 0 => self.op_code = number(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::lenient::Lenient as _;

    #[test]
    fn record_takes_precedence_over_xml() {
        let mut info = WireRecommendInfo::read(
            r#"{"UserName":"@a","NickName":"A &amp; a","Sex":1,"Scene":"14","Ticket":"v2_a@stranger","VerifyFlag":24}"#,
        )
        .take();
        for (name, value) in [
            ("nickname", "B"),
            ("sex", "2"),
            ("scene", "17"),
            ("ticket", "v2_b@stranger"),
            ("city", " 深圳 "),
            ("opcode", "2"),
            ("sign", "a &amp; b"),
            ("unknown", "x"),
        ] {
            info.complete(name, value);
        }
        assert_eq!(&*info.nick_name, "A & a");
        assert_eq!((info.sex, info.scene, info.op_code), (1, 14, 2));
        assert_eq!((&*info.city, &*info.signature), ("深圳", "a &amp; b"));
        assert_eq!(info.ticket, "v2_a@stranger".parse().ok());
        assert!(info.is_official() && info.is_identified());
        // `docs/shapes.md` S42: all fields may be empty.
        let empty = WireRecommendInfo::read(r#"{"UserName":"","QQNum":0,"Ticket":""}"#).take();
        assert_eq!(empty, RecommendInfo::default());
        assert!(!empty.is_identified());
    }
}
