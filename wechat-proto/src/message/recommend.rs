//! Whom a message is about: `RecommendInfo` (`docs/protocol.md` §9.1).

use alloc::boxed::Box;

use serde::Serialize;

use super::piece::{int, text};
use crate::contact::Ticket;
use crate::ids::UserName;
use crate::text::{Text, decode};
use crate::wire::lenient::Int;
use crate::wire::object::object;

/// The person whom a card, a friend request or a proposal is about.
///
/// From the record's `RecommendInfo`; what is missing there comes from the message's XML.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecommendInfo {
    /// The name in this login: with it, one is asked, or answered.
    pub user_name: Option<UserName>,
    /// What they call themselves.
    pub nick_name: Box<str>,
    /// The number on QQ; 0 nearly always.
    pub qq_num: i64,
    /// Province, as the service's language writes it.
    pub province: Box<str>,
    /// City, as the service's language writes it.
    pub city: Box<str>,
    /// What they say: the greeting of a friend request.
    pub content: Box<str>,
    /// What they say of themselves.
    pub signature: Box<str>,
    /// The name that they chose to be found by.
    pub alias: Box<str>,
    /// How one came upon the other: 3 and 14 by a room, 17 by a card, 30 by a code, others.
    pub scene: i64,
    /// Bits: 8 is an official account.
    pub verify_flag: i64,
    /// Bits of unknown meaning.
    pub attr_status: i64,
    /// 1 male, 2 female, 0 not said.
    pub sex: i64,
    /// What an answer has to carry.
    pub ticket: Option<Ticket>,
    /// What was asked: 2 is a friend request.
    pub op_code: i64,
}

object! {
    /// `RecommendInfo` on the wire: in every message, and nearly always all empty.
    #[derive(Clone, Debug)]
    pub(crate) struct WireRecommendInfo {
        "UserName" => user_name: Text,
        "NickName" => nick_name: Text,
        "QQNum" => qq_num: Int,
        "Province" => province: Text,
        "City" => city: Text,
        "Content" => content: Text,
        "Signature" => signature: Text,
        "Alias" => alias: Text,
        "Scene" => scene: Int,
        "VerifyFlag" => verify_flag: Int,
        "AttrStatus" => attr_status: Int,
        "Sex" => sex: Int,
        "Ticket" => ticket: Text,
        "OpCode" => op_code: Int,
    }
}

impl WireRecommendInfo {
    pub(super) fn take(self) -> RecommendInfo {
        RecommendInfo {
            user_name: self.user_name.parse().ok(),
            nick_name: decode(self.nick_name),
            qq_num: self.qq_num.0,
            province: decode(self.province),
            city: decode(self.city),
            content: decode(self.content),
            signature: decode(self.signature),
            alias: self.alias.into(),
            scene: self.scene.0,
            verify_flag: self.verify_flag.0,
            attr_status: self.attr_status.0,
            sex: self.sex.0,
            ticket: self.ticket.parse().ok(),
            op_code: self.op_code.0,
        }
    }
}

impl RecommendInfo {
    /// Whether it is an official account's.
    pub const fn is_official(&self) -> bool {
        self.verify_flag & 8 != 0
    }

    /// Whether anybody can be told from it.
    pub(super) fn names_somebody(&self) -> bool {
        self.user_name.is_some() || !self.nick_name.is_empty() || !self.alias.is_empty()
    }

    /// Takes an attribute of the XML's where the record says nothing.
    pub(super) fn complete(&mut self, name: &str, value: &str) {
        let field = match name {
            "nickname" | "fromnickname" => &mut self.nick_name,
            "alias" => &mut self.alias,
            "province" => &mut self.province,
            "city" => &mut self.city,
            "content" => &mut self.content,
            "sign" => &mut self.signature,
            "ticket" => {
                self.ticket = self.ticket.take().or_else(|| value.trim().parse().ok());
                return;
            }
            _ => {
                let number = match name {
                    "scene" => &mut self.scene,
                    "sex" => &mut self.sex,
                    "opcode" => &mut self.op_code,
                    _ => return,
                };
                if *number == 0 {
                    *number = int(value);
                }
                return;
            }
        };
        if field.is_empty() {
            *field = text(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::lenient::Lenient as _;

    #[test]
    fn the_record_goes_before() {
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
            ("sign", "a<span class=\"emoji emoji1f604\"></span>"),
            ("unknown", "x"),
        ] {
            info.complete(name, value);
        }
        assert_eq!(&*info.nick_name, "A & a");
        assert_eq!((info.sex, info.scene, info.op_code), (1, 14, 2));
        assert_eq!((&*info.city, &*info.signature), ("深圳", "a😄"));
        assert_eq!(info.ticket, "v2_a@stranger".parse().ok());
        assert!(info.is_official() && info.names_somebody());
        // `docs/shapes.md` S42: all empty.
        let empty = WireRecommendInfo::read(r#"{"UserName":"","QQNum":0,"Ticket":""}"#).take();
        assert_eq!(empty, RecommendInfo::default());
        assert!(!empty.names_somebody());
    }
}
