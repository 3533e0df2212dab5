//! `BaseRequest` and `BaseResponse`, parts of most requests and replies (`docs/protocol.md` §1.4,
//! §1.5).

use alloc::borrow::Cow;
use alloc::string::String;

use http::StatusCode;
use serde::Serialize;

use super::js::Script;
use super::json;
use super::lenient::Lenient;
use super::object::object;
use super::xml::notice;
use crate::error::Ret;
use crate::flow::Response;
use crate::text::undo_double_encoding;
use crate::{Error, Text};

/// The credentials in a request, with the fields in the order of the official page.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BaseRequest<'a> {
    pub(crate) uin: Uin<'a>,
    pub(crate) sid: &'a str,
    pub(crate) skey: &'a str,
    #[serde(rename = "DeviceID")]
    pub(crate) device_id: &'a str,
}

/// A `Uin`: text in `webwxinit`, a number in all later requests (`docs/protocol.md` §1.4).
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Uin<'a> {
    Text(&'a str),
    Number(i64),
}

object! {
    pub(crate) struct BaseResponse {
        /// Required: a reply without it is malformed.
        "Ret" => pub(crate) ret: Option<i64>,
        "ErrMsg" => pub(crate) err_msg: Text,
    }
}

/// A reply with a `BaseResponse`.
pub(crate) trait Envelope: Lenient {
    fn base(&self) -> &BaseResponse;
}

/// Defines a reply with a `BaseResponse`; other fields as in [`object!`].
macro_rules! reply {
    ($vis:vis struct $name:ident { $($fields:tt)* }) => {
        $crate::wire::object::object! {
            $vis struct $name {
                "BaseResponse" => base: $crate::wire::envelope::BaseResponse,
                $($fields)*
            }
        }

        impl $crate::wire::envelope::Envelope for $name {
            fn base(&self) -> &$crate::wire::envelope::BaseResponse {
                &self.base
            }
        }
    };
}
pub(crate) use reply;

/// Parses the reply to a change and checks its code.
///
/// # Errors
///
/// - [`Error::Status`] for an HTTP status of 500 or above.
/// - [`Error::Malformed`] if the response is not a JSON object with a `Ret`.
/// - Otherwise the error for the code ([`refusal`]), unless the code is 0.
pub(crate) fn open<T: Envelope>(endpoint: &'static str, reply: &Response) -> Result<T, Error> {
    let object: T = parse(endpoint, reply)?;
    check(endpoint, object.base())?;
    Ok(object)
}

/// Parses the reply to a change that contains only a code.
///
/// # Errors
///
/// Those of [`open`].
pub(crate) fn confirm(endpoint: &'static str, reply: &Response) -> Result<(), Error> {
    open::<Confirmation>(endpoint, reply).map(drop)
}

reply! {
    struct Confirmation {}
}

/// Parses the reply to a query and checks its code.
///
/// # Errors
///
/// Those of [`open`], but [`Error::ServiceFailed`] for -1 and -2.
pub(crate) fn answer<T: Envelope>(endpoint: &'static str, reply: &Response) -> Result<T, Error> {
    open(endpoint, reply).map_err(question)
}

/// Maps the error of a change to that of a query, which may be retried if the service failed.
pub(crate) fn question(error: Error) -> Error {
    match error {
        Error::Refused { endpoint, ret: ret @ (Ret::SYSTEM | Ret::LOGIC), message } => {
            Error::ServiceFailed { endpoint, ret, message }
        }
        error => error,
    }
}

/// Parses a reply without checking its code.
///
/// # Errors
///
/// - [`Error::Status`] for an HTTP status of 500 or above.
/// - [`Error::Malformed`] if the response is not a JSON object with status 200. Redirects and pages
///   of intermediaries are not replies, regardless of their body (`docs/threats.md` N4).
pub(crate) fn parse<T: Lenient>(endpoint: &'static str, reply: &Response) -> Result<T, Error> {
    if reply.status() != StatusCode::OK {
        return Err(unexpected(endpoint, "JSON", reply));
    }
    json::parse(reply.body()).map_err(|found| malformed(endpoint, "JSON", found))
}

/// Checks the code of a reply.
///
/// # Errors
///
/// [`Error::Malformed`] if there is no code; the error for the code ([`refusal`]) if it is not 0.
pub(crate) fn check(endpoint: &'static str, base: &BaseResponse) -> Result<(), Error> {
    match base.ret.map(Ret) {
        Some(Ret::OK) => Ok(()),
        Some(ret) => Err(refusal(endpoint, ret, &base.err_msg)),
        None => Err(malformed(endpoint, "JSON with a BaseResponse", "JSON without one")),
    }
}

/// Returns the error for a code.
pub(crate) fn refusal(endpoint: &'static str, ret: Ret, message: &str) -> Error {
    match ret {
        ret if ret.ends_session() => {
            Error::LoggedOut { ret, ended: None, message: readable(message).into() }
        }
        Ret::TOO_FREQUENT => Error::Limited { endpoint, message: readable(message).into() },
        _ => refused(endpoint, ret, message),
    }
}

