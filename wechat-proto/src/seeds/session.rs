//! Samples of opening the session: `docs/protocol.md` §4.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::endpoint::Endpoint as _;
use crate::login::{Announce, InitSession, MpArticle, Subscription};
use crate::report::{Report, ReportKind, SendLoginReports, SendReports};
use crate::testing::{built, reply};
use crate::time::Timestamp;

/// The clock of the first notes' `r=862039733`.
const OPENED: Timestamp = Timestamp::from_millis(1_476_606_710_090);
/// The "time stamp" of `webwxstatusnotify`, which is printed in neither notes.
const ANNOUNCED: Timestamp = Timestamp::from_millis(1_476_608_978_123);

#[test]
fn webwxinit_request_matches_first_notes() {
    let url = "https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxinit?r=862039733&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5ZgNdB6r6cF3SLDse4fQhy";
    let body = r#"
Content-Type:application/json;charset=UTF-8

	{
		"BaseRequest": {
			"Uin": "752650838",
			"Sid": "kByRoJSUlD7S2pif",
			"Skey": "@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e",
			"DeviceID": "e119795675188164"
		}
	}"#;
    let call = built(InitSession::new(FIRST.credentials()), &mut Device::new(), OPENED);
    compare(&call, &format!("POST {url}{body}"), &[DEVICE_ID]);
    assert_eq!(format!("{}", call.uri()), url);
}

#[test]
fn webwxinit_request_matches_second_notes() {
    let printed = r#"
POST https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxinit
Content-Type: application/json; charset=UTF-8

{ "BaseRequest": { "Uin": "752650838", "Sid": "kByRoJSUlD7S2pif",
  "Skey": "@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e", "DeviceID": "e119795675188164" } }"#;
    let why = "docs/protocol.md §4.1: one of the parameters; the notes print none";
    let differences = [
        Difference { what: "?r", how: Added("862039733"), why },
        LANG,
        Difference { what: "?pass_ticket", how: Added(FIRST.pass_ticket), why },
        CONTENT_TYPE,
        DEVICE_ID,
    ];
    let call = built(InitSession::new(FIRST.credentials()), &mut device(Family::Wx2), OPENED);
    compare(&call, printed, &differences);
}

/// Returns eleven recent chats, in place of `[...]`.
fn chats() -> (Vec<String>, String) {
    let mut names = Vec::from(["filehelper", OTHER_ROOM, FRIEND].map(String::from));
    names.extend((3..11).map(|n| format!("@{n:064x}")));
    let records = names.iter().enumerate().map(|(n, name)| {
        format!("{{\"Uin\":0,\"UserName\":\"{name}\",\"NickName\":\"chat {n}\",\"ContactFlag\":3}}")
    });
    let records: Vec<_> = records.collect();
    (names, format!("[{}]", records.join(",")))
}

/// The common part of both notes' replies; [`opened`] takes the rest.
const INIT: &str = r#"	{
		"BaseResponse": {
			"Ret": 0,
			"ErrMsg": ""
		},
		"Count": 11,
		"ContactList": [...],
		"SyncKey": {
	        "Count": 4,
	        "List": [
	            {
	                "Key": 1,
	                "Val": 635705559
	            },
	            {"Key": 2, "Val": 635705802}, {"Key": 3, "Val": 635705766}, {"Key": 1000, "Val": 1476606722}
	        ]
	    },
	    "User": {
	        "Uin": 752650838,
	        "UserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
	        "NickName": "MiaoXu",
	        "HeadImgUrl": "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=1290&username=@09ed&skey=@crypt_cec4ff9f_77fe",
	        "RemarkName": "",
	        "PYInitial": "",
	        "PYQuanPin": "",
	        "RemarkPYInitial": "",
	        "RemarkPYQuanPin": "",
	        "HideInputBarFlag": 0,
	        "StarFriend": 0,
	        "Sex": 1,
	        "Signature": "Apt-get install B",
	        "AppAccountFlag": 0,
	        "VerifyFlag": 0,
	        "ContactFlag": 0,
	        "WebWxPluginSwitch": 0,
	        "HeadImgFlag": 1,
	        "SnsFlag": 17
	    },
		"ChatSet": "filehelper,@@30eeaf63df54cd27d1a9dbf2120e3e481c0473daba1abb19b712bff391196641,weixin,",
		"SKey": "@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","#;

