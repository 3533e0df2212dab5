//! `POST /cgi-bin/mmwebwx-bin/webwxlogout`
//!
//! Logs out: closes the session (`docs/protocol.md` §13).

use crate::endpoint::PAGE;
use crate::error::Ret;
use crate::flow::{Response, Want};
use crate::wire::envelope;
use crate::wire::query::{Url, encode};
use crate::{Body, Endpoint, Error, Session, Timestamp};

const ENDPOINT: &str = "webwxlogout";

/// The reason for a logout: its `type`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum LogoutReason {
    /// 0: the user logs out, or the phone closed the session (1100).
    ByUser = 0,
    /// 1: the service closed the session (1101, 1102), or limits it (1205).
    ByService = 1,
}

impl LogoutReason {
    /// Returns the reason that the official page gives after this code: `docs/protocol.md` §13.
    pub const fn after(ret: Ret) -> Self {
        match ret {
            Ret::SESSION_INVALID | Ret::COOKIE_INVALID | Ret::TOO_FREQUENT => Self::ByService,
            _ => Self::ByUser,
        }
    }

    /// Returns the type's number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A request that logs out, which closes the session.
///
/// While the request is in progress, and for 60 seconds afterwards if it was not confirmed, 1100,
/// 1101 and 1102 from any other request count as this logout. The session's inbox then ends with
/// [`Error::LoggedOut`] and [`Ret::OK`], which clients report as an end without an error.
#[derive(Clone, Copy, Debug)]
pub struct Logout {
    reason: LogoutReason,
}

impl Logout {
    /// Returns a request for a logout by the user.
    pub const fn new() -> Self {
        Self::because(LogoutReason::ByUser)
    }

    /// Returns a request for a logout with this reason.
    ///
    /// The official page sends a logout even if the service closed the session. The inbox then
    /// reports the code that closed it first.
    pub const fn because(reason: LogoutReason) -> Self {
        Self { reason }
    }
}

impl Default for Logout {
    fn default() -> Self {
        Self::new()
    }
}

impl Endpoint for Logout {
    type State = Session;
    type Output = ();

    const WANT: Want = PAGE;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        session.device.mark_logging_out(now);
        let sid = encode(session.auth.sid.expose());
        let form = alloc::format!("sid={sid}&uin={}", session.me.uin);
        Url::api(ENDPOINT)
            .with("redirect", 1)
            .with("type", self.reason.number())
            .with("skey", session.auth.skey.expose())
            .post_form(&mut session.device, now, form)
    }

    /// Accepts a redirect or any page.
    ///
    /// # Errors
    ///
    /// [`Error::Status`] for an HTTP status of 500 or above, [`Error::Malformed`] for 400 to 499.
    fn parse(&self, response: &Response) -> Result<(), Error> {
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(envelope::unexpected(ENDPOINT, "a redirect or a page", response));
        }
        Ok(())
    }

    fn apply(&mut self, (): &(), session: &mut Session, now: Timestamp) {
        session.device.close(Ret::OK, now);
    }

    fn unsent(&mut self, session: &mut Session) {
        session.device.unmark_logging_out();
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::call::Call;
    use crate::error::{Failure, FailureKind, Sent};
    use crate::flow::Input;
    use crate::testing::{Host, NOW, http_of, rendered, session, status};

    #[test]
    fn logout_request_is_built() {
        insta::assert_snapshot!(rendered(Logout::new(), &mut session()), @"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxlogout?redirect=1&type=0&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        content-type: application/x-www-form-urlencoded

        sid=kByRoJSUlD7S2pif&uin=566148615
        ");
    }

    /// `docs/protocol.md` §13.
    #[test]
    fn type_follows_the_close_reason() {
        for (ret, kind) in [(0, 0), (1100, 0), (1101, 1), (1102, 1), (1205, 1), (1, 0)] {
            let logout = Logout::because(LogoutReason::after(Ret(ret)));
            let request = http_of(logout, &mut session());
            let query = request.uri().query().unwrap();
            let expected = alloc::format!("redirect=1&type={kind}&skey=%40crypt");
            assert!(query.starts_with(&expected), "{ret}: {query}");
        }
    }

    fn run(session: &mut Session, logout: Logout, code: u16) -> Result<(), Error> {
        let page = status(code, "<html></html>");
        Host::new().run(&mut Call::new(logout), session, |_| Input::Reply(Ok(page.clone())))
    }

    #[test]
    fn the_first_close_is_reported() {
        let mut session = session();
        session.device.close(Ret::SESSION_INVALID, NOW);
        run(&mut session, Logout::because(LogoutReason::ByService), 200).unwrap();
        assert_eq!(session.device.closed(), Some(Ret::SESSION_INVALID));
    }

    #[test]
    fn logout_closes_the_session() {
        let mut session = session();
        run(&mut session, Logout::new(), 301).unwrap();
        assert_eq!(session.device.closed(), Some(Ret::OK));
        assert_eq!(session.into_device().closed(), None);
    }

    /// A pending poll may report the end first. It must not count as a drop.
    #[test]
    fn a_session_end_during_the_logout_counts_as_the_logout() {
        for (after, ret) in [(0, Ret::OK), (59, Ret::OK), (60, Ret::SESSION_INVALID)] {
            let mut session = session();
            http_of(Logout::new(), &mut session);
            session.device.close(Ret::SESSION_INVALID, NOW.after(Duration::from_secs(after)));
            assert_eq!(session.device.closed(), Some(ret), "after {after} s");
            let stored = Session::from_json(&session.to_json()).unwrap();
            assert_eq!(stored.device().closed(), Some(ret), "after {after} s");
        }
    }

    #[test]
    fn unsent_logout_is_withdrawn() {
        let mut session = session();
        let unsent = Failure::new(FailureKind::Connect, Sent::No);
        let failed = Host::new().run(&mut Call::new(Logout::new()), &mut session, |_| {
            Input::Reply(Err(unsent.clone()))
        });
        assert!(matches!(failed, Err(Error::Transport(_))));
        // The session was not closed by this logout.
        session.device.close(Ret::SESSION_INVALID, NOW);
        assert_eq!(session.device.closed(), Some(Ret::SESSION_INVALID));
    }

    #[test]
    fn an_error_status_does_not_close_the_session() {
        let mut session = session();
        let failed = run(&mut session, Logout::new(), 502);
        assert!(matches!(failed, Err(Error::Status { status: 502, .. })));
        let failed = run(&mut session, Logout::new(), 404);
        assert!(matches!(failed, Err(Error::Malformed { .. })));
        assert_eq!(session.device.closed(), None);
    }
}
