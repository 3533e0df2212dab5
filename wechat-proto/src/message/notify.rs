//! `POST /cgi-bin/mmwebwx-bin/webwxstatusnotify`
//!
//! Tells the account's phone what this client does: that it read a chat, opened or left one
//! (`docs/protocol.md` §4.2).

use serde::Serialize;

use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxstatusnotify";

/// `StatusNotifyCode`
#[derive(Clone, Copy, Serialize)]
#[serde(into = "u8")]
pub(crate) enum Code {
    Readed,
    EnterSession,
    Inited,
    QuitSession,
}

impl From<Code> for u8 {
    fn from(code: Code) -> Self {
        match code {
            Code::Readed => 1,
            Code::EnterSession => 2,
            Code::Inited => 3,
            // 4, `SYNC_CONV`, comes from the phone only.
            Code::QuitSession => 5,
        }
    }
}

/// Marks a chat as read: the phone takes its unread mark off. Read by [`parse`].
///
/// `READED`, from the account to the person or room. Saying so twice does no harm.
pub fn mark_read(session: &mut Session, peer: &UserName, now: Timestamp) -> Call<()> {
    tell(session, Code::Readed, peer, now)
}

/// Tells the phone that a chat was opened here; read by [`parse`].
///
/// `ENTER_SESSION`, from the account to the person or room.
pub fn enter(session: &mut Session, peer: &UserName, now: Timestamp) -> Call<()> {
    tell(session, Code::EnterSession, peer, now)
}

/// Tells the phone that a chat was left here; read by [`parse`].
///
/// `QUIT_SESSION`, from the account to the person or room.
pub fn leave(session: &mut Session, peer: &UserName, now: Timestamp) -> Call<()> {
    tell(session, Code::QuitSession, peer, now)
}

pub(crate) fn tell(session: &mut Session, code: Code, to: &UserName, now: Timestamp) -> Call<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        base_request: BaseRequest,
        code: Code,
        from_user_name: &'a UserName,
        to_user_name: &'a UserName,
        /// Here, and only here, a number: the clock's milliseconds.
        client_msg_id: u64,
    }
    let body = Body {
        base_request: session.base_request(),
        code,
        from_user_name: &session.me.user_name,
        to_user_name: to,
        client_msg_id: now.as_millis(),
    };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxstatusnotify")
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::again(http, parse)
}

/// Reads the reply of any request of this module.
///
/// # Errors
///
/// What its `Ret` says; [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<(), Error> {
    envelope::open::<Wire>(ENDPOINT, reply).map(drop)
}

reply! {
    struct Wire {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Ret;
    use crate::testing::{NOW, body, malformed, rendered, reply, session};

    #[test]
    fn asks() {
        let mut session = session();
        let call = mark_read(&mut session, &"@@9e1c".parse().unwrap(), NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatusnotify?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 232

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Code":1,"FromUserName":"@09ed9af3","ToUserName":"@@9e1c","ClientMsgId":1476606163580}
        "#);
    }

    /// `docs/protocol.md` §4.2: the codes of the table.
    #[test]
    fn each_says_its_code() {
        let mut session = session();
        let peer = "@13fb".parse().unwrap();
        let me = session.me.user_name.clone();
        for (call, code, to) in [
            (mark_read(&mut session, &peer, NOW), 1, &peer),
            (enter(&mut session, &peer, NOW), 2, &peer),
            (crate::login::announce::request(&mut session, NOW), 3, &me),
            (leave(&mut session, &peer, NOW), 5, &peer),
        ] {
            let sent: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
            assert_eq!(sent["Code"], code);
            assert_eq!(sent["FromUserName"], me.as_str());
            assert_eq!(sent["ToUserName"], to.as_str());
        }
    }

    #[test]
    fn reads() {
        parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"1525762281689643050"}"#))
            .unwrap();
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1101}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        let refused = parse(&reply(
            r#"{"BaseResponse":{"Ret":1,"ErrMsg":"<e><Content><![CDATA[x]]></Content></e>"}}"#,
        ));
        match refused {
            Err(Error::Refused { endpoint: ENDPOINT, ret: Ret::PARAMETER, message }) => {
                assert_eq!(&*message, "x");
            }
            other => panic!("{other:?}"),
        }
        let often = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(often, Err(Error::Limited { endpoint: ENDPOINT, .. })));
        malformed(parse, &[]);
    }
}
