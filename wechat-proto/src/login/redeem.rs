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
use crate::call::Call;
use crate::device::Device;
use crate::error::{Error, Ret};
use crate::flow::Response;
use crate::hosts::Role;
use crate::time::Timestamp;
use crate::wire::envelope::{self, with_status};
use crate::wire::json::describe;
use crate::wire::query::Url;
use crate::wire::xml;

const ENDPOINT: &str = "webwxnewloginpage";

/// What a ticket is worth.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Redeemed {
    /// The login.
    Credentials(Credentials),
    /// Another host serves this account: start again there.
    Elsewhere(Redirect),
}

/// Asks for the credentials; read by [`parse`]. Moves the device to the hosts that the redirect
/// names.
///
/// # Errors
///
/// [`Error::Untrusted`] if the redirect leads out of the service: nothing is sent there.
pub fn request(
    device: &mut Device,
    redirect: &Redirect,
    _now: Timestamp,
) -> Result<Call<Redeemed>, Error> {
    redirect.enter(device)?;
    // To the letter: encoding `@` or `==` again gives 1203.
    let mut url = Url::verbatim(redirect.as_str()).with("fun", "new").with("version", "v2");
    if device.entry.is_desktop() {
        url = url.with("mod", "desktop");
    }
    let mut http = url.with("lang", device.lang.as_str()).get(device);
    if let Some([version, extspam]) = device.entry.proof() {
        // On this call and no other: `docs/protocol.md` §3.6.
        let page = device.hosts.origin(Role::Api);
        let referer = alloc::format!("{page}/?&lang={}&target=t", device.lang);
        let headers = http.headers_mut();
        headers.insert("client-version", version);
        headers.insert("extspam", extspam);
        headers.insert(REFERER, referer.parse().expect("an origin and a language"));
    }
    Ok(Call::again(http, parse).deadline(Duration::from_secs(10)).limit(1 << 20))
}

/// Reads the reply of [`request`], with status 200 or 301 (the older form has its content in a
/// redirect without a `Location`).
///
/// A `wxsid` or `wxuin` that the page leaves out is taken from its cookies.
///
/// # Errors
///
/// [`Error::Refused`] with the server's own text (1203: this account may not log in on the web),
/// [`Error::Malformed`] for anything else, an HTML page among it.
pub fn parse(reply: &Response) -> Result<Redeemed, Error> {
    let text = envelope::script(reply);
    let page = page(&text);
    let malformed = |found| Error::Malformed {
        endpoint: ENDPOINT,
        expected: "the login page's XML",
        found: with_status(reply, found),
    };
    let status = matches!(reply.status(), StatusCode::OK | StatusCode::MOVED_PERMANENTLY);
    let Some(page) = page.filter(|_| status) else { return Err(malformed(describe(&text))) };
    // What a page that was cut short has lost could be asked for nowhere else: without its ticket,
    // the credentials open nothing.
    if !page.contains("</error>") {
        return Err(malformed("XML that was cut short".into()));
    }
    let wanted = ["ret", "message", "skey", "wxsid", "wxuin", "pass_ticket", "redirecturl"];
    let fields =
        xml::texts(&page, &wanted).ok_or_else(|| malformed("XML with a DOCTYPE".into()))?;
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
            // Not a session that ended: there was none yet.
            let message = envelope::readable(field("message").unwrap_or_default()).into();
            return Err(Error::Refused { endpoint: ENDPOINT, ret: Ret(ret), message });
        }
        Some(Err(_)) => return Err(malformed("a ret that is no number".into())),
    }

    let missing = |what: &'static str| malformed(what.into());
    let sid = field("wxsid").map(String::from).or_else(|| cookie(reply, "wxsid"));
    let uin = field("wxuin").map(String::from).or_else(|| cookie(reply, "wxuin"));
    let sid = sid.ok_or_else(|| missing("no wxsid"))?;
    let uin = uin.ok_or_else(|| missing("no wxuin"))?;
    let [skey, pass_ticket] = ["skey", "pass_ticket"].map(|name| field(name).unwrap_or_default());
    let another = |_| missing("credentials of another form");
    if uin.parse::<i64>().is_err() {
        return Err(missing("a wxuin that is no number"));
    }
    Ok(Redeemed::Credentials(Credentials {
        uin: uin.parse().map_err(another)?,
        sid: sid.parse().map_err(another)?,
        skey: skey.parse().map_err(another)?,
        pass_ticket: pass_ticket.parse().map_err(another)?,
    }))
}

