//! `GET /cgi-bin/mmwebwx-bin/login`
//!
//! Waits up to about 27 seconds for the phone to scan and to confirm (`docs/protocol.md` §3.3).

use alloc::boxed::Box;
use core::time::Duration;

use super::Redirect;
use crate::endpoint::PAGE;
use crate::flow::{Response, Want};
use crate::hosts::Role;
use crate::wire::envelope;
use crate::wire::query::{Accept, Url};
use crate::{Body, Device, Endpoint, Error, Timestamp, Uuid};

const ENDPOINT: &str = "login";

/// The state of a login that waits for the phone.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scan {
    /// No change in this round (408): poll again.
    Pending,
    /// Scanned (201): poll again.
    Scanned {
        /// The account's picture as a `data:` URI, if the reply has one.
        avatar: Option<Box<str>>,
    },
    /// Confirmed (200).
    Confirmed {
        /// The address of the page that issues the credentials.
        redirect: Redirect,
    },
    /// Cancelled (202).
    Cancelled,
    /// The code expired or is unknown (400), or the service dropped it (500).
    Expired,
}

/// A long poll that waits for the phone to scan a code or to confirm a login.
///
/// Use one value for all rounds of a login: `tip` is 1 in its first request, then 0.
#[derive(Clone, Debug)]
pub struct CheckScan {
    uuid: Uuid,
    /// Whether a request was built before.
    requested: bool,
}

impl CheckScan {
    /// Returns a long poll for a login.
    pub const fn new(uuid: Uuid) -> Self {
        Self { uuid, requested: false }
    }

    /// Returns the UUID of the login.
    pub const fn uuid(&self) -> &Uuid {
        &self.uuid
    }
}

impl Endpoint for CheckScan {
    type State = Device;
    type Output = Scan;

    const DEADLINE: Duration = Duration::from_secs(35);
    const WANT: Want = PAGE;

    fn request(&mut self, device: &mut Device, now: Timestamp) -> http::Request<Body> {
        let first = !core::mem::replace(&mut self.requested, true);
        let entry = &device.entry;
        Url::new(Role::Login, "/cgi-bin/mmwebwx-bin/login")
            .accept(Accept::Script)
            .with("loginicon", true)
            .with("uuid", self.uuid.as_str())
            .with("tip", u8::from(first))
            .with("r", now.inverted())
            .with("_", now.as_millis())
            .with_some("appid", entry.is_file_helper().then(|| entry.appid()))
            .get(device, now)
    }

    /// Parses `window.code=408;`
    ///
    /// # Errors
    ///
    /// - [`Error::Untrusted`] if the `redirect_uri` is not the address of a login page.
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for an unknown code, and for any other response.
    fn parse(&self, response: &Response) -> Result<Scan, Error> {
        let text = envelope::script(response);
        let script = envelope::assignments(response, &text);
        let unexpected = |expected| envelope::unexpected(ENDPOINT, expected, response);
        match script.number("code") {
            Some(408) => Ok(Scan::Pending),
            Some(201) => {
                let avatar = script.text("userAvatar").filter(|uri| uri.starts_with("data:"));
                Ok(Scan::Scanned { avatar: avatar.map(Box::from) })
            }
            Some(200) => {
                let redirect =
                    script.text("redirect_uri").ok_or_else(|| unexpected("window.redirect_uri"))?;
                Ok(Scan::Confirmed { redirect: redirect.parse()? })
            }
            Some(202) => Ok(Scan::Cancelled),
            Some(400 | 500) => Ok(Scan::Expired),
            code => {
                let mut error = unexpected("window.code 200, 201, 202, 400, 408 or 500");
                if let (Some(code), Error::Malformed { found, .. }) = (code, &mut error) {
                    *found = alloc::format!("code {code}").into();
                }
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::testing::{NOW, malformed, rendered, reply};

    fn check_scan() -> CheckScan {
        CheckScan::new(Uuid::parse("gf5Gk61zEA==").unwrap())
    }

    #[test]
    fn scan_request_is_built() {
        let mut device = Device::new();
        let mut scan = check_scan();
        insta::assert_snapshot!(crate::testing::render(&scan.request(&mut device, NOW)), @"
        GET https://login.wx.qq.com/cgi-bin/mmwebwx-bin/login?loginicon=true&uuid=gf5Gk61zEA%3D%3D&tip=1&r=862586243&_=1476606163580
        accept: */*
        ");
        let again = scan.request(&mut device, NOW);
        assert!(again.uri().query().unwrap().contains("&tip=0&"));
    }

    /// `docs/protocol.md` §15.
    #[test]
    fn file_helper_request_carries_its_appid() {
        let mut device = Device::new().with_entry(Entry::file_helper());
        insta::assert_snapshot!(rendered(check_scan(), &mut device), @"
        GET https://login.wx.qq.com/cgi-bin/mmwebwx-bin/login?loginicon=true&uuid=gf5Gk61zEA%3D%3D&tip=1&r=862586243&_=1476606163580&appid=wx_webfilehelper
        accept: */*
        referer: https://filehelper.weixin.qq.com/?lang=zh_CN
        mmweb_appid: wx_webfilehelper
        ");
    }

    #[test]
    fn scan_reply_is_parsed() {
        let redirect = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=A@qrticket_0&uuid=Y==&lang=zh_CN&scan=1476606728";
        for (text, scan) in [
            ("window.code=201;", Scan::Scanned { avatar: None }),
            (
                &*alloc::format!("window.code=200;\nwindow.redirect_uri=\"{redirect}\";"),
                Scan::Confirmed { redirect: redirect.parse().unwrap() },
            ),
        ] {
            assert_eq!(check_scan().parse(&reply(text)).unwrap(), scan, "{text}");
        }
        malformed(&check_scan(), &["window.code=402;", "window.code=200;", "window.code=;"]);
        let Err(Error::Malformed { found, .. }) = check_scan().parse(&reply("window.code=402;"))
        else {
            panic!()
        };
        assert_eq!(found, "code 402");
    }

    /// Threats N1 to N3: addresses other than those of a login page are refused.
    #[test]
    fn other_addresses_are_untrusted() {
        for address in [
            "",
            "/cgi-bin/mmwebwx-bin/webwxnewloginpage?a=b",
            "https://wx.qq.com/other?ticket=1",
            "https://wx.qq。com/cgi-bin/mmwebwx-bin/webwxnewloginpage?a",
            "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?a b",
            &alloc::format!("https://wx.qq.com{}?{}", Redirect::PATH, "a".repeat(4096)),
        ] {
            let text = alloc::format!("window.code=200;window.redirect_uri=\"{address}\";");
            let scan = check_scan().parse(&reply(&text));
            assert!(matches!(scan, Err(Error::Untrusted { .. })), "{address}");
        }
    }
}
