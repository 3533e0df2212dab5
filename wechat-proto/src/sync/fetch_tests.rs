use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::*;
use crate::error::Ret;
use crate::message::{Kind, Message, MsgType};
use crate::testing::{NOW, malformed, me, rendered, reply, session};

/// Parses a batch with these messages, a changed contact and a key, which must be there.
fn batch_of(messages: &str) -> Batch {
    let body = format!(
        r#"{{"BaseResponse":{{"Ret":0}},"AddMsgCount":3,"AddMsgList":[{messages}],"ModContactList":[{{"UserName":"@c"}}],"SyncKey":{{"Count":1,"List":[{{"Key":1,"Val":7}}]}},"SKey":""}}"#
    );
    let batch = FetchBatch::new().parse(&reply(&body)).unwrap();
    assert_eq!((batch.sync_key.as_ref().unwrap().joined(), batch.changed.len()), ("1_7".into(), 1));
    batch
}

fn ids(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.id.to_string()).collect()
}

#[test]
fn fetch_request_is_built() {
    insta::assert_snapshot!(rendered(FetchBatch::new(), &mut session()), @r#"
    POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsync?sid=kByRoJSUlD7S2pif&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

    {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"SyncKey":{"Count":2,"List":[{"Key":1,"Val":643606091},{"Key":2,"Val":643606203}]},"rr":862586243}
    "#);
}

#[test]
fn batch_is_parsed() {
    let batch = FetchBatch::new().parse(&reply(
        r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"AddMsgCount":1,"AddMsgList":[{"MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"},
        {"MsgId":"2","FromUserName":"@a","ToUserName":"@me","MsgType":51}],
        "ModContactList":[{"UserName":"@@r","NickName":"new"}],"DelContactList":[{"UserName":"@gone","ContactFlag":0},{}],
        "Profile":{"BitFlag":190,"UserName":{"Buff":""},"NickName":{"Buff":"N &amp; n"},"HeadImgUpdateFlag":1,"HeadImgUrl":"/h"},
        "ContinueFlag":1,"SyncKey":{"Count":1,"List":[{"Key":1,"Val":5}]},"SKey":"","SyncCheckKey":{"Count":1,"List":[{"Key":1,"Val":6}]}}"#,
    ))
    .unwrap();
    assert!(batch.has_more && !batch.is_empty());
    assert_eq!(batch.sync_key.as_ref().unwrap().joined(), "1_5");
    assert_eq!(batch.sync_check_key.as_ref().unwrap().joined(), "1_6");
    assert_eq!((batch.changed.len(), batch.removed.len()), (1, 1));
    let profile = batch.profile.clone().unwrap();
    assert_eq!(
        (profile.nick_name.as_deref(), profile.head_img_url.as_deref()),
        (Some("N & n"), Some("/h"))
    );
    let messages = batch.messages(&session().me().user_name);
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].text(), Some("hi"));
    assert!(messages[1].raw.json().contains("\"MsgType\":51"));
}

#[test]
fn empty_batch_is_parsed() {
    let batch = FetchBatch::new().parse(&reply(
        r#"{"BaseResponse":{"Ret":0},"Profile":{"BitFlag":0,"NickName":{"Buff":"x"}},"SyncKey":{"Count":0,"List":[]}}"#,
    ))
    .unwrap();
    assert!(batch.is_empty() && !batch.has_more);
    assert_eq!((batch.sync_key, batch.sync_check_key), (None, None));
}

