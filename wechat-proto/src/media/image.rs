//! `GET /cgi-bin/mmwebwx-bin/webwxgetmsgimg`
//!
//! Gets the picture of a message: an image, a sticker, the thumbnail of a video
//! (`docs/protocol.md` §8).

use super::head::{self, HEAD, Head, Wanted};
use crate::flow::{Response, Want};
use crate::hosts::Role;
use crate::wire::query::{Accept, Url};
use crate::{Body, Endpoint, Error, MsgId, Session, Timestamp};

const ENDPOINT: &str = "webwxgetmsgimg";

/// The size of a picture.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ImageSize {
    /// The original size, or nearly so.
    #[default]
    Full,
    /// `slave`: a thumbnail; the only size of a video's picture.
    Thumbnail,
    /// `big`: larger than [`ImageSize::Full`] if available; for a sticker, the animated picture.
    Big,
}

/// A request that gets the picture of a message.
///
/// A sticker from the shop (`HasProductId`) cannot be fetched on the web.
#[derive(Clone, Debug)]
pub struct GetImage {
    message: MsgId,
    size: ImageSize,
}

impl GetImage {
    /// Returns a request for the picture of a message.
    pub const fn new(message: MsgId, size: ImageSize) -> Self {
        Self { message, size }
    }
}

impl Endpoint for GetImage {
    type State = Session;
    type Output = Head;

    const WANT: Want = HEAD;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        // The page writes `?&`.
        let url = Url::new(Role::Api, "/cgi-bin/mmwebwx-bin/webwxgetmsgimg?")
            .continued()
            .with("MsgID", super::number(&self.message))
            .with("skey", session.auth.skey.expose());
        let url = match self.size {
            ImageSize::Full => url,
            ImageSize::Thumbnail => url.with("type", "slave"),
            ImageSize::Big => url.with("type", "big"),
        };
        url.with_appid(&session.device.entry).accept(Accept::Image).get(&mut session.device, now)
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
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::media::{GetVideo, GetVoice};
    use crate::testing::{http_of, rendered, session};

    fn requested(size: ImageSize) -> String {
        rendered(GetImage::new(MsgId::from("6314805927140286395"), size), &mut session())
    }

    #[test]
    fn request_is_built() {
        insta::assert_snapshot!(requested(ImageSize::Full), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmsgimg?&MsgID=6314805927140286395&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        ");
        insta::assert_snapshot!(requested(ImageSize::Thumbnail), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmsgimg?&MsgID=6314805927140286395&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&type=slave
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        ");
        assert!(requested(ImageSize::Big).contains("&type=big\n"));
    }

    /// Returns the query of a download, decoded by an independent library.
    fn pairs(download: impl Endpoint<State = Session>) -> Vec<(String, String)> {
        let http = http_of(download, &mut session());
        let query = http.uri().query().unwrap();
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    proptest! {
        /// A message id round-trips through the URL of each endpoint that sends one. Ids longer
        /// than 32 bytes are truncated.
        #[test]
        fn message_ids_round_trip(id in "[0-9]{1,32}|.{0,80}") {
            let message = MsgId::from(&*id);
            for pairs in [
                pairs(GetImage::new(message.clone(), ImageSize::Big)),
                pairs(GetVoice::new(message.clone())),
                pairs(GetVideo::new(message)),
            ] {
                let (name, sent) = &pairs[0];
                prop_assert!(name.eq_ignore_ascii_case("msgid"), "{name}");
                prop_assert!(id.starts_with(sent) && sent.len() <= 32, "{sent}");
                prop_assert!(*sent == id || id.len() > 32, "{sent}");
                prop_assert_eq!(&pairs[1].0, "skey");
            }
        }
    }
}
