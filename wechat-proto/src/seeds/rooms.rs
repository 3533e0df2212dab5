//! Samples of friend requests and rooms, in the first notes only: `docs/protocol.md` §11.

use super::*;
use crate::account::Account;
use crate::contact::record::WireContact;
use crate::contact::{Contact, PinChat, Remark, SetRemark, VerifyUser};
use crate::endpoint::Endpoint as _;
use crate::room::{CreateRoom, Founders, RoomMembers, UpdateRoom};
use crate::testing::{NOW, built, reply};
use crate::time::Timestamp;
use crate::wire::lenient::Lenient as _;

/// A parameter that all but their first request lack.
const PASS_TICKET: Difference = Difference {
    what: "?pass_ticket",
    how: Added(THIRD.pass_ticket),
    why: "docs/protocol.md §1.2: the official page has it in every call",
};

/// A field that their `webwxoplog` request for a pin lacks.
const REMARK: Difference = Difference {
    what: "RemarkName",
    how: Added("\"old\""),
    why: "docs/protocol.md §11.1; §16: without it, the remark would be cleared",
};

const DONE: &str = "{\t\"BaseResponse\": {\t\t\"Ret\": 0,\t\t\"ErrMsg\": \"\"\t}}";

fn session() -> Session {
    THIRD.session(Family::Wx, SyncKey::default())
}

fn account() -> Account {
    session().into()
}

fn contact(user_name: &str) -> Contact {
    let record = alloc::format!(r#"{{"UserName":"{user_name}","RemarkName":"old"}}"#);
    WireContact::read(&record).take().unwrap()
}

#[test]
fn webwxverifyuser_request_to_add_matches_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxverifyuser?r=1476779339614&lang=zh_CN&pass_ticket=zO498FoXR5bYJK7sxrGhi6TzpJlMsl4%252BdzhO6iR178dcV0zQQ%252FxeHlI3nvoalQC4
Content-Type:application/json;charset=UTF-8

{
	"BaseRequest": {
		"Uin": 752650838,
		"Sid": "2uor+DO3JHqeS5te",
		"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
		"DeviceID": "e799452821014375"
	},
	"Opcode": 2,
	"VerifyUserListSize": 1,
	"VerifyUserList": [
		{
		"Value": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
		"VerifyUserTicket": ""
		}
	],
	"VerifyContent": "我是example.cn",
	"SceneListCount": 1,
	"SceneList": [
		33
	],
	"skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713"
}"#;
    let now = Timestamp::from_millis(1_476_779_339_614);
    let call = built(VerifyUser::add(name(FRIEND), "我是example.cn"), &mut session(), now);
    compare(&call, printed, &[DEVICE_ID]);
    VerifyUser::add(name(FRIEND), "").parse(&reply(DONE)).unwrap();
}

#[test]
fn webwxverifyuser_request_to_accept_matches_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxverifyuser?r=1476779339614&lang=zh_CN&pass_ticket=zO498FoXR5bYJK7sxrGhi6TzpJlMsl4%252BdzhO6iR178dcV0zQQ%252FxeHlI3nvoalQC4
Content-Type:application/json;charset=UTF-8

{
	"BaseRequest": {
		"Uin": 752650838,
		"Sid": "2uor+DO3JHqeS5te",
		"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
		"DeviceID": "e606224692711308"
	},
	"Opcode": 3,
	"VerifyUserListSize": 1,
	"VerifyUserList": [
	{
		"Value": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
		"VerifyUserTicket": "v2_7c1f5d02bb6e4f9081@stranger"
	}
	],
	"VerifyContent": "",
	"SceneListCount": 1,
	"SceneList": [
		33
	],
	"skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713"
}"#;
    let now = Timestamp::from_millis(1_476_779_339_614);
    let ticket = "v2_7c1f5d02bb6e4f9081@stranger".parse().unwrap();
    let call = built(VerifyUser::accept(name(FRIEND), ticket), &mut session(), now);
    compare(&call, printed, &[DEVICE_ID]);
}

#[test]
fn webwxcreatechatroom_matches_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxcreatechatroom?r=1476618448303&lang=zh_CN
Content-Type:application/json;charset=UTF-8

