//! `POST /cgi-bin/mmwebwx-bin/webwxupdatechatroom`
//!
//! Changes a room: its members, its topic, the account's own membership (`docs/protocol.md` §11.5).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::RoomMembers;
use crate::contact::Member;
use crate::contact::wire::WireMember;
use crate::endpoint::{PAGE, Repeat};
use crate::flow::{Response, Want};
use crate::wire::envelope::{self, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::lenient::List;
use crate::wire::query::Url;
use crate::{Account, Body, Endpoint, Error, Timestamp, UserName};

const ENDPOINT: &str = "webwxupdatechatroom";

/// The reply to a change of a room.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct UpdatedRoom {
    /// The members that the service lists: usually those affected by the change.
    pub members: Vec<Member>,
}

/// A request that changes a room. A confirmed change is applied to the directory.
///
/// The request must not be repeated: [`Repeat::Once`].
#[derive(Clone, Debug)]
pub struct UpdateRoom {
    room: UserName,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Add(RoomMembers),
    Invite(RoomMembers),
    Remove(RoomMembers),
    Rename(Box<str>),
    Quit,
}

impl UpdateRoom {
    /// Returns a request to add members to a small room. [`AddMembers`](super::AddMembers) checks
    /// whether a room is small enough.
    pub const fn add(room: UserName, members: RoomMembers) -> Self {
        Self { room, change: Change::Add(members) }
    }

    /// Returns a request to invite people to a room: each receives a message to accept.
    pub const fn invite(room: UserName, members: RoomMembers) -> Self {
        Self { room, change: Change::Invite(members) }
    }

    /// Returns a request to remove members from a room that the account owns.
    pub const fn remove(room: UserName, members: RoomMembers) -> Self {
        Self { room, change: Change::Remove(members) }
    }

    /// Returns a request to change the topic of a room.
    pub fn rename(room: UserName, topic: impl Into<Box<str>>) -> Self {
        Self { room, change: Change::Rename(topic.into()) }
    }

    /// Returns a request to leave a room.
    pub const fn quit(room: UserName) -> Self {
        Self { room, change: Change::Quit }
    }
}

impl Endpoint for UpdateRoom {
    type State = Account;
    type Output = UpdatedRoom;

    const REPEAT: Repeat = Repeat::Once;
    const WANT: Want = PAGE;

    fn request(&mut self, account: &mut Account, now: Timestamp) -> http::Request<Body> {
        let session = &mut account.session;
        let (fun, name, value) = match &self.change {
            Change::Add(members) => ("addmember", "AddMemberList", Some(members.joined())),
            Change::Invite(members) => ("invitemember", "InviteMemberList", Some(members.joined())),
            Change::Remove(members) => ("delmember", "DelMemberList", Some(members.joined())),
            Change::Rename(topic) => ("modtopic", "NewTopic", Some(String::from(&**topic))),
            Change::Quit => ("quitchatroom", "", None),
        };
        Url::api(ENDPOINT).with("fun", fun).post_base(session, now, |_, base| {
            // The change is the first field.
            Object
                .with_some(name, value)
                .with("ChatRoomName", &self.room)
                .with("BaseRequest", base)
                .json()
        })
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret). With 1, the change is not allowed,
    ///   or is disabled for this account.
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<UpdatedRoom, Error> {
        let wire: Wire = envelope::open(ENDPOINT, response)?;
        Ok(UpdatedRoom { members: wire.members.0 })
    }

    fn apply(&mut self, output: &UpdatedRoom, account: &mut Account, _: Timestamp) {
        let directory = &mut account.directory;
        match &self.change {
            Change::Add(_) => directory.add_members(&self.room, output.members.clone()),
            // An invited person becomes a member only after accepting.
            Change::Invite(_) => {}
            Change::Remove(members) => directory.remove_members(&self.room, members.names()),
            Change::Rename(topic) => directory.set_topic(&self.room, topic),
            Change::Quit => account.forget(&self.room),
        }
    }
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

    use crate::testing::{
        account, body, contact, exchange, http_of, json_of, malformed, rendered, reply,
    };

    fn room() -> UserName {
        "@@e2da".parse().unwrap()
    }

    fn two() -> RoomMembers {
        RoomMembers::new(["@a", "@b"].map(|name| name.parse().unwrap())).unwrap()
    }

    fn parse(response: &Response) -> Result<UpdatedRoom, Error> {
        UpdateRoom::quit(room()).parse(response)
    }

