//! `POST /cgi-bin/mmwebwx-bin/webwxsync`
//!
//! Fetches the news since a key: messages, changed contacts, a changed profile
//! (`docs/protocol.md` §7.2).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use super::SyncKey;
use super::key::WireKey;
use crate::body::Body;
use crate::contact::Contact;
use crate::contact::record::{WireContact, picture};
use crate::endpoint::{Endpoint, LISTS};
use crate::error::Error;
use crate::flow::{Response, Want};
use crate::ids::UserName;
use crate::message::{Message, Raw, WireMessage};
use crate::secret::Secret;
use crate::session::Session;
use crate::text::{Text, decode};
use crate::time::Timestamp;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::lenient::{Buff, Int, List};
use crate::wire::object::object;
use crate::wire::query::{Url, json};

const ENDPOINT: &str = "webwxsync";

/// The messages and changes since the key of the request.
#[derive(Clone)]
#[non_exhaustive]
pub struct Batch {
    messages: List<Raw>,
    /// Contacts that were added or changed.
    pub changed: Vec<Contact>,
    /// Changed rooms and members of rooms: `ModChatRoomMemberList`.
    pub changed_members: Vec<Contact>,
    /// Contacts and rooms that were removed.
    pub removed: Vec<UserName>,
    /// Changes of the account itself.
    pub profile: Option<Profile>,
    /// The new key for the next `webwxsync`; `None` to keep the current key.
    pub sync_key: Option<SyncKey>,
    /// The new key for the next `synccheck`; `None` to keep the current key.
    pub sync_check_key: Option<SyncKey>,
    /// The new `Skey`; usually empty.
    pub(crate) skey: Secret,
    /// Whether there is more to fetch at once.
    pub more: bool,
}

/// Changes of the account itself; `None` for unchanged fields.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// Its new nickname.
    pub nick_name: Option<Box<str>>,
    /// Its new picture: a path on the API host, without the value of its `skey`.
    pub head_img_url: Option<Box<str>>,
}

/// Fetches the news since the session's key.
///
/// A confirmed batch is recorded in the session: the next request starts after it, and the stored
/// key advances when its messages are acknowledged ([`Session::acknowledge`]). Apply the batch with
/// [`Account::apply`](crate::Account::apply) or [`Session::apply`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FetchBatch;

impl FetchBatch {
    /// Returns a fetch.
    pub const fn new() -> Self {
        Self
    }
}

impl Endpoint for FetchBatch {
    type State = Session;
    type Output = Batch;

    const WANT: Want = LISTS;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Fields<'a, K> {
            base_request: BaseRequest<'a>,
            sync_key: K,
            #[serde(rename = "rr")]
            inverted: i32,
        }
        Url::api(ENDPOINT)
            .with("sid", session.auth.sid.expose())
            .with("skey", session.auth.skey.expose())
            .with("lang", session.device.lang.as_str())
            .with("pass_ticket", session.auth.pass_ticket.expose())
            .post_base(session, now, |session, base_request| {
                json(&Fields {
                    base_request,
                    sync_key: session.next_sync_key().body(),
                    inverted: now.inverted(),
                })
            })
    }

    /// Parses the batch.
    ///
    /// # Errors
    ///
    /// The error of its `Ret`; [`Error::Malformed`] if the response is not such a reply.
    fn parse(&self, response: &Response) -> Result<Batch, Error> {
        let (_, wire) = envelope::text::<Wire>(ENDPOINT, response)?;
        envelope::check(ENDPOINT, &wire.base).map_err(envelope::question)?;
        Ok(Batch {
            messages: wire.messages,
            changed: WireContact::take_all(wire.changed),
            changed_members: WireContact::take_all(wire.changed_members),
            removed: wire
                .removed
                .0
                .into_iter()
                .filter_map(|gone| gone.user_name.parse().ok())
                .collect(),
            profile: wire.profile.take(),
            sync_key: wire.sync_key.take(),
            sync_check_key: wire.sync_check_key.take(),
            // Ignores an skey that is not a valid header value.
            skey: wire.skey.parse().unwrap_or_default(),
            more: wire.continue_flag.0 != 0,
        })
    }

    fn apply(&mut self, batch: &Batch, session: &mut Session, _now: Timestamp) {
        session.renew_skey(batch.skey.clone());
        session.park(batch);
    }
}

