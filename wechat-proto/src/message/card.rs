//! Cards of people and official accounts: `docs/protocol.md` §9.2.

use alloc::boxed::Box;

use serde::Serialize;

use super::piece::{Hidden, attributes, int, is_root, plain, url};
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
            "imagestatus" => self.image_status = int(value),
            "regionCode" => self.region_code = plain(value),
            "certflag" => self.cert_flag = int(value),
            "certinfo" => self.cert_info = plain(value),
            "brandIconUrl" => self.brand_icon_url = url(value),
            "brandHomeUrl" => self.brand_home_url = url(value),
            "brandSubscriptConfigUrl" => self.brand_subscript_config_url = url(value),
            "brandFlags" => self.brand_flags = int(value),
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
    fn fields_are_parsed() {
        let card = read(
            r#""RecommendInfo":{"UserName":"@c","NickName":"","Alias":"lan","AttrStatus":4293221,"Scene":17}"#,
            "&lt;?xml version=\"1.0\"?&gt;<br/>&lt;msg bigheadimgurl=\"http://wx.qlogo.cn/a/0\" smallheadimgurl=\"http://wx.qlogo.cn/a/132\" username=\"gh_0123\" nickname=\"天气 &amp;amp; 服务\"  shortpy=\"TQ\" alias=\"other\" imagestatus=\"3\" scene=\"18\" province=\"广东\" city=\"深圳\" sign=\"每天&amp;#39;早\" sex=\"2\" certflag=\"24\" certinfo=\"腾讯&amp;quot;\" brandIconUrl=\"http://b/1\" brandHomeUrl=\"http://b/?a=1&amp;amp;b=2\" brandSubscriptConfigUrl=\"http://b/3\" brandFlags=\"6\" regionCode=\"CN_Guangdong_Shenzhen\" antispamticket=\"v4_0000@stranger\" /&gt;<br/>",
        )
        .unwrap();
        let expected = Card {
            info: RecommendInfo {
                user_name: "@c".parse().ok(),
                nick_name: "天气 & 服务".into(),
                alias: "lan".into(),
                scene: 17,
                province: "广东".into(),
                city: "深圳".into(),
                signature: "每天'早".into(),
                sex: 2,
                attr_status: 4_293_221,
                ..RecommendInfo::default()
            },
            permanent_id: "gh_0123".into(),
            short_pinyin: "TQ".into(),
            big_head_img_url: "http://wx.qlogo.cn/a/0".into(),
            small_head_img_url: "http://wx.qlogo.cn/a/132".into(),
            image_status: 3,
            region_code: "CN_Guangdong_Shenzhen".into(),
            cert_flag: 24,
            cert_info: "腾讯\"".into(),
            brand_icon_url: "http://b/1".into(),
            brand_home_url: "http://b/?a=1&b=2".into(),
            brand_subscript_config_url: "http://b/3".into(),
            brand_flags: 6,
            antispam_ticket: Box::<str>::from("v4_0000@stranger").into(),
        };
        assert_eq!(card, expected);
        assert!(card.is_official());
        assert!(!alloc::format!("{card:?}").contains("v4_0000"));
    }

    #[test]
    fn partial_content_is_parsed() {
        let record = read(r#""RecommendInfo":{"UserName":"@c"}"#, "spoiled").unwrap();
        assert_eq!(record.info.user_name, "@c".parse().ok());
        let xml = read("", "<msg username='wxid_c' nickname='C'/>").unwrap();
        assert_eq!((&*xml.permanent_id, &*xml.info.nick_name), ("wxid_c", "C"));
        assert!(!xml.is_official());
        for empty in ["", "spoiled", "<msg sex='1'/>", "<other username='c'/>"] {
            assert_eq!(read(r#""RecommendInfo":{"UserName":""}"#, empty), None, "{empty}");
        }
    }
}
