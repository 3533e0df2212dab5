//! Samples of contacts: `docs/protocol.md` §5.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::*;
use crate::contact::ContactPage;
use crate::contact::{
    BatchGetContacts, Contact, ContactFlag, GetContacts, Pinyin, SnsFlag, VerifyFlag,
};
use crate::endpoint::Endpoint as _;
use crate::testing::{built, reply};
use crate::time::Timestamp;

/// The clocks of the first notes.
const LISTED: Timestamp = Timestamp::from_millis(1_476_608_979_549);
const ASKED: Timestamp = Timestamp::from_millis(1_476_608_979_648);

#[test]
fn webwxgetcontact_request_matches_first_notes() {
    let printed = "GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetcontact?pass_ticket=PLSyHTx2CHPnLz7BbX6TZu%252B50SskQ9JGjlOZld5NE%252F4V39k8tO0N6myM%252B6n5IRL0&r=1476608979549&seq=0&skey=@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073";
    let mut session = SECOND.session(Family::Wx, SyncKey::default());
    compare(&built(GetContacts::new(), &mut session, LISTED), printed, &[LANG]);

    let seq = Difference {
        what: "?seq",
        how: Changed("637275253"),
        why: "docs/protocol.md §16: pages; the notes always have 0",
    };
    compare(
        &built(GetContacts::from_seq(637_275_253), &mut session, LISTED),
        printed,
        &[LANG, seq],
    );
}

#[test]
fn webwxgetcontact_request_matches_second_notes() {
    let printed = r#"
POST https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxgetcontact
ContentType: application/json; charset=UTF-8

{ "BaseRequest": { "Uin": 752650838, "Sid": "YAqzRQVYIhbG6DFO",
  "Skey": "@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073", "DeviceID": "e098855372553243" } }"#;
    let get = "docs/protocol.md §16: GET; §17: their POST is an error";
    let parameter = "docs/protocol.md §5.1: one of the GET's parameters";
    let differences = [
        Difference { what: "method", how: Changed("GET"), why: get },
        Difference { what: "BaseRequest", how: Omitted, why: get },
        MISSPELLED_CONTENT_TYPE,
        LANG,
        Difference { what: "?pass_ticket", how: Added(SECOND.pass_ticket), why: parameter },
        Difference { what: "?r", how: Added("1476608979549"), why: parameter },
        Difference { what: "?seq", how: Added("0"), why: parameter },
        Difference { what: "?skey", how: Added(SECOND.skey), why: parameter },
    ];
    let mut session = SECOND.session(Family::Wx2, SyncKey::default());
    compare(&built(GetContacts::new(), &mut session, LISTED), printed, &differences);
}

/// Returns the only record of the notes; both print the same, except for the names.
fn record(nick: &str, signature: &str, pinyin: [&str; 2]) -> Contact {
    let [initials, full] = pinyin.map(Into::into);
    Contact {
        nick_name: nick.into(),
        alias: "Wolans".into(),
        head_img_url: "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=620148&username=@6271&skey=".into(),
        signature: signature.into(),
        pinyin: Pinyin { initials, full },
        key_word: "gh_".into(),
        contact_flag: ContactFlag(3),
        verify_flag: VerifyFlag(8),
        ..Contact::unknown(name("@62715a5e46d480ebd3403f7e79e34b6d"))
    }
}

