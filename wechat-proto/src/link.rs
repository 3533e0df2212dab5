//! `GET /cgi-bin/mmwebwx-bin/webwxcheckurl`
//!
//! Gets the service's verdict on a link, as the official page does when a link is clicked
//! (`docs/protocol.md` §13).

use alloc::boxed::Box;

use http::StatusCode;
use http::header::LOCATION;

use crate::endpoint::PAGE;
use crate::error::{Invalid, Ret};
use crate::flow::{Response, Want};
use crate::wire::envelope::{self, BaseResponse};
use crate::wire::object::object;
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Text, Timestamp};

const ENDPOINT: &str = "webwxcheckurl";
/// The maximum length of a link, which still fits a request when encoded.
const LONGEST: usize = 8 << 10;
/// The host of the warning pages.
const WARNINGS: &str = "weixin110.qq.com";

/// The service's verdict on a link. The link itself is not fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// The link leads to its destination.
    Leads {
        /// The destination: the link itself, or the service's rewriting of it.
        to: Box<str>,
    },
    /// The service shows a warning page in place of the link.
    Warns {
        /// The address of that page; `None` if the response is the page itself.
        at: Option<Box<str>>,
    },
}

/// A request that checks a link.
///
/// The URL of the request carries credentials, as the official page's does: do not open it in a
/// browser.
#[derive(Clone, Debug)]
pub struct CheckLink {
    link: Box<str>,
}

impl CheckLink {
    /// Returns a request about a link, unchanged from a message.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if the link is empty, or longer than 8,192 bytes.
    pub fn new(link: &str) -> Result<Self, Invalid> {
        if !(1..=LONGEST).contains(&link.len()) {
            return Err(Invalid { what: "a link", expected: "1 to 8,192 bytes" });
        }
        Ok(Self { link: link.into() })
    }
}

impl Endpoint for CheckLink {
    type State = Session;
    type Output = Verdict;

    const WANT: Want = PAGE;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let device_id = session.device_id();
        Url::api(ENDPOINT)
            .with("requrl", &self.link)
            .with("skey", session.auth.skey.expose())
            .with("deviceid", device_id)
            .with("pass_ticket", session.auth.pass_ticket.expose())
            .with("opcode", 2)
            .with("scene", 1)
            .with("username", &session.me.user_name)
            .get(&mut session.device, now)
    }

    /// Parses a redirect, a page, or JSON with `retcode`.
    ///
    /// # Errors
    ///
    /// - The error for the `retcode` or [`Ret`] of the JSON, including [`Error::ServiceFailed`].
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Verdict, Error> {
        let unexpected = |expected| envelope::unexpected(ENDPOINT, expected, response);
        if response.status().is_redirection() {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            return match location.filter(|to| !to.is_empty() && to.len() <= LONGEST) {
                Some(to) => Ok(verdict_of(to)),
                None => Err(unexpected("a redirect with an address")),
            };
        }
        let Ok(wire) = envelope::parse::<Wire>(ENDPOINT, response) else {
            return page(response);
        };
        match wire.retcode.or(wire.base.ret).map(Ret) {
            Some(Ret::OK) if !wire.full_url.is_empty() => Ok(verdict_of(&wire.full_url)),
            Some(Ret::OK) | None => Err(unexpected("a redirect or a page")),
            Some(ret) => {
                Err(envelope::question(envelope::refusal(ENDPOINT, ret, &wire.base.err_msg)))
            }
        }
    }
}

fn verdict_of(to: &str) -> Verdict {
    let uri = to.parse::<http::Uri>().ok();
    if uri.as_ref().and_then(http::Uri::host) == Some(WARNINGS) {
        return Verdict::Warns { at: Some(to.into()) };
    }
    Verdict::Leads { to: to.into() }
}

/// Parses a page in place of a redirect.
fn page(reply: &Response) -> Result<Verdict, Error> {
    let text = envelope::script(reply);
    let start = text.trim_start().get(..5).unwrap_or_default();
    let html = start.eq_ignore_ascii_case("<html") || start.eq_ignore_ascii_case("<!doc");
    if reply.status() == StatusCode::OK && html {
        return Ok(Verdict::Warns { at: None });
    }
    Err(envelope::unexpected(ENDPOINT, "a redirect or a page", reply))
}

