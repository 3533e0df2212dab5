//! `GET /cgi-bin/mmwebwx-bin/webwxpushloginurl`
//!
//! Starts a login without a QR code: the phone of an account that has logged in on this device before
//! asks its user to confirm (`docs/protocol.md` §3.7).

use core::time::Duration;

use crate::error::Ret;
use crate::flow::Response;
use crate::hosts::Role;
use crate::wire::envelope;
use crate::wire::object::object;
use crate::wire::query::Url;
use crate::{Body, Device, Endpoint, Error, Text, Timestamp, Uuid};

const ENDPOINT: &str = "webwxpushloginurl";

/// The host that receives a [`PushLogin`]: `docs/protocol.md` §1.1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "no third host is known to answer")]
pub enum PushHost {
    /// The API host, which the official page uses.
    Api,
    /// The login host, which was observed to accept requests that the API host refused.
    Login,
}

/// A request that starts a login that is confirmed on the account's phone, without a QR code.
///
/// The service recognises the device by the cookies of its previous login. The request may be
/// repeated. Each request starts a new login, and only the latest one is polled.
#[derive(Clone, Copy, Debug)]
pub struct PushLogin {
    uin: i64,
    host: PushHost,
}

impl PushLogin {
    /// Returns a request for the account with this `Uin`.
    pub const fn new(uin: i64, host: PushHost) -> Self {
        Self { uin, host }
    }
}

impl Endpoint for PushLogin {
    type State = Device;
    type Output = Uuid;

    const DEADLINE: Duration = Duration::from_secs(10);

    fn request(&mut self, device: &mut Device, now: Timestamp) -> http::Request<Body> {
        let role = match self.host {
            PushHost::Api => Role::Api,
            PushHost::Login => Role::Login,
        };
        let path = "/cgi-bin/mmwebwx-bin/webwxpushloginurl";
        Url::new(role, path)
            .with("uin", self.uin)
            .with_some("mod", device.entry.is_desktop().then_some("desktop"))
            .get(device, now)
    }

    /// Parses `{"ret":"0","msg":"all ok","uuid":"…"}` and returns the UUID, for
    /// [`CheckScan`](super::CheckScan).
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`] if `ret` is not 0: the service does not recognise the device.
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Uuid, Error> {
        let malformed =
            |found: &'static str| envelope::malformed(ENDPOINT, "JSON with ret and uuid", found);
        let wire: Wire = envelope::parse(ENDPOINT, response)?;
        match wire.ret.map(Ret) {
            Some(Ret::OK) => Uuid::parse(&wire.uuid).ok_or_else(|| malformed("no uuid")),
            // There is no session yet that could have ended.
            Some(ret) => Err(envelope::refused(ENDPOINT, ret, &wire.msg)),
            None => Err(malformed("JSON without ret")),
        }
    }
}

object! {
    /// A reply in lower case and without a `BaseResponse` (`docs/shapes.md`).
    struct Wire {
        "ret" => ret: Option<i64>,
        "msg" => msg: Text,
        "uuid" => uuid: Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use crate::testing::{http_of, malformed, rendered, reply};

    #[test]
    fn push_request_is_built() {
        let mut device = Device::new();
        let push = PushLogin::new(3_566_148_615, PushHost::Api);
        insta::assert_snapshot!(rendered(push, &mut device), @"GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin=3566148615");
        let other = http_of(PushLogin::new(3_566_148_615, PushHost::Login), &mut device);
        insta::assert_snapshot!(other.uri(), @"https://login.wx.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin=3566148615");
        let desktop = Entry::desktop("2.0.0".parse().unwrap(), "Go8F".parse().unwrap());
        let mut device = Device::new().with_entry(desktop);
        insta::assert_snapshot!(rendered(PushLogin::new(-7, PushHost::Api), &mut device), @"GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin=-7&mod=desktop");
    }

    const fn push() -> PushLogin {
        PushLogin::new(7, PushHost::Api)
    }

    #[test]
    fn push_reply_is_parsed() {
        for text in [
            r#"{"ret":"0","msg":"all ok","uuid":"gf5Gk61zEA=="}"#,
            r#"{"ret":0,"msg":"","uuid":"gf5Gk61zEA=="}"#,
        ] {
            assert_eq!(push().parse(&reply(text)).unwrap().as_str(), "gf5Gk61zEA==");
        }
        for (text, code, words) in [
            (r#"{"ret":"1","msg":"device authinfo invalid"}"#, 1, "device authinfo invalid"),
            (r#"{"ret":1205,"msg":"<e><Content>too often</Content></e>"}"#, 1205, "too often"),
            // There is no session yet that could end.
            (r#"{"ret":1101,"msg":"","uuid":"gf5Gk61zEA=="}"#, 1101, ""),
        ] {
            let Err(Error::Refused { endpoint, ret, message }) = push().parse(&reply(text)) else {
                panic!("{text}")
            };
            assert_eq!((endpoint, ret, &*message), (ENDPOINT, Ret(code), words));
        }
        malformed(
            &push(),
            &[
                "{}", r#"{"uuid":"gf5Gk61zEA=="}"#, r#"{"ret":"0"}"#, r#"{"ret":"0","uuid":""}"#,
                r#"{"ret":"0","uuid":"a/b"}"#, r#"{"ret":"0","uuid":{"a":1}}"#,
            ],
        );
    }
}
