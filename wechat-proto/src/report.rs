//! `POST /cgi-bin/mmwebwx-bin/webwxstatreport`
//!
//! What the official page tells the service of itself: how long its steps took, what went wrong
//! (`docs/protocol.md` §13). Nothing depends on it.

use alloc::boxed::Box;
use alloc::string::String;

use serde::Serialize;
use serde::de::IgnoredAny;

use crate::call::Call;
use crate::device::Device;
use crate::error::{Error, Invalid};
use crate::flow::Response;
use crate::hosts::Role;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope::{self, Uin, reply};
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxstatreport";

/// One thing to tell.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Report {
    #[serde(rename = "Type")]
    kind: Kind,
    text: Box<str>,
}

/// What a report is about: its `Type`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// 1: how long steps took, and what the session did.
    Timing,
    /// 2: an error.
    Error,
    /// 16: a message that could not be sent.
    SendError,
}

impl Kind {
    /// The type as the service writes it.
    pub const fn number(self) -> u8 {
        match self {
            Self::Timing => 1,
            Self::Error => 2,
            Self::SendError => 16,
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl Report {
    /// A report with this JSON text, which travels as it is.
    ///
    /// # Errors
    ///
    /// If `json` is no JSON.
    pub fn new(kind: Kind, json: &str) -> Result<Self, Invalid> {
        match serde_json::from_str::<IgnoredAny>(json) {
            Ok(IgnoredAny) => Ok(Self { kind, text: json.into() }),
            Err(_) => Err(Invalid { what: "the text of a report", expected: "a JSON text" }),
        }
    }
}

/// Tells of a session; read by [`parse`].
pub fn request(session: &mut Session, reports: &[Report], _now: Timestamp) -> Call<()> {
    let asking = Asking {
        uin: Uin::Number(session.me.uin),
        sid: session.auth.sid.expose().into(),
        device_id: session.device.rng.device_id(),
    };
    let url = url(&session.device).with("pass_ticket", session.auth.pass_ticket.expose());
    told(&session.device, url, asking, reports)
}

/// Tells of a login under way, before there is a session; read by [`parse`].
pub fn before_login(device: &mut Device, reports: &[Report], _now: Timestamp) -> Call<()> {
    let device_id = device.rng.device_id();
    let asking = Asking { uin: Uin::Text(String::new()), sid: String::new(), device_id };
    told(device, url(device), asking, reports)
}

/// Who asks: here alone without a `Skey`, and with nobody's number before the login.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Asking {
    uin: Uin,
    sid: String,
    #[serde(rename = "DeviceID")]
    device_id: String,
}

fn url(device: &Device) -> Url {
    let path = "/cgi-bin/mmwebwx-bin/webwxstatreport";
    Url::new(device, Role::Api, path).with("fun", "new").with("lang", device.lang.as_str())
}

fn told(device: &Device, url: Url, base_request: Asking, reports: &[Report]) -> Call<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        base_request: Asking,
        count: usize,
        list: &'a [Report],
    }
    let body = Body { base_request, count: reports.len(), list: reports };
    Call::again(url.post_json(device, &body), parse)
}

/// Reads the reply of [`request`] and of [`before_login`].
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
    use alloc::string::ToString as _;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::testing::{NOW, malformed, rendered, reply, session};

    fn reports() -> [Report; 2] {
        let timing = r#"{"type":"[session-data]","data":{"uin":1,"init":"35"}}"#;
        [
            Report::new(Kind::Timing, timing).unwrap(),
            Report::new(Kind::SendError, "\"没有 <发>\"").unwrap(),
        ]
    }

    #[test]
    fn tells_of_a_session() {
        let mut session = session();
        let call = request(&mut session, &reports(), NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatreport?fun=new&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 232

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","DeviceID":"e356902031041503"},"Count":2,"List":[{"Type":1,"Text":"{\"type\":\"[session-data]\",\"data\":{\"uin\":1,\"init\":\"35\"}}"},{"Type":16,"Text":"\"没有 <发>\""}]}
        "#);
    }

    #[test]
    fn tells_of_a_login() {
        let mut device = Device::new();
        let call = before_login(&mut device, &reports(), NOW);
        insta::assert_snapshot!(rendered(call, &mut device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatreport?fun=new&lang=zh_CN
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 209

        {"BaseRequest":{"Uin":"","Sid":"","DeviceID":"e356902031041503"},"Count":2,"List":[{"Type":1,"Text":"{\"type\":\"[session-data]\",\"data\":{\"uin\":1,\"init\":\"35\"}}"},{"Type":16,"Text":"\"没有 <发>\""}]}
        "#);
        let again = before_login(&mut device, &[], NOW);
        let body = rendered(again, &mut device);
        assert!(body.ends_with(r#","Count":0,"List":[]}"#), "{body}");
    }

    #[test]
    fn takes_json_alone() {
        for bad in ["", "{", "text", "{} {}", "{\"a\":1,}"] {
            assert!(Report::new(Kind::Error, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn reads() {
        parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""}}"#)).unwrap();
        let refused = parse(&reply(r#"{"BaseResponse":{"Ret":1,"ErrMsg":"no"}}"#));
        assert!(matches!(refused, Err(Error::Refused { endpoint: ENDPOINT, .. })));
        let often = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(often, Err(Error::Limited { .. })));
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1101}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        malformed(parse, &[]);
    }

    proptest! {
        /// Any JSON comes back from the wire as the text it was.
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let json = Value::from(text).to_string();
            let mut session = session();
            let reports = [Report::new(Kind::Error, &json).unwrap()];
            let sent = rendered(request(&mut session, &reports, NOW), &mut session.device);
            let body = sent.split_once("\n\n").unwrap().1;
            let body: Value = serde_json::from_str(body).unwrap();
            prop_assert_eq!(&body["List"][0]["Text"], &Value::from(json));
            prop_assert_eq!(&body["List"][0]["Type"], &Value::from(2));
        }
    }
}