/// The XML of the page, which a browser may have wrapped: `<pre>&lt;error&gt;…`
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
    use crate::testing::{NOW, malformed, rendered, reply};

    const PAGE: &str = "<error><ret>0</ret><message></message><skey>@crypt_cec4ff9f_77fe</skey><wxsid>kByRoJSUlD7S2pif</wxsid><wxuin>752650838</wxuin><pass_ticket>xYZ2UYgVCw0xSwWT%2FlQGCIM%3D</pass_ticket><isgrayscale>1</isgrayscale></error>";

    /// Threat B3. Cut at every byte, though its cookies name what the page has lost.
    #[test]
    fn a_page_cut_short_is_none() {
        for end in 0..PAGE.len() {
            let mut cut = reply(PAGE.get(..end).unwrap());
            for cookie in ["wxsid=kByRoJSUlD7S2pif", "wxuin=752650838"] {
                cut.headers_mut().append(SET_COOKIE, cookie.parse().unwrap());
            }
            assert!(matches!(parse(&cut), Err(Error::Malformed { .. })), "cut at {end}");
        }
        credentials(&reply(PAGE));
    }

    fn redirect() -> Redirect {
        Redirect::parse("https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728").unwrap()
    }

    fn credentials(reply: &Response) -> [String; 4] {
        let Redeemed::Credentials(c) = parse(reply).unwrap() else { panic!() };
        [c.uin, c.sid, c.skey, c.pass_ticket].map(|secret| secret.expose().into())
    }

    #[test]
    fn asks() {
        let mut device = Device::new();
        let call = request(&mut device, &redirect(), NOW).unwrap();
        assert_eq!(device.hosts.origin(Role::Push).host(), "webpush.wx2.qq.com");
        insta::assert_snapshot!(rendered(call, &mut device), @"
        GET https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728&fun=new&version=v2&lang=zh_CN
        host: wx2.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx2.qq.com/?lang=zh_CN
        ");
    }

    /// `docs/protocol.md` §3.6.
    #[test]
    fn a_desktop_shows_what_it_is() {
        let entry = Entry::desktop("2.0.0".parse().unwrap(), "Go8FCIkF+/==".parse().unwrap());
        let mut device = Device::new().with_entry(entry);
        let call = request(&mut device, &redirect(), NOW).unwrap();
        insta::assert_snapshot!(rendered(call, &mut device), @"
        GET https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728&fun=new&version=v2&mod=desktop&lang=zh_CN
        host: wx2.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx2.qq.com/?&lang=zh_CN&target=t
        client-version: 2.0.0
        extspam: Go8FCIkF+/==
        ");
    }

    /// `docs/protocol.md` §15.
    #[test]
    fn the_file_transfer_page_leaves_the_ticket_alone() {
        let mut device = Device::new().with_entry(Entry::file_helper());
        let text = redirect().as_str().replace("wx2.qq.com", "szfilehelper.weixin.qq.com");
        let call = request(&mut device, &Redirect::parse(&text).unwrap(), NOW).unwrap();
        assert_eq!(device.hosts.origin(Role::File).host(), "file.wx2.qq.com");
        insta::assert_snapshot!(rendered(call, &mut device), @"
        GET https://szfilehelper.weixin.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=BXegf@qrticket_0&uuid=YeGrrvqmHQ==&lang=zh_CN&scan=1476606728&fun=new&version=v2&lang=zh_CN
        host: szfilehelper.weixin.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://szfilehelper.weixin.qq.com/?lang=zh_CN
        mmweb_appid: wx_webfilehelper
        ");
        // The web's hosts are none of its own, nor the reverse.
        let elsewhere = request(&mut device, &redirect(), NOW);
        assert!(matches!(elsewhere, Err(Error::Untrusted { .. })));
        let web = request(&mut Device::new(), &Redirect::parse(&text).unwrap(), NOW);
        assert!(matches!(web, Err(Error::Untrusted { .. })));
    }

    #[test]
    fn goes_nowhere_else() {
        let mut device = Device::new();
        let evil =
            Redirect::parse("https://evil.example/cgi-bin/mmwebwx-bin/webwxnewloginpage?a=b")
                .unwrap();
        assert!(matches!(request(&mut device, &evil, NOW), Err(Error::Untrusted { .. })));
        assert_eq!(device, Device::new());
    }

    #[test]
    fn reads() {
        let whole = [
            "752650838",
            "kByRoJSUlD7S2pif",
            "@crypt_cec4ff9f_77fe",
            "xYZ2UYgVCw0xSwWT%2FlQGCIM%3D",
        ];
        assert_eq!(credentials(&reply(PAGE)), whole);
        let mut moved = reply(PAGE);
        *moved.status_mut() = StatusCode::MOVED_PERMANENTLY;
        assert_eq!(credentials(&moved), whole);
        for status in [302, 404, 502] {
            *moved.status_mut() = StatusCode::from_u16(status).unwrap();
            assert!(matches!(parse(&moved), Err(Error::Malformed { .. })), "{status}");
        }
        let lines = PAGE.replace("><", ">\n\t<");
        assert_eq!(credentials(&reply(&lines)), whole);
        let wrapped = alloc::format!("<html><pre>{}</pre></html>", html_escape::encode_text(PAGE));
        assert_eq!(credentials(&reply(&wrapped)), whole);
    }

    #[test]
    fn takes_from_cookies_what_the_page_leaves_out() {
        let mut bare = reply("<error><ret>0</ret><message>OK</message></error>");
        for line in ["wxsid=s+/=; Path=/; Secure", "wxuin=7; Domain=wx2.qq.com"] {
            bare.headers_mut().append(SET_COOKIE, line.parse().unwrap());
        }
        assert_eq!(credentials(&bare), ["7", "s+/=", "", ""]);
    }

    /// `docs/protocol.md` §3.5.
    #[test]
    fn hands_on_the_servers_own_words() {
        let text = "为了你的帐号安全，此微信号已不允许登录网页微信。";
        let page = alloc::format!("<error><ret>1203</ret><message>{text}</message></error>");
        let Err(Error::Refused { ret, message, .. }) = parse(&reply(&page)) else { panic!() };
        assert_eq!((ret, &*message), (Ret::ENVIRONMENT, text));
        let code = parse(&reply("<error><ret>1100</ret><message/></error>"));
        assert!(matches!(code, Err(Error::Refused { ret: Ret(1100), .. })));
    }

    #[test]
    fn is_sent_elsewhere() {
        let page =
            "<error><ret>0</ret><redirecturl>https://wx8.qq.com/?a=1&amp;b=2</redirecturl></error>";
        let Redeemed::Elsewhere(redirect) = parse(&reply(page)).unwrap() else { panic!() };
        assert_eq!(redirect.as_str(), "https://wx8.qq.com/?a=1&b=2");
    }

    #[test]
    fn reads_nothing_else() {
        malformed(
            parse,
            &[
                "<error><ret>0</ret></error>",
                "<error><ret>x</ret></error>",
                "<error><ret>0</ret><wxsid>s</wxsid><wxuin>a7</wxuin></error>",
                "<error><ret>0</ret><wxsid>s s</wxsid><wxuin>7</wxuin></error>",
                "<!DOCTYPE html><html><body>微信</body></html>",
            ],
        );
        // Nothing of a page with credentials shows in its error.
        let Err(error) = parse(&reply(&PAGE.replace("<wxuin>7", "<wxuin>x7"))) else { panic!() };
        assert!(!alloc::format!("{error:?} {error}").contains("crypt"));
    }
}
