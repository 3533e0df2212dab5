//! Samples of checking for news and fetching them: `docs/protocol.md` §7.

use alloc::format;
use alloc::vec::Vec;

use super::*;
use crate::endpoint::Endpoint as _;
use crate::error::{Error, Ret};
use crate::ids::MsgId;
use crate::message::{Kind, StatusCode};
use crate::sync::key::WireKey;
use crate::sync::{Check, Selector};
use crate::sync::{FetchBatch, SyncCheck};
use crate::testing::{built, reply};
use crate::time::Timestamp;

/// The clock of the first notes' `r=1476611147442`.
const WAITED: Timestamp = Timestamp::from_millis(1_476_611_147_442);
/// The clock of their `rr` of 856481324.
const FETCHED: Timestamp = Timestamp::from_millis(1_476_612_268_499);

/// The key of the first notes' `synccheck`.
fn check_key() -> SyncKey {
    WireKey::of(
        r#"{"Count":9,"List":[{"Key":1,"Val":643606091},{"Key":2,"Val":643606203},{"Key":3,"Val":643606171},
        {"Key":11,"Val":643605834},{"Key":13,"Val":643590001},{"Key":201,"Val":1476611120},
        {"Key":1000,"Val":1476610779},{"Key":1001,"Val":1476590971},{"Key":1004,"Val":1475896795}]}"#,
    )
    .unwrap()
}

#[test]
fn synccheck_request_matches_first_notes() {
    let printed = "GET https://webpush.wx.qq.com/cgi-bin/mmwebwx-bin/synccheck?r=1476611147442&skey=%40crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073&sid=YAqzRQVYIhbG6DFO&uin=752650838&deviceid=e673682280871456&synckey=1_643606091%7C2_643606203%7C3_643606171%7C11_643605834%7C13_643590001%7C201_1476611120%7C1000_1476610779%7C1001_1476590971%7C1004_1475896795&_=1476611120940";
    let differences = [
        Difference {
            what: "?deviceid",
            how: Random("e???????????????"),
            why: "docs/protocol.md §1.4: e and 15 digits, random in each request",
        },
        Difference {
            what: "?_",
            how: Changed("1476611147442"),
            why: "docs/protocol.md §1.2: any value; here the clock, like r",
        },
    ];
    let mut session = SECOND.session(Family::Wx, check_key());
    compare(&built(SyncCheck, &mut session, WAITED), printed, &differences);

    // The same with a separate key for `synccheck`, which takes precedence over the other.
    session.sync_key = WireKey::of(r#"{"Count":1,"List":[{"Key":1,"Val":1}]}"#).unwrap();
    session.sync_check_key = Some(check_key());
    compare(&built(SyncCheck, &mut session, WAITED), printed, &differences);
}

#[test]
fn synccheck_request_matches_second_notes() {
    let printed = r#"
GET https://webpush2.weixin.qq.com/cgi-bin/mmwebwx-bin/synccheck
ContentType: application/json; charset=UTF-8

{ "BaseRequest": { "Uin": 752650838, "Sid": "YAqzRQVYIhbG6DFO",
  "Skey": "@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073", "DeviceID": "e673682280871456" } }"#;
    let why = "docs/protocol.md §7.1: in the query; their table is a copying error";
    let differences = [
        Difference {
            what: "host",
            how: Changed("webpush.wx2.qq.com"),
            why: "docs/protocol.md §1.1: the push host of wx2.qq.com; §17: webpush2 is an error",
        },
        MISSPELLED_CONTENT_TYPE,
        Difference { what: "BaseRequest", how: Omitted, why },
        Difference { what: "?r", how: Added("1476611147442"), why },
        Difference { what: "?skey", how: Added(SECOND.skey), why },
        Difference { what: "?sid", how: Added(SECOND.sid), why },
        Difference { what: "?uin", how: Added("752650838"), why },
        Difference { what: "?deviceid", how: Added("e???????????????"), why },
        Difference {
            what: "?synckey",
            how: Added(
                "1_643606091|2_643606203|3_643606171|11_643605834|13_643590001|201_1476611120|1000_1476610779|1001_1476590971|1004_1475896795",
            ),
            why,
        },
        Difference { what: "?_", how: Added("1476611147442"), why },
    ];
    let mut session = SECOND.session(Family::Wx2, check_key());
    compare(&built(SyncCheck, &mut session, WAITED), printed, &differences);
}

#[test]
fn synccheck_replies_of_both_notes_are_parsed() {
    let answer = |retcode: &str, selector: i64| {
        let text = "window.synccheck={retcode:\"xxx\",selector:\"yyy\"}";
        let text = text.replace("xxx", retcode).replace("yyy", &format!("{selector}"));
        SyncCheck.parse(&reply(&text))
    };
    assert_eq!(answer("0", 0).unwrap(), Check::Quiet);
    // The second notes have 2 and 7. All of these mean that there is something to fetch.
    for selector in [2, 4, 6, 7] {
        assert_eq!(answer("0", selector).unwrap(), Check::News { selector: Selector(selector) });
    }
    let closed = answer("1100", 0);
    assert!(matches!(closed, Err(Error::LoggedOut { ret: Ret::NO_SESSION, .. })));
}

/// The key in the first notes' `webwxsync`.
const KEY: &str = r#"{
		"Count":9,
		"List":[
			{"Key":1,"Val":643606091},
			{"Key":2,"Val":643606236},
			{"Key":3,"Val":643606171},
			{"Key":11,"Val":643606232},
			{"Key":13,"Val":643590001},
			{"Key":203,"Val":1476612126},
			{"Key":1000,"Val":1476610779},
			{"Key":1001,"Val":1476590971},
			{"Key":1004,"Val":1475896795}
		]
		}"#;

