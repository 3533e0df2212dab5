//! `BaseRequest` and `BaseResponse`, in which most calls and replies are wrapped
//! (`docs/protocol.md` §1.4, §1.5).

use alloc::borrow::Cow;
use alloc::string::String;

use http::StatusCode;
use serde::Serialize;

use super::js::Script;
use super::json;
use super::lenient::{Lenient, Number};
use super::object::object;
use super::xml::notice;
use crate::error::{Error, Ret};
use crate::flow::Response;
use crate::text::{Text, undo_double_encoding};

/// Who asks. Fields in the order of the official page.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct BaseRequest<'a> {
    pub(crate) uin: Uin<'a>,
    pub(crate) sid: &'a str,
    pub(crate) skey: &'a str,
    #[serde(rename = "DeviceID")]
    pub(crate) device_id: &'a str,
}

/// Text in `webwxinit`, a number in all later calls: `docs/protocol.md` §1.4.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Uin<'a> {
    Text(&'a str),
    Number(i64),
}

object! {
    pub(crate) struct BaseResponse {
        /// Has to be there: without it a reply says nothing.
        "Ret" => pub(crate) ret: Number,
        "ErrMsg" => pub(crate) err_msg: Text,
    }
}

/// A reply that holds a `BaseResponse`.
pub(crate) trait Envelope: Lenient {
    fn base(&self) -> &BaseResponse;
}

/// Defines a reply that holds a `BaseResponse`, as [`object!`] does its other fields.
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

/// Reads the reply to a change, and the code in it.
///
/// # Errors
///
/// [`Error::Status`] from 500 on, [`Error::Malformed`] if it is no JSON object with a `Ret`; else
/// what the code says ([`refusal`]).
pub(crate) fn open<T: Envelope>(endpoint: &'static str, reply: &Response) -> Result<T, Error> {
    let (_, object) = text::<T>(endpoint, reply)?;
    check(endpoint, object.base())?;
    Ok(object)
}

/// Reads the reply to a change that is only a code.
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

/// Reads the reply to a question, and the code in it.
///
/// # Errors
///
/// Those of [`open`]; [`Error::ServiceFailed`] if the service failed to answer.
pub(crate) fn answer<T: Envelope>(endpoint: &'static str, reply: &Response) -> Result<T, Error> {
    open(endpoint, reply).map_err(question)
}

/// The error of a question: asking again is safe where the service failed.
pub(crate) fn question(error: Error) -> Error {
    match error {
        Error::Refused { endpoint, ret: ret @ (Ret::SYSTEM | Ret::LOGIC), message } => {
            Error::ServiceFailed { endpoint, ret, message }
        }
        error => error,
    }
}

/// Reads a reply, whatever its code, with the text that was read.
///
/// # Errors
///
/// [`Error::Status`] from 500 on; [`Error::Malformed`] if it is no JSON object with status 200: a
/// redirect, or the page of a server on the way, is no reply whatever its body (`docs/threats.md`
/// N4).
pub(crate) fn text<'a, T: Lenient>(
    endpoint: &'static str,
    reply: &'a Response,
) -> Result<(Cow<'a, str>, T), Error> {
    if reply.status() != StatusCode::OK {
        return Err(unexpected(endpoint, "JSON", reply));
    }
    json::text(reply.body()).map_err(|found| Error::Malformed { endpoint, expected: "JSON", found })
}

/// What the code of a reply says.
///
/// # Errors
///
/// See [`refusal`]; [`Error::Malformed`] if there is none.
pub(crate) fn check(endpoint: &'static str, base: &BaseResponse) -> Result<(), Error> {
    match base.ret.0.map(Ret) {
        Some(Ret::OK) => Ok(()),
        Some(ret) => Err(refusal(endpoint, ret, &base.err_msg)),
        None => Err(Error::Malformed {
            endpoint,
            expected: "JSON with a BaseResponse",
            found: "JSON without one".into(),
        }),
    }
}

/// The error that a code is.
pub(crate) fn refusal(endpoint: &'static str, ret: Ret, message: &str) -> Error {
    if ret.ends_session() {
        return Error::LoggedOut { ret, ended: None };
    }
    let message = readable(message).into();
    match ret {
        Ret::TOO_FREQUENT => Error::Limited { endpoint, message },
        _ => Error::Refused { endpoint, ret, message },
    }
}

/// A server's text as people read it: out of its notice, its encoding undone where it was encoded
/// twice, cut to a length that an error may have.
pub(crate) fn readable(text: &str) -> String {
    let text = notice(text);
    let text = match undo_double_encoding(&text) {
        Some(text) => Cow::Owned(text),
        None => text,
    };
    text.trim().chars().take(500).collect()
}

