//! Cards of people and official accounts: `docs/protocol.md` §9.2.

use alloc::boxed::Box;

use serde::Serialize;

use super::piece::{Hidden, attributes, is_root, number, plain, url};
use super::recommend::RecommendInfo;
use super::wire::WireMessage;

/// The card of a person or an official account: `MsgType` 42.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Card {
    /// The owner of the card.
    pub info: RecommendInfo,
    /// An id that may outlast this login: `wxid_…`, `gh_…`, or `v1_…@stranger`.
    pub permanent_id: Box<str>,
    /// The initials of the name in pinyin.
    pub short_pinyin: Box<str>,
    /// The URL of the large avatar.
    pub big_head_img_url: Box<str>,
    /// The URL of the small avatar.
    pub small_head_img_url: Box<str>,
    /// `imagestatus`: 3 if there is an avatar.
    pub image_status: i64,
    /// Country and region as a code: `CN_Guangdong_Shenzhen`.
    pub region_code: Box<str>,
    /// For official accounts, bits as in `VerifyFlag`.
    pub cert_flag: i64,
    /// The verified identity of an official account.
    pub cert_info: Box<str>,
    /// The URL of the icon of an official account.
    pub brand_icon_url: Box<str>,
    /// The URL of the home page of an official account.
    pub brand_home_url: Box<str>,
    /// The URL of the settings of an official account.
    pub brand_subscript_config_url: Box<str>,
    /// Bits of unknown meaning, for official accounts.
    pub brand_flags: i64,
    /// The ticket required for a friend request to the owner.
    pub antispam_ticket: Hidden,
}

impl Card {
    /// Returns whether it is the card of an official account.
    pub const fn is_official(&self) -> bool {
        self.info.is_official() || self.cert_flag & 8 != 0
    }

    /// Returns `None` if the owner is missing.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let mut card = Box::new(Self { info: record.recommend_info.take(), ..Self::default() });
        attributes(&record.content, is_root, |name, value| card.attribute(name, value));
        (card.info.is_identified() || !card.permanent_id.is_empty()).then_some(card)
    }

    fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "username" => self.permanent_id = plain(value),
            "shortpy" => self.short_pinyin = plain(value),
            "bigheadimgurl" => self.big_head_img_url = url(value),
            "smallheadimgurl" => self.small_head_img_url = url(value),
            "imagestatus" => self.image_status = number(value),
            "regionCode" => self.region_code = plain(value),
            "certflag" => self.cert_flag = number(value),
            "certinfo" => self.cert_info = plain(value),
            "brandIconUrl" => self.brand_icon_url = url(value),
            "brandHomeUrl" => self.brand_home_url = url(value),
            "brandSubscriptConfigUrl" => self.brand_subscript_config_url = url(value),
            "brandFlags" => self.brand_flags = number(value),
            "antispamticket" => self.antispam_ticket = plain(value).into(),
            _ => self.info.complete(name, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;
    use crate::testing::said;

    fn read(fields: &str, content: &str) -> Option<Card> {
        match said(42, fields, content).kind {
            Kind::Card(card) => Some(*card),
            Kind::Unreadable { reason: "the card owner is missing", .. } => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn partial_content_is_parsed() {
        let record = read(r#""RecommendInfo":{"UserName":"@c"}"#, "malformed").unwrap();
        assert_eq!(record.info.user_name, "@c".parse().ok());
        let xml = read("", "<msg username='wxid_c' nickname='C'/>").unwrap();
        assert_eq!((&*xml.permanent_id, &*xml.info.nick_name), ("wxid_c", "C"));
        let official = read("", "<msg username='gh_c' certflag='24'/>").unwrap();
        assert_eq!([xml.is_official(), official.is_official()], [false, true]);
        for incomplete in ["", "malformed", "<msg sex='1'/>", "<other username='c'/>"] {
            assert_eq!(
                read(r#""RecommendInfo":{"UserName":""}"#, incomplete),
                None,
                "{incomplete}"
            );
        }
    }
}