/// Their list of parameters also has an `r`, which is missing from their printed URL and from
/// `docs/protocol.md` §7.2.
#[test]
fn webwxsync_request_matches_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsync?sid=2uor+DO3JHqeS5te&skey=@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713&lang=zh_CN&pass_ticket=zO498FoXR5bYJK7sxrGhi6TzpJlMsl4%252BdzhO6iR178dcV0zQQ%252FxeHlI3nvoalQC4
Content-Type:application/json;charset=UTF-8

	{
		"BaseRequest":{
			"Uin":752650838,
			"Sid":"2uor+DO3JHqeS5te",
			"Skey":"@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713",
			"DeviceID":"e151332185497293"
		},
		"SyncKey":KEY,
		"rr":856481324
	}"#;
    let mut session = THIRD.session(Family::Wx, WireKey::of(KEY).unwrap());
    let call = built(FetchBatch, &mut session, FETCHED);
    compare(&call, &printed.replace("KEY,", &format!("{KEY},")), &[DEVICE_ID]);
    // Their raw `+` and `@` are encoded: `docs/protocol.md` §1.2.
    let query = call.uri().query().unwrap();
    assert!(query.starts_with("sid=2uor%2BDO3JHqeS5te&skey=%40crypt_cec4ff9f_e70d"), "{query}");

    // The key for `synccheck` is not sent here.
    session.sync_check_key = Some(check_key());
    let call = built(FetchBatch, &mut session, FETCHED);
    compare(&call, &printed.replace("KEY,", &format!("{KEY},")), &[DEVICE_ID]);
}

#[test]
fn webwxsync_request_matches_second_notes() {
    let printed = r#"
POST https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxsync?sid=2uor+DO3JHqeS5te&skey=@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713&pass_ticket=zO498FoXR5bYJK7sxrGhi6TzpJlMsl4%252BdzhO6iR178dcV0zQQ%252FxeHlI3nvoalQC4
ContentType: application/json; charset=UTF-8

{ "BaseRequest": { "Uin": 752650838, "Sid": "2uor+DO3JHqeS5te",
  "Skey": "@crypt_cec4ff9f_e70deff878187c460bff94e6c4248713", "DeviceID": "e151332185497293" },
  "SyncKey": KEY, "rr": 856481324 }"#;
    let mut session = THIRD.session(Family::Wx2, WireKey::of(KEY).unwrap());
    let call = built(FetchBatch, &mut session, FETCHED);
    let differences = [LANG, MISSPELLED_CONTENT_TYPE, ADDED_CONTENT_TYPE, DEVICE_ID];
    compare(&call, &printed.replace("KEY,", &format!("{KEY},")), &differences);
}