const FIRST_INIT: &str = r#"
		"ClientVersion": 369302288,
		"SystemTime": 1476608977,
		"GrayScale": 1,
		"InviteStartCount": 40,
		"MPSubscribeMsgCount": 7,
		"ClickReportInterval": 600000
	}"#;

const SECOND_INIT: &str = r#"
"ClientVersion": 369297683,
"SystemTime": 1453124908,
"GrayScale": 1,
"InviteStartCount": 40,
"MPSubscribeMsgCount": 2,
"MPSubscribeMsgList": [
{ "UserName": "@b945edfaf0876b9a23190e6471b7917b", "NickName": "早报", "Time": 1453120000, "MPArticleCount": 1,
"MPArticleList": [{ "Title": "标题", "Digest": "摘要", "Cover": "http://mmbiz.qpic.cn/a/0", "Url": "http://mp.weixin.qq.com/s?a=1" }] },
{ "UserName": "@40dc7af7ee30c9ccb2952f7e7d37ae1c", "NickName": "晚报", "Time": 1453121111, "MPArticleCount": 0, "MPArticleList": [] }
],
"ClickReportInterval": 600000
}"#;

/// Parses a reply, and asserts the part that both notes print.
fn opened(rest: &str) -> crate::login::Init {
    let (names, records) = chats();
    let body = format!("{}{rest}", INIT.replace("[...]", &records));
    let init = InitSession::new(FIRST.credentials()).parse(&reply(&body)).unwrap();
    let me = Me {
        user_name: name(ME),
        nick_name: "MiaoXu".into(),
        head_img_url: "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=1290&username=@09ed&skey=".into(),
        uin: UIN,
        signature: "Apt-get install B".into(),
        sex: 1,
    };
    assert_eq!(init.me, me);
    assert_eq!(init.contacts.len(), 11);
    for (n, (contact, name)) in init.contacts.iter().zip(&names).enumerate() {
        assert_eq!(contact.user_name.as_str(), name);
        assert_eq!(*contact.nick_name, format!("chat {n}"));
        assert_eq!(contact.contact_flag.0, 3);
        assert_eq!(contact.is_room(), n == 1);
    }
    assert_eq!(init.chat_set, ["filehelper", OTHER_ROOM, "weixin"].map(name));
    assert_eq!(init.sync_key.joined(), "1_635705559|2_635705802|3_635705766|1000_1476606722");
    assert_eq!(init.skey.expose(), FIRST.skey);
    assert_eq!(init.gray_scale, 1);
    assert_eq!(init.invite_start_count, 40);
    assert_eq!(init.click_report_interval, Duration::from_millis(600_000));
    init
}

#[test]
fn webwxinit_reply_of_first_notes_is_parsed() {
    let init = opened(FIRST_INIT);
    assert_eq!(init.client_version, 369_302_288);
    assert_eq!(init.system_time, Timestamp::from_secs(1_476_608_977));
    // The count is seven, but no list is printed.
    assert_eq!(init.subscriptions, []);
    // The printed value is also the default: another value shows that the field is parsed.
    let other = FIRST_INIT.replace("\"InviteStartCount\": 40", "\"InviteStartCount\": 41");
    assert_eq!(
        InitSession::new(FIRST.credentials())
            .parse(&reply(&format!("{}{other}", INIT.replace("[...]", "[]"))))
            .unwrap()
            .invite_start_count,
        41
    );
}

#[test]
fn webwxinit_reply_of_second_notes_is_parsed() {
    let init = opened(SECOND_INIT);
    assert_eq!(init.client_version, 369_297_683);
    assert_eq!(init.system_time, Timestamp::from_secs(1_453_124_908));
    let subscriptions = [
        Subscription {
            user_name: name("@b945edfaf0876b9a23190e6471b7917b"),
            nick_name: "早报".into(),
            time: Timestamp::from_secs(1_453_120_000),
            articles: Vec::from([MpArticle {
                title: "标题".into(),
                digest: "摘要".into(),
                cover: "http://mmbiz.qpic.cn/a/0".into(),
                url: "http://mp.weixin.qq.com/s?a=1".into(),
            }]),
        },
        Subscription {
            user_name: name("@40dc7af7ee30c9ccb2952f7e7d37ae1c"),
            nick_name: "晚报".into(),
            time: Timestamp::from_secs(1_453_121_111),
            articles: Vec::new(),
        },
    ];
    assert_eq!(init.subscriptions, subscriptions);
}

