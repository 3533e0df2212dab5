//! `GET /cgi-bin/mmwebwx-bin/webwxgetvoice`
//!
//! Gets the recording of a voice message, as MP3 (`docs/protocol.md` §8).

use super::head::{self, HEAD, Head, Wanted};
use crate::flow::{Response, Want};
use crate::{Body, Endpoint, Error, MsgId, Session, Timestamp};

const ENDPOINT: &str = "webwxgetvoice";

/// A request that gets the recording of a voice message, as MP3.
#[derive(Clone, Debug)]
pub struct GetVoice {
    message: MsgId,
}

impl GetVoice {
    /// Returns a request for the recording of a voice message.
    pub const fn new(message: MsgId) -> Self {
        Self { message }
    }
}

impl Endpoint for GetVoice {
    type State = Session;
    type Output = Head;

    const WANT: Want = HEAD;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        head::request_media(ENDPOINT, &self.message, session, now)
    }

    /// # Errors
    ///
    /// - [`Error::EmptyMedia`] if the response announces no bytes.
    /// - [`Error::Status`] for any HTTP status but 200, 204 and 206.
    /// - [`Error::Malformed`] if the response is text, HTML or JSON, or covers only a part of the
    ///   recording.
    fn parse(&self, response: &Response) -> Result<Head, Error> {
        head::read(ENDPOINT, Wanted::Voice, response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rendered, session};

    #[test]
    fn request_is_built() {
        let download = GetVoice::new(MsgId::from("5907263184402915768"));
        insta::assert_snapshot!(rendered(download, &mut session()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetvoice?msgid=5907263184402915768&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        accept: */*
        accept-encoding: identity
        range: bytes=0-
        ");
    }
}
