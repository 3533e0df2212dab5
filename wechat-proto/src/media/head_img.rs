//! `GET /cgi-bin/mmwebwx-bin/webwxgetheadimg`
//!
//! The picture of a room (`docs/protocol.md` §5.4).

use super::fetch::Fetch;
use super::head::{self, Head, Wanted};
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::session::Session;
use crate::wire::query::{Accept, Url};

const ENDPOINT: &str = "webwxgetheadimg";

/// Asks for the picture of a room; read by [`parse`].
pub fn request(session: &Session, room: &UserName) -> Fetch {
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxgetheadimg")
        .with("seq", 0)
        .with("username", room)
        .with("skey", session.auth.skey.expose())
        .accept(Accept::Image)
        .get(&session.device);
    Fetch::new(http, parse)
}

/// Reads the head of the reply to [`request`].
///
/// # Errors
///
/// [`Error::EmptyMedia`], [`Error::Status`], or [`Error::Malformed`] where it announces no picture.
pub fn parse(reply: &Response) -> Result<Head, Error> {
    head::read(ENDPOINT, Wanted::Picture, reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::{accepts, no_picture};
    use crate::testing::{rendered, session};

    #[test]
    fn asks() {
        let mut session = session();
        let fetch = request(&session, &"@@d40b".parse().unwrap());
        insta::assert_snapshot!(rendered(fetch.call, &mut session.device), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetheadimg?seq=0&username=%40%40d40b&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
    }

    #[test]
    fn reads() {
        accepts(parse, ENDPOINT, "image/jpeg");
        no_picture(parse, ENDPOINT);
    }
}
