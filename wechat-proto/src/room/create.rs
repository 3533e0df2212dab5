//! `POST /cgi-bin/mmwebwx-bin/webwxcreatechatroom`
//!
//! Creates a room (`docs/protocol.md` §11.4).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Founders;
use crate::contact::Member;
use crate::contact::wire::WireMember;
use crate::endpoint::{PAGE, Repeat};
use crate::error::Ret;
use crate::flow::{Response, Want};
use crate::text::decode;
use crate::wire::envelope::{self, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::lenient::List;
use crate::wire::query::Url;
use crate::{Account, Body, Endpoint, Error, Text, Timestamp, UserName};

const ENDPOINT: &str = "webwxcreatechatroom";

/// A new room.
///
/// It is in no contact list and invisible to its members until a message is sent to it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CreatedRoom {
    /// The `UserName` of the room, which is valid for this login only.
    pub room: UserName,
    /// The topic; may be empty.
    pub topic: Box<str>,
    /// The members, as listed by the service.
    pub members: Vec<Member>,
    /// `BlackList`: the founders who were omitted because they deleted or blocked the account.
    pub black_list: Vec<UserName>,
}

/// A request that creates a room of the founders and the account itself.
///
/// The service allows very few of these requests per hour: after too many, creating rooms is locked
/// on the phone as well. The [`Inbox`](crate::sync::Inbox) looks up the new room.
///
/// The request must not be repeated: [`Repeat::Once`].
#[derive(Clone, Debug)]
pub struct CreateRoom {
    founders: Founders,
    topic: Box<str>,
}

impl CreateRoom {
    /// Returns a request for a room with this topic, which may be empty.
    pub fn new(founders: Founders, topic: impl Into<Box<str>>) -> Self {
        Self { founders, topic: topic.into() }
    }
}

impl Endpoint for CreateRoom {
    type State = Account;
    type Output = CreatedRoom;

    const REPEAT: Repeat = Repeat::Once;
    const WANT: Want = PAGE;

    fn request(&mut self, account: &mut Account, now: Timestamp) -> http::Request<Body> {
        let session = &mut account.session;
        let names = self.founders.names();
        Url::api(ENDPOINT).with("r", now.as_millis()).post_base(session, now, |_, base_request| {
            let member = |name| Object.with("UserName", name);
            Object
                .with("MemberCount", names.len())
                .with("MemberList", names.iter().map(member).collect::<Vec<_>>())
                .with("Topic", &self.topic)
                .with("BaseRequest", base_request)
                .json()
        })
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`].
    /// - [`Error::Refused`] with [`Ret::OK`] and the service's explanation if the reply reports
    ///   success, but contains no room.
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<CreatedRoom, Error> {
        let wire: Wire = envelope::open(ENDPOINT, response)?;
        // Only the name proves success, because a refusal has `Ret` 0, no name, and a notice.
        if wire.chat_room_name.is_empty() {
            return Err(envelope::refused(ENDPOINT, Ret::OK, &wire.base.err_msg));
        }
        let malformed = |_| envelope::malformed(ENDPOINT, "a room's name", "something else");
        let room = wire.chat_room_name.parse().map_err(malformed)?;
        Ok(CreatedRoom {
            room,
            topic: decode(wire.topic),
            members: wire.members.0,
            black_list: wire.black_list.split(',').filter_map(|name| name.parse().ok()).collect(),
        })
    }

    fn apply(&mut self, output: &CreatedRoom, account: &mut Account, _: Timestamp) {
        account.pending.name(&account.directory, &output.room);
    }
}

reply! {
    struct Wire {
        "Topic" => topic: Text,
        "MemberList" => members: List<WireMember>,
        "ChatRoomName" => chat_room_name: Text,
        "BlackList" => black_list: Text,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::testing::{account, exchange, malformed, rendered, reply, session};

    fn founders() -> Founders {
        let names = ["@a", "@b"].map(|name| name.parse().unwrap());
        Founders::new(names, &session().me.user_name).unwrap()
    }

    fn parse(response: &Response) -> Result<CreatedRoom, Error> {
        CreateRoom::new(founders(), "").parse(response)
    }

    #[test]
    fn request_is_built() {
        let create = CreateRoom::new(founders(), "周末");
        insta::assert_snapshot!(rendered(create, &mut account()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxcreatechatroom?r=1476606163580&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"MemberCount":2,"MemberList":[{"UserName":"@a"},{"UserName":"@b"}],"Topic":"周末","BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    #[test]
    fn replies_are_parsed() {
        let created = parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":"Everything is OK"},"Topic":"a &amp; b","PYInitial":"","QuanPin":"","MemberCount":2,
            "MemberList":[{"UserName":"@a","NickName":"A","MemberStatus":0},{"UserName":"@b","MemberStatus":4},{}],"ChatRoomName":"@@r","BlackList":"@c,@d,"}"#,
        ))
        .unwrap();
        assert_eq!((created.room.as_str(), &*created.topic), ("@@r", "a & b"));
        assert_eq!((created.members.len(), created.members[1].member_status), (2, 4));
        assert_eq!(created.black_list, ["@c", "@d"].map(|name| name.parse().unwrap()));
        let bare =
            parse(&reply(r#"{"BaseResponse":{"Ret":0},"ChatRoomName":"@@r","BlackList":""}"#));
        assert!(bare.unwrap().black_list.is_empty());
    }

    /// `docs/protocol.md` §11.4: `Ret` 0 without a room.
    #[test]
    fn reply_without_a_name_is_refused() {
        let notice =
            "<e><ShowType>1</ShowType><Content><![CDATA[创建失败，请稍后再试]]></Content></e>";
        for name in [r#","ChatRoomName":"""#, ""] {
            let body = format!(r#"{{"BaseResponse":{{"Ret":0,"ErrMsg":"{notice}"}}{name}}}"#);
            match parse(&reply(&body)) {
                Err(Error::Refused { ret: Ret::OK, message, endpoint: ENDPOINT }) => {
                    assert_eq!(&*message, "创建失败，请稍后再试");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn malformed_replies_are_errors() {
        malformed(
            &CreateRoom::new(founders(), ""),
            &[r#"{"BaseResponse":{"Ret":0},"ChatRoomName":"a b"}"#],
        );
    }

    #[test]
    fn created_room_is_looked_up() {
        let mut account = account();
        let created = r#"{"BaseResponse":{"Ret":0},"ChatRoomName":"@@r"}"#;
        exchange(CreateRoom::new(founders(), ""), &mut account, created).unwrap();
        assert!(format!("{:?}", account.pending).contains("@@r"));
    }
}