#[test]
fn webwxgetcontact_reply_of_first_notes_is_parsed() {
    let body = r#"	{
		"BaseResponse": {
			"Ret": 0,
			"ErrMsg": ""
		},
		"MemberCount": 637,
		"MemberList": [
			{
				"Uin": 0,
		        "UserName": "@62715a5e46d480ebd3403f7e79e34b6d",
		        "NickName": "MiaoXu",
		        "HeadImgUrl": "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=620148&username=@6271&skey=",
		        "ContactFlag": 3,
		        "MemberCount": 0,
		        "MemberList": [],
		        "RemarkName": "",
		        "HideInputBarFlag": 0,
		        "Sex": 0,
		        "Signature": "IT全才-MiaoXu",
		        "VerifyFlag": 8,
		        "OwnerUin": 0,
		        "PYInitial": "MiaoXu",
		        "PYQuanPin": "MiaoXu",
		        "RemarkPYInitial": "",
		        "RemarkPYQuanPin": "",
		        "StarFriend": 0,
		        "AppAccountFlag": 0,
		        "Statues": 0,
		        "AttrStatus": 0,
		        "Province": "",
		        "City": "",
		        "Alias": "Wolans",
		        "SnsFlag": 0,
		        "UniFriend": 0,
		        "DisplayName": "",
		        "ChatRoomId": 0,
		        "KeyWord": "gh_",
		        "EncryChatRoomId": ""
			}
		],
		"Seq": 0
	}"#;
    let page = GetContacts::new().parse(&reply(body)).unwrap();
    let contact = record("MiaoXu", "IT全才-MiaoXu", ["MiaoXu", "MiaoXu"]);
    assert!(contact.is_official() && !contact.is_room());
    assert_eq!(page, ContactPage { contacts: Vec::from([contact.clone()]), next: 0 });

    // Fields that are printed empty or 0 are parsed from their place in the record.
    type Fill = fn(&mut Contact);
    let fills: [(&str, Fill); 15] = [
        ("\"RemarkName\": \"7\"", |c| c.remark_name = "7".into()),
        ("\"RemarkPYInitial\": \"7\"", |c| c.remark_pinyin.initials = "7".into()),
        ("\"RemarkPYQuanPin\": \"7\"", |c| c.remark_pinyin.full = "7".into()),
        ("\"Province\": \"7\"", |c| c.province = "7".into()),
        ("\"City\": \"7\"", |c| c.city = "7".into()),
        ("\"EncryChatRoomId\": \"7\"", |c| c.encry_chat_room_id = "7".into()),
        ("\"MemberCount\": 7,\n\t\t        ", |c| c.member_count = 7),
        ("\"Sex\": 7", |c| c.sex = 7),
        ("\"StarFriend\": 7", |c| c.star_friend = 7),
        ("\"Statues\": 7", |c| c.statues = 7),
        ("\"AttrStatus\": 7", |c| c.attr_status = 7),
        ("\"SnsFlag\": 7", |c| c.sns_flag = SnsFlag(7)),
        ("\"OwnerUin\": 7", |c| c.owner_uin = 7),
        // These are ignored.
        ("\"UniFriend\": 7", |_| {}),
        ("\"DisplayName\": \"7\"", |_| {}),
    ];
    for (filled, fill) in fills {
        let empty = filled.replace("\"7\"", "\"\"").replace('7', "0");
        assert_eq!(body.matches(&empty).count(), 1, "{empty:?}");
        let page = GetContacts::new().parse(&reply(&body.replace(&empty, filled))).unwrap();
        let mut other = contact.clone();
        fill(&mut other);
        assert_eq!(page, ContactPage { contacts: Vec::from([other]), next: 0 }, "{filled}");
    }
    let page = GetContacts::new()
        .parse(&reply(&body.replace("\"Seq\": 0", "\"Seq\": 637275253")))
        .unwrap();
    assert_eq!(page, ContactPage { contacts: Vec::from([contact]), next: 637_275_253 });
}

