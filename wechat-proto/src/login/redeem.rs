//! `GET /cgi-bin/mmwebwx-bin/webwxnewloginpage`
//!
//! Exchanges the ticket of a confirmed login for credentials (`docs/protocol.md` §3.4, §3.5).

use alloc::borrow::Cow;
use alloc::string::String;
use core::time::Duration;

use cookie::Cookie;
use http::StatusCode;
use http::header::{REFERER, SET_COOKIE};

use super::{Credentials, Redirect};
use crate::endpoint::PAGE;
use crate::error::Ret;
use crate::flow::{Response, Want};
use crate::hosts::Role;
use crate::wire::document;
use crate::wire::envelope::{self, with_status};
use crate::wire::html;
use crate::wire::query::Url;
use crate::{Body, Device, Endpoint, Error, Timestamp};

const ENDPOINT: &str = "webwxnewloginpage";

/// The outcome of redeeming a ticket.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Redeemed {
    /// The account is logged in.
    Credentials(Credentials),
    /// Another host serves this account: [enter](Device::enter) it and log in again there.
    Elsewhere(Redirect),
}

/// A request that exchanges the ticket of a confirmed login for credentials.
///
/// Returned by [`Device::enter`], which checks that the host is trusted.
///
/// ```compile_fail,E0451
/// # use wechat_proto::login::{RedeemTicket, Redirect};
/// fn redeem(unchecked: Redirect) -> RedeemTicket {
///     RedeemTicket { redirect: unchecked }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RedeemTicket {
    pub(super) redirect: Redirect,
}

impl Device {
    /// Switches to the hosts of a confirmed login, and returns the endpoint that redeems its ticket
    /// there.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`] if the redirect leads to a host outside the service. The hosts do not
    /// change in that case.
    pub fn enter(&mut self, redirect: Redirect) -> Result<RedeemTicket, Error> {
        redirect.check(&mut self.hosts, self.entry.families())?;
        self.prepared = None;
        Ok(RedeemTicket { redirect })
    }
}

impl Endpoint for RedeemTicket {
    type State = Device;
    type Output = Redeemed;

    const DEADLINE: Duration = Duration::from_secs(10);
    const WANT: Want = PAGE;

    fn request(&mut self, device: &mut Device, now: Timestamp) -> http::Request<Body> {
        // The redirect is not encoded again, because an encoded `@` or `==` leads to 1203.
        let entry = &device.entry;
        let mut http = Url::verbatim(self.redirect.as_str())
            .with("fun", "new")
            .with("version", "v2")
            .with_some("mod", entry.is_desktop().then_some("desktop"))
            // On the file-transfer page, the `lang` of the redirect is the only one:
            // `docs/protocol.md` §15.
            .with_some("lang", (!entry.is_file_helper()).then_some(device.lang.as_str()))
            .get(device, now);
        if let Some([version, extspam]) = device.entry.proof() {
            // Only this request has these headers: `docs/protocol.md` §3.6.
            let page = device.hosts.origin(Role::Api);
            let referer = alloc::format!("{page}/?&lang={}&target=t", device.lang);
            let headers = http.headers_mut();
            headers.insert("client-version", version);
            headers.insert("extspam", extspam);
            headers.insert(REFERER, referer.parse().expect("an origin and a language"));
        }
        http
    }