/// The first notes' complete reply, with the two keys continued after `.....`.
const FIRST_BATCH: &str = r#"	{
		"BaseResponse": {
			"Ret": 0,
			"ErrMsg": ""
		},
		"AddMsgCount": 1,
		"AddMsgList": [
			{
				"MsgId": "8410419333108271670",
				"FromUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
				"ToUserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
				"MsgType": 51,
				"Content": "&lt;msg&gt;<br/>&lt;op id='5'&gt;<br/>&lt;username&gt;wxid_b695bm4bmrv705&lt;/username&gt;<br/>&lt;/op&gt;<br/>&lt;/msg&gt;",
				"Status": 3,
				"ImgStatus": 1,
				"CreateTime": 1476612570,
				"VoiceLength": 0,
				"PlayLength": 0,
				"FileName": "",
				"FileSize": "",
				"MediaId": "",
				"Url": "",
				"AppMsgType": 0,
				"StatusNotifyCode": 5,
				"StatusNotifyUserName": "@13fb91d71abb4e3d530fa6a189c5ef4853a68a9ff53500764ba90e87ed2dbf42",
				"RecommendInfo": {
					"UserName": "", "NickName": "", "QQNum": 0, "Province": "", "City": "", "Content": "", "Signature": "",
					"Alias": "", "Scene": 0, "VerifyFlag": 0, "AttrStatus": 0, "Sex": 0, "Ticket": "", "OpCode": 0
				},
				"ForwardFlag": 0,
				"AppInfo": {
					"AppID": "",
					"Type": 0
				},
				"HasProductId": 0,
				"Ticket": "",
				"ImgHeight": 0,
				"ImgWidth": 0,
				"SubMsgType": 0,
				"NewMsgId": 8410419333108272000
			}
		],
		"ModContactCount": 0,
		"ModContactList": [],
		"DelContactCount": 0,
		"DelContactList": [],
		"ModChatRoomMemberCount": 0,
		"ModChatRoomMemberList": [],
		"Profile": {
			"BitFlag": 0,
			"UserName": { "Buff": "" },
			"NickName": { "Buff": "" },
			"BindUin": 0,
			"BindEmail": { "Buff": "" },
			"BindMobile": { "Buff": "" },
			"Status": 0, "Sex": 0, "PersonalCard": 0, "Alias": "",
			"HeadImgUpdateFlag": 0, "HeadImgUrl": "", "Signature": ""
		},
		"ContinueFlag": 0,
		"SyncKey": {
			"Count": 10,
			"List": [
				{ "Key": 1, "Val": 643606091 },
				{ "Key": 2, "Val": 643606237 }, { "Key": 3, "Val": 643606171 }, { "Key": 11, "Val": 643606232 },
				{ "Key": 13, "Val": 643590001 }, { "Key": 201, "Val": 1476612570 }, { "Key": 203, "Val": 1476612126 },
				{ "Key": 1000, "Val": 1476610779 }, { "Key": 1001, "Val": 1476590971 }, { "Key": 1004, "Val": 1475896795 }
			]
		},
		"SKey": "",
		"SyncCheckKey": {
			"Count": 10,
			"List": [
				{ "Key": 1, "Val": 643606091 },
				{ "Key": 2, "Val": 643606238 }, { "Key": 3, "Val": 643606171 }, { "Key": 11, "Val": 643606232 },
				{ "Key": 13, "Val": 643590001 }, { "Key": 201, "Val": 1476612571 }, { "Key": 203, "Val": 1476612126 },
				{ "Key": 1000, "Val": 1476610779 }, { "Key": 1001, "Val": 1476590971 }, { "Key": 1004, "Val": 1475896795 }
			]
		}
	}"#;

