//! `POST /cgi-bin/mmwebwx-bin/webwxverifyuser`
//!
//! Asks somebody to become a contact, and answers who asks (`docs/protocol.md` §11.2).

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::error::{Error, Invalid};
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::secret::Secret;
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxverifyuser";

/// What a friend request carries and its answer has to: `v2_…@stranger`. Whoever has it can
/// answer, so that `Debug` does not show it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Ticket(Secret);

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Ticket {}

impl FromStr for Ticket {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse::<Secret>() {
            Ok(secret) if !secret.is_empty() => Ok(Self(secret)),
            _ => Err(Invalid {
                what: "a friend request's ticket",
                expected: "1 to 4,096 visible characters",
            }),
        }
    }
}

/// What is asked or answered: an open set.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Opcode(pub u8);

impl Opcode {
    /// Adds somebody who wants no request.
    pub const ADD_CONTACT: Self = Self(1);
    /// Sends a request.
    pub const SEND_REQUEST: Self = Self(2);
    /// Accepts a request.
    pub const ACCEPT: Self = Self(3);
    /// Rejects a request.
    pub const REJECT: Self = Self(4);
    /// A word of the one who asked.
    pub const SENDER_REPLY: Self = Self(5);
    /// A word of the one who was asked.
    pub const RECEIVER_REPLY: Self = Self(6);
}

/// Where the two met: an open set.
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
    /// By the chosen id.
    pub const WEIXIN: Self = Self(7);
    /// A room.
    pub const ROOM: Self = Self(8);
    /// Unknown.
    pub const UNKNOWN: Self = Self(9);
    /// By the phone's number.
    pub const MOBILE: Self = Self(10);
    /// The web page: what it says of itself.
    pub const WEB: Self = Self(33);
}

/// One step between two who are no contacts, or not yet.
#[derive(Clone, Debug)]
pub struct Verification<'a> {
    /// What is asked or answered.
    pub opcode: Opcode,
    /// Whom.
    pub user: &'a UserName,
    /// Of the request that is answered.
    pub ticket: Option<&'a Ticket>,
    /// What is said with it.
    pub greeting: &'a str,
    /// Where they met.
    pub scene: Scene,
}

/// Sends a friend request; read by [`parse`]. The service blocks it for many, and restricts
/// accounts for it.
///
/// This changes something: run it once.
pub fn add(session: &mut Session, user: &UserName, greeting: &str, now: Timestamp) -> Call<()> {
    let (opcode, scene) = (Opcode::SEND_REQUEST, Scene::WEB);
    request(session, &Verification { opcode, user, ticket: None, greeting, scene }, now)
}

/// Accepts the friend request of `user`, with the ticket that came with it; read by [`parse`].
/// About a hundred a day are heeded.
///
/// This changes something: run it once.
pub fn accept(session: &mut Session, user: &UserName, ticket: &Ticket, now: Timestamp) -> Call<()> {
    let (opcode, scene, ticket) = (Opcode::ACCEPT, Scene::WEB, Some(ticket));
    request(session, &Verification { opcode, user, ticket, greeting: "", scene }, now)
}

/// Takes any step; read by [`parse`].
///
/// This changes something: run it once.
pub fn request(session: &mut Session, step: &Verification<'_>, now: Timestamp) -> Call<()> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        base_request: BaseRequest,
        opcode: Opcode,
        verify_user_list_size: u8,
        verify_user_list: [Item<'a>; 1],
        verify_content: &'a str,
        scene_list_count: u8,
        scene_list: [Scene; 1],
        /// In small letters, here alone.
        #[serde(rename = "skey")]
        skey: &'a str,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Item<'a> {
        value: &'a UserName,
        verify_user_ticket: &'a str,
    }
    let ticket = step.ticket.map_or("", |ticket| ticket.0.expose());
    let body = Body {
        base_request: session.base_request(),
        opcode: step.opcode,
        verify_user_list_size: 1,
        verify_user_list: [Item { value: step.user, verify_user_ticket: ticket }],
        verify_content: step.greeting,
        scene_list_count: 1,
        scene_list: [step.scene],
        skey: session.auth.skey.expose(),
    };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxverifyuser")
        .with("r", now.as_millis())
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::once(http, parse)
}

/// Reads the reply of [`request`].
///
/// # Errors
///
/// What its `Ret` says (-1: the ticket is not of this user's request); [`Error::Malformed`] if it
/// is no such reply.
pub fn parse(reply: &Response) -> Result<(), Error> {
    envelope::open::<Wire>(ENDPOINT, reply).map(drop)
}

reply! {
    struct Wire {}
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl From<Ticket> for Box<str> {
    /// The ticket itself.
    fn from(ticket: Ticket) -> Self {
        ticket.0.expose().into()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;
    use crate::error::Ret;
    use crate::testing::{NOW, body, malformed, rendered, reply, session};

    fn ticket() -> Ticket {
        "v2_5a7e3d@stranger".parse().unwrap()
    }

    #[test]
    fn asks() {
        let mut session = session();
        let user = "@e2da".parse().unwrap();
        let call = accept(&mut session, &user, &ticket(), NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxverifyuser?r=1476606163580&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 370

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Opcode":3,"VerifyUserListSize":1,"VerifyUserList":[{"Value":"@e2da","VerifyUserTicket":"v2_5a7e3d@stranger"}],"VerifyContent":"","SceneListCount":1,"SceneList":[33],"skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e"}
        "#);
    }

    #[test]
    fn says_who_is_asked() {
        let user = "@e2da".parse().unwrap();
        let call = add(&mut session(), &user, "你好 \"<&", NOW);
        assert!(body(&call).contains(
            r#""Opcode":2,"VerifyUserListSize":1,"VerifyUserList":[{"Value":"@e2da","VerifyUserTicket":""}],"VerifyContent":"你好 \"<&","SceneListCount":1,"SceneList":[33],"skey":"#
        ));
        let ticket = ticket();
        let step = Verification {
            opcode: Opcode::REJECT,
            user: &user,
            ticket: Some(&ticket),
            greeting: "no",
            scene: Scene::ROOM,
        };
        let call = request(&mut session(), &step, NOW);
        assert!(body(&call).contains(r#""Opcode":4,"#) && body(&call).contains("[8]"));
        assert!(!format!("{step:?}").contains("5a7e3d"));
    }

    #[test]
    fn reads() {
        parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""}}"#)).unwrap();
        let wrong = parse(&reply(r#"{"BaseResponse":{"Ret":-1,"ErrMsg":"x"}}"#));
        assert!(matches!(wrong, Err(Error::Refused { ret: Ret::SYSTEM, .. })));
        let often = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(often, Err(Error::Limited { .. })));
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1100}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        malformed(parse, &[]);
        for bad in ["", "a b", "中"] {
            assert!(bad.parse::<Ticket>().is_err());
        }
    }

    proptest! {
        #[test]
        fn any_greeting_arrives_as_it_is(text in "\\PC{0,40}") {
            let user = UserName::file_helper();
            let call = add(&mut session(), &user, &text, NOW);
            let body: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
            prop_assert_eq!(&body["VerifyContent"], &text);
            prop_assert_eq!(body.as_object().unwrap().len(), 8);
        }
    }
}
