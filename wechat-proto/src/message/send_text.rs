//! `POST /cgi-bin/mmwebwx-bin/webwxsendmsg`
//!
//! Sends a text (`docs/protocol.md` §6.1, §6.2).

use alloc::string::ToString as _;

use serde::Serialize;

use super::send::{self, Receipt};
use crate::call::Call;
use crate::hosts::Role;
use crate::ids::{ClientMsgId, UserName};
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::query::Url;

pub use super::send::parse;

const TEXT: u8 = 1;

/// Sends `text` to a person or a room, under a new number; read by [`parse`].
///
/// This changes something: run it once. Who wants to repeat it after
/// [`Error::Unanswered`](crate::Error::Unanswered) draws the number first, and uses [`again`] for
/// each attempt:
///
/// ```
/// # use wechat_proto::{Call, Session, Timestamp, UserName, message::{Receipt, send_text}};
/// # fn attempt(session: &mut Session, now: Timestamp) -> Call<Receipt> {
/// let id = session.next_client_msg_id(now);
/// send_text::again(session, &UserName::file_helper(), "text", id)
/// # }
/// ```
pub fn request(session: &mut Session, to: &UserName, text: &str, now: Timestamp) -> Call<Receipt> {
    let id = session.next_client_msg_id(now);
    again(session, to, text, id)
}

/// Sends `text` under a number of [`Session::next_client_msg_id`]; read by [`parse`].
///
/// The official page repeats a send under the same number. Whether the service drops the second
/// one is not known: the receiver may see both.
pub fn again(session: &mut Session, to: &UserName, text: &str, id: ClientMsgId) -> Call<Receipt> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Msg<'a> {
        #[serde(rename = "Type")]
        kind: u8,
        content: &'a str,
        from_user_name: UserName,
        to_user_name: &'a UserName,
        #[serde(rename = "LocalID")]
        local_id: &'a str,
        client_msg_id: &'a str,
    }
    let id = id.to_string();
    let msg = Msg {
        kind: TEXT,
        content: text,
        from_user_name: session.me.user_name.clone(),
        to_user_name: to,
        local_id: &id,
        client_msg_id: &id,
    };
    let body = send::Body { base_request: session.base_request(), msg, scene: 0 };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxsendmsg")
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::once(http, parse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Ret};
    use crate::testing::{NOW, malformed, rendered, reply, session};

    #[test]
    fn asks() {
        let mut session = session();
        let to = "@@9e1c".parse().unwrap();
        let call = request(&mut session, &to, "啊 <&\"\\/> 😄\n", NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsg?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 318

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":1,"Content":"啊 <&\"\\/> 😄\n","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn goes_again_under_the_same_number() {
        let mut session = session();
        let to = "filehelper".parse().unwrap();
        let id = session.next_client_msg_id(NOW);
        let texts = [(); 2]
            .map(|()| rendered(again(&mut session, &to, "x", id), &mut session.device.clone()));
        for text in texts {
            assert!(
                text.contains(&alloc::format!("\"LocalID\":\"{id}\",\"ClientMsgId\":\"{id}\""))
            );
        }
        assert!(session.next_client_msg_id(NOW) > id);
    }

    #[test]
    fn reads() {
        let receipt = parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"4527210051674039705","LocalID":"14766146756340722"}"#)).unwrap();
        assert_eq!(receipt.msg_id.as_str(), "4527210051674039705");
        let stranger = parse(&reply(r#"{"BaseResponse":{"Ret":1204}}"#));
        assert!(matches!(stranger, Err(Error::Refused { ret: Ret::NOT_A_CONTACT, .. })));
        malformed(parse, &[]);
    }
}
