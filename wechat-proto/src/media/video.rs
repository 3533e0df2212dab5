//! `GET /cgi-bin/mmwebwx-bin/webwxgetvideo`
//!
//! The video of a message, as mp4 (`docs/protocol.md` §8).

use super::fetch::Fetch;
use super::head::{self, Head, Wanted};
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::MsgId;
use crate::session::Session;
use crate::wire::query::{Accept, Url};

const ENDPOINT: &str = "webwxgetvideo";

/// Asks for the video of a message; read by [`parse`].
///
/// Some that were made on phones are empty on the service's side, however they are asked for:
/// [`Error::EmptyMedia`]. Their thumbnail is a picture:
/// [`Size::Thumbnail`](super::image::Size::Thumbnail).
pub fn request(session: &Session, message: &MsgId) -> Fetch {
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxgetvideo")
        .with("msgid", super::number(message))
        .with("skey", session.auth.skey.expose())
        .accept(Accept::Player)
        .ranged()
        .get(&session.device);
    Fetch::new(http, parse)
}

/// Reads the head of the reply to [`request`].
///
/// # Errors
///
/// [`Error::EmptyMedia`], [`Error::Status`], or [`Error::Malformed`] where it announces words, or
/// only a part.
pub fn parse(reply: &Response) -> Result<Head, Error> {
    head::read(ENDPOINT, Wanted::Video, reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::testing::{accepts, no_picture};
    use crate::testing::{rendered, session};

    #[test]
    fn asks() {
        let mut session = session();
        let fetch = request(&session, &MsgId::from("5907263184402915768"));
        insta::assert_snapshot!(rendered(fetch.call, &mut session.device), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetvideo?msgid=5907263184402915768&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        range: bytes=0-
        ");
    }

    #[test]
    fn reads() {
        accepts(parse, ENDPOINT, "video/mp4");
        no_picture(parse, ENDPOINT);
    }
}
