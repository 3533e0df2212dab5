//! Friend requests and contact suggestions: `docs/protocol.md` §9.2, §9.8.

use alloc::boxed::Box;

use serde::Serialize;

use super::piece::{Hidden, attributes, is_root, number, plain, url};
use super::recommend::RecommendInfo;
use super::wire::WireMessage;
use crate::contact::Ticket;
use crate::ids::UserName;

/// A friend request: `MsgType` 37, from `fmessage`.
///
/// It is accepted with [`FriendRequest::user_name`] and [`FriendRequest::ticket`]. Requests that the
/// account makes from another device are received, too: the official page ignores those whose
/// `user_name` is the account's own.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FriendRequest {
    /// The requester and their greeting.
    pub info: RecommendInfo,
    /// The requester's permanent id: `wxid_…`, or a word of their choice.
    pub permanent_id: Box<str>,
    /// The same id in another form: `v1_…@stranger`.
    pub encrypted_id: Box<str>,
    /// The initials of the name in pinyin.
    pub short_pinyin: Box<str>,
    /// The URL of the large avatar.
    pub big_head_img_url: Box<str>,
    /// The URL of the small avatar.
    pub small_head_img_url: Box<str>,
    /// `imagestatus`: 3 if there is an avatar.
    pub image_status: i64,
    /// The country code: `CN`.
    pub country: Box<str>,
    /// `percard`: whether their profile text is visible.
    pub personal_card: i64,
    /// The URL of their page on the service's microblog.
    pub weibo: Box<str>,
    /// The nickname of the person on the microblog.
    pub weibo_nick_name: Box<str>,
    /// Bits of unknown meaning, about the person's album.
    pub album_flag: i64,
    /// The style of the person's album.
    pub album_style: i64,
    /// The numeric id of the album's background picture.
    pub album_background_id: Box<str>,
    /// A bit mask about the person's Moments. Bit value 1 is set if there are any.
    pub sns_flag: i64,
    /// The URL of the background picture of their Moments.
    pub sns_background_url: Box<str>,
    /// The numeric id of the background picture of their Moments.
    pub sns_background_id: Box<str>,
    /// A hash of their telephone number.
    pub mobile_hash: Box<str>,
    /// A hash of their telephone number with the country code.
    pub mobile_full_hash: Box<str>,
    /// The Google account of the person, from an address book.
    pub google_contact: Box<str>,
    /// The ticket of the scanned QR code.
    pub qr_ticket: Hidden,
    /// The room in which they found the account: `…@chatroom`.
    pub room_id: Box<str>,
    /// The permanent id of the person who shared the account's card.
    pub source_user_name: Box<str>,
    /// The nickname of that person.
    pub source_nick_name: Box<str>,
    /// The number of official accounts on their profile.
    pub brand_count: i64,
    /// The version of the list of these accounts.
    pub brand_version: i64,
}

impl FriendRequest {
    /// Returns the requester.
    pub const fn user_name(&self) -> Option<&UserName> {
        self.info.user_name.as_ref()
    }

    /// Returns the ticket required to accept the request.
    pub const fn ticket(&self) -> Option<&Ticket> {
        self.info.ticket.as_ref()
    }

    /// Returns the greeting.
    pub fn greeting(&self) -> &str {
        &self.info.content
    }

