//! `POST /cgi-bin/mmwebwx-bin/webwxlogout`
//!
//! Ends the session (`docs/protocol.md` §13).

use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope;
use crate::wire::query::{Url, encode};

const ENDPOINT: &str = "webwxlogout";

/// Ends the session; read by [`parse`]. The session's inbox ends with it, without an error.
pub fn request(session: &mut Session, _now: Timestamp) -> Call<()> {
    let form = alloc::format!("sid={}&uin={}", encode(session.auth.sid.expose()), session.me.uin);
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxlogout")
        .with("redirect", 1)
        .with("type", 0)
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
    use crate::error::Ret;
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