    /// Parses the page, with status 200 or 301 (the older form has its content in a redirect
    /// without a `Location`).
    ///
    /// If the page has no `wxsid` or `wxuin`, its cookies are used.
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`] with the service's own text if `ret` is not 0 (1203: this account may
    ///   not log in on the web), or with [`Ret::OK`] and the visible text of an HTML page.
    /// - [`Error::Untrusted`] if the page names another host by an invalid address.
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Redeemed, Error> {
        let text = envelope::script(response);
        let unexpected = || envelope::unexpected(ENDPOINT, EXPECTED, response);
        let malformed = |found: &'static str| {
            envelope::malformed(ENDPOINT, EXPECTED, with_status(response, found.into()))
        };
        if !matches!(response.status(), StatusCode::OK | StatusCode::MOVED_PERMANENTLY) {
            return Err(unexpected());
        }
        let Some(page) = page(&text) else {
            return Err(match html::visible_text(&text).filter(|text| !text.is_empty()) {
                Some(text) if response.status() == StatusCode::OK => {
                    envelope::refused(ENDPOINT, Ret::OK, &text)
                }
                _ => unexpected(),
            });
        };
        // A truncated page may lack the ticket, without which the credentials are useless.
        if !page.contains("</error>") {
            return Err(malformed("truncated XML"));
        }
        let wanted = ["ret", "message", "skey", "wxsid", "wxuin", "pass_ticket", "redirecturl"];
        let fields =
            document::texts(&page, &wanted).ok_or_else(|| malformed("XML with a DOCTYPE"))?;
        let field = |name: &str| {
            let found = fields.iter().find(|(field, _)| *field == name);
            found.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
        };
        if let Some(address) = field("redirecturl") {
            return Redirect::elsewhere(address).map(Redeemed::Elsewhere);
        }
        match field("ret").map(str::parse) {
            None | Some(Ok(0)) => {}
            Some(Ok(ret)) => {
                // There is no session yet that could have ended.
                let message = field("message").unwrap_or_default();
                return Err(envelope::refused(ENDPOINT, Ret(ret), message));
            }
            Some(Err(_)) => return Err(malformed("a ret that is not a number")),
        }
        let or_cookie = |name| field(name).map(String::from).or_else(|| cookie(response, name));
        let sid = or_cookie("wxsid").ok_or_else(|| malformed("no wxsid"))?;
        let uin = or_cookie("wxuin").ok_or_else(|| malformed("no wxuin"))?;
        let [skey, ticket] = ["skey", "pass_ticket"].map(|name| field(name).unwrap_or_default());
        Credentials::new(&uin, &sid, skey, ticket)
            .map(Redeemed::Credentials)
            .map_err(|_| malformed("invalid credentials"))
    }
}

const EXPECTED: &str = "the login page's XML";

/// Returns the XML of the page, which a browser may have wrapped: `<pre>&lt;error&gt;…`
/// (`docs/shapes.md`).
fn page(text: &str) -> Option<Cow<'_, str>> {
    if let Some(at) = text.find("<error>") {
        return text.get(at..).map(Cow::Borrowed);
    }
    let at = text.find("&lt;error&gt;")?;
    text.get(at..).map(html_escape::decode_html_entities)
}

fn cookie(reply: &Response, name: &str) -> Option<String> {
    let lines = reply.headers().get_all(SET_COOKIE).iter();
    let mut cookies = lines.filter_map(|line| Cookie::parse(line.to_str().ok()?).ok());
    cookies
        .find(|cookie| cookie.name() == name && !cookie.value().is_empty())
        .map(|cookie| cookie.value().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::testing::{rendered, reply, status, with_cookies};

    const PAGE: &str = "<error><ret>0</ret><message></message><skey>@crypt_cec4ff9f_77fe</skey><wxsid>kByRoJSUlD7S2pif</wxsid><wxuin>752650838</wxuin><pass_ticket>xYZ2UYgVCw0xSwWT%2FlQGCIM%3D</pass_ticket><isgrayscale>1</isgrayscale></error>";

    /// Threat B3: a page truncated at any byte is refused, although cookies have the lost values.
    #[test]
    fn a_truncated_page_is_malformed() {
        for end in 0..PAGE.len() {
            let cookies = ["wxsid=kByRoJSUlD7S2pif", "wxuin=752650838"];
            let cut = with_cookies(reply(PAGE.get(..end).unwrap()), &cookies);
            assert!(matches!(ticket().parse(&cut), Err(Error::Malformed { .. })), "cut at {end}");
        }
        credentials(&reply(PAGE));
    }

    fn redirect() -> Redirect {
        "https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728".parse().unwrap()
    }

    fn ticket() -> RedeemTicket {
        RedeemTicket { redirect: redirect() }
    }

    fn credentials(reply: &Response) -> [String; 4] {
        let Redeemed::Credentials(c) = ticket().parse(reply).unwrap() else { panic!() };
        [c.uin, c.sid, c.skey, c.pass_ticket].map(|secret| secret.expose().into())
    }

    #[test]
    fn redeem_request_is_built() {
        let mut device = Device::new();
        let ticket = device.enter(redirect()).unwrap();
        assert_eq!(device.hosts.origin(Role::Push).host(), "webpush.wx2.qq.com");
        insta::assert_snapshot!(rendered(ticket, &mut device), @"
        GET https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728&fun=new&version=v2&lang=zh_CN
        referer: https://wx2.qq.com/?lang=zh_CN
        ");
    }

    /// `docs/protocol.md` §3.6.
    #[test]
    fn desktop_request_carries_its_proof() {
        let entry = Entry::desktop("2.0.0".parse().unwrap(), "Go8FCIkF+/==".parse().unwrap());
        let mut device = Device::new().with_entry(entry);
        let ticket = device.enter(redirect()).unwrap();
        insta::assert_snapshot!(rendered(ticket, &mut device), @"
        GET https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728&fun=new&version=v2&mod=desktop&lang=zh_CN
        referer: https://wx2.qq.com/?&lang=zh_CN&target=t
        client-version: 2.0.0
        extspam: Go8FCIkF+/==
        ");
    }

    /// `docs/protocol.md` §15.
    #[test]
    fn file_helper_has_its_own_hosts_and_keeps_the_ticket() {
        let mut device = Device::new().with_entry(Entry::file_helper());
        let text = redirect().as_str().replace("wx2.qq.com", "szfilehelper.weixin.qq.com");
        let ticket = device.enter(text.parse().unwrap()).unwrap();
        assert_eq!(device.hosts.origin(Role::File).host(), "file.wx2.qq.com");
        insta::assert_snapshot!(rendered(ticket, &mut device), @"
        GET https://szfilehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728&fun=new&version=v2
        referer: https://szfilehelper.weixin.qq.com/?lang=zh_CN
        mmweb_appid: wx_webfilehelper
        ");
    }

    #[test]
    fn redeem_reply_is_parsed() {
        let whole = [
            "752650838", "kByRoJSUlD7S2pif", "@crypt_cec4ff9f_77fe", "xYZ2UYgVCw0xSwWT%2FlQGCIM%3D",
        ];
        assert_eq!(credentials(&reply(PAGE)), whole);
        assert_eq!(credentials(&status(301, PAGE)), whole);
        for code in [302, 404] {
            let other = ticket().parse(&status(code, PAGE));
            assert!(matches!(other, Err(Error::Malformed { .. })), "{code}");
        }
        let failed = ticket().parse(&status(502, PAGE));
        assert!(matches!(failed, Err(Error::Status { status: 502, .. })));
        let lines = PAGE.replace("><", ">\n\t<");
        assert_eq!(credentials(&reply(&lines)), whole);
        let wrapped = alloc::format!("<html><pre>{}</pre></html>", html_escape::encode_text(PAGE));
        assert_eq!(credentials(&reply(&wrapped)), whole);
    }

    #[test]
    fn missing_fields_are_taken_from_cookies() {
        let bare = "<error><ret>0</ret><message>OK</message></error>";
        let with = |lines: &[&str]| with_cookies(reply(bare), lines);
        let (sid, uin) = ("wxsid=s+/=; Path=/; Secure", "wxuin=7; Domain=wx2.qq.com");
        // An empty cookie removes an older one.
        for lines in [&[sid, uin][..], &["wxsid=; Max-Age=0", "wxuin=", sid, uin]] {
            assert_eq!(credentials(&with(lines)), ["7", "s+/=", "", ""]);
        }
        for (lines, found) in [(["wxsid=", uin], "no wxsid"), ([sid, "wxuin="], "no wxuin")] {
            let Err(Error::Malformed { found: error, .. }) = ticket().parse(&with(&lines)) else {
                panic!()
            };
            assert_eq!(&*error, found);
        }
    }

    /// `docs/protocol.md` §3.5.
    #[test]
    fn refusal_carries_the_servers_message() {
        let text = "为了你的帐号安全，此微信号已不允许登录网页微信。";
        let page = alloc::format!("<error><ret>1203</ret><message>{text}</message></error>");
        let Err(Error::Refused { ret, message, .. }) = ticket().parse(&reply(&page)) else {
            panic!()
        };
        assert_eq!((ret, &*message), (Ret::ENVIRONMENT, text));
        let code = ticket().parse(&reply("<error><ret>1100</ret><message/></error>"));
        assert!(matches!(code, Err(Error::Refused { ret: Ret(1100), .. })));
    }

    #[test]
    fn redirecturl_of_another_host_is_returned() {
        let page =
            "<error><ret>0</ret><redirecturl>https://wx8.qq.com/?a=1&amp;b=2</redirecturl></error>";
        let Redeemed::Elsewhere(redirect) = ticket().parse(&reply(page)).unwrap() else { panic!() };
        assert_eq!(redirect.as_str(), "https://wx8.qq.com/?a=1&b=2");
    }

    #[test]
    fn other_pages_are_malformed() {
        // `malformed` cannot be used: its bodies include a page with text, which is a refusal here.
        for page in [
            "",
            " ",
            "{",
            "{}",
            "[]",
            "null",
            "\u{0}",
            "<html><head><title>t</title></head><body><script>x()</script></body></html>",
            "<error><ret>0</ret></error>",
            "<error><ret>x</ret></error>",
            "<error><ret>0</ret><wxsid>s</wxsid><wxuin>a7</wxuin></error>",
            "<error><ret>0</ret><wxsid>s s</wxsid><wxuin>7</wxuin></error>",
        ] {
            let parsed = ticket().parse(&reply(page));
            assert!(matches!(parsed, Err(Error::Malformed { .. })), "{page}: {parsed:?}");
        }
        // The error shows no credentials.
        let Err(error) = ticket().parse(&reply(&PAGE.replace("<wxuin>7", "<wxuin>x7"))) else {
            panic!()
        };
        assert!(!alloc::format!("{error:?} {error}").contains("crypt"));
    }

    /// The usual reply to logins without the values of a desktop client: `docs/protocol.md` §3.4.
    #[test]
    fn html_page_is_refused_with_its_text() {
        let page = "<!DOCTYPE html>\n<html><head><title>Weixin</title></head><body><div class=\"inner\"><p class=\"desc\">Your&nbsp;account&nbsp;may&nbsp;not&nbsp;use&nbsp;the&nbsp;web.</p></div></body></html>";
        let Err(error) = ticket().parse(&reply(page)) else { panic!() };
        assert_eq!(
            alloc::format!("{error}"),
            "webwxnewloginpage was refused: Your account may not use the web."
        );
        assert!(!error.is_transient());
        let long = page.replace("Your", &"雨".repeat(600));
        let Err(Error::Refused { ret: Ret::OK, message, .. }) = ticket().parse(&reply(&long))
        else {
            panic!()
        };
        assert_eq!(message.chars().count(), 500);
        // The page of a failing server is not a refusal.
        let failed = ticket().parse(&status(502, page));
        assert!(matches!(failed, Err(Error::Status { status: 502, .. })));
    }
}
