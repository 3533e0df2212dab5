//! `POST /cgi-bin/mmwebwx-bin/webwxsendfeedback`
//!
//! What a user has to say to the service's makers (`docs/protocol.md` §13).

use serde::Serialize;

use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxsendfeedback";

/// Sends `content`; read by [`parse`].
///
/// This changes something: run it once.
pub fn request(session: &mut Session, content: &str, _now: Timestamp) -> Call<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        base_request: BaseRequest,
        machine_type: &'static str,
        content: &'a str,
        report_type: u8,
    }
    let body = Body {
        base_request: session.base_request(),
        machine_type: "webwx",
        content,
        report_type: 0,
    };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxsendfeedback")
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
pub fn parse(reply: &Response) -> Result<(), Error> {
    envelope::open::<Wire>(ENDPOINT, reply).map(drop)
}

reply! {
    struct Wire {}
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::error::Ret;
    use crate::testing::{NOW, malformed, rendered, reply, session};

    #[test]
    fn sends() {
        let mut session = session();
        let call = request(&mut session, "二维码 \"太小\" </p>", NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendfeedback?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 221

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"MachineType":"webwx","Content":"二维码 \"太小\" </p>","ReportType":0}
        "#);
        // Each request has its own `DeviceID`.
        let [a, b] =
            [(); 2].map(|()| rendered(request(&mut session, "", NOW), &mut Default::default()));
        assert_ne!(a, b);
    }

    #[test]
    fn reads() {
        parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""}}"#)).unwrap();
        let notice = r#"{"BaseResponse":{"Ret":1,"ErrMsg":"<e><Content><![CDATA[内容为空]]></Content></e>"}}"#;
        let Err(Error::Refused { endpoint, ret, message }) = parse(&reply(notice)) else {
            panic!()
        };
        assert_eq!((endpoint, ret, &*message), (ENDPOINT, Ret::PARAMETER, "内容为空"));
        let often = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(often, Err(Error::Limited { .. })));
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1101}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        malformed(parse, &[]);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let mut session = session();
            let sent = rendered(request(&mut session, &text, NOW), &mut session.device);
            let body: Value = serde_json::from_str(sent.split_once("\n\n").unwrap().1).unwrap();
            prop_assert_eq!(&body["Content"], &Value::from(text));
        }
    }
}
