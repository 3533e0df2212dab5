//! `GET /cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg`
//!
//! Gets the map of a location message (`docs/protocol.md` §8, §9.10).

use alloc::boxed::Box;

use super::head::{self, HEAD, Head, Wanted};
use super::link;
use crate::error::Invalid;
use crate::flow::{Response, Want};
use crate::hosts::Role;
use crate::message::Kind;
use crate::wire::query::{Accept, Url};
use crate::{Body, Endpoint, Error, Message, Session, Timestamp};

const ENDPOINT: &str = "webwxgetpubliclinkimg";
const PATH: &str = "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg";

/// A request that gets the map of a location message.
///
/// It never leads to another host or endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GetMap {
    path: Box<str>,
}

impl GetMap {
    /// Returns a request for the map at this path, which has a query.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if it is not the path of `webwxgetpubliclinkimg` with a query in visible ASCII.
    pub fn new(path: &str) -> Result<Self, Invalid> {
        match link::endpoint(path, &[PATH]) {
            Some(_) => Ok(Self { path: path.into() }),
            None => Err(Invalid {
                what: "the path of a map",
                expected: "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?… in visible ASCII",
            }),
        }
    }

    /// Returns a request for the map of a location message
    /// ([`Location::image`](crate::message::Location::image)), if it has one.
    pub fn of(message: &Message) -> Option<Self> {
        match &message.kind {
            Kind::Location(location) => Self::new(&location.image).ok(),
            _ => None,
        }
    }
}

impl Endpoint for GetMap {
    type State = Session;
    type Output = Head;

    const WANT: Want = HEAD;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let url = Url::new(Role::Api, &self.path).accept(Accept::Image);
        url.get(&mut session.device, now)
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
    use crate::media::link::tests::{INVALID, leads_only_to};
    use crate::testing::{http_of, message, rendered, session};

    const LINK: &str = "/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx&msgid=2846610397255840113&pictype=location";

    #[test]
    fn request_is_built() {
        let download = GetMap::new(LINK).unwrap();
        insta::assert_snapshot!(rendered(download, &mut session()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetpubliclinkimg?url=xxx&msgid=2846610397255840113&pictype=location
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        ");
    }

    #[test]
    fn map_of_a_message_is_found() {
        let found = |from: &str, content: &str| {
            GetMap::of(&message(&alloc::format!(
                "\"FromUserName\":\"{from}\",\"ToUserName\":\"@me\",\"MsgType\":1,\"SubMsgType\":48,\"Content\":\"{content}\""
            )))
        };
        let escaped = LINK.replace('&', "&amp;");
        for (from, content) in [
            ("@a", alloc::format!("某街59号:<br/>{LINK}")),
            ("@@r", alloc::format!("@b:<br/>某街59号:<br/>{LINK}")),
            ("@a", alloc::format!("a:<br/>b:<br/>{LINK}\\n")),
            ("@a", alloc::format!(":<br/>{escaped}")),
            ("@a", LINK.into()),
        ] {
            assert_eq!(found(from, &content), GetMap::new(LINK).ok(), "{content}");
        }
        for none in ["", "a:<br/>b", "a:<br/>https://evil.example/x", "a:<br/>//evil.example/x"] {
            assert_eq!(found("@a", none), None, "{none}");
        }
    }

    #[test]
    fn other_endpoints_are_refused() {
        for bad in INVALID {
            assert!(GetMap::new(bad).is_err(), "{bad}");
        }
        leads_only_to(PATH, |text| Some(http_of(GetMap::new(text).ok()?, &mut session())));
    }
}
