//! `GET` of a contact's `HeadImgUrl`
//!
//! Gets the picture of a person or a room by the path in its record (`docs/protocol.md` §5.4).

use alloc::boxed::Box;

use super::head::{self, HEAD, Head, Wanted};
use super::{head_img, icon, link};
use crate::contact::Contact;
use crate::error::Invalid;
use crate::flow::{Response, Want};
use crate::hosts::Role;
use crate::wire::query::{Accept, Url, encode};
use crate::{Body, Endpoint, Error, Session, Timestamp};

const ICON: &str = "/cgi-bin/mmwebwx-bin/webwxgeticon";
const HEAD_IMG: &str = "/cgi-bin/mmwebwx-bin/webwxgetheadimg";

/// A request that gets the picture of a contact: a person or a room.
///
/// It never leads to another host or endpoint. The value of `skey` in the path is replaced by that of
/// the session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GetContactPicture {
    /// The path, without the value of its `skey`.
    path: Box<str>,
    /// The index at which the value of `skey` is inserted.
    key: Option<usize>,
    endpoint: &'static str,
}

impl GetContactPicture {
    /// Returns a request for the picture at this path: the `HeadImgUrl` of a contact.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if it is not the path of `webwxgeticon` or `webwxgetheadimg` with a query in
    /// visible ASCII.
    pub fn new(head_img_url: &str) -> Result<Self, Invalid> {
        let invalid = Invalid {
            what: "a `HeadImgUrl`",
            expected: "/cgi-bin/mmwebwx-bin/webwxgeticon?… or webwxgetheadimg?… in visible ASCII",
        };
        let endpoint = match link::endpoint(head_img_url, &[ICON, HEAD_IMG]) {
            Some(ICON) => icon::ENDPOINT,
            Some(_) => head_img::ENDPOINT,
            None => return Err(invalid),
        };
        // The key in the path is removed: it may be an old one of this login.
        let find = |name: &&str| Some(head_img_url.find(*name)? + name.len());
        let key = ["?skey=", "&skey="].iter().find_map(find);
        let (before, value) = head_img_url.split_at(key.unwrap_or(head_img_url.len()));
        let after = value.find('&').and_then(|end| value.get(end..)).unwrap_or_default();
        // A second key would be shown by `Debug`.
        if after.contains("&skey=") {
            return Err(invalid);
        }
        Ok(Self { path: [before, after].concat().into(), key, endpoint })
    }

    /// Returns a request for the picture of a contact.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if the contact has no picture, or if its `head_img_url` is not such a path: see
    /// [`GetContactPicture::new`].
    pub fn of(contact: &Contact) -> Result<Self, Invalid> {
        Self::new(&contact.head_img_url)
    }
}

impl Endpoint for GetContactPicture {
    type State = Session;
    type Output = Head;

    const WANT: Want = HEAD;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let Self { path, key, .. } = self;
        let url = match key {
            None => Url::new(Role::Api, path),
            Some(at) => {
                let (before, after) = path.split_at(*at);
                let skey = encode(session.auth.skey.expose());
                Url::new(Role::Api, &alloc::format!("{before}{skey}{after}"))
            }
        };
        url.accept(Accept::Image).get(&mut session.device, now)
    }

    /// # Errors
    ///
    /// - [`Error::EmptyMedia`] if the response announces no bytes.
    /// - [`Error::Status`] for any HTTP status but 200, 204 and 206.
    /// - [`Error::Malformed`] if the response is text, HTML or JSON, or covers only a part of the
    ///   picture.
    fn parse(&self, response: &Response) -> Result<Head, Error> {
        head::read(self.endpoint, Wanted::Picture, response)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use crate::media::link::tests::{INVALID, leads_only_to};
    use crate::testing::{http_of, rendered, session};

    fn download(url: &str) -> GetContactPicture {
        GetContactPicture::new(url).unwrap()
    }

    #[test]
    fn request_is_built() {
        let download =
            download("/cgi-bin/mmwebwx-bin/webwxgeticon?seq=654321987&username=@c1d8&skey=");
        insta::assert_snapshot!(rendered(download, &mut session()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgeticon?seq=654321987&username=@c1d8&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        ");
    }

    /// `docs/protocol.md` §5.4: only the key is replaced by the session's own.
    #[test]
    fn skey_is_replaced_by_that_of_the_session() {
        for (given, requested) in [
            ("geticon?seq=1&username=@a&skey=", "seq=1&username=@a&skey=KEY"),
            ("geticon?seq=1&skey=@crypt_old", "seq=1&skey=KEY"),
            ("getheadimg?skey=", "skey=KEY"),
            ("getheadimg?skey=x&seq=1", "skey=KEY&seq=1"),
            ("geticon?seq=1&xskey=y", "seq=1&xskey=y"),
            ("geticon?seq=1", "seq=1"),
        ] {
            let download = download(&alloc::format!("/cgi-bin/mmwebwx-bin/webwx{given}"));
            let http = http_of(download, &mut session());
            let query = http.uri().query().unwrap().to_string();
            let key = "%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e";
            assert_eq!(query.replace(key, "KEY"), requested);
        }
        // A key in the record is not shown.
        let download = download("/cgi-bin/mmwebwx-bin/webwxgeticon?skey=@crypt_secret");
        assert!(!alloc::format!("{download:?}").contains("secret"));
        let twice = "/cgi-bin/mmwebwx-bin/webwxgeticon?skey=x&seq=1&skey=@crypt_secret";
        assert!(GetContactPicture::new(twice).is_err());
    }

    #[test]
    fn other_endpoints_are_refused() {
        for bad in INVALID.into_iter().chain(["/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x"]) {
            assert!(GetContactPicture::new(bad).is_err(), "{bad}");
        }
        for path in [ICON, HEAD_IMG] {
            leads_only_to(path, |text| {
                Some(http_of(GetContactPicture::new(text).ok()?, &mut session()))
            });
        }
    }
}
