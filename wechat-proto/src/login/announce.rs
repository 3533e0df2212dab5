//! `POST /cgi-bin/mmwebwx-bin/webwxstatusnotify`
//!
//! Tells the phone that this client is there. The phone answers with its recent chats, in a
//! message of type 51 (`docs/protocol.md` §4.2).

use core::time::Duration;

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
/// `INITED`: from the account to itself, once.
const INITED: u8 = 3;

/// Tells the phone; read by [`parse`].
pub fn request(session: &mut Session, now: Timestamp) -> Call<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body {
        base_request: BaseRequest,
        code: u8,
        from_user_name: UserName,
        to_user_name: UserName,
        /// Here, and only here, a number: the clock's milliseconds.
        client_msg_id: u64,
    }
    let me = session.me.user_name.clone();
    let body = Body {
        base_request: session.base_request(),
        code: INITED,
        from_user_name: me.clone(),
        to_user_name: me,
        client_msg_id: now.as_millis(),
    };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxstatusnotify")
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    // The session is open, and waits.
    Call::again(http, parse).deadline(Duration::from_secs(10))
}

/// Reads the reply of [`request`].
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
    use crate::testing::{NOW, malformed, rendered, reply, session};

    #[test]
    fn asks() {
        let mut session = session();
        let call = request(&mut session, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatusnotify?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 235

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Code":3,"FromUserName":"@09ed9af3","ToUserName":"@09ed9af3","ClientMsgId":1476606163580}
        "#);
    }

    #[test]
    fn reads() {
        parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"1525762281689643050"}"#))
            .unwrap();
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1101}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        malformed(parse, &[]);
    }
}
