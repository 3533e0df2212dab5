//! `POST /cgi-bin/mmwebwx-bin/webwxstatreport`
//!
//! Sends the official page's telemetry: durations of its steps, and errors (`docs/protocol.md`
//! §13). No other endpoint depends on it.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::de::IgnoredAny;

use crate::error::Invalid;
use crate::flow::Response;
use crate::wire::envelope::{self, Uin};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::Url;
use crate::{Body, Device, Endpoint, Error, Session, Timestamp};

const ENDPOINT: &str = "webwxstatreport";

/// A telemetry report: a type and a JSON text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    kind: ReportKind,
    text: Box<str>,
}

/// The subject of a report: its `Type`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ReportKind {
    /// 1: durations of steps, and data about the session.
    Timing = 1,
    /// 2: an error.
    Error = 2,
    /// 16: a message that could not be sent.
    SendError = 16,
}

impl ReportKind {
    /// Returns the type's number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl Report {
    /// Returns a report with this JSON text, which is sent unchanged.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if `json` is not a JSON text.
    pub fn new(kind: ReportKind, json: &str) -> Result<Self, Invalid> {
        match serde_json::from_str::<IgnoredAny>(json) {
            Ok(IgnoredAny) => Ok(Self { kind, text: json.into() }),
            Err(_) => Err(Invalid { what: "the text of a report", expected: "a JSON text" }),
        }
    }
}

/// A request that sends reports of a session.
#[derive(Clone, Debug)]
pub struct SendReports {
    reports: Vec<Report>,
}

impl SendReports {
    /// Returns a request with these reports.
    pub const fn new(reports: Vec<Report>) -> Self {
        Self { reports }
    }
}

impl Endpoint for SendReports {
    type State = Session;
    type Output = ();

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let device_id = session.device_id();
        let (uin, sid) = (Uin::Number(session.me.uin), session.auth.sid.expose());
        let body = body(uin, sid, &device_id, &self.reports);
        url(&session.device)
            .with("pass_ticket", session.auth.pass_ticket.expose())
            .post_json(&mut session.device, now, body)
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret).
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<(), Error> {
        envelope::confirm(ENDPOINT, response)
    }
}

/// A request that sends reports of a login in progress, before there is a session.
#[derive(Clone, Debug)]
pub struct SendLoginReports {
    reports: Vec<Report>,
}

impl SendLoginReports {
    /// Returns a request with these reports.
    pub const fn new(reports: Vec<Report>) -> Self {
        Self { reports }
    }
}

impl Endpoint for SendLoginReports {
    type State = Device;
    type Output = ();

    fn request(&mut self, device: &mut Device, now: Timestamp) -> http::Request<Body> {
        let device_id = device.rng.device_id();
        let body = body(Uin::Text(""), "", &device_id, &self.reports);
        url(device).post_json(device, now, body)
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret).
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<(), Error> {
        envelope::confirm(ENDPOINT, response)
    }
}

fn url(device: &Device) -> Url {
    Url::api(ENDPOINT).with("fun", "new").with("lang", device.lang.as_str())
}

/// Returns the body of a request. Unlike any other, its `BaseRequest` has no `Skey`, and no `Uin`
/// before the login.
fn body(uin: Uin<'_>, sid: &str, device_id: &str, reports: &[Report]) -> Vec<u8> {
    let base = Object.with("Uin", uin).with("Sid", sid).with("DeviceID", device_id);
    let list = reports
        .iter()
        .map(|Report { kind, text }| Object.with("Type", kind.number()).with("Text", text));
    let list: Vec<_> = list.collect();
    Object.with("BaseRequest", base).with("Count", list.len()).with("List", list).json()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::testing::{malformed, rendered, reply, session};

    fn reports() -> Vec<Report> {
        let timing = r#"{"type":"[session-data]","data":{"uin":1,"init":"35"}}"#;
        let failed = "\"没有 <发>\"";
        [(ReportKind::Timing, timing), (ReportKind::SendError, failed)]
            .map(|(kind, text)| Report::new(kind, text).unwrap())
            .into()
    }

    #[test]
    fn session_report_request_is_built() {
        insta::assert_snapshot!(rendered(SendReports::new(reports()), &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatreport?fun=new&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","DeviceID":"e356902031041503"},"Count":2,"List":[{"Type":1,"Text":"{\"type\":\"[session-data]\",\"data\":{\"uin\":1,\"init\":\"35\"}}"},{"Type":16,"Text":"\"没有 <发>\""}]}
        "#);
    }

    #[test]
    fn login_report_request_is_built() {
        let mut device = Device::new();
        insta::assert_snapshot!(rendered(SendLoginReports::new(reports()), &mut device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatreport?fun=new&lang=zh_CN

        {"BaseRequest":{"Uin":"","Sid":"","DeviceID":"e356902031041503"},"Count":2,"List":[{"Type":1,"Text":"{\"type\":\"[session-data]\",\"data\":{\"uin\":1,\"init\":\"35\"}}"},{"Type":16,"Text":"\"没有 <发>\""}]}
        "#);
        let body = rendered(SendLoginReports::new(Vec::new()), &mut device);
        assert!(body.ends_with(r#","Count":0,"List":[]}"#), "{body}");
    }

    #[test]
    fn text_that_is_not_json_is_invalid() {
        for bad in ["", "{", "text", "{} {}", "{\"a\":1,}"] {
            assert!(Report::new(ReportKind::Error, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn report_replies_are_parsed() {
        SendReports::new(Vec::new())
            .parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""}}"#))
            .unwrap();
        malformed(&SendReports::new(Vec::new()), &[]);
    }
}