#[test]
fn webwxsync_reply_of_first_notes_is_parsed() {
    let session = THIRD.session(Family::Wx, SyncKey::default());
    let batch = FetchBatch.parse(&reply(FIRST_BATCH)).unwrap();
    assert_eq!(
        batch.sync_key.as_ref().unwrap().joined(),
        "1_643606091|2_643606237|3_643606171|11_643606232|13_643590001|201_1476612570|203_1476612126|1000_1476610779|1001_1476590971|1004_1475896795"
    );
    assert_eq!(
        batch.sync_check_key.as_ref().unwrap().joined(),
        "1_643606091|2_643606238|3_643606171|11_643606232|13_643590001|201_1476612571|203_1476612126|1000_1476610779|1001_1476590971|1004_1475896795"
    );
    assert_eq!((&batch.changed, &batch.removed), (&Vec::new(), &Vec::new()));
    assert_eq!(batch.profile, None);
    assert!(batch.skey.is_empty() && !batch.more && !batch.is_empty());

    let [message] = <[_; 1]>::try_from(batch.messages(&session.me().user_name)).unwrap();
    // The text, not the rounded number in `NewMsgId`: `docs/protocol.md` §1.6.
    assert_eq!(message.id, MsgId::from("8410419333108271670"));
    assert_eq!((&message.from, &message.to), (&name(ME), &name(FRIEND)));
    assert!(message.is_outgoing());
    assert_eq!((message.peer(), message.author()), (&name(FRIEND), &name(ME)));
    assert_eq!(message.speaker, None);
    assert_eq!(message.sent, Timestamp::from_secs(1_476_612_570));
    let Kind::Status(status) = &message.kind else { panic!("{:?}", message.kind) };
    assert_eq!((status.code, &status.user_names[..]), (StatusCode::LEFT, &[name(FRIEND)][..]));
    let pairs: Vec<_> = status.pairs().collect();
    assert_eq!(pairs, [(&name(FRIEND), "wxid_b695bm4bmrv705")]);
    assert_eq!(message.text(), None);
    // All other fields are in its raw JSON.
    let element = Json::of(FIRST_BATCH);
    assert_eq!(Json::of(message.raw.json()), *element.get("AddMsgList").at(0));
    assert!(FIRST_BATCH.contains(message.raw.json()));
}

/// The second notes' reply, with the quotes of JSON and without its `...`.
const SECOND_BATCH: &str = r#"{
"BaseResponse": {"ErrMsg": "", "Ret": 0},
"SyncKey": {
"Count": 7,
"List": [
{"Val": 636214192, "Key": 1},
{"Val": 636214301, "Key": 2}, {"Val": 636214280, "Key": 3}, {"Val": 636214122, "Key": 11},
{"Val": 1453124911, "Key": 201}, {"Val": 1453120321, "Key": 1000}, {"Val": 1453110007, "Key": 1001}
]
},
"ContinueFlag": 0,
"AddMsgCount": 1,
"AddMsgList": [
{
"FromUserName": "",
"PlayLength": 0,
"RecommendInfo": {},
"Content": "",
"StatusNotifyUserName": "",
"StatusNotifyCode": 5,
"Status": 3,
"VoiceLength": 0,
"ToUserName": "",
"ForwardFlag": 0,
"AppMsgType": 0,
"AppInfo": {"Type": 0, "AppID": ""},
"Url": "",
"ImgStatus": 1,
"MsgType": 51,
"ImgHeight": 0,
"MediaId": "",
"FileName": "",
"FileSize": ""
}
],
"ModChatRoomMemberCount": 0,
"ModContactList": [],
"DelContactList": [],
"ModChatRoomMemberList": [],
"DelContactCount": 0
}"#;

#[test]
fn webwxsync_reply_of_second_notes_is_parsed() {
    let session = THIRD.session(Family::Wx2, SyncKey::default());
    let batch = FetchBatch.parse(&reply(SECOND_BATCH)).unwrap();
    assert_eq!(
        batch.sync_key.as_ref().unwrap().joined(),
        "1_636214192|2_636214301|3_636214280|11_636214122|201_1453124911|1000_1453120321|1001_1453110007"
    );
    // The notes do not have the other key.
    assert_eq!(batch.sync_check_key, None);
    assert_eq!((&batch.changed, &batch.removed), (&Vec::new(), &Vec::new()));
    assert_eq!(batch.profile, None);
    assert!(batch.skey.is_empty() && !batch.more && !batch.is_empty());

    let [message] = <[_; 1]>::try_from(batch.messages(&session.me().user_name)).unwrap();
    assert!(!message.id.is_known());
    // An empty sender is the account itself: `docs/protocol.md` §7.2.
    assert_eq!((&message.from, &message.to), (&name(ME), &name(ME)));
    assert!(message.is_outgoing());
    assert_eq!((&message.speaker, message.sent), (&None, Timestamp::default()));
    let Kind::Status(status) = &message.kind else { panic!("{:?}", message.kind) };
    assert_eq!((status.code, status.pairs().count()), (StatusCode::LEFT, 0));
    assert!(status.user_names.is_empty());
    assert!(SECOND_BATCH.contains(message.raw.json()));
    assert_eq!(Json::of(message.raw.json()), *Json::of(SECOND_BATCH).get("AddMsgList").at(0));
}