#[test]
fn webwxstatusnotify_request_matches_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatusnotify?pass_ticket=PLSyHTx2CHPnLz7BbX6TZu%252B50SskQ9JGjlOZld5NE%252F4V39k8tO0N6myM%252B6n5IRL0
Content-Type:application/json;charset=UTF-8

	{
		"BaseRequest": {
			"Uin": 752650838,
			"Sid": "YAqzRQVYIhbG6DFO",
			"Skey": "@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073",
			"DeviceID": "e098855372553243"
		},
		"Code": 3,
		"FromUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
	    "ToUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
		"ClientMsgId": 1476608978123
	}"#;
    let mut session = SECOND.session(Family::Wx, SyncKey::default());
    compare(&built(Announce::new(), &mut session, ANNOUNCED), printed, &[LANG, DEVICE_ID]);
}

/// Printed without a body, "before the login and after it".
#[test]
fn webwxstatreport_requests_match_first_notes() {
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatreport?fun=new&lang=zh_CN
Content-Type:application/json;charset=UTF-8"#;
    let body = |what, shape| Difference {
        what,
        how: Added(shape),
        why: "docs/protocol.md §13: the body, which the notes omit",
    };
    let report = Report::new(ReportKind::Timing, "{}").unwrap();
    let (mut device, reports) = (device(Family::Wx), [report]);
    let before = built(SendLoginReports::new(reports.to_vec()), &mut device, ANNOUNCED);
    let differences = [
        body("BaseRequest.Uin", "\"\""),
        body("BaseRequest.Sid", "\"\""),
        body("BaseRequest.DeviceID", "\"e???????????????\""),
        body("Count", "1"),
        body("List[0].Type", "1"),
        body("List[0].Text", "\"{}\""),
    ];
    compare(&before, printed, &differences);
    let mut session = SECOND.session(Family::Wx, SyncKey::default());
    let after = built(SendReports::new(reports.to_vec()), &mut session, ANNOUNCED);
    let pass_ticket = Difference {
        what: "?pass_ticket",
        how: Added(SECOND.pass_ticket),
        why: "docs/protocol.md §1.2: in all calls of the page's code after the login",
    };
    let [_, _, device_id, count, kind, text] = differences;
    let uin = body("BaseRequest.Uin", "752650838");
    let sid = body("BaseRequest.Sid", "\"YAqzRQVYIhbG6DFO\"");
    compare(&after, printed, &[pass_ticket, uin, sid, device_id, count, kind, text]);
}

#[test]
fn webwxstatusnotify_request_matches_second_notes() {
    let printed = r#"
POST https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxstatusnotify
Content-Type: application/json; charset=UTF-8

{ "BaseRequest": { "Uin": 752650838, "Sid": "YAqzRQVYIhbG6DFO",
  "Skey": "@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073", "DeviceID": "e098855372553243" },
  "Code": 3,
  "FromUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
  "ToUserName": "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d",
  "ClientMsgId": 1476608978123 }"#;
    let pass_ticket = Difference {
        what: "?pass_ticket",
        how: Added(SECOND.pass_ticket),
        why: "docs/protocol.md §4.2: one of the parameters; §17: the notes omit it in most calls",
    };
    let mut session = SECOND.session(Family::Wx2, SyncKey::default());
    let call = built(Announce::new(), &mut session, ANNOUNCED);
    compare(&call, printed, &[LANG, pass_ticket, CONTENT_TYPE, DEVICE_ID]);
}

#[test]
fn webwxstatusnotify_replies_of_both_notes_are_parsed() {
    let first = r#"	{
		"BaseResponse": {
			"Ret": 0,
			"ErrMsg": ""
		},
		"MsgID": "1525762281689643050"
	}"#;
    // Their `...` is in the place of the first notes' `MsgID`.
    let second = r#"{
"BaseResponse": {
"Ret": 0,
"ErrMsg": ""
}
}"#;
    for body in [first, second] {
        Announce::new().parse(&reply(body)).unwrap();
    }
}
