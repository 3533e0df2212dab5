//! `GET /cgi-bin/mmwebwx-bin/webwxpreview`
//!
//! Gets an uploaded picture, as the official page shows it before the message arrives
//! (`docs/protocol.md` §6.8).

use alloc::boxed::Box;
use core::fmt;

use bytes::Bytes;

use crate::error::Invalid;
use crate::flow::{Response, Want};
use crate::wire::envelope;
use crate::wire::query::{Accept, Url};
use crate::{Body, Endpoint, Error, Session, Timestamp};

const ENDPOINT: &str = "webwxpreview";
/// The size in bytes of the largest picture that the service accepts: `docs/protocol.md` §14.
const LONGEST: usize = 20 << 20;

/// A request that gets the bytes of an uploaded picture. Their `Content-Type` is ignored.
#[derive(Clone)]
pub struct GetPreview {
    media_id: Box<str>,
}

impl GetPreview {
    /// Returns a request for the picture with this id:
    /// [`Uploaded::media_id`](crate::media::Uploaded::media_id).
    ///
    /// # Errors
    ///
    /// [`Invalid`] if the id is empty, or longer than 4,096 bytes.
    pub fn new(media_id: &str) -> Result<Self, Invalid> {
        if !(1..=4096).contains(&media_id.len()) {
            return Err(Invalid { what: "the id of an upload", expected: "1 to 4,096 bytes" });
        }
        Ok(Self { media_id: media_id.into() })
    }
}

/// Redacts the id, which grants access to the picture.
impl fmt::Debug for GetPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GetPreview")
    }
}

impl Endpoint for GetPreview {
    type State = Session;
    type Output = Bytes;

    const WANT: Want = Want::Whole { limit: LONGEST };

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        Url::api(ENDPOINT)
            .accept(Accept::Image)
            .with("fun", "preview")
            .with("mediaid", &self.media_id)
            .get(&mut session.device, now)
    }

    /// # Errors
    ///
    /// - [`Error::EmptyMedia`] for a response without bytes.
    /// - The error for the reply's [`Ret`](crate::error::Ret), if it has one.
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response that is not a picture.
    fn parse(&self, response: &Response) -> Result<Bytes, Error> {
        let body = response.body();
        if response.status() == http::StatusCode::OK {
            if body.is_empty() {
                return Err(Error::EmptyMedia { endpoint: ENDPOINT });
            }
            if STARTS.iter().any(|start| body.starts_with(start)) {
                return Ok(body.clone());
            }
            match envelope::confirm(ENDPOINT, response).map_err(envelope::question) {
                Err(error) if error.is_reply() => return Err(error),
                _ => {}
            }
        }
        Err(envelope::unexpected(ENDPOINT, "a picture", response))
    }
}

/// The first bytes of pictures: JPEG, PNG, GIF, BMP, WebP.
const STARTS: [&[u8]; 5] = [b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{http_of, rendered, reply, session, status};

    fn preview(name: &str) -> GetPreview {
        GetPreview::new(name).unwrap()
    }

    #[test]
    fn request_is_built() {
        insta::assert_snapshot!(rendered(preview("@crypt_5f_a/b+c=="), &mut session()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxpreview?fun=preview&mediaid=%40crypt_5f_a%2Fb%2Bc%3D%3D
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        ");
    }

    #[test]
    fn any_valid_id_fits_a_request() {
        let longest = "=".repeat(4096);
        let longest = preview(&longest);
        assert_eq!(alloc::format!("{longest:?}"), "GetPreview");
        http_of(longest, &mut session());
        for bad in ["", &"x".repeat(4097)] {
            assert!(GetPreview::new(bad).is_err());
        }
    }

    #[test]
    fn replies_are_parsed() {
        for start in STARTS {
            let picture = Bytes::from([start, b"rest"].concat());
            assert_eq!(preview("@a").parse(&Response::new(picture.clone())).unwrap(), picture);
        }
        let empty = preview("@a").parse(&reply(""));
        assert!(matches!(empty, Err(Error::EmptyMedia { endpoint: ENDPOINT })));
        for other in ["<html></html>", "{", "{}", "text", r#"{"BaseResponse":{"Ret":0}}"#] {
            let other = preview("@a").parse(&reply(other));
            assert!(matches!(other, Err(Error::Malformed { .. })), "{other:?}");
        }
        let missing = preview("@a").parse(&status(404, "GIF89a"));
        assert!(matches!(missing, Err(Error::Malformed { .. })));
    }
}