/// Each kind of change alone counts as news.
#[test]
fn each_kind_of_change_is_detected() {
    for (list, is_change) in [
        (r#""ModContactList":[{"UserName":"@a"}]"#, true),
        (r#""DelContactList":[{"UserName":"@a"}]"#, true),
        (r#""ModChatRoomMemberList":[{"UserName":"@@r","MemberCount":1}]"#, true),
        (r#""Profile":{"BitFlag":190}"#, true),
        (r#""AddMsgList":[{"MsgId":"1"}]"#, false),
        (r#""ModContactList":[],"DelContactList":[],"ModChatRoomMemberList":[]"#, false),
    ] {
        let body = format!("{{\"BaseResponse\":{{\"Ret\":0}},{list}}}");
        let batch = FetchBatch::new().parse(&reply(&body)).unwrap();
        assert_eq!(batch.has_changes(), is_change, "{list}");
        assert_eq!(batch.is_empty(), !is_change && !list.contains("MsgId"), "{list}");
    }
}

/// `docs/protocol.md` §7.2: only 190 is a change, and each part has its own flag.
#[test]
fn profile_changes_are_parsed() {
    for (profile, read) in [
        (r#"{"BitFlag":0,"NickName":{"Buff":"n"},"HeadImgUpdateFlag":1,"HeadImgUrl":"/h"}"#, None),
        (r#"{"BitFlag":191,"NickName":{"Buff":"n"}}"#, None),
        (r#"{"NickName":{"Buff":"n"}}"#, None),
        ("[]", None),
        (r#"{"BitFlag":190}"#, Some((None, None))),
        (r#"{"BitFlag":190,"NickName":{"Buff":"n"}}"#, Some((Some("n"), None))),
        (r#"{"BitFlag":190,"NickName":"n"}"#, Some((None, None))),
        (
            r#"{"BitFlag":190,"NickName":{"Buff":""},"HeadImgUpdateFlag":0,"HeadImgUrl":"/h"}"#,
            Some((None, None)),
        ),
        (r#"{"BitFlag":190,"HeadImgUpdateFlag":1,"HeadImgUrl":""}"#, Some((None, None))),
        (
            r#"{"BitFlag":"190","NickName":{"Buff":"A<span class=\"emoji emoji1f604\"></span>"},"HeadImgUpdateFlag":1,"HeadImgUrl":"/h?skey=@crypt_1"}"#,
            Some((Some("A😄"), Some("/h?skey="))),
        ),
    ] {
        let body = format!("{{\"BaseResponse\":{{\"Ret\":0}},\"Profile\":{profile}}}");
        let found = FetchBatch::new().parse(&reply(&body)).unwrap().profile;
        let found = found.as_ref().map(|p| (p.nick_name.as_deref(), p.head_img_url.as_deref()));
        assert_eq!(found, read, "{profile}");
    }
}

/// Threat J6: one invalid element among others.
#[test]
fn an_invalid_message_does_not_affect_the_others() {
    let good = r#"{"MsgId":"1","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"}"#;
    for bad in [
        "7",
        "null",
        "{}",
        "[1]",
        r#"{"MsgType":1e400,"FromUserName":"@a"}"#,
        r#"{"Content":"\ud83d"}"#,
    ] {
        let messages = batch_of(&[good, bad, good].join(",")).messages(&me());
        assert_eq!(messages.len(), 3, "{bad}");
        assert_eq!(messages[2].text(), Some("hi"));
        assert_ne!(messages[1].text(), Some("hi"));
    }
}

/// Threat B4: an adapter locks the account while a batch is applied, not while it is parsed.
#[test]
fn messages_are_parsed_with_the_reply() {
    let (mut session, mut fetch) = (session(), FetchBatch::new());
    fetch.request(&mut session, NOW);
    let body = r#"{"BaseResponse":{"Ret":0},"AddMsgList":[{"MsgType":1,"Content":"a"}]}"#;
    let Messages::Parsed(messages) = fetch.parse(&reply(body)).unwrap().messages else { panic!() };
    assert_eq!(messages[0].text(), Some("a"));
}

#[test]
fn other_replies_are_errors() {
    malformed(&FetchBatch::new(), &["{\"AddMsgList\":[]}"]);
    // `docs/shapes.md`: a Ret of 3 comes with an empty key.
    let refused = FetchBatch::new()
        .parse(&reply("{\"BaseResponse\":{\"Ret\":3},\"SyncKey\":{\"Count\":0,\"List\":[]}}"));
    assert!(matches!(refused, Err(Error::Refused { ret: Ret(3), .. })));
}

/// Threats J2, J4, J6: malformed JSON in one message does not affect the others, or the key.
#[test]
fn malformed_message_does_not_affect_the_others() {
    for (field, text) in [
        (r#""Content":"a\qb""#, "a\\qb"),
        (r#""Content":"ends in a backslash\""#, "ends in a backslash\\"),
        (r#""Content":"say "hi" to all""#, "say \"hi\" to all"),
        (r#""ImgHeight":007,"Content":"x""#, "x"),
        (r#""ImgHeight":NaN,"Content":"x""#, "x"),
        (r#""ImgHeight":1e400,"Content":"x""#, "x"),
        (r#""Else":{"a":1,},"Content":"x""#, "x"),
        (r#""Else":{'a':1},"Content":"x""#, "x"),
        (r#""Content":"a"}b""#, "a\"}b"),
        (r#""Content":"[{"a":"b"}],["c"]""#, "[{\"a\":\"b\"}],[\"c\"]"),
        (r#""Content":"x","Else":]"#, "x"),
        (r#""Content":"no end"#, "no end"),
        (r#"}},{,"Content":"x""#, "x"),
    ] {
        for broken in 0..3 {
            let message = |id| {
                let field = if id == broken { field } else { r#""Content":"sound""# };
                format!(
                    r#"{{"MsgId":"{id}","FromUserName":"@a","ToUserName":"@me","MsgType":1,{field}}}"#
                )
            };
            let messages = batch_of(&[0, 1, 2].map(message).join(",")).messages(&me());
            for id in (0..3).filter(|id| *id != broken) {
                let sound = messages.iter().find(|message| message.id == id.to_string().into());
                assert_eq!(sound.unwrap().text(), Some("sound"), "{field}");
            }
            assert_eq!(messages[broken].text(), Some(text), "{field}");
            assert_eq!(messages.len(), 3, "{field}");
        }
    }
}

/// Threats J4, J6: the contacts of a batch are repaired like its messages.
#[test]
fn malformed_contact_does_not_affect_messages() {
    for name in [r#""\ud83d""#, r#""a "b" c""#, "NaN", "1e400", r#""a"},{""#] {
        let body = format!(
            r#"{{"BaseResponse":{{"Ret":0}},"AddMsgList":[{{"MsgId":"1","Content":"a"}}],"ModContactList":[{{"UserName":"@c","NickName":{name},"City":""}},{{"UserName":"@d","NickName":"d"}}],"SyncKey":{{"Count":1,"List":[{{"Key":1,"Val":7}}]}}}}"#
        );
        let batch = FetchBatch::new().parse(&reply(&body)).unwrap();
        assert_eq!(batch.sync_key.as_ref().unwrap().joined(), "1_7", "{body}");
        let names = batch.changed.iter().map(|contact| contact.user_name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["@c", "@d"], "{body}");
        assert_eq!(batch.messages(&me()).len(), 1, "{body}");
    }
}

/// Threat J6: a message that contains the name of its list.
#[test]
fn list_name_in_a_message_does_not_affect_the_others() {
    let message = |id: &str, text: &str| format!(r#"{{"MsgId":"{id}","Content":"{text}"}}"#);
    let text = r#"x,"AddMsgList":[{"MsgI,"a":"b"#;
    let list = [message("1", "a"), message("2", text), message("3", "c")].join(",");
    let batch = batch_of(&list);
    assert_eq!(ids(&batch.messages(&me())), ["1", "2", "3"]);
}

/// Threat J6: messages in which `MsgId` is not the first field.
#[test]
fn field_order_of_messages_does_not_matter() {
    let message = |id: &str, text: &str| format!(r#"{{"Content":"{text}","MsgId":"{id}"}}"#);
    let list = [message("1", "a"), message("2", r#"a "b""#), message("3", "c")].join(",");
    let batch = batch_of(&list);
    assert_eq!(ids(&batch.messages(&me())), ["1", "2", "3"]);
}

/// Threat J6: the text is kept.
#[test]
fn text_in_place_of_a_message_is_unreadable() {
    let message = |id: u8| format!(r#"{{"MsgId":"{id}","FromUserName":"@a","Content":"{id}"}}"#);
    for text in ["@@", "\"", "{\"MsgId\" 1}", "{@}", "[{", "\"a\":]}", "NaN"] {
        for index in 0..3 {
            let mut list = [1, 2, 3].map(message);
            list[index] = text.into();
            let messages = batch_of(&list.join("\n,")).messages(&me());
            let mut expected = ["1", "2", "3"];
            expected[index] = "";
            assert_eq!(ids(&messages), expected, "{text}");
            let found = &messages[index];
            assert!(matches!(found.kind, Kind::Unreadable { .. }), "{text}");
            let kept = text.trim_end_matches([']', '}']);
            assert!(found.raw.json().contains(kept), "{} of {text}", found.raw.json());
        }
    }
}

/// Threat W8: a message reports that later ones were not kept, and the key stays until it is
/// acknowledged.
#[test]
fn messages_that_are_not_kept_are_reported() {
    let (mut session, mut fetch) = (session(), FetchBatch::new());
    let key = session.to_json();
    let response = reply(&format!(
        r#"{{"BaseResponse":{{"Ret":0}},"AddMsgList":[{}{{}}],"SyncKey":{{"Count":1,"List":[{{"Key":1,"Val":5}}]}}}}"#,
        "{},".repeat(10_000)
    ));
    let batch = fetch.parse(&response).unwrap();
    fetch.apply(&batch, &mut session, Timestamp::from_millis(0));
    let messages = session.apply(batch);
    assert!(messages.len() > 2_000 && messages.len() < 10_000, "{}", messages.len());
    let (last, kept) = messages.split_last().unwrap();
    let reason = "a reply with too many messages was cut here";
    assert_eq!(last.kind, Kind::Unreadable { msg_type: MsgType(0), reason });
    kept.iter().for_each(|message| session.acknowledge(message));
    assert_eq!(session.to_json(), key);
    session.acknowledge(last);
    assert_ne!(session.to_json(), key);
}