/// What was found, with the status if that is not the usual one.
pub(crate) fn with_status(reply: &Response, found: Cow<'static, str>) -> Cow<'static, str> {
    if reply.status() == StatusCode::OK {
        return found;
    }
    let mut text = alloc::format!("status {} with ", reply.status().as_u16());
    text.push_str(&found);
    Cow::Owned(text)
}

/// The assignments of a reply that is a script; none of one without status 200.
pub(crate) fn assignments<'a>(reply: &Response, text: &'a str) -> Script<'a> {
    if reply.status() == StatusCode::OK { Script::parse(text) } else { Script::default() }
}

/// The text of a reply.
pub(crate) fn script(reply: &Response) -> Cow<'_, str> {
    String::from_utf8_lossy(reply.body())
}

/// The error of a response that is not what the endpoint replies.
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
    Error::Malformed { endpoint, expected, found: with_status(reply, found) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn opened(body: &str) -> Result<(), Error> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        confirm("webwxtest", &Response::new(body))
    }

    #[test]
    fn sorts_codes_by_what_to_do() {
        let reply = |ret: &str, text: &str| {
            let body =
                alloc::format!("{{\"BaseResponse\":{{\"Ret\":{ret},\"ErrMsg\":\"{text}\"}}}}");
            confirm("webwxtest", &Response::new(body.into()))
        };
        assert!(reply("0", "Everything is OK").is_ok());
        assert!(reply("\"0\"", "").is_ok());
        for ret in ["1100", "1101", "\"1102\""] {
            assert!(matches!(reply(ret, ""), Err(Error::LoggedOut { .. })), "{ret}");
        }
        assert!(matches!(reply("1205", ""), Err(Error::Limited { .. })));
        for ret in ["-1", "1", "1200", "1204", "4000000000"] {
            assert!(matches!(reply(ret, ""), Err(Error::Refused { .. })), "{ret}");
        }
    }

    /// Threats N4, J5.
    /// Threat J3: no number is no success.
    #[test]
    fn a_code_that_is_no_number_is_none() {
        for ret in
            ["null", "\"error\"", "\"\"", "{}", "[0]", "1.5", "1e400", "99999999999999999999"]
        {
            let body = alloc::format!("{{\"BaseResponse\":{{\"Ret\":{ret}}}}}");
            assert!(matches!(opened(&body), Err(Error::Malformed { .. })), "{ret}");
        }
        for ret in ["0", "\"0\"", "0.0", "-0"] {
            let body = alloc::format!("{{\"BaseResponse\":{{\"Ret\":{ret}}}}}");
            assert!(opened(&body).is_ok(), "{ret}");
        }
    }

    #[test]
    fn a_status_is_part_of_the_answer() {
        for status in [201, 302, 404] {
            let mut reply = Response::new(Bytes::from_static(b"{\"BaseResponse\":{\"Ret\":0}}"));
            *reply.status_mut() = StatusCode::from_u16(status).unwrap();
            let Err(Error::Malformed { found, .. }) = confirm("webwxtest", &reply) else {
                panic!("{status}")
            };
            assert_eq!(found, alloc::format!("status {status} with JSON"));
        }
        for status in [500, 502] {
            let mut reply = Response::new(Bytes::from_static(b"{\"BaseResponse\":{\"Ret\":0}}"));
            *reply.status_mut() = StatusCode::from_u16(status).unwrap();
            let Err(Error::Status { status: found, .. }) = confirm("webwxtest", &reply) else {
                panic!("{status}")
            };
            assert_eq!(found, status);
        }
    }

    #[test]
    fn shows_the_servers_own_words() {
        // `docs/shapes.md`: read with the wrong charset, then encoded again.
        let body = "{\"BaseResponse\":{\"Ret\":1,\"ErrMsg\":\"<e><Content><![CDATA[æ\u{201c}\u{8d}ä½œ]]></Content></e>\"}}";
        let Err(Error::Refused { message, .. }) = opened(body) else { panic!() };
        assert_eq!(&*message, "操作");
    }

    #[test]
    fn says_what_came_instead() {
        let shown = |body| alloc::string::ToString::to_string(&opened(body).unwrap_err());
        assert_eq!(shown(""), "webwxtest answered something other than JSON: an empty body");
        assert_eq!(
            shown("{}"),
            "webwxtest answered something other than JSON with a BaseResponse: JSON without one"
        );
        assert_eq!(
            shown("<html>502</html>"),
            "webwxtest answered something other than JSON: an HTML page"
        );
    }
}