#[test]
fn webwxgetcontact_reply_of_second_notes_is_parsed() {
    let body = r#"{
"BaseResponse": {
"Ret": 0,
"ErrMsg": ""
},
"MemberCount": 334,
"MemberList": [
{
"Uin": 0,
"UserName": "@62715a5e46d480ebd3403f7e79e34b6d",
"NickName": "Wolan",
"HeadImgUrl": "/cgi-bin/mmwebwx-bin/webwxgeticon?seq=620148&username=@6271&skey=",
"ContactFlag": 3,
"MemberCount": 0,
"MemberList": [],
"RemarkName": "",
"HideInputBarFlag": 0,
"Sex": 0,
"Signature": "我是三石",
"VerifyFlag": 8,
"OwnerUin": 0,
"PYInitial": "WOLAN",
"PYQuanPin": "Wolan",
"RemarkPYInitial": "",
"RemarkPYQuanPin": "",
"StarFriend": 0,
"AppAccountFlag": 0,
"Statues": 0,
"AttrStatus": 0,
"Province": "",
"City": "",
"Alias": "Wolans",
"SnsFlag": 0,
"UniFriend": 0,
"DisplayName": "",
"ChatRoomId": 0,
"KeyWord": "gh_",
"EncryChatRoomId": ""
}
],
"Seq": 0
}"#;
    let page = GetContacts::new().parse(&reply(body)).unwrap();
    let contact = record("Wolan", "我是三石", ["WOLAN", "Wolan"]);
    assert_eq!(page, ContactPage { contacts: Vec::from([contact]), next: 0 });
}

/// Only the first notes have `webwxbatchgetcontact`.
#[test]
fn webwxbatchgetcontact_request_matches_first_notes() {
    // The count is seven rooms; one is printed, the others are `…`.
    let rooms: Vec<_> = core::iter::once(name(OTHER_ROOM))
        .chain((1..7).map(|n| name(&format!("@@{n:064x}"))))
        .collect();
    let rest: String = rooms[1..]
        .iter()
        .map(|room| format!(",{{ \"UserName\": \"{room}\", \"ChatRoomId\": \"\" }}"))
        .collect();
    let printed = r#"
POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxbatchgetcontact?type=ex&r=1476608979648&pass_ticket=PLSyHTx2CHPnLz7BbX6TZu%252B50SskQ9JGjlOZld5NE%252F4V39k8tO0N6myM%252B6n5IRL0
Content-Type:application/json;charset=UTF-8

	{
		"BaseRequest": {
			"Uin": 752650838,
			"Sid": "YAqzRQVYIhbG6DFO",
			"Skey": "@crypt_cec4ff9f_d3c971cda9a908fa8e68c07152ac7073",
			"DeviceID": "e316575061818116"
		},
		"Count": 7,
		"List": [
			{
			"UserName": "@@30eeaf63df54cd27d1a9dbf2120e3e481c0473daba1abb19b712bff391196641",
			"ChatRoomId": ""
			}…
		]
	}"#;
    let mut session = SECOND.session(Family::Wx, SyncKey::default());
    let call = built(BatchGetContacts::new(&rooms), &mut session, ASKED);
    compare(&call, &printed.replace('…', &rest), &[LANG, DEVICE_ID]);
}

#[test]
fn webwxbatchgetcontact_reply_of_first_notes_is_parsed() {
    // As printed: the count is seven, the list is empty.
    let printed = r#"	{
		"BaseResponse": {
			"Ret": 0,
			"ErrMsg": ""
		},
		"Count": 7,
		"ContactList": [
		]
	}"#;
    assert_eq!(BatchGetContacts::new(&[]).parse(&reply(printed)).unwrap(), []);

    let record_of = |n| format!("{{\"UserName\":\"@@{n:064x}\",\"NickName\":\"room {n}\"}}");
    let records: Vec<_> = (0..7).map(record_of).collect();
    let filled = printed.replace("\n\t\t]", &format!("{}]", records.join(",")));
    let rooms = BatchGetContacts::new(&[]).parse(&reply(&filled)).unwrap();
    assert_eq!(rooms.len(), 7);
    for (n, room) in rooms.iter().enumerate() {
        assert_eq!(room.user_name, name(&format!("@@{n:064x}")));
        assert_eq!(*room.nick_name, format!("room {n}"));
        assert!(room.is_room());
    }
}
