//! `POST /cgi-bin/mmwebwx-bin/webwxverifyuser`
//!
//! Sends a friend request, or answers one (`docs/protocol.md` §11.2).

use alloc::boxed::Box;
use core::fmt;

use serde::Serialize;

use super::Ticket;
use crate::endpoint::Repeat;
use crate::error::Invalid;
use crate::flow::Response;
use crate::message::FriendRequest;
use crate::wire::envelope;
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Timestamp, UserName};

const ENDPOINT: &str = "webwxverifyuser";

/// The operation of a [`VerifyUser`] request. The set is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Opcode(pub u8);

impl Opcode {
    /// Adds a user who requires no friend request.
    pub const ADD_CONTACT: Self = Self(1);
    /// Sends a request.
    pub const SEND_REQUEST: Self = Self(2);
    /// Accepts a request.
    pub const ACCEPT: Self = Self(3);
    /// Rejects a request.
    pub const REJECT: Self = Self(4);
    /// A message from the sender of a request.
    pub const SENDER_REPLY: Self = Self(5);
    /// A message from the receiver of a request.
    pub const RECEIVER_REPLY: Self = Self(6);
}

/// The origin of the contact: where the user was found. The set is open.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Scene(pub u8);

impl Scene {
    /// QQ.
    pub const QQ: Self = Self(4);
    /// Mail.
    pub const MAIL: Self = Self(5);
    /// The phone's contacts.
    pub const CONTACTS: Self = Self(6);
    /// The chosen id (alias).
    pub const WEIXIN: Self = Self(7);
    /// A room.
    pub const ROOM: Self = Self(8);
    /// Unknown.
    pub const UNKNOWN: Self = Self(9);
    /// The phone number.
    pub const MOBILE: Self = Self(10);
    /// The web page. The official page sends this value.
    pub const WEB: Self = Self(33);
}

/// A request that sends or answers a friend request.
///
/// The service blocks friend requests for many accounts, and restricts accounts for sending them.
///
/// The request must not be repeated: [`Repeat::Once`].
#[derive(Clone, Debug)]
pub struct VerifyUser {
    opcode: Opcode,
    user: UserName,
    ticket: Option<Ticket>,
    greeting: Box<str>,
    scene: Scene,
}

impl VerifyUser {
    /// Returns a request with any opcode, with [`Scene::WEB`], without a ticket or a greeting.
    pub fn new(opcode: Opcode, user: UserName) -> Self {
        Self { opcode, user, ticket: None, greeting: Box::default(), scene: Scene::WEB }
    }

    /// Returns a friend request.
    pub fn add(user: UserName, greeting: impl Into<Box<str>>) -> Self {
        Self::new(Opcode::SEND_REQUEST, user).with_greeting(greeting)
    }

    /// Returns a request to accept the friend request of `user`, with the ticket that came with
    /// it. The service allows about a hundred per day.
    pub fn accept(user: UserName, ticket: Ticket) -> Self {
        Self::new(Opcode::ACCEPT, user).with_ticket(ticket)
    }

    /// Returns a request to accept this friend request, like [`VerifyUser::accept`].
    ///
    /// # Errors
    ///
    /// Fails with [`Invalid`] if the request lacks its sender's name or its ticket.
    pub fn accept_request(request: &FriendRequest) -> Result<Self, Invalid> {
        match (request.user_name(), request.ticket()) {
            (Some(user), Some(ticket)) => Ok(Self::accept(user.clone(), ticket.clone())),
            _ => Err(Invalid {
                what: "a friend request that can be accepted",
                expected: "its sender's name and a ticket",
            }),
        }
    }

    /// Sets the ticket of the friend request that is answered.
    #[must_use]
    pub fn with_ticket(self, ticket: Ticket) -> Self {
        Self { ticket: Some(ticket), ..self }
    }

    /// Sets the text shown to the other user.
    #[must_use]
    pub fn with_greeting(self, greeting: impl Into<Box<str>>) -> Self {
        Self { greeting: greeting.into(), ..self }
    }

    /// Sets where the user was found.
    #[must_use]
    pub fn with_scene(self, scene: Scene) -> Self {
        Self { scene, ..self }
    }
}

impl Endpoint for VerifyUser {
    type State = Session;
    type Output = ();

    const REPEAT: Repeat = Repeat::Once;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let ticket = self.ticket.as_ref().map_or("", |ticket| ticket.expose());
        Url::api(ENDPOINT).with("r", now.as_millis()).post_base(
            session,
            now,
            |session, base_request| {
                let user = Object.with("Value", &self.user).with("VerifyUserTicket", ticket);
                Object
                    .with("BaseRequest", base_request)
                    .with("Opcode", self.opcode)
                    .with("VerifyUserListSize", 1)
                    .with("VerifyUserList", [user])
                    .with("VerifyContent", &self.greeting)
                    .with("SceneListCount", 1)
                    .with("SceneList", [self.scene])
                    // The name of this field is in lower case, unlike the others.
                    .with("skey", session.auth.skey.expose())
                    .json()
            },
        )
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret). With -1, the ticket does not belong
    ///   to a request of this user.
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<(), Error> {
        envelope::confirm(ENDPOINT, response)
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    use crate::testing::{body, http_of, malformed, rendered, reply, session};

    fn ticket() -> Ticket {
        "v2_5a7e3d@stranger".parse().unwrap()
    }

    #[test]
    fn request_is_built() {
        let user = "@e2da".parse().unwrap();
        let accept = VerifyUser::accept(user, ticket());
        insta::assert_snapshot!(rendered(accept, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxverifyuser?r=1476606163580&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Opcode":3,"VerifyUserListSize":1,"VerifyUserList":[{"Value":"@e2da","VerifyUserTicket":"v2_5a7e3d@stranger"}],"VerifyContent":"","SceneListCount":1,"SceneList":[33],"skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e"}
        "#);
    }

    #[test]
    fn request_has_opcode_user_and_scene() {
        let user: UserName = "@e2da".parse().unwrap();
        let add = VerifyUser::add(user.clone(), "你好 \"<&");
        assert!(body(&http_of(add, &mut session())).contains(
            r#""Opcode":2,"VerifyUserListSize":1,"VerifyUserList":[{"Value":"@e2da","VerifyUserTicket":""}],"VerifyContent":"你好 \"<&","SceneListCount":1,"SceneList":[33],"skey":"#
        ));
        let reject = VerifyUser::new(Opcode::REJECT, user)
            .with_ticket(ticket())
            .with_greeting("no")
            .with_scene(Scene::ROOM);
        assert!(!format!("{reject:?}").contains("5a7e3d"));
        let body = body(&http_of(reject, &mut session()));
        assert!(body.contains(r#""Opcode":4,"#) && body.contains("[8]"));
    }

    #[test]
    fn replies_are_parsed() {
        VerifyUser::add(UserName::file_helper(), "")
            .parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""}}"#))
            .unwrap();
        malformed(&VerifyUser::add(UserName::file_helper(), ""), &[]);
        for bad in ["", "a b", "中"] {
            assert!(bad.parse::<Ticket>().is_err());
        }
    }
}
