//! `POST /cgi-bin/mmwebwx-bin/webwxstatusnotify`
//!
//! Notifies the phone that this client logged in. The phone replies with its recent chats, in a
//! message of type 51 (`docs/protocol.md` §4.2).

use core::time::Duration;

use crate::flow::Response;
use crate::message::{StatusCode, notify};
use crate::{Body, Endpoint, Error, Session, Timestamp};

/// A request that notifies the phone that this client logged in: `INITED`, from the account to
/// itself.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Announce;

impl Announce {
    /// Returns the request.
    pub const fn new() -> Self {
        Self
    }
}

impl Endpoint for Announce {
    type State = Session;
    type Output = ();

    // The deadline is shorter than usual, because this request delays the opened session.
    const DEADLINE: Duration = Duration::from_secs(10);

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let me = session.me.user_name.clone();
        notify::request(session, StatusCode::INITED, &me, now)
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret).
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<(), Error> {
        notify::parse(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rendered, session};

    #[test]
    fn announce_request_is_built() {
        insta::assert_snapshot!(rendered(Announce, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatusnotify?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Code":3,"FromUserName":"@09ed9af3","ToUserName":"@09ed9af3","ClientMsgId":1476606163580}
        "#);
    }
}
