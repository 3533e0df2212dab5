//! `GET /cgi-bin/mmwebwx-bin/webwxgetmsgimg`
//!
//! The picture of a message: an image, a sticker, the thumbnail of a video (`docs/protocol.md` §8).

use super::fetch::Fetch;
use super::head::{self, Head, Wanted};
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::MsgId;
use crate::session::Session;
use crate::wire::query::{Accept, Url};

const ENDPOINT: &str = "webwxgetmsgimg";

/// Which of its sizes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Size {
    /// As it was sent, or nearly so.
    #[default]
    Full,
    /// `slave`: a thumbnail; the only one that a video has.
    Thumbnail,
    /// `big`: larger than [`Size::Full`] where there is one; of a sticker, the moving picture.
    Big,
}

/// Asks for the picture of a message; read by [`parse`].
///
/// A sticker of the shop (`HasProductId`) cannot be had on the web.
pub fn request(session: &Session, message: &MsgId, size: Size) -> Fetch {
    // The page writes `?&`.
    let path = "/cgi-bin/mmwebwx-bin/webwxgetmsgimg?";
    let url = Url::new(&session.device, Role::Api, path)
        .continued()
        .with("MsgID", super::number(message))
        .with("skey", session.auth.skey.expose());
    let url = match size {
        Size::Full => url,
        Size::Thumbnail => url.with("type", "slave"),
        Size::Big => url.with("type", "big"),
    };
    Fetch::new(url.accept(Accept::Image).get(&session.device), parse)
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
    use proptest::prelude::*;

    use super::*;
    use crate::media::testing::{accepts, no_picture, pairs};
    use crate::media::{video, voice};
    use crate::testing::{rendered, session};

    fn asked(size: Size) -> alloc::string::String {
        let mut session = session();
        let id = MsgId::from("6314805927140286395");
        rendered(request(&session, &id, size).call, &mut session.device)
    }

    #[test]
    fn asks() {
        insta::assert_snapshot!(asked(Size::Full), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmsgimg?&MsgID=6314805927140286395&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
        insta::assert_snapshot!(asked(Size::Thumbnail), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmsgimg?&MsgID=6314805927140286395&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&type=slave
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
        assert!(asked(Size::Big).contains("&type=big\n"));
    }

    #[test]
    fn reads() {
        accepts(parse, ENDPOINT, "image/jpeg");
        no_picture(parse, ENDPOINT);
    }

    proptest! {
        /// A number comes back from the wire as it was, in each of the calls that name a message,
        /// and breaks out of none; what is longer than any number is cut.
        #[test]
        fn numbers_come_back(id in "[0-9]{1,32}|.{0,80}") {
            let session = session();
            let message = MsgId::from(&*id);
            for fetch in [
                request(&session, &message, Size::Big),
                voice::request(&session, &message),
                video::request(&session, &message),
            ] {
                let pairs = pairs(&fetch);
                let (name, sent) = &pairs[0];
                prop_assert!(name.eq_ignore_ascii_case("msgid"), "{name}");
                prop_assert!(id.starts_with(sent) && sent.len() <= 32, "{sent}");
                prop_assert!(*sent == id || id.len() > 32, "{sent}");
                prop_assert_eq!(&pairs[1].0, "skey");
            }
        }
    }
}
