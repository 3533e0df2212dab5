//! `POST /cgi-bin/mmwebwx-bin/webwxlogout`
//!
//! Ends the session (`docs/protocol.md` §13).

use crate::call::Call;
use crate::error::{Error, Ret};
use crate::flow::Response;
use crate::hosts::Role;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope;
use crate::wire::query::{Url, encode};

const ENDPOINT: &str = "webwxlogout";

/// Why a session is ended: the `type` of a logout.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// 0: its user wishes it, or the phone ended it (1100).
    Own,
    /// 1: the service ended it (1101, 1102), or has had enough of it (1205).
    Given,
}

impl Reason {
    /// Why the official page ends a session after this code: `docs/protocol.md` §13.
    pub const fn after(ret: Ret) -> Self {
        match ret {
            Ret::SESSION_INVALID | Ret::COOKIE_INVALID | Ret::TOO_FREQUENT => Self::Given,
            _ => Self::Own,
        }
    }

    /// The type as the service writes it.
    pub const fn number(self) -> u8 {
        match self {
            Self::Own => 0,
            Self::Given => 1,
        }
    }
}

/// Ends the session, as its user wishes; read by [`parse`]. The session's inbox ends with it,
/// without an error.
pub fn request(session: &mut Session, now: Timestamp) -> Call<()> {
    because(session, Reason::Own, now)
}

/// Ends the session for this reason; read by [`parse`].
///
/// The service is told even of a session that it ended itself, as the official page does: what
/// ended it first is what the inbox says.
pub fn because(session: &mut Session, reason: Reason, _now: Timestamp) -> Call<()> {
    let form = alloc::format!("sid={}&uin={}", encode(session.auth.sid.expose()), session.me.uin);
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxlogout")
        .with("redirect", 1)
        .with("type", reason.number())
        .with("skey", session.auth.skey.expose())
        .post_form(&session.device, form);
    Call::again(http, parse).limit(1 << 20).leaving()
}

/// Reads the reply of [`request`]: a redirect or a page, with nothing in it to read.
///
/// # Errors
///
/// [`Error::Malformed`] for a status of 400 or more.
pub fn parse(reply: &Response) -> Result<(), Error> {
    let status = reply.status();
    if status.is_client_error() || status.is_server_error() {
        return Err(envelope::not_script(ENDPOINT, "a redirect or a page", reply));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Input;
    use crate::testing::{Host, NOW, rendered, reply, session};

    #[test]
    fn asks() {
        let mut session = session();
        let call = request(&mut session, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxlogout?redirect=1&type=0&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/x-www-form-urlencoded
        content-length: 34

        sid=kByRoJSUlD7S2pif&uin=566148615
        ");
    }

    /// `docs/protocol.md` §13.
    #[test]
    fn says_why() {
        for (ret, kind) in [(0, 0), (1100, 0), (1101, 1), (1102, 1), (1205, 1), (1, 0)] {
            let mut session = session();
            let call = because(&mut session, Reason::after(Ret(ret)), NOW);
            let query = call.http().uri().query().unwrap();
            let expected = alloc::format!("redirect=1&type={kind}&skey=%40crypt");
            assert!(query.starts_with(&expected), "{ret}: {query}");
        }
    }

    /// A session that the service ended says so after the logout, too.
    #[test]
    fn what_ended_it_first_is_told() {
        let mut session = session();
        session.device.end(Ret::SESSION_INVALID, NOW);
        let mut call = because(&mut session, Reason::Given, NOW);
        Host::new()
            .run(&mut call, &mut session.device, |_| Input::Reply(Ok(reply("<html></html>"))))
            .unwrap();
        assert_eq!(session.device.ended(), Some(Ret::SESSION_INVALID));
    }

    #[test]
    fn ends_the_session() {
        let mut session = session();
        let mut call = request(&mut session, NOW);
        let mut moved = reply("<html></html>");
        *moved.status_mut() = http::StatusCode::MOVED_PERMANENTLY;
        Host::new()
            .run(&mut call, &mut session.device, |_| Input::Reply(Ok(moved.clone())))
            .unwrap();
        assert_eq!(session.device.ended(), Some(Ret::OK));
        assert_eq!(session.into_device().ended(), None);
    }

    #[test]
    fn a_failing_server_ends_nothing() {
        let mut session = session();
        let mut call = request(&mut session, NOW);
        let mut broken = reply("<html>502</html>");
        *broken.status_mut() = http::StatusCode::BAD_GATEWAY;
        let result =
            Host::new().run(&mut call, &mut session.device, |_| Input::Reply(Ok(broken.clone())));
        assert!(matches!(result, Err(Error::Malformed { .. })));
        assert_eq!(session.device.ended(), None);
    }
}