object! {
    struct Wire {
        "retcode" => retcode: Option<i64>,
        "FullURL" => full_url: Text,
        "BaseResponse" => base: BaseResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{http_of, rendered, reply, session, status};

    fn check() -> CheckLink {
        CheckLink::new("http://a.example/").unwrap()
    }

    fn moved(to: &str) -> Response {
        let mut moved = status(302, "<html></html>");
        moved.headers_mut().insert(LOCATION, to.parse().unwrap());
        moved
    }

    #[test]
    fn link_check_request_is_built() {
        let check = CheckLink::new("http://a.example/?b=c&d=雨#e").unwrap();
        insta::assert_snapshot!(rendered(check, &mut session()), @"GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxcheckurl?requrl=http%3A%2F%2Fa.example%2F%3Fb%3Dc%26d%3D%E9%9B%A8%23e&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&deviceid=e356902031041503&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z&opcode=2&scene=1&username=%4009ed9af3");
    }

    #[test]
    fn longest_link_fits_a_request() {
        let longest = "\u{ffff}".repeat(LONGEST / 3);
        let mut session = session();
        session.auth.skey = "=".repeat(4096).parse().unwrap();
        session.auth.pass_ticket = "%".repeat(4096).parse().unwrap();
        http_of(CheckLink::new(&longest).unwrap(), &mut session);
        for bad in ["", &"x".repeat(LONGEST + 1)] {
            assert!(CheckLink::new(bad).is_err());
        }
    }

    #[test]
    fn redirects_are_parsed() {
        for to in [
            "http://a.example/?b=c", "/x", "https://mp.weixin.qq.com/s?__biz=1", "weixin://dl/",
            "https://weixin110.qq.com.example/",
        ] {
            let verdict = check().parse(&moved(to)).unwrap();
            assert_eq!(verdict, Verdict::Leads { to: to.into() });
        }
        let warning =
            "https://weixin110.qq.com/cgi-bin/mmspamsupport-bin/newredirectconfirmcgi?a=b";
        let verdict = check().parse(&moved(warning)).unwrap();
        assert_eq!(verdict, Verdict::Warns { at: Some(warning.into()) });
        for nowhere in ["", &"x".repeat(9000)] {
            assert!(matches!(check().parse(&moved(nowhere)), Err(Error::Malformed { .. })));
        }
    }

    #[test]
    fn pages_and_json_are_parsed() {
        for page in ["<!DOCTYPE html><html></html>", "\n<HTML>"] {
            assert_eq!(check().parse(&reply(page)).unwrap(), Verdict::Warns { at: None });
        }
        let full = r#"{"retcode":0,"FullURL":"http://a.example/"}"#;
        let to = "http://a.example/".into();
        assert_eq!(check().parse(&reply(full)).unwrap(), Verdict::Leads { to });
        let failed = check().parse(&reply(r#"{"retcode":-2}"#));
        assert!(matches!(failed, Err(Error::ServiceFailed { ret: Ret::LOGIC, .. })));
        let refused = check().parse(&reply(r#"{"retcode":7}"#));
        assert!(matches!(refused, Err(Error::Refused { ret: Ret(7), .. })));
        let often = check().parse(&reply(r#"{"retcode":"1205"}"#));
        assert!(matches!(often, Err(Error::Limited { .. })));
        let closed = check().parse(&reply(r#"{"retcode":1101}"#));
        assert!(matches!(closed, Err(Error::LoggedOut { .. })));
        // `malformed` cannot be used: its bodies include a page, which is a verdict here.
        for other in ["", "{", "[]", "{}", "null", "\u{0}", r#"{"retcode":0}"#, "<xml>"] {
            let other = check().parse(&reply(other));
            assert!(matches!(other, Err(Error::Malformed { .. })), "{other:?}");
        }
        let broken = check().parse(&status(502, "<html>502</html>"));
        assert!(matches!(broken, Err(Error::Status { status: 502, .. })));
    }
}