{
	"MemberCount": 3,
	"MemberList": [
		{
		"UserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42"
		},
		{
		"UserName": "@5e21"
		},
		{
		"UserName": "@5e22"
		}
	],
	"Topic": "",
	"BaseRequest": {
		"Uin": 752650838,
		"Sid": "2uor+DO3JHqeS5te",
		"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
		"DeviceID": "e280173725621646"
	}
}"#;
    let names = [FRIEND, "@5e21", "@5e22"].map(name);
    let founders = Founders::new(names, &name(ME)).unwrap();
    let now = Timestamp::from_millis(1_476_618_448_303);
    let call = built(CreateRoom::new(founders.clone(), ""), &mut account(), now);
    compare(&call, printed, &[PASS_TICKET, DEVICE_ID]);

    let created = CreateRoom::new(founders, "")
        .parse(&reply(
            r#"
{
	"BaseResponse": {
	"Ret": 0,
	"ErrMsg": "Everything is OK"
	},
	"Topic": "",
	"PYInitial": "",
	"QuanPin": "",
	"MemberCount": 3,
	"MemberList": [
		{
		"Uin": 0,
		"UserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
		"NickName": "111111",
		"AttrStatus": 0,
		"PYInitial": "",
		"PYQuanPin": "",
		"RemarkPYInitial": "",
		"RemarkPYQuanPin": "",
		"MemberStatus": 0,
		"DisplayName": "",
		"KeyWord": ""
		}
	],
	"ChatRoomName": "@@7cd324e910a655b1242610ef55ea62fd1b41b6dc7ee7e06d75b6e28ba12f7f0a",
	"BlackList": ""
}"#,
        ))
        .unwrap();
    assert_eq!((created.room, &*created.topic, created.black_list.len()), (name(ROOM), "", 0));
    let [member] = &created.members[..] else { panic!() };
    assert_eq!((&member.user_name, &*member.nick_name), (&name(FRIEND), "111111"));
    assert_eq!((&*member.display_name, member.attr_status, member.member_status), ("", 0, 0));
}

#[test]
fn webwxupdatechatroom_matches_first_notes() {
    let printed = |fun: &str, field: &str, value: &str| {
        alloc::format!(
            r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxupdatechatroom?fun={fun}
Content-Type:application/json;charset=UTF-8

{{
	"{field}": "{value}",
	"ChatRoomName": "@@7cd324e910a655b1242610ef55ea62fd1b41b6dc7ee7e06d75b6e28ba12f7f0a",
	"BaseRequest": {{
		"Uin": 752650838,
		"Sid": "2uor+DO3JHqeS5te",
		"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
		"DeviceID": "e934789096108643"
	}}
}}"#
        )
    };
    let (mut account, room, friend) = (account(), name(ROOM), RoomMembers::from(name(FRIEND)));
    let listed = [LANG, PASS_TICKET, DEVICE_ID];
    let call = built(UpdateRoom::remove(room.clone(), friend.clone()), &mut account, NOW);
    compare(&call, &printed("delmember", "DelMemberList", FRIEND), &listed);
    let call = built(UpdateRoom::add(room.clone(), friend.clone()), &mut account, NOW);
    compare(&call, &printed("addmember", "AddMemberList", FRIEND), &listed);
    let call = built(UpdateRoom::rename(room.clone(), "example.com"), &mut account, NOW);
    compare(&call, &printed("modtopic", "NewTopic", "example.com"), &listed);

    let removed = r#"{
	"BaseResponse": {
		"Ret": 0,
		"ErrMsg": ""
	}
	,
	"MemberCount": 0,
	"MemberList": []
}"#;
    assert!(UpdateRoom::quit(name(ROOM)).parse(&reply(removed)).unwrap().members.is_empty());
    let added = r#"{
	"BaseResponse": {
		"Ret": 0,
		"ErrMsg": ""
	},
	"MemberCount": 1,
	"MemberList": [
		{
			"Uin": 0,
			"UserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
			"NickName": "Example",
			"AttrStatus": 0,
			"PYInitial": "",
			"PYQuanPin": "",
			"RemarkPYInitial": "",
			"RemarkPYQuanPin": "",
			"MemberStatus": 0,
			"DisplayName": "",
			"KeyWord": ""
		}
	]
}"#;
    let updated = UpdateRoom::quit(name(ROOM)).parse(&reply(added)).unwrap();
    let [member] = &updated.members[..] else { panic!() };
    assert_eq!((&member.user_name, &*member.nick_name), (&name(FRIEND), "Example"));
}

#[test]
fn webwxoplog_requests_match_first_notes() {
    let printed = |user: &str, change: &str| {
        alloc::format!(
            r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxoplog
Content-Type:application/json;charset=UTF-8

{{
	"UserName": "{user}",
	{change},
	"BaseRequest": {{
		"Uin": 752650838,
		"Sid": "2uor+DO3JHqeS5te",
		"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
		"DeviceID": "e736741369963778"
	}}
}}"#
        )
    };
    let mut account = account();
    for (pinned, op) in [(true, 1), (false, 0)] {
        let call = built(PinChat::new(&contact(ROOM), pinned), &mut account, NOW);
        let printed = printed(ROOM, &alloc::format!("\"CmdId\": 3, \"OP\": {op}"));
        compare(&call, &printed, &[LANG, PASS_TICKET, DEVICE_ID, REMARK]);
        PinChat::new(&contact(ROOM), true).parse(&reply(DONE)).unwrap();
    }
    let remark = "example.com".parse().unwrap();
    let call = built(SetRemark::new(name(FRIEND), remark), &mut account, NOW);
    let printed = printed(FRIEND, "\"CmdId\": 2, \"RemarkName\": \"example.com\"");
    compare(&call, &printed, &[LANG, PASS_TICKET, DEVICE_ID]);
    SetRemark::new(name(FRIEND), Remark::default()).parse(&reply(DONE)).unwrap();
}