/// Shows only the number of messages: they contain tickets and keys.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("messages", &self.messages.0.len())
            .field("changed", &self.changed)
            .field("changed_members", &self.changed_members)
            .field("removed", &self.removed)
            .field("profile", &self.profile)
            .field("sync_key", &self.sync_key)
            .field("sync_check_key", &self.sync_check_key)
            .field("more", &self.more)
            .finish_non_exhaustive()
    }
}

impl Batch {
    /// Returns the messages, as the account `me` received them, without applying the batch: for
    /// captures.
    pub fn messages(self, me: &UserName) -> Vec<Message> {
        WireMessage::take_all(self.messages, me)
    }

    /// Returns whether the batch has neither messages nor changes.
    pub fn is_empty(&self) -> bool {
        self.messages.0.is_empty() && !self.has_changes()
    }

    /// Returns whether the batch has changes, besides messages.
    pub(crate) fn has_changes(&self) -> bool {
        self.profile.is_some()
            || !self.removed.is_empty()
            || !self.changed.is_empty()
            || !self.changed_members.is_empty()
    }
}

reply! {
    struct Wire {
        "AddMsgList" => messages: List<Raw>,
        "ModContactList" => changed: List<WireContact>,
        "DelContactList" => removed: List<Gone>,
        "ModChatRoomMemberList" => changed_members: List<WireContact>,
        "Profile" => profile: WireProfile,
        "ContinueFlag" => continue_flag: Int,
        "SyncKey" => sync_key: WireKey,
        "SKey" => skey: Text,
        "SyncCheckKey" => sync_check_key: WireKey,
    }
}

object! {
    struct Gone {
        "UserName" => user_name: Text,
    }
}

object! {
    struct WireProfile {
        "BitFlag" => bit_flag: Int,
        "NickName" => nick_name: Buff,
        "HeadImgUpdateFlag" => head_img_update_flag: Int,
        "HeadImgUrl" => head_img_url: Text,
    }
}

impl WireProfile {
    /// The `BitFlag` of a changed profile. The picture has its own flag in addition.
    const CHANGED: i64 = 190;

