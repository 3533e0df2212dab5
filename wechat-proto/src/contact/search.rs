//! `POST /cgi-bin/mmwebwx-bin/webwxsearchcontact`
//!
//! Searches the service for somebody who is no contact yet (`docs/protocol.md` §11.3).

use alloc::vec::Vec;

use serde::Serialize;

use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::session::Session;
use crate::text::Text;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::lenient::List;
use crate::wire::object::object;
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxsearchcontact";

/// Searches for a word; read by [`parse`]. The official page has this switched off.
pub fn request(session: &mut Session, key_word: &str) -> Call<Vec<UserName>> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        base_request: BaseRequest,
        key_word: &'a str,
    }
    let body = Body { base_request: session.base_request(), key_word };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxsearchcontact")
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::again(http, parse).limit(1 << 20)
}

/// Reads the reply of [`request`]: who was found, under names (`EncryUserName`) that a friend
/// request can be sent to.
///
/// # Errors
///
/// What its `Ret` says; [`Error::Malformed`] if it is no such reply.
pub fn parse(reply: &Response) -> Result<Vec<UserName>, Error> {
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    Ok(wire.list.0.into_iter().filter_map(|found| found.user_name.parse().ok()).collect())
}

reply! {
    struct Wire {
        "List" => list: List<Found>,
    }
}

object! {
    struct Found blank without user_name {
        "EncryUserName" => user_name: Text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Ret;
    use crate::testing::{body, malformed, rendered, reply, session};

    #[test]
    fn asks() {
        let mut session = session();
        let call = request(&mut session, "张三");
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsearchcontact?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 165

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"KeyWord":"张三"}
        "#);
    }

    #[test]
    fn reads() {
        let found = parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"List":[{"EncryUserName":"v1_5a@stranger"},{},{"EncryUserName":"a b"},7]}"#,
        ));
        assert_eq!(found.unwrap(), ["v1_5a@stranger".parse().unwrap()]);
        assert!(parse(&reply(r#"{"BaseResponse":{"Ret":0}}"#)).unwrap().is_empty());
        let refused = parse(&reply(r#"{"BaseResponse":{"Ret":1,"ErrMsg":""}}"#));
        assert!(matches!(refused, Err(Error::Refused { ret: Ret::PARAMETER, .. })));
        let often = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(often, Err(Error::Limited { .. })));
        malformed(parse, &[]);
    }

    proptest! {
        #[test]
        fn any_word_arrives_as_it_is(text in "\\PC{0,40}") {
            let body: serde_json::Value =
                serde_json::from_str(&body(&request(&mut session(), &text))).unwrap();
            prop_assert_eq!(&body["KeyWord"], &text);
        }
    }
}