/// Returns the error for a code that does not end the session, whatever its number: there is none
/// before the login.
pub(crate) fn refused(endpoint: &'static str, ret: Ret, message: &str) -> Error {
    Error::Refused { endpoint, ret, message: readable(message).into() }
}

/// Returns the error for a reply of another form.
pub(crate) fn malformed(
    endpoint: &'static str,
    expected: &'static str,
    found: impl Into<Cow<'static, str>>,
) -> Error {
    Error::Malformed { endpoint, expected, found: found.into() }
}

/// Returns a text of the service in readable form: extracted from its notice, decoded if it was
/// encoded twice, and truncated.
pub(crate) fn readable(text: &str) -> String {
    let text = notice(text);
    let text = match undo_double_encoding(&text) {
        Some(text) => Cow::Owned(text),
        None => text,
    };
    text.trim().chars().take(500).collect()
}

/// Adds the status to a description of a response, unless it is 200.
pub(crate) fn with_status(reply: &Response, found: Cow<'static, str>) -> Cow<'static, str> {
    if reply.status() == StatusCode::OK {
        return found;
    }
    alloc::format!("status {} with {found}", reply.status().as_u16()).into()
}

/// Parses the assignments of a script reply; none unless its status is 200.
pub(crate) fn assignments<'a>(reply: &Response, text: &'a str) -> Script<'a> {
    if reply.status() == StatusCode::OK { Script::parse(text) } else { Script::default() }
}

/// Returns the text of a reply.
pub(crate) fn script(reply: &Response) -> Cow<'_, str> {
    String::from_utf8_lossy(reply.body())
}

/// Returns the error of a response that is not a reply of the endpoint.
pub(crate) fn unexpected(
    endpoint: &'static str,
    expected: &'static str,
    reply: &Response,
) -> Error {
    let status = reply.status();
    if status.is_server_error() {
        return Error::Status { endpoint, status: status.as_u16() };
    }
    let found = json::describe(&script(reply));
    malformed(endpoint, expected, with_status(reply, found))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use super::*;
    use crate::testing::{reply, status};

    fn opened(body: &str) -> Result<(), Error> {
        confirm("webwxtest", &reply(body))
    }

    /// Threats N4, J3, J5: a code that is not a number does not count as success.
    #[test]
    fn a_code_that_is_not_a_number_is_malformed() {
        for ret in
            ["null", "\"error\"", "\"\"", "{}", "[0]", "1.5", "1e400", "99999999999999999999"]
        {
            let body = format!("{{\"BaseResponse\":{{\"Ret\":{ret}}}}}");
            assert!(matches!(opened(&body), Err(Error::Malformed { .. })), "{ret}");
        }
        for ret in ["0", "\"0\"", "0.0", "-0"] {
            let body = format!("{{\"BaseResponse\":{{\"Ret\":{ret}}}}}");
            assert!(opened(&body).is_ok(), "{ret}");
        }
        let large = opened("{\"BaseResponse\":{\"Ret\":4000000000}}");
        assert!(matches!(large, Err(Error::Refused { .. })), "{large:?}");
    }

    #[test]
    fn replies_with_another_status_are_errors() {
        let malformed = |code| format!("did not return JSON: status {code} with JSON");
        let failed = |code| format!("returned HTTP status {code}");
        for (code, error) in [
            (201, malformed(201)),
            (302, malformed(302)),
            (404, malformed(404)),
            (500, failed(500)),
            (502, failed(502)),
        ] {
            let reply = status(code, r#"{"BaseResponse":{"Ret":0}}"#);
            let found = confirm("webwxtest", &reply).unwrap_err().to_string();
            assert_eq!(found, format!("webwxtest {error}"));
        }
    }

    #[test]
    fn error_has_the_servers_text() {
        // `docs/shapes.md`: the service decodes the text with the wrong charset and encodes it
        // again.
        let body = "{\"BaseResponse\":{\"Ret\":1,\"ErrMsg\":\"<e><Content><![CDATA[æ\u{201c}\u{8d}ä½œ]]></Content></e>\"}}";
        let Err(Error::Refused { message, .. }) = opened(body) else { panic!() };
        assert_eq!(&*message, "操作");
        assert_eq!(readable(&"雨".repeat(600)), "雨".repeat(500));
    }

    #[test]
    fn malformed_replies_are_described() {
        for (body, found) in [
            ("", "JSON: an empty body"),
            ("{}", "JSON with a BaseResponse: JSON without one"),
            ("<html>502</html>", "JSON: an HTML page"),
        ] {
            let error = opened(body).unwrap_err().to_string();
            assert_eq!(error, format!("webwxtest did not return {found}"));
        }
    }
}