    /// Returns `None` if the requester is missing.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let mut request = Box::new(Self { info: record.recommend_info.take(), ..Self::default() });
        attributes(&record.content, is_root, |name, value| request.attribute(name, value));
        let is_list = |path: &[&str]| path.last() == Some(&"brandlist");
        attributes(&record.content, is_list, |name, value| match name {
            "count" => request.brand_count = number(value),
            "ver" => request.brand_version = number(value),
            _ => {}
        });
        if request.info.ticket.is_none() {
            request.info.ticket = record.ticket.parse().ok();
        }
        let somebody = request.info.is_identified() || !request.permanent_id.is_empty();
        somebody.then_some(request)
    }

    fn attribute(&mut self, name: &str, value: &str) {
        match name {
            "fromusername" => self.permanent_id = plain(value),
            "encryptusername" => self.encrypted_id = plain(value),
            "shortpy" => self.short_pinyin = plain(value),
            "bigheadimgurl" => self.big_head_img_url = url(value),
            "smallheadimgurl" => self.small_head_img_url = url(value),
            "imagestatus" => self.image_status = number(value),
            "country" => self.country = plain(value),
            "percard" => self.personal_card = number(value),
            "weibo" => self.weibo = url(value),
            "weibonickname" => self.weibo_nick_name = plain(value),
            "albumflag" => self.album_flag = number(value),
            "albumstyle" => self.album_style = number(value),
            "albumbgimgid" => self.album_background_id = plain(value),
            "snsflag" => self.sns_flag = number(value),
            "snsbgimgid" => self.sns_background_url = url(value),
            "snsbgobjectid" => self.sns_background_id = plain(value),
            "mhash" => self.mobile_hash = plain(value),
            "mfullhash" => self.mobile_full_hash = plain(value),
            "googlecontact" => self.google_contact = plain(value),
            "qrticket" => self.qr_ticket = plain(value).into(),
            "chatroomusername" => self.room_id = plain(value),
            "sourceusername" => self.source_user_name = plain(value),
            "sourcenickname" => self.source_nick_name = plain(value),
            _ => self.info.complete(name, value),
        }
    }
}

/// A person the account may know, such as the owner of a number in its address book: `MsgType` 40.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PossibleFriend {
    /// The suggested person.
    pub info: RecommendInfo,
    /// The permanent id, if the message contains it.
    pub permanent_id: Box<str>,
}

impl PossibleFriend {
    /// Returns `None` if the suggested user is missing.
    pub(super) fn read(record: WireMessage) -> Option<Box<Self>> {
        let mut friend = Box::new(Self { info: record.recommend_info.take(), ..Self::default() });
        attributes(&record.content, is_root, |name, value| match name {
            "fromusername" | "username" => friend.permanent_id = plain(value),
            _ => friend.info.complete(name, value),
        });
        let somebody = friend.info.is_identified() || !friend.permanent_id.is_empty();
        somebody.then_some(friend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Kind;
    use crate::testing::said;

    fn read(fields: &str, content: &str) -> Option<FriendRequest> {
        match said(37, fields, content).kind {
            Kind::FriendRequest(request) => Some(*request),
            Kind::Unreadable { reason: "the requester is missing", .. } => None,
            other => panic!("{other:?}"),
        }
    }

    /// The fields that `corpus/messages` does not have. An attribute lacks a separating blank:
    /// `docs/shapes.md` S58.
    #[test]
    fn fields_are_parsed() {
        let request = read(
            r#""RecommendInfo":{"UserName":"@f","Content":"我是 &quot;A&quot;"}"#,
            "&lt;msg fromusername=\"lan\" content=\"hi\" sign=\"s\"percard=\"1\" albumstyle=\"4\" albumbgimgid=\"5\" ticket=\"v2_7@stranger\" qrticket=\"qr_8\"&gt;<br/>&lt;brandlist count=\"1\" ver=\"652639419\"&gt;&lt;/brandlist&gt;<br/>&lt;/msg&gt;",
        )
        .unwrap();
        assert_eq!(request.greeting(), "我是 \"A\"");
        assert_eq!(request.user_name(), "@f".parse().ok().as_ref());
        assert_eq!(request.ticket(), "v2_7@stranger".parse().ok().as_ref());
        assert_eq!((&*request.info.signature, request.personal_card), ("s", 1));
        assert_eq!((request.album_style, &*request.album_background_id), (4, "5"));
        assert_eq!((request.brand_count, request.qr_ticket.expose()), (1, "qr_8"));
        let shown = alloc::format!("{request:?}");
        assert!(!shown.contains("v2_7") && !shown.contains("qr_8"), "{shown}");
    }

    #[test]
    fn partial_content_is_parsed() {
        // The ticket may be in the record itself.
        let record = read(r#""Ticket":"v2_1@stranger","RecommendInfo":{"UserName":"@f"}"#, "");
        assert_eq!(record.unwrap().ticket(), "v2_1@stranger".parse().ok().as_ref());
        let xml = read("", "<msg fromusername='lan'/>").unwrap();
        assert_eq!((&*xml.permanent_id, xml.ticket()), ("lan", None));
        for incomplete in ["", "malformed", "<msg ticket='v2_1@stranger'/>"] {
            assert_eq!(read("", incomplete), None, "{incomplete}");
        }
    }
}
