//! `POST /cgi-bin/mmwebwx-bin/webwxupdatechatroom`
//!
//! Changes a room: its members, its topic, whether one is in it (`docs/protocol.md` §11.5).

use alloc::vec::Vec;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::Members;
use crate::call::Call;
use crate::contact::Member;
use crate::contact::record::WireMember;
use crate::error::Error;
use crate::flow::Response;
use crate::hosts::Role;
use crate::ids::UserName;
use crate::session::Session;
use crate::wire::envelope::{self, BaseRequest, reply};
use crate::wire::lenient::List;
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxupdatechatroom";

/// A room was changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Updated {
    /// The members that the service names: usually those whom the change concerns.
    pub members: Vec<Member>,
}

/// Adds members to a room that is small enough; read by [`parse`].
/// [`AddMembers`](super::AddMembers) knows when it is.
///
/// This changes something: run it once.
pub fn add(session: &mut Session, room: &UserName, members: &Members) -> Call<Updated> {
    request(session, room, "addmember", Some(("AddMemberList", &members.joined())))
}

/// Invites people to a room: each gets a message to agree to; read by [`parse`].
///
/// This changes something: run it once.
pub fn invite(session: &mut Session, room: &UserName, members: &Members) -> Call<Updated> {
    request(session, room, "invitemember", Some(("InviteMemberList", &members.joined())))
}

/// Removes members from a room of one's own; read by [`parse`].
///
/// This changes something: run it once.
pub fn remove(session: &mut Session, room: &UserName, members: &Members) -> Call<Updated> {
    request(session, room, "delmember", Some(("DelMemberList", &members.joined())))
}

/// Gives a room another topic; read by [`parse`].
///
/// This changes something: run it once.
pub fn rename(session: &mut Session, room: &UserName, topic: &str) -> Call<Updated> {
    request(session, room, "modtopic", Some(("NewTopic", topic)))
}

/// Leaves a room; read by [`parse`].
///
/// This changes something: run it once.
pub fn quit(session: &mut Session, room: &UserName) -> Call<Updated> {
    request(session, room, "quitchatroom", None)
}

fn request(
    session: &mut Session,
    room: &UserName,
    fun: &'static str,
    change: Option<(&'static str, &str)>,
) -> Call<Updated> {
    let body = Body { change, room, base_request: session.base_request() };
    let http = Url::new(&session.device, Role::Api, "/cgi-bin/mmwebwx-bin/webwxupdatechatroom")
        .with("fun", fun)
        .with("lang", session.device.lang.as_str())
        .with("pass_ticket", session.auth.pass_ticket.expose())
        .post_json(&session.device, &body);
    Call::once(http, parse).limit(1 << 20)
}

/// The change first, under a name of its own.
struct Body<'a> {
    change: Option<(&'static str, &'a str)>,
    room: &'a UserName,
    base_request: BaseRequest,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((name, value)) = self.change {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("ChatRoomName", self.room)?;
        map.serialize_entry("BaseRequest", &self.base_request)?;
        map.end()
    }
}

/// Reads the reply of each change.
///
/// # Errors
///
/// What its `Ret` says (1: not allowed, or switched off for this account); [`Error::Malformed`]
/// if it is no such reply.
pub fn parse(reply: &Response) -> Result<Updated, Error> {
    let wire: Wire = envelope::open(ENDPOINT, reply)?;
    Ok(Updated { members: WireMember::take_all(wire.members) })
}

reply! {
    struct Wire {
        "MemberList" => members: List<WireMember>,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;
    use crate::error::Ret;
    use crate::testing::{body, malformed, rendered, reply, session};

    fn room() -> UserName {
        "@@e2da".parse().unwrap()
    }

    fn two() -> Members {
        Members::new(["@a", "@b"].map(|name| name.parse().unwrap())).unwrap()
    }

    #[test]
    fn asks() {
        let mut session = session();
        let call = add(&mut session, &room(), &two());
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxupdatechatroom?fun=addmember&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 194

        {"AddMemberList":"@a,@b","ChatRoomName":"@@e2da","BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    #[test]
    fn each_change_has_its_own_form() {
        let session = &mut session();
        let no_one_else = || Members::from("@a".parse::<UserName>().unwrap());
        for (call, fun, start) in [
            (add(session, &room(), &two()), "addmember", r#"{"AddMemberList":"@a,@b","#),
            (invite(session, &room(), &two()), "invitemember", r#"{"InviteMemberList":"@a,@b","#),
            (remove(session, &room(), &no_one_else()), "delmember", r#"{"DelMemberList":"@a","#),
            (rename(session, &room(), "周末"), "modtopic", r#"{"NewTopic":"周末","#),
            (quit(session, &room()), "quitchatroom", "{"),
        ] {
            let query: String = call.http().uri().query().unwrap().into();
            assert!(query.starts_with(&alloc::format!("fun={fun}&lang=zh_CN&pass_ticket=")));
            let rest = body(&call);
            let rest = rest.strip_prefix(start).unwrap_or_else(|| panic!("{rest}"));
            assert!(rest.starts_with(r#""ChatRoomName":"@@e2da","BaseRequest":{"Uin":"#), "{rest}");
        }
    }

    #[test]
    fn reads() {
        let updated = parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MemberCount":1,"MemberList":[{"UserName":"@a","NickName":"A &amp; a"}]}"#,
        ))
        .unwrap();
        assert_eq!(&*updated.members[0].nick_name, "A & a");
        assert!(parse(&reply(r#"{"BaseResponse":{"Ret":0}}"#)).unwrap().members.is_empty());
        let refused = parse(&reply(r#"{"BaseResponse":{"Ret":1,"ErrMsg":""}}"#));
        assert!(matches!(refused, Err(Error::Refused { ret: Ret::PARAMETER, .. })));
        let often = parse(&reply(r#"{"BaseResponse":{"Ret":1205}}"#));
        assert!(matches!(often, Err(Error::Limited { .. })));
        let over = parse(&reply(r#"{"BaseResponse":{"Ret":1102}}"#));
        assert!(matches!(over, Err(Error::LoggedOut { .. })));
        malformed(parse, &[]);
    }

    proptest! {
        #[test]
        fn any_topic_arrives_as_it_is(topic in "\\PC{0,40}") {
            let call = rename(&mut session(), &room(), &topic);
            let body: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
            prop_assert_eq!(&body["NewTopic"], &topic);
            prop_assert_eq!(body.as_object().unwrap().len(), 3);
        }

        /// Nobody is named who was not meant: no name has a comma.
        #[test]
        fn the_names_are_those_that_were_given(names in prop::collection::vec("\\PC{1,12}", 1..6)) {
            let names: Vec<UserName> = names.iter().filter_map(|name| name.parse().ok()).collect();
            if let Ok(members) = Members::new(names) {
                let call = remove(&mut session(), &room(), &members);
                let body: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
                let list: Vec<&str> = body["DelMemberList"].as_str().unwrap().split(',').collect();
                let given: Vec<&str> = members.names().iter().map(UserName::as_str).collect();
                prop_assert_eq!(list, given);
            }
        }
    }
}
