//! `GET /jslogin`
//!
//! Opens a login: asks for the name that the QR code carries (`docs/protocol.md` §3.1).

use alloc::borrow::ToOwned as _;
use core::time::Duration;

use super::Redirect;
use crate::call::Call;
use crate::device::Device;
use crate::error::{Error, Ret};
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::Uuid;
use crate::time::Timestamp;
use crate::wire::envelope;
use crate::wire::query::{Accept, Url};

const ENDPOINT: &str = "jslogin";

/// Asks for a new login; read by [`parse`].
pub fn request(device: &Device, now: Timestamp) -> Call<Uuid> {
    let mut page = device.hosts.origin(Role::Api).as_str().to_owned();
    page.push_str(Redirect::PATH);
    if device.entry.is_desktop() {
        page.push_str("?mod=desktop");
    }
    let http = Url::new(device, Role::Login, "/jslogin")
        .accept(Accept::Script)
        .with("appid", device.entry.appid())
        .with("redirect_uri", page)
        .with("fun", "new")
        .with("lang", device.lang.as_str())
        .with("_", now.as_millis())
        .get(device);
    Call::again(http, parse).deadline(Duration::from_secs(10))
}

/// Reads the reply of [`request`]: `window.QRLogin.code = 200; window.QRLogin.uuid = "…";`
///
/// # Errors
///
/// [`Error::Refused`] for another code, [`Error::Malformed`] for anything else.
pub fn parse(reply: &Response) -> Result<Uuid, Error> {
    let text = envelope::script(reply);
    let script = envelope::assignments(reply, &text);
    match script.number("QRLogin.code") {
        Some(200) => {}
        Some(code) => {
            return Err(Error::Refused { endpoint: ENDPOINT, ret: Ret(code), message: "".into() });
        }
        None => return Err(envelope::not_script(ENDPOINT, "window.QRLogin.code", reply)),
    }
    script
        .text("QRLogin.uuid")
        .and_then(Uuid::parse)
        .ok_or_else(|| envelope::not_script(ENDPOINT, "window.QRLogin.uuid", reply))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::testing::{NOW, malformed, rendered, reply};

    #[test]
    fn asks() {
        let device = Device::new();
        insta::assert_snapshot!(rendered(request(&device, NOW), &mut device.clone()), @"
        GET https://login.wx.qq.com/jslogin?appid=wx782c26e4c19acffb&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage&fun=new&lang=zh_CN&_=1476606163580
        host: login.wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
    }

    #[test]
    fn each_entry_asks_as_itself() {
        let desktop = Entry::desktop("2.0.0".parse().unwrap(), "Go8F".parse().unwrap());
        let device = Device::new().with_entry(desktop);
        insta::assert_snapshot!(rendered(request(&device, NOW), &mut device.clone()), @"
        GET https://login.wx.qq.com/jslogin?appid=wx782c26e4c19acffb&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage%3Fmod%3Ddesktop&fun=new&lang=zh_CN&_=1476606163580
        host: login.wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
        let device = Device::new().with_entry(Entry::file_helper());
        insta::assert_snapshot!(rendered(request(&device, NOW), &mut device.clone()), @"
        GET https://login.wx.qq.com/jslogin?appid=wx_webfilehelper&redirect_uri=https%3A%2F%2Ffilehelper.weixin.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage&fun=new&lang=zh_CN&_=1476606163580
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
        for text in [
            "window.QRLogin.code = 200; window.QRLogin.uuid = \"gf5Gk61zEA==\";",
            "window.QRLogin.code=200;\nwindow.QRLogin.uuid='gf5Gk61zEA==';",
        ] {
            assert_eq!(parse(&reply(text)).unwrap().as_str(), "gf5Gk61zEA==");
        }
        let refused = parse(&reply("window.QRLogin.code = 400; window.QRLogin.uuid = \"\";"));
        assert!(matches!(refused, Err(Error::Refused { ret: Ret(400), .. })));
        malformed(
            parse,
            &[
                "window.QRLogin.code = 200; window.QRLogin.uuid = \"a/b\";",
                "window.QRLogin.code = 200;",
                "window.QRLogin.uuid = \"x\";",
            ],
        );
    }
}
