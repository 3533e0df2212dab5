//! `POST /cgi-bin/mmwebwx-bin/webwxcreatechatroom`
//!
//! Makes a room (`docs/protocol.md` §11.4).

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::Serialize;

use super::Founders;
use crate::call::Call;
use crate::contact::Member;
use crate::contact::record::WireMember;
use crate::error::{Error, Ret};
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::session::Session;
use crate::text::{Text, decode};
use crate::time::Timestamp;
use crate::wire::envelope::{self, BaseRequest, Envelope as _, reply};
use crate::wire::lenient::List;
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxcreatechatroom";

/// A new room.
///
/// It is in no list, and nobody sees it, until something is written into it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Created {
    /// Its name in this login.
    pub room: UserName,
    /// What it is called; may be empty.
    pub topic: Box<str>,
    /// Its members, as the service names them.
    pub members: Vec<Member>,
    /// Who was left out, having deleted or blocked the account: `BlackList`.
    pub black_list: Vec<UserName>,
}

/// Makes a room of `founders` and the account itself; read by [`parse`].
///
/// The service takes very few of these in an hour: too many, and rooms are locked on the phone as
/// well.
///
/// This changes something: run it once.
pub fn request(
    session: &mut Session,
    founders: &Founders,
    topic: &str,
    now: Timestamp,
) -> Call<Created> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        member_count: usize,
        member_list: Vec<Item<'a>>,
        topic: &'a str,
        base_request: BaseRequest,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Item<'a> {
        user_name: &'a UserName,
    }
    let member_list: Vec<_> = founders.names().iter().map(|user_name| Item { user_name }).collect();
    let body = Body {
        member_count: member_list.len(),
        member_list,
        topic,
        base_request: session.base_request(),
    };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxcreatechatroom")
        .with("r", now.as_millis())
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::once(http, parse).limit(1 << 20)
}

/// Reads the reply of [`request`].
///
/// # Errors
///
/// What its `Ret` says; [`Error::Refused`] also with [`Ret::OK`], which is how the service says
/// why it made no room; [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<Created, Error> {
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    // The name is the proof: a refusal comes with 0, no name, and a notice.
    if wire.chat_room_name.is_empty() {
        let message = envelope::readable(&wire.base().err_msg).into();
        return Err(Error::Refused { endpoint: ENDPOINT, ret: Ret::OK, message });
    }
    let room = wire.chat_room_name.parse().map_err(|_| Error::Malformed {
        endpoint: ENDPOINT,
        expected: "a room's name",
        found: "something else".into(),
    })?;
    Ok(Created {
        room,
        topic: decode(wire.topic),
        members: WireMember::take_all(wire.members),
        black_list: wire.black_list.split(',').filter_map(|name| name.parse().ok()).collect(),
    })
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

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{NOW, body, malformed, rendered, reply, session};

    fn founders() -> Founders {
        let names = ["@a", "@b"].map(|name| name.parse().unwrap());
        Founders::new(names, &session().me.user_name).unwrap()
    }

    #[test]
    fn asks() {
        let mut session = session();
        let call = request(&mut session, &founders(), "周末", NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxcreatechatroom?r=1476606163580&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 230

        {"MemberCount":2,"MemberList":[{"UserName":"@a"},{"UserName":"@b"}],"Topic":"周末","BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    #[test]
    fn reads() {
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

    /// `docs/protocol.md` §11.4: 0, and no room.
    #[test]
    fn a_room_without_a_name_is_none() {
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
    fn reads_nothing_else() {
        let refused =
            parse(&reply(r#"{"BaseResponse":{"Ret":1,"ErrMsg":"no"},"ChatRoomName":""}"#));
        assert!(matches!(refused, Err(Error::Refused { ret: Ret::PARAMETER, .. })));
        let often = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(often, Err(Error::Limited { .. })));
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1101}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        malformed(parse, &[r#"{"BaseResponse":{"Ret":0},"ChatRoomName":"a b"}"#]);
    }

    proptest! {
        #[test]
        fn any_topic_arrives_as_it_is(topic in "\\PC{0,40}") {
            let call = request(&mut session(), &founders(), &topic, NOW);
            let body: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
            prop_assert_eq!(&body["Topic"], &topic);
            prop_assert_eq!(body.as_object().unwrap().len(), 4);
        }
    }
}
