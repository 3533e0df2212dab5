//! `POST /cgi-bin/mmwebwx-bin/webwxsearchcontact`
//!
//! Searches the service for people who are not contacts yet (`docs/protocol.md` §11.3).

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::endpoint::PAGE;
use crate::flow::{Response, Want};
use crate::wire::envelope::{self, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::lenient::List;
use crate::wire::object::object;
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Text, Timestamp, UserName};

const ENDPOINT: &str = "webwxsearchcontact";

/// A request that searches for people who are not contacts yet. The official page has this feature
/// disabled.
///
/// The output contains the names (`EncryUserName`) to which a friend request can be sent.
#[derive(Clone, Debug)]
pub struct SearchContacts {
    key_word: Box<str>,
}

impl SearchContacts {
    /// Returns a request that searches for this word.
    pub fn new(key_word: impl Into<Box<str>>) -> Self {
        Self { key_word: key_word.into() }
    }
}

impl Endpoint for SearchContacts {
    type State = Session;
    type Output = Vec<UserName>;

    const WANT: Want = PAGE;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        Url::api(ENDPOINT).post_base(session, now, |_, base_request| {
            Object.with("BaseRequest", base_request).with("KeyWord", &self.key_word).json()
        })
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret), including [`Error::ServiceFailed`].
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Vec<UserName>, Error> {
        let wire: Wire = envelope::answer(ENDPOINT, response)?;
        Ok(wire.list.0)
    }
}

reply! {
    struct Wire {
        "List" => list: List<Found>,
    }
}

object! {
    struct Found listed as UserName {
        "EncryUserName" => user_name: Text,
    }
}

impl Found {
    fn take(self) -> Option<UserName> {
        self.user_name.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::testing::{malformed, rendered, reply, session};

    #[test]
    fn request_is_built() {
        insta::assert_snapshot!(rendered(SearchContacts::new("张三"), &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsearchcontact?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"KeyWord":"张三"}
        "#);
    }

    #[test]
    fn replies_are_parsed() {
        let found = SearchContacts::new("").parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"List":[{"EncryUserName":"v1_5a@stranger"},{},{"EncryUserName":"a b"},7]}"#,
        ));
        assert_eq!(found.unwrap(), ["v1_5a@stranger".parse().unwrap()]);
        let none = SearchContacts::new("").parse(&reply(r#"{"BaseResponse":{"Ret":0}}"#));
        assert!(none.unwrap().is_empty());
        malformed(&SearchContacts::new(""), &[]);
    }
}
