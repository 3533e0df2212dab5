//! `GET /cgi-bin/mmwebwx-bin/login`
//!
//! Waits, up to about 27 seconds, for the phone to scan and to confirm (`docs/protocol.md` §3.3).

use alloc::boxed::Box;
use core::time::Duration;

use super::Redirect;
use crate::call::Call;
use crate::device::Device;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::Uuid;
use crate::time::Timestamp;
use crate::wire::envelope;
use crate::wire::query::{Accept, Url};

const ENDPOINT: &str = "login";

/// What the phone has done.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scan {
    /// Nothing in this round (408): ask again.
    Pending,
    /// Scanned (201): ask again.
    Scanned {
        /// The account's picture as a `data:` URI, if it came along.
        avatar: Option<Box<str>>,
    },
    /// Confirmed (200).
    Confirmed {
        /// Where the login goes on.
        redirect: Redirect,
    },
    /// Cancelled (202).
    Cancelled,
    /// The code is too old, or unknown (400), or the service gave it up (500).
    Expired,
}

/// Asks what the phone has done; read by [`parse`]. `first` says that this code was not asked
/// about before.
pub fn request(device: &Device, uuid: &Uuid, first: bool, now: Timestamp) -> Call<Scan> {
    let mut url = Url::new(device, Role::Login, "/cgi-bin/mmwebwx-bin/login")
        .accept(Accept::Script)
        .with("loginicon", true)
        .with("uuid", uuid.as_str())
        .with("tip", u8::from(first))
        .with("r", now.inverted())
        .with("_", now.as_millis());
    if device.entry.is_file_helper() {
        url = url.with("appid", device.entry.appid());
    }
    Call::again(url.get(device), parse).deadline(Duration::from_secs(35)).limit(1 << 20)
}

/// Reads the reply of [`request`]: `window.code=408;`
///
/// # Errors
///
/// [`Error::Malformed`] for an unknown code or no code, [`Error::Untrusted`] if it leads to an
/// address that is none of the login page.
pub fn parse(reply: &Response) -> Result<Scan, Error> {
    let text = envelope::script(reply);
    let script = envelope::assignments(reply, &text);
    match script.number("code") {
        Some(408) => Ok(Scan::Pending),
        Some(201) => {
            let avatar = script.text("userAvatar").filter(|uri| uri.starts_with("data:"));
            Ok(Scan::Scanned { avatar: avatar.map(Box::from) })
        }
        Some(200) => {
            let redirect = script
                .text("redirect_uri")
                .ok_or_else(|| envelope::not_script(ENDPOINT, "window.redirect_uri", reply))?;
            Ok(Scan::Confirmed { redirect: Redirect::parse(redirect)? })
        }
        Some(202) => Ok(Scan::Cancelled),
        Some(400 | 500) => Ok(Scan::Expired),
        code => {
            let mut error =
                envelope::not_script(ENDPOINT, "window.code 200, 201, 202, 400, 408 or 500", reply);
            if let (Some(code), Error::Malformed { found, .. }) = (code, &mut error) {
                *found = alloc::format!("code {code}").into();
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::testing::{NOW, malformed, rendered, reply};

    #[test]
    fn asks() {
        let device = Device::new();
        let uuid = Uuid::parse("gf5Gk61zEA==").unwrap();
        insta::assert_snapshot!(rendered(request(&device, &uuid, true, NOW), &mut device.clone()), @"
        GET https://login.wx.qq.com/cgi-bin/mmwebwx-bin/login?loginicon=true&uuid=gf5Gk61zEA%3D%3D&tip=1&r=862586243&_=1476606163580
        host: login.wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
        let again = request(&device, &uuid, false, NOW);
        assert!(again.http().uri().query().unwrap().contains("&tip=0&"));
    }

    /// `docs/protocol.md` §15.
    #[test]
    fn the_file_transfer_page_names_itself() {
        let device = Device::new().with_entry(Entry::file_helper());
        let uuid = Uuid::parse("gf5Gk61zEA==").unwrap();
        let call = request(&device, &uuid, true, NOW);
        insta::assert_snapshot!(rendered(call, &mut device.clone()), @"
        GET https://login.wx.qq.com/cgi-bin/mmwebwx-bin/login?loginicon=true&uuid=gf5Gk61zEA%3D%3D&tip=1&r=862586243&_=1476606163580&appid=wx_webfilehelper
        host: login.wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: */*
        accept-encoding: identity
        referer: https://filehelper.weixin.qq.com/?lang=zh_CN
        mmweb_appid: wx_webfilehelper
        ");
    }

    #[test]
    fn reads() {
        let redirect = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=A@qrticket_0&uuid=Y==&lang=zh_CN&scan=1476606728";
        for (text, scan) in [
            ("window.code=408;", Scan::Pending),
            (
                "window.code=201;window.userAvatar = 'data:img/jpg;base64,/9j';",
                Scan::Scanned { avatar: Some("data:img/jpg;base64,/9j".into()) },
            ),
            ("window.code=201;", Scan::Scanned { avatar: None }),
            ("window.code=202;", Scan::Cancelled),
            ("window.code=400;", Scan::Expired),
            ("window.code=500;", Scan::Expired),
            (
                &*alloc::format!("window.code=200;\nwindow.redirect_uri=\"{redirect}\";"),
                Scan::Confirmed { redirect: Redirect::parse(redirect).unwrap() },
            ),
        ] {
            assert_eq!(parse(&reply(text)).unwrap(), scan, "{text}");
        }
        malformed(parse, &["window.code=402;", "window.code=200;", "window.code=;"]);
        let Err(Error::Malformed { found, .. }) = parse(&reply("window.code=402;")) else {
            panic!()
        };
        assert_eq!(found, "code 402");
    }

    /// Threats N1 to N3: what is no address of a login page goes nowhere.
    #[test]
    fn does_not_take_any_address() {
        for address in [
            "",
            "/cgi-bin/mmwebwx-bin/webwxnewloginpage?a=b",
            "https://wx.qq.com/",
            "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage",
            "https://wx.qq.com/other?ticket=1",
            "https://wx.qq.com//cgi-bin/mmwebwx-bin/webwxnewloginpage?a",
            "https://wx.qq。com/cgi-bin/mmwebwx-bin/webwxnewloginpage?a",
            "https://wⅹ.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?a",
            "https://evil#.wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?a",
            "https://wx.qq.com\\\\@evil/cgi-bin/mmwebwx-bin/webwxnewloginpage?a",
            "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?a b",
            &alloc::format!("https://wx.qq.com{}?{}", Redirect::PATH, "a".repeat(4096)),
        ] {
            let text = alloc::format!("window.code=200;window.redirect_uri=\"{address}\";");
            assert!(matches!(parse(&reply(&text)), Err(Error::Untrusted { .. })), "{address}");
        }
    }
}
