//! `GET /cgi-bin/mmwebwx-bin/webwxpushloginurl`
//!
//! Opens a login without a QR code: the phone of the account that this device logged in before
//! is asked to confirm (`docs/protocol.md` §3.7).

use core::time::Duration;

use crate::call::Call;
use crate::device::Device;
use crate::error::{Error, Ret};
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::Uuid;
use crate::text::Text;
use crate::wire::envelope;
use crate::wire::lenient::Number;
use crate::wire::object::object;
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxpushloginurl";

/// Which of its hosts is asked: `docs/protocol.md` §1.1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "no third host is known to answer")]
pub enum Host {
    /// The api host, as the official page does.
    Api,
    /// The login host, which has been seen to answer where the other refused.
    Login,
}

/// Asks the phone of the account with this number to confirm; read by [`parse`].
///
/// The service knows the device by the cookies of its login before. Like that for a code, the
/// request may be repeated: what is watched is the login that was opened last.
pub fn request(device: &Device, uin: i64, host: Host) -> Call<Uuid> {
    let role = match host {
        Host::Api => Role::Api,
        Host::Login => Role::Login,
    };
    let path = "/cgi-bin/mmwebwx-bin/webwxpushloginurl";
    let mut url = Url::new(device, role, path).with("uin", uin);
    if device.entry.is_desktop() {
        url = url.with("mod", "desktop");
    }
    Call::again(url.get(device), parse).deadline(Duration::from_secs(10))
}

/// Reads the reply of [`request`]: `{"ret":"0","msg":"all ok","uuid":"…"}`, the login's name, to
/// be watched like that of a code.
///
/// # Errors
///
/// [`Error::Refused`] for another `ret`, [`Error::Malformed`] for anything else.
pub fn parse(reply: &Response) -> Result<Uuid, Error> {
    let malformed = |found: &'static str| Error::Malformed {
        endpoint: ENDPOINT,
        expected: "JSON with ret and uuid",
        found: found.into(),
    };
    let (_, wire) = envelope::text::<Wire>(ENDPOINT, reply)?;
    match wire.ret.0.map(Ret) {
        Some(Ret::OK) => Uuid::parse(&wire.uuid).ok_or_else(|| malformed("no uuid")),
        // Not a session that ended: there was none yet.
        Some(ret) => {
            let message = envelope::readable(&wire.msg).into();
            Err(Error::Refused { endpoint: ENDPOINT, ret, message })
        }
        None => Err(malformed("JSON without ret")),
    }
}

object! {
    /// In small letters, and without a `BaseResponse` (`docs/shapes.md`).
    struct Wire {
        "ret" => ret: Number,
        "msg" => msg: Text,
        "uuid" => uuid: Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::testing::{malformed, rendered, reply};

    #[test]
    fn asks() {
        let device = Device::new();
        let call = request(&device, 3_566_148_615, Host::Api);
        insta::assert_snapshot!(rendered(call, &mut device.clone()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin=3566148615
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
        let elsewhere = request(&device, 3_566_148_615, Host::Login);
        insta::assert_snapshot!(elsewhere.http().uri(), @"https://login.wx.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin=3566148615");
        let desktop = Entry::desktop("2.0.0".parse().unwrap(), "Go8F".parse().unwrap());
        let device = Device::new().with_entry(desktop);
        let call = request(&device, -7, Host::Api);
        insta::assert_snapshot!(rendered(call, &mut device.clone()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin=-7&mod=desktop
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
    }

    #[test]
    fn reads() {
        for text in [
            r#"{"ret":"0","msg":"all ok","uuid":"gf5Gk61zEA=="}"#,
            r#"{"ret":0,"msg":"","uuid":"gf5Gk61zEA=="}"#,
        ] {
            assert_eq!(parse(&reply(text)).unwrap().as_str(), "gf5Gk61zEA==");
        }
        for (text, code, words) in [
            (r#"{"ret":"1","msg":"device authinfo invalid"}"#, 1, "device authinfo invalid"),
            (r#"{"ret":1205,"msg":"<e><Content>too often</Content></e>"}"#, 1205, "too often"),
            // No session ends where there is none.
            (r#"{"ret":1101,"msg":"","uuid":"gf5Gk61zEA=="}"#, 1101, ""),
        ] {
            let Err(Error::Refused { endpoint, ret, message }) = parse(&reply(text)) else {
                panic!("{text}")
            };
            assert_eq!((endpoint, ret, &*message), (ENDPOINT, Ret(code), words));
        }
        malformed(
            parse,
            &[
                "{}",
                r#"{"uuid":"gf5Gk61zEA=="}"#,
                r#"{"ret":"0"}"#,
                r#"{"ret":"0","uuid":""}"#,
                r#"{"ret":"0","uuid":"a/b"}"#,
                r#"{"ret":"0","uuid":{"a":1}}"#,
            ],
        );
    }
}
