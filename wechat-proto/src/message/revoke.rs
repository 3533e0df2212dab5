//! `POST /cgi-bin/mmwebwx-bin/webwxrevokemsg`
//!
//! Takes a message back (`docs/protocol.md` §6.5).

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};

use serde::Serialize;

use super::send::Receipt;
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::{ClientMsgId, MsgId, UserName};
use crate::session::Session;
use crate::text::Text;
use crate::wire::envelope::{self, BaseRequest, readable, reply};
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxrevokemsg";

/// A message was taken back.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Revoked {
    /// What the service says about taking back, in the account's language; may be empty.
    pub introduction: Box<str>,
    /// What stands in the chat instead; may be empty.
    pub wording: Box<str>,
}

/// Takes back what was sent to a person or a room, by its receipt; read by [`parse`].
///
/// Possible for **two minutes**; after that the service refuses ([`Error::Refused`]). A message
/// that the account sent from another device goes the same way, by [`Receipt::of`] its number.
///
/// This changes something: run it once.
pub fn request(session: &mut Session, to: &UserName, sent: &Receipt) -> Call<Revoked> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        base_request: BaseRequest,
        svr_msg_id: &'a MsgId,
        to_user_name: &'a UserName,
        client_msg_id: String,
    }
    // Where there is no number of the client's, the official page has the service's.
    let own = sent.client_msg_id.as_ref().map(ClientMsgId::to_string);
    let body = Body {
        base_request: session.base_request(),
        svr_msg_id: &sent.msg_id,
        to_user_name: to,
        client_msg_id: own.unwrap_or_else(|| sent.msg_id.to_string()),
    };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxrevokemsg")
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::once(http, parse)
}

/// Reads the reply of [`request`].
///
/// # Errors
///
/// What its `Ret` says; [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<Revoked, Error> {
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    // Both have been seen encoded twice: `docs/shapes.md`.
    Ok(Revoked {
        introduction: readable(&wire.introduction).into(),
        wording: readable(&wire.sys_wording).into(),
    })
}

reply! {
    struct Wire {
        "Introduction" => introduction: Text,
        "SysWording" => sys_wording: Text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Ret;
    use crate::testing::{NOW, body, malformed, rendered, reply, session};

    fn sent() -> Receipt {
        Receipt {
            msg_id: MsgId::from("4527210051674039705"),
            client_msg_id: "14766146756340722".parse().ok(),
        }
    }

    #[test]
    fn asks() {
        let mut session = session();
        let call = request(&mut session, &"@@9e1c".parse().unwrap(), &sent());
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxrevokemsg?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 235

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"SvrMsgId":"4527210051674039705","ToUserName":"@@9e1c","ClientMsgId":"14766146756340722"}
        "#);
    }

    #[test]
    fn a_message_of_another_device_has_one_number() {
        let receipt = Receipt::of(MsgId::from("4527210051674039705"));
        let call = request(&mut session(), &UserName::file_helper(), &receipt);
        let sent: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
        assert_eq!(sent["SvrMsgId"], "4527210051674039705");
        assert_eq!(sent["ClientMsgId"], "4527210051674039705");
    }

    #[test]
    fn is_made_once() {
        let mut session = session();
        let mut call = request(&mut session, &UserName::file_helper(), &sent());
        use crate::flow::Flow as _;
        assert!(matches!(call.poll(&mut session.device, NOW), Err(crate::Interrupt::Send(_))));
        let again = call.poll(&mut session.device, NOW);
        assert!(matches!(again, Err(crate::Interrupt::Fail(Error::Unanswered(None)))));
    }

    #[test]
    fn reads() {
        let read = |introduction: &str, wording: &str| {
            parse(&reply(&alloc::format!(
                r#"{{"BaseResponse":{{"Ret":0,"ErrMsg":""}},"Introduction":"{introduction}","SysWording":"{wording}"}}"#
            )))
            .unwrap()
        };
        let plain = read("你可以撤回2分钟内发送的消息", "已撤回");
        assert_eq!(&*plain.introduction, "你可以撤回2分钟内发送的消息");
        assert_eq!(&*plain.wording, "已撤回");
        // `docs/shapes.md`: encoded twice.
        let twice = read("ä½\u{a0}å¥½", "å·²æ\u{2019}¤å\u{203a}ž");
        assert_eq!((&*twice.introduction, &*twice.wording), ("你好", "已撤回"));
        let bare = parse(&reply(r#"{"BaseResponse":{"Ret":0}}"#)).unwrap();
        assert_eq!(bare, Revoked { introduction: "".into(), wording: "".into() });

        let late = "<e><ShowType>1</ShowType><Content><![CDATA[不能撤回]]></Content></e>";
        let refused = |ret: i64, text: &str| {
            let body = serde_json::json!({ "BaseResponse": { "Ret": ret, "ErrMsg": text } });
            parse(&reply(&body.to_string())).unwrap_err()
        };
        match refused(1, late) {
            Error::Refused { endpoint: ENDPOINT, ret: Ret::PARAMETER, message } => {
                assert_eq!(&*message, "不能撤回");
            }
            other => panic!("{other}"),
        }
        assert!(matches!(refused(1205, ""), Error::Limited { endpoint: ENDPOINT, .. }));
        assert!(matches!(refused(1101, ""), Error::LoggedOut { ret: Ret::SESSION_INVALID, .. }));
        malformed(parse, &[]);
    }

    proptest! {
        /// The service's numbers are its own affair: they go back as they came.
        #[test]
        fn numbers_come_back(msg_id in any::<String>(), to in "[^,\\s\\pC]{1,40}") {
            let to: UserName = to.parse().unwrap();
            let call = request(&mut session(), &to, &Receipt::of(MsgId::from(&*msg_id)));
            let sent: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
            prop_assert_eq!(sent["SvrMsgId"].as_str(), Some(&*msg_id));
            prop_assert_eq!(sent["ClientMsgId"].as_str(), Some(&*msg_id));
            prop_assert_eq!(sent["ToUserName"].as_str(), Some(to.as_str()));
        }
    }
}
