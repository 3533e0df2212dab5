//! `GET /jslogin`
//!
//! Starts a login: gets the UUID for its QR code (`docs/protocol.md` §3.1).

use alloc::string::ToString as _;
use core::time::Duration;

use super::Redirect;
use crate::error::Ret;
use crate::flow::Response;
use crate::hosts::Role;
use crate::wire::envelope;
use crate::wire::query::{Accept, Url, encode};
use crate::{Body, Device, Endpoint, Error, Timestamp, Uuid};

const ENDPOINT: &str = "jslogin";

/// A request that starts a login and gets its UUID, which the QR code contains.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct GetUuid;

impl GetUuid {
    /// Returns a request for a new UUID.
    pub const fn new() -> Self {
        Self
    }
}

impl Endpoint for GetUuid {
    type State = Device;
    type Output = Uuid;

    const DEADLINE: Duration = Duration::from_secs(10);

    fn request(&mut self, device: &mut Device, now: Timestamp) -> http::Request<Body> {
        let desktop = if device.entry.is_desktop() { "?mod=desktop" } else { "" };
        let mut page = [device.hosts.origin(Role::Api).as_str(), Redirect::PATH, desktop].concat();
        if device.entry.is_file_helper() {
            // The page encodes the redirect twice: `docs/protocol.md` §15.
            let encoded = encode(&page).to_string();
            page = encoded;
        }
        Url::new(Role::Login, "/jslogin")
            .accept(Accept::Script)
            .with("appid", device.entry.appid())
            .with("redirect_uri", page)
            .with("fun", "new")
            .with("lang", device.lang.as_str())
            .with("_", now.as_millis())
            .get(device, now)
    }

    /// Parses `window.QRLogin.code = 200; window.QRLogin.uuid = "…";`
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`] if the code is not 200.
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Uuid, Error> {
        let text = envelope::script(response);
        let script = envelope::assignments(response, &text);
        match script.number("QRLogin.code") {
            Some(200) => {}
            Some(code) => return Err(envelope::refused(ENDPOINT, Ret(code), "")),
            None => return Err(envelope::unexpected(ENDPOINT, "window.QRLogin.code", response)),
        }
        script
            .text("QRLogin.uuid")
            .and_then(Uuid::parse)
            .ok_or_else(|| envelope::unexpected(ENDPOINT, "window.QRLogin.uuid", response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::testing::{malformed, rendered, reply};

    #[test]
    fn uuid_request_is_built() {
        insta::assert_snapshot!(rendered(GetUuid, &mut Device::new()), @"
        GET https://login.wx.qq.com/jslogin?appid=wx782c26e4c19acffb&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage&fun=new&lang=zh_CN&_=1476606163580
        accept: */*
        ");
    }

    #[test]
    fn each_entry_has_its_own_appid_and_page() {
        let desktop = Entry::desktop("2.0.0".parse().unwrap(), "Go8F".parse().unwrap());
        let mut device = Device::new().with_entry(desktop);
        insta::assert_snapshot!(rendered(GetUuid, &mut device), @"
        GET https://login.wx.qq.com/jslogin?appid=wx782c26e4c19acffb&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage%3Fmod%3Ddesktop&fun=new&lang=zh_CN&_=1476606163580
        accept: */*
        ");
        let mut device = Device::new().with_entry(Entry::file_helper());
        insta::assert_snapshot!(rendered(GetUuid, &mut device), @"
        GET https://login.wx.qq.com/jslogin?appid=wx_webfilehelper&redirect_uri=https%253A%252F%252Ffilehelper.weixin.qq.com%252Fcgi-bin%252Fmmwebwx-bin%252Fwebwxnewloginpage&fun=new&lang=zh_CN&_=1476606163580
        accept: */*
        referer: https://filehelper.weixin.qq.com/?lang=zh_CN
        mmweb_appid: wx_webfilehelper
        ");
    }

    #[test]
    fn uuid_reply_is_parsed() {
        for text in [
            "window.QRLogin.code = 200; window.QRLogin.uuid = \"gf5Gk61zEA==\";",
            "window.QRLogin.code=200;\nwindow.QRLogin.uuid='gf5Gk61zEA==';",
        ] {
            assert_eq!(GetUuid.parse(&reply(text)).unwrap().as_str(), "gf5Gk61zEA==");
        }
        let refused =
            GetUuid.parse(&reply("window.QRLogin.code = 400; window.QRLogin.uuid = \"\";"));
        assert!(matches!(refused, Err(Error::Refused { ret: Ret(400), .. })));
        malformed(
            &GetUuid,
            &[
                "window.QRLogin.code = 200; window.QRLogin.uuid = \"a/b\";",
                "window.QRLogin.code = 200;",
                "window.QRLogin.uuid = \"x\";",
            ],
        );
    }
}
