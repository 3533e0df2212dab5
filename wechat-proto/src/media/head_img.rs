//! `GET /cgi-bin/mmwebwx-bin/webwxgetheadimg`
//!
//! Gets the picture of a room (`docs/protocol.md` §5.4).

use super::head::{self, HEAD, Head, Wanted};
use crate::flow::{Response, Want};
use crate::wire::query::{Accept, Url};
use crate::{Body, Endpoint, Error, Session, Timestamp, UserName};

pub(super) const ENDPOINT: &str = "webwxgetheadimg";

/// A request that gets the picture of a room.
#[derive(Clone, Debug)]
pub struct GetHeadImg {
    room: UserName,
}

impl GetHeadImg {
    /// Returns a request for the picture of this room.
    pub const fn new(room: UserName) -> Self {
        Self { room }
    }
}

impl Endpoint for GetHeadImg {
    type State = Session;
    type Output = Head;

    const WANT: Want = HEAD;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        Url::api(ENDPOINT)
            .with("seq", 0)
            .with("username", &self.room)
            .with("skey", session.auth.skey.expose())
            .accept(Accept::Image)
            .get(&mut session.device, now)
    }

    /// # Errors
    ///
    /// - [`Error::EmptyMedia`] if the response announces no bytes.
    /// - [`Error::Status`] for any HTTP status but 200, 204 and 206.
    /// - [`Error::Malformed`] if the response is text, HTML or JSON, or covers only a part of the
    ///   picture.
    fn parse(&self, response: &Response) -> Result<Head, Error> {
        head::read(ENDPOINT, Wanted::Picture, response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{rendered, session};

    #[test]
    fn request_is_built() {
        let download = GetHeadImg::new("@@d40b".parse().unwrap());
        insta::assert_snapshot!(rendered(download, &mut session()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetheadimg?seq=0&username=%40%40d40b&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        ");
    }
}
