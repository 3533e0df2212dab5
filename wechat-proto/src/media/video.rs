//! `GET /cgi-bin/mmwebwx-bin/webwxgetvideo`
//!
//! Gets the video of a message, as MP4 (`docs/protocol.md` §8).

use super::head::{self, HEAD, Head, Wanted};
use crate::flow::{Response, Want};
use crate::{Body, Endpoint, Error, MsgId, Session, Timestamp};

const ENDPOINT: &str = "webwxgetvideo";

/// A request that gets the video of a message, as MP4.
///
/// The service returns no bytes for some videos recorded on phones: requests for them always fail
/// with [`Error::EmptyMedia`]. The thumbnail of a video is fetched as a picture, with
/// [`ImageSize::Thumbnail`](super::ImageSize::Thumbnail).
#[derive(Clone, Debug)]
pub struct GetVideo {
    message: MsgId,
}

impl GetVideo {
    /// Returns a request for the video of a message.
    pub const fn new(message: MsgId) -> Self {
        Self { message }
    }
}

impl Endpoint for GetVideo {
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
    ///   video.
    fn parse(&self, response: &Response) -> Result<Head, Error> {
        head::read(ENDPOINT, Wanted::Video, response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rendered, session};

    #[test]
    fn request_is_built() {
        let download = GetVideo::new(MsgId::from("5907263184402915768"));
        insta::assert_snapshot!(rendered(download, &mut session()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetvideo?msgid=5907263184402915768&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        accept: */*
        accept-encoding: identity
        range: bytes=0-
        ");
    }
}
