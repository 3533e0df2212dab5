//! `GET` of a contact's `HeadImgUrl`
//!
//! The picture that a record names: [`icon`] of a person, [`head_img`] of a room
//! (`docs/protocol.md` §5.4).

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use super::fetch::Fetch;
use super::{head_img, icon, link};
use crate::error::Invalid;
use crate::hosts::Role;
use crate::session::Session;
use crate::wire::query::{Accept, Url, encode};

const ICON: &str = "/cgi-bin/mmwebwx-bin/webwxgeticon";
const HEAD_IMG: &str = "/cgi-bin/mmwebwx-bin/webwxgetheadimg";

/// Where a contact's picture is: its `HeadImgUrl`, a path of one of the two endpoints with a
/// query. It never leads to another host, or to another endpoint, whatever the record says.
///
/// ```
/// use wechat_proto::contact::Contact;
/// use wechat_proto::media::{Fetch, head_img_url};
/// use wechat_proto::{Session, error::Invalid};
///
/// fn picture(session: &Session, contact: &Contact) -> Result<Fetch, Invalid> {
///     Ok(head_img_url::request(session, &contact.head_img_url.parse()?))
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeadImgUrl {
    text: Box<str>,
    /// Where the value of `skey` goes.
    key: Option<usize>,
    endpoint: &'static str,
}

impl HeadImgUrl {
    /// The path as the record names it, without the value of its `skey`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for HeadImgUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = Invalid {
            what: "a contact's HeadImgUrl",
            expected: "/cgi-bin/mmwebwx-bin/webwxgeticon?… or webwxgetheadimg?… in visible ASCII",
        };
        let endpoint = link::endpoint(text, &[ICON, HEAD_IMG]).ok_or(invalid)?;
        // A key that stands there is one of this login, and may be an old one.
        let key = ["?skey=", "&skey="].iter().find_map(|name| Some(text.find(name)? + name.len()));
        let (before, value) = text.split_at(key.unwrap_or(text.len()));
        let after = value.find('&').and_then(|end| value.get(end..)).unwrap_or_default();
        // Nobody writes two; the other would show.
        if after.contains("&skey=") {
            return Err(invalid);
        }
        Ok(Self { text: [before, after].concat().into(), key, endpoint })
    }
}

impl fmt::Display for HeadImgUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Asks for the picture of a contact; read by [`icon::parse`] or [`head_img::parse`].
///
/// The value of its `skey` is that of the session.
pub fn request(session: &Session, url: &HeadImgUrl) -> Fetch {
    let device = &session.device;
    let address = match url.key {
        None => Url::new(device, Role::Api, &url.text),
        Some(at) => {
            let (before, after) = url.text.split_at(at);
            let skey = encode(session.auth.skey.expose());
            Url::new(device, Role::Api, &alloc::format!("{before}{skey}{after}"))
        }
    };
    let parse = if url.endpoint == ICON { icon::parse } else { head_img::parse };
    Fetch::new(address.accept(Accept::Image).get(device), parse)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use crate::error::Error;
    use crate::media::link::tests::{NOWHERE, leads_nowhere_else};
    use crate::testing::{Host, rendered, session};

    fn fetch(url: &str) -> Fetch {
        request(&session(), &url.parse().unwrap())
    }

    #[test]
    fn asks() {
        let mut session = session();
        let fetch = fetch("/cgi-bin/mmwebwx-bin/webwxgeticon?seq=654321987&username=@c1d8&skey=");
        insta::assert_snapshot!(rendered(fetch.call, &mut session.device), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgeticon?seq=654321987&username=@c1d8&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        ");
    }

    /// `docs/protocol.md` §5.4: the session's own key goes where one belongs, and nothing else is
    /// touched.
    #[test]
    fn has_the_key_of_the_session() {
        for (given, kept, asked) in [
            (
                "geticon?seq=1&username=@a&skey=",
                "seq=1&username=@a&skey=",
                "seq=1&username=@a&skey=KEY",
            ),
            ("geticon?seq=1&skey=@crypt_old", "seq=1&skey=", "seq=1&skey=KEY"),
            ("getheadimg?skey=", "skey=", "skey=KEY"),
            ("getheadimg?skey=x&seq=1", "skey=&seq=1", "skey=KEY&seq=1"),
            ("geticon?seq=1&xskey=y", "seq=1&xskey=y", "seq=1&xskey=y"),
            ("geticon?seq=1", "seq=1", "seq=1"),
        ] {
            let url: HeadImgUrl =
                alloc::format!("/cgi-bin/mmwebwx-bin/webwx{given}").parse().unwrap();
            assert!(url.as_str().ends_with(&alloc::format!("?{kept}")), "{url}");
            let fetch = request(&session(), &url);
            let query = fetch.http().uri().query().unwrap().to_string();
            let key = "%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e";
            assert_eq!(query.replace(key, "KEY"), asked);
        }
        // Whatever a record says, the key does not show.
        let url: HeadImgUrl =
            "/cgi-bin/mmwebwx-bin/webwxgeticon?skey=@crypt_secret".parse().unwrap();
        assert!(!alloc::format!("{url} {url:?}").contains("secret"));
        let twice = "/cgi-bin/mmwebwx-bin/webwxgeticon?skey=x&seq=1&skey=@crypt_secret";
        assert!(twice.parse::<HeadImgUrl>().is_err());
    }

    #[test]
    fn is_read_by_its_endpoint() {
        for name in ["webwxgeticon", "webwxgetheadimg"] {
            let mut fetch = fetch(&alloc::format!("/cgi-bin/mmwebwx-bin/{name}?seq=0"));
            let mut reply = crate::flow::Response::default();
            *reply.status_mut() = http::StatusCode::NOT_FOUND;
            let reply = |_: &_| crate::flow::Input::Reply(Ok(reply.clone()));
            let read = Host::new().run(&mut fetch, &mut session().device, reply);
            assert!(matches!(read, Err(Error::Status { endpoint, .. }) if endpoint == name));
        }
    }

    #[test]
    fn leads_to_two_endpoints() {
        for bad in NOWHERE.into_iter().chain(["/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=x"]) {
            assert!(bad.parse::<HeadImgUrl>().is_err(), "{bad}");
        }
        for path in [ICON, HEAD_IMG] {
            leads_nowhere_else(path, |text| Some(request(&session(), &text.parse().ok()?)));
        }
    }
}