    fn take(self) -> Option<Profile> {
        let some = |text: Box<str>| (!text.is_empty()).then_some(text);
        (self.bit_flag.0 == Self::CHANGED).then(|| Profile {
            nick_name: some(decode(self.nick_name.buff)),
            head_img_url: some(picture(&self.head_img_url))
                .filter(|_| self.head_img_update_flag.0 != 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use super::*;
    use crate::error::Ret;
    use crate::message::Kind;
    use crate::testing::{malformed, rendered, reply, session};

    #[test]
    fn fetch_request() {
        let mut session = session();
        insta::assert_snapshot!(rendered(FetchBatch, &mut session), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsync?sid=kByRoJSUlD7S2pif&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 244

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"SyncKey":{"Count":2,"List":[{"Key":1,"Val":643606091},{"Key":2,"Val":643606203}]},"rr":862586243}
        "#);
    }

    #[test]
    fn batch_is_parsed() {
        let batch = FetchBatch.parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"AddMsgCount":1,"AddMsgList":[{"MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"},
            {"MsgId":"2","FromUserName":"@a","ToUserName":"@me","MsgType":51}],
            "ModContactList":[{"UserName":"@@r","NickName":"new"}],"DelContactList":[{"UserName":"@gone","ContactFlag":0},{}],
            "Profile":{"BitFlag":190,"UserName":{"Buff":""},"NickName":{"Buff":"N &amp; n"},"HeadImgUpdateFlag":1,"HeadImgUrl":"/h"},
            "ContinueFlag":1,"SyncKey":{"Count":1,"List":[{"Key":1,"Val":5}]},"SKey":"","SyncCheckKey":{"Count":1,"List":[{"Key":1,"Val":6}]}}"#,
        ))
        .unwrap();
        assert!(batch.more && !batch.is_empty());
        assert_eq!(batch.sync_key.as_ref().unwrap().joined(), "1_5");
        assert_eq!(batch.sync_check_key.as_ref().unwrap().joined(), "1_6");
        assert_eq!((batch.changed.len(), batch.removed.len()), (1, 1));
        let profile = batch.profile.clone().unwrap();
        assert_eq!(
            (profile.nick_name.as_deref(), profile.head_img_url.as_deref()),
            (Some("N & n"), Some("/h"))
        );
        let messages = batch.messages(&session().me().user_name);
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0].text(), Some("hi"));
        assert!(messages[1].raw.json().contains("\"MsgType\":51"));
    }

    #[test]
    fn empty_batch_is_parsed() {
        let batch = FetchBatch.parse(&reply(
            r#"{"BaseResponse":{"Ret":0},"Profile":{"BitFlag":0,"NickName":{"Buff":"x"}},"SyncKey":{"Count":0,"List":[]}}"#,
        ))
        .unwrap();
        assert!(batch.is_empty() && !batch.more);
        assert_eq!((batch.sync_key, batch.sync_check_key), (None, None));
    }

    /// Each kind of change alone counts as news.
    #[test]
    fn each_kind_of_change_is_detected() {
        for (list, is_change) in [
            (r#""ModContactList":[{"UserName":"@a"}]"#, true),
            (r#""DelContactList":[{"UserName":"@a"}]"#, true),
            (r#""ModChatRoomMemberList":[{"UserName":"@@r","MemberCount":1}]"#, true),
            (r#""Profile":{"BitFlag":190}"#, true),
            (r#""AddMsgList":[{"MsgId":"1"}]"#, false),
            (r#""ModContactList":[],"DelContactList":[],"ModChatRoomMemberList":[]"#, false),
        ] {
            let body = alloc::format!("{{\"BaseResponse\":{{\"Ret\":0}},{list}}}");
            let batch = FetchBatch.parse(&reply(&body)).unwrap();
            assert_eq!(batch.has_changes(), is_change, "{list}");
            assert_eq!(batch.is_empty(), !is_change && !list.contains("MsgId"), "{list}");
        }
    }

    /// `docs/protocol.md` §7.2: only 190 is a change, and each part has its own flag.
    #[test]
    fn profile_changes_are_parsed() {
        for (profile, read) in [
            (
                r#"{"BitFlag":0,"NickName":{"Buff":"n"},"HeadImgUpdateFlag":1,"HeadImgUrl":"/h"}"#,
                None,
            ),
            (r#"{"BitFlag":191,"NickName":{"Buff":"n"}}"#, None),
            (r#"{"NickName":{"Buff":"n"}}"#, None),
            ("[]", None),
            (r#"{"BitFlag":190}"#, Some((None, None))),
            (r#"{"BitFlag":190,"NickName":{"Buff":"n"}}"#, Some((Some("n"), None))),
            (r#"{"BitFlag":190,"NickName":"n"}"#, Some((None, None))),
            (
                r#"{"BitFlag":190,"NickName":{"Buff":""},"HeadImgUpdateFlag":0,"HeadImgUrl":"/h"}"#,
                Some((None, None)),
            ),
            (r#"{"BitFlag":190,"HeadImgUpdateFlag":1,"HeadImgUrl":""}"#, Some((None, None))),
            (
                r#"{"BitFlag":"190","NickName":{"Buff":"A<span class=\"emoji emoji1f604\"></span>"},"HeadImgUpdateFlag":1,"HeadImgUrl":"/h?skey=@crypt_1"}"#,
                Some((Some("A😄"), Some("/h?skey="))),
            ),
        ] {
            let body = alloc::format!("{{\"BaseResponse\":{{\"Ret\":0}},\"Profile\":{profile}}}");
            let found = FetchBatch.parse(&reply(&body)).unwrap().profile;
            let found = found.as_ref().map(|p| (p.nick_name.as_deref(), p.head_img_url.as_deref()));
            assert_eq!(found, read, "{profile}");
        }
    }

    /// Threat J6: one invalid element among others.
    #[test]
    fn an_invalid_message_does_not_affect_the_others() {
        let good =
            r#"{"MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"}"#;
        for bad in [
            "7",
            "null",
            "{}",
            "[1]",
            r#"{"MsgType":1e400,"FromUserName":"@a"}"#,
            r#"{"Content":"\ud83d"}"#,
        ] {
            let body = alloc::format!(
                "{{\"BaseResponse\":{{\"Ret\":0}},\"AddMsgList\":[{good},{bad},{good}],\"SyncKey\":{{\"Count\":1,\"List\":[{{\"Key\":1,\"Val\":5}}]}}}}"
            );
            let batch = FetchBatch.parse(&reply(&body)).unwrap();
            assert!(batch.sync_key.is_some());
            let messages = batch.messages(&session().me().user_name);
            assert_eq!(messages.len(), 3, "{bad}");
            assert_eq!(messages[2].text(), Some("hi"));
            assert_ne!(messages[1].text(), Some("hi"));
        }
    }

    #[test]
    fn other_replies_are_errors() {
        malformed(&FetchBatch, &["{\"AddMsgList\":[]}"]);
        // `docs/shapes.md`: Ret 3 with an empty key.
        let refused = FetchBatch
            .parse(&reply("{\"BaseResponse\":{\"Ret\":3},\"SyncKey\":{\"Count\":0,\"List\":[]}}"));
        assert!(matches!(refused, Err(Error::Refused { ret: Ret(3), .. })));
    }

    /// Threats J2, J4, J6: malformed JSON in one message does not affect the others, or the key.
    #[test]
    fn malformed_message_does_not_affect_the_others() {
        let me = "@me".parse().unwrap();
        for (field, text) in [
            (r#""Content":"a\x1bb""#, Some("a\u{1b}b")),
            (r#""Content":"it\'s""#, Some("it's")),
            (r#""Content":"a\qb""#, Some("a\\qb")),
            (r#""Content":"a\u12 b""#, Some("a\\u12 b")),
            (r#""Content":"ends in a backslash\""#, Some("ends in a backslash\\")),
            (r#""Content":"say "hi" to all""#, Some("say \"hi\" to all")),
            (r#""ImgHeight":007,"Content":"x""#, Some("x")),
            (r#""ImgHeight":NaN,"Content":"x""#, Some("x")),
            (r#""ImgHeight":undefined,"Content":"x""#, Some("x")),
            (r#""ImgHeight":+1,"Content":"x""#, Some("x")),
            (r#""ImgHeight":0x1F,"Content":"x""#, Some("x")),
            (r#""ImgHeight":1e400,"Content":"x""#, Some("x")),
            (r#""Else":{"a":1,},"Content":"x""#, Some("x")),
            (r#""Else":{'a':1},"Content":"x""#, Some("x")),
            (r#""Content":"x","Else":]"#, None),
            (r#""Content":"no end"#, None),
            (r#"}},{,"Content":"x""#, None),
        ] {
            let message = |id: u8, field: &str| {
                format!(
                    r#"{{"MsgId":"{id}","FromUserName":"@a","ToUserName":"@me","MsgType":1,{field}}}"#
                )
            };
            let sound = r#""Content":"sound""#;
            for broken in 0..3 {
                let list: Vec<_> = (0..3)
                    .map(|id| message(id, if id == broken { field } else { sound }))
                    .collect();
                let body = format!(
                    r#"{{"BaseResponse":{{"Ret":0}},"AddMsgCount":3,"AddMsgList":[{}],"ModContactList":[{{"UserName":"@c"}}],"SyncKey":{{"Count":1,"List":[{{"Key":1,"Val":7}}]}},"SKey":""}}"#,
                    list.join(",")
                );
                let batch = FetchBatch.parse(&reply(&body)).unwrap();
                assert_eq!(batch.sync_key.as_ref().unwrap().joined(), "1_7", "{body}");
                assert_eq!(batch.changed.len(), 1, "{body}");
                let messages = batch.messages(&me);
                for id in (0_u8..3).filter(|id| *id != broken) {
                    let sound =
                        messages.iter().find(|message| message.id.as_str() == id.to_string());
                    assert_eq!(sound.unwrap().text(), Some("sound"), "{body}");
                }
                let found = &messages[usize::from(broken)];
                match text {
                    Some(_) => assert_eq!(found.text(), text, "{body}"),
                    None => {
                        assert!(matches!(found.kind, Kind::Unreadable { .. }), "{body}");
                        assert!(list[usize::from(broken)].starts_with(found.raw.json()), "{body}");
                    }
                }
            }
        }
    }
}