    #[test]
    fn request_is_built() {
        let add = UpdateRoom::add(room(), two());
        insta::assert_snapshot!(rendered(add, &mut account()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxupdatechatroom?fun=addmember&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"AddMemberList":"@a,@b","ChatRoomName":"@@e2da","BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    #[test]
    fn each_change_has_its_own_field() {
        let one = RoomMembers::from("@a".parse::<UserName>().unwrap());
        for (update, fun, start) in [
            (UpdateRoom::add(room(), two()), "addmember", r#"{"AddMemberList":"@a,@b","#),
            (UpdateRoom::invite(room(), two()), "invitemember", r#"{"InviteMemberList":"@a,@b","#),
            (UpdateRoom::remove(room(), one), "delmember", r#"{"DelMemberList":"@a","#),
            (UpdateRoom::rename(room(), "周末"), "modtopic", r#"{"NewTopic":"周末","#),
            (UpdateRoom::quit(room()), "quitchatroom", "{"),
        ] {
            let request = http_of(update, &mut account());
            let query: String = request.uri().query().unwrap().into();
            assert!(query.starts_with(&alloc::format!("fun={fun}&lang=zh_CN&pass_ticket=")));
            let rest = body(&request);
            let rest = rest.strip_prefix(start).unwrap_or_else(|| panic!("{rest}"));
            assert!(rest.starts_with(r#""ChatRoomName":"@@e2da","BaseRequest":{"Uin":"#), "{rest}");
        }
    }

    #[test]
    fn replies_are_parsed() {
        let updated = parse(&reply(
            r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MemberCount":1,"MemberList":[{"UserName":"@a","NickName":"A &amp; a"}]}"#,
        ))
        .unwrap();
        assert_eq!(&*updated.members[0].nick_name, "A & a");
        assert!(parse(&reply(r#"{"BaseResponse":{"Ret":0}}"#)).unwrap().members.is_empty());
        malformed(&UpdateRoom::quit(room()), &[]);
    }

    /// The directory has the confirmed changes, and none of the refused ones.
    #[test]
    fn confirmed_changes_reach_the_directory() {
        let mut account = account();
        account.learn([contact(
            r#"{"UserName":"@@e2da","NickName":"old","MemberList":[{"UserName":"@a"},{"UserName":"@c"}]}"#,
        )]);
        let update = |account: &mut Account, update: UpdateRoom, response: &str| {
            let _ = exchange(update, account, response);
            let room = account.directory().find(&room())?;
            let names: Vec<_> =
                room.members.iter().map(|member| member.user_name.as_str()).collect();
            Some((String::from(&*room.nick_name), names.join(",")))
        };
        let seen = |topic: &str, members: &str| Some((topic.into(), members.into()));
        let done = r#"{"BaseResponse":{"Ret":0},"MemberList":[{"UserName":"@b"}]}"#;
        let refused = r#"{"BaseResponse":{"Ret":1}}"#;
        let rename = UpdateRoom::rename(room(), "new");
        assert_eq!(update(&mut account, rename.clone(), refused), seen("old", "@a,@c"));
        assert_eq!(update(&mut account, rename, done), seen("new", "@a,@c"));
        let one = RoomMembers::from("@b".parse::<UserName>().unwrap());
        let invite = UpdateRoom::invite(room(), one.clone());
        assert_eq!(update(&mut account, invite, done), seen("new", "@a,@c"));
        let add = UpdateRoom::add(room(), one);
        assert_eq!(update(&mut account, add, done), seen("new", "@a,@c,@b"));
        let remove = UpdateRoom::remove(room(), two());
        assert_eq!(update(&mut account, remove, done), seen("new", "@c"));
        assert_eq!(update(&mut account, UpdateRoom::quit(room()), done), None);
    }

    proptest! {
        /// A name cannot add other members, because no name contains a comma.
        #[test]
        fn joined_names_equal_the_given_ones(names in prop::collection::vec("\\PC{1,12}", 1..6)) {
            let names: Vec<UserName> = names.iter().filter_map(|name| name.parse().ok()).collect();
            if let Ok(members) = RoomMembers::new(names) {
                let remove = UpdateRoom::remove(room(), members.clone());
                let body = json_of(remove, &mut account());
                let list: Vec<&str> = body["DelMemberList"].as_str().unwrap().split(',').collect();
                let given: Vec<&str> = members.names().iter().map(UserName::as_str).collect();
                prop_assert_eq!(list, given);
            }
        }
    }
}
