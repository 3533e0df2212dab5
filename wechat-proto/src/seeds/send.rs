//! Samples of sending a text: `docs/protocol.md` §6.

use super::*;
use crate::endpoint::Endpoint as _;
use crate::ids::{ClientMsgId, MsgId};
use crate::message::SendText;
use crate::testing::{NOW, body, built, reply};
use crate::time::Timestamp;

/// The clock in the first notes' `LocalID`.
const WRITTEN: Timestamp = Timestamp::from_millis(1_476_614_675_634);
const TEXT: &str = "@王小明 啊啊啊啊啊啊";

/// The last three digits of both ids are random.
const LOCAL_ID: Difference = Difference {
    what: "Msg.LocalID",
    how: Random("\"14766146756340???\""),
    why: "docs/protocol.md §1.6: the clock, a 0, three random digits",
};
const CLIENT_MSG_ID: Difference = Difference { what: "Msg.ClientMsgId", ..LOCAL_ID };

#[test]
fn webwxsendmsg_request_matches_first_notes() {
    // Their no-break spaces, which JSON does not allow, are replaced by blanks.
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsg?lang=zh_CN&pass_ticket=zO498FoXR5bYJK7sxrGhi6TzpJlMsl4%252BdzhO6iR178dcV0zQQ%252FxeHlI3nvoalQC4
Content-Type:application/json;charset=UTF-8

	{
		"BaseRequest": {
			"Uin": 752650838,
			"Sid": "2uor+DO3JHqeS5te",
			"Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
			"DeviceID": "e784205590563506"
		},
		"Msg": {
			"Type": 1,
			"Content": "@王小明 啊啊啊啊啊啊",
			"FromUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
			"ToUserName": "@@7cd324e910a655b1242610ef55ea62fd1b41b6dc7ee7e06d75b6e28ba12f7f0a",
			"LocalID": "14766146756340722",
			"ClientMsgId": "14766146756340722"
		},
		"Scene": 0
	}"#;
    let mut session = THIRD.session(Family::Wx, SyncKey::default());
    let call = built(SendText::new(name(ROOM), TEXT), &mut session, WRITTEN);
    compare(&call, printed, &[DEVICE_ID, LOCAL_ID, CLIENT_MSG_ID]);
    let body = body(&call);
    // Literal UTF-8 (`docs/protocol.md` §1.3), and the same id in both fields.
    assert!(body.contains("\"@王小明 啊啊啊啊啊啊\""), "{body}");
    let body = Json::of(&body);
    assert_eq!(body.get("Msg").get("LocalID"), body.get("Msg").get("ClientMsgId"));

    // With their id, this difference disappears.
    let id: ClientMsgId = serde_json::from_str("14766146756340722").unwrap();
    let call = built(SendText::new(name(ROOM), TEXT).with_id(id), &mut session, NOW);
    compare(&call, printed, &[DEVICE_ID]);
}

#[test]
fn webwxsendmsg_request_matches_second_notes() {
    let printed = r#"
POST https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsg?pass_ticket=zO498FoXR5bYJK7sxrGhi6TzpJlMsl4%252BdzhO6iR178dcV0zQQ%252FxeHlI3nvoalQC4
ContentType: application/json; charset=UTF-8

{ "BaseRequest": { "Uin": 752650838, "Sid": "2uor+DO3JHqeS5te",
  "Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713", "DeviceID": "e784205590563506" },
  "Msg": { "Type": 1, "Content": "@王小明 啊啊啊啊啊啊",
  "FromUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
  "ToUserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
  "LocalID": "14766146756340722", "ClientMsgId": "14766146756340722" } }"#;
    let scene = Difference {
        what: "Scene",
        how: Added("0"),
        why: "docs/protocol.md §6.1: the body is BaseRequest, Msg, Scene; the notes omit it",
    };
    let mut session = THIRD.session(Family::Wx2, SyncKey::default());
    let call = built(SendText::new(name(FRIEND), TEXT), &mut session, WRITTEN);
    let differences = [
        LANG,
        MISSPELLED_CONTENT_TYPE,
        ADDED_CONTENT_TYPE,
        scene,
        DEVICE_ID,
        LOCAL_ID,
        CLIENT_MSG_ID,
    ];
    compare(&call, printed, &differences);
}

#[test]
fn webwxsendmsg_replies_of_both_notes_are_parsed() {
    let first = r#"	{
		"BaseResponse": {
			"Ret": 0,
			"ErrMsg": ""
		},
		"MsgID": "4527210051674039705",
		"LocalID": "14766146756340722"
	}"#;
    let receipt = SendText::new(name(FRIEND), "").parse(&reply(first)).unwrap();
    assert_eq!(receipt.msg_id, MsgId::from("4527210051674039705"));
    assert_eq!(receipt.client_msg_id, "14766146756340722".parse().ok());

    // Their `...` is in the place of the first notes' ids.
    let second = r#"{
"BaseResponse": {
"Ret": 0,
"ErrMsg": ""
}
}"#;
    let receipt = SendText::new(name(FRIEND), "").parse(&reply(second)).unwrap();
    assert!(!receipt.msg_id.is_known());
    assert_eq!(receipt.client_msg_id, None);
}
