//! Replies, compared with an untyped reading of the same JSON.
#![expect(clippy::indexing_slicing, reason = "a missing field of a `Value` is null")]

use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{Entry, me, reply};
use crate::contact::record::picture;
use crate::contact::{
    Contact, ContactFlag, GetContacts, Member, Members, Pinyin, SnsFlag, VerifyFlag,
};
use crate::endpoint::Endpoint as _;
use crate::ids::UserName;
use crate::message::{Kind, Message};
use crate::sync::{FetchBatch, Profile, SyncKey};
use crate::text::{Text, decode};

/// The entries for replies.
pub const DIFFERENTIAL: &[(&str, Entry)] =
    &[("page", page), ("batch", batch), ("malformed", malformed)];

/// Returns a body that contains the fields, and its value if it is valid JSON.
fn body(fields: &[&[u8]]) -> (Vec<u8>, Option<Value>) {
    let body = [b"{\"BaseResponse\":{\"Ret\":0},", &*fields.concat(), b"}"].concat();
    let value = serde_json::from_slice(&body).ok();
    (body, value)
}

/// Compares the contacts of a page. The input is the text of a list, without its brackets.
fn page(bytes: &[u8]) {
    let (body, value) = body(&[b"\"MemberList\":[", bytes, b"]"]);
    let (page, Some(value)) = (GetContacts::new().parse(&reply(&body)), value) else { return };
    match (page, number(&value["BaseResponse"]["Ret"])) {
        (Ok(page), Some(0)) => {
            assert_eq!(page.contacts, contacts(&value["MemberList"]));
            assert_eq!(page.next, integer(&value["Seq"]));
        }
        (page, ret) => assert!(page.is_err() && ret != Some(0)),
    }
}

/// Compares a batch. The input is the text of its fields.
fn batch(bytes: &[u8]) {
    let (body, value) = body(&[bytes]);
    let (batch, Some(value)) = (FetchBatch::new().parse(&reply(&body)), value) else { return };
    let (Ok(batch), Some(0)) = (&batch, number(&value["BaseResponse"]["Ret"])) else {
        assert!(batch.is_err() && number(&value["BaseResponse"]["Ret"]) != Some(0));
        return;
    };
    assert_eq!(batch.changed, contacts(&value["ModContactList"]));
    assert_eq!(batch.changed_members, contacts(&value["ModChatRoomMemberList"]));
    let removed = list(&value["DelContactList"]);
    let removed: Vec<_> = removed.iter().filter_map(|gone| name(&gone["UserName"])).collect();
    assert_eq!(batch.removed, removed);
    assert_eq!(batch.more, integer(&value["ContinueFlag"]) != 0);
    assert_eq!(batch.sync_key.as_ref().map(SyncKey::joined), key(&value["SyncKey"]));
    assert_eq!(batch.sync_check_key.as_ref().map(SyncKey::joined), key(&value["SyncCheckKey"]));
    assert_eq!(batch.profile, profile(&value["Profile"]));
    let records = list(&value["AddMsgList"]);
    let messages = batch.clone().messages(&me().user_name);
    assert_eq!(messages.len(), records.len());
    // A string is text that could not be repaired.
    for (message, record) in messages.iter().zip(records).filter(|(_, record)| !record.is_string())
    {
        same(message, record);
    }
}

/// Checks that a malformed message affects neither the others nor the key. The input is the text of
/// a string in the second of three messages.
fn malformed(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // Nothing can distinguish the start of another message from a real one.
    let is_message =
        |rest: &str| rest.trim_start().trim_start_matches(['"', '\'']).starts_with("MsgId");
    if text.split('{').skip(1).any(is_message) {
        return;
    }
    let message = |id: &str, text: &str| {
        let fields = [
            "{\"MsgId\":\"",
            id,
            "\",\"FromUserName\":\"@a\",\"ToUserName\":\"@b\",\"MsgType\":1,\"Content\":\"",
            text,
            "\",\"Url\":\"\",\"AppInfo\":{\"AppID\":\"\",\"Type\":0}}",
        ];
        fields.concat()
    };
    let messages = [message("1", "one"), message("2", &text), message("3", "three")].join("\n,");
    let key = b",\"SyncKey\":{\"Count\":1,\"List\":[{\"Key\":1,\"Val\":2}]}";
    let contacts = b"\n],\"ModContactCount\":1,\"ModContactList\":[{\"UserName\":\"@c\"}]";
    let (body, _) = body(&[b"\"AddMsgList\":[", messages.as_bytes(), contacts, key]);
    let batch = FetchBatch::new().parse(&reply(&body)).expect("a batch");
    assert_eq!(batch.sync_key.as_ref().map(SyncKey::joined).as_deref(), Some("1_2"));
    assert_eq!(batch.changed.len(), 1);
    let messages = batch.messages(&me().user_name);
    let texts = [messages.first(), messages.last()].map(|message| message.and_then(Message::text));
    assert_eq!(texts, [Some("one"), Some("three")]);
    assert!(messages.len() > 2);
    // The text may contain another id.
    let is_second = |message: &Message| {
        message.id.as_str() == "2" || matches!(message.kind, Kind::Unreadable { .. })
    };
    assert!(text.contains("MsgId") || messages.iter().any(is_second));
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Reads an integer: `1`, `1.0`, `true` or `"1"`.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(is_set) => Some((*is_set).into()),
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().filter(|float| float.abs() <= 9_007_199_254_740_992.0)?;
            alloc::format!("{float:.0}").parse().ok().filter(|_| float % 1.0 == 0.0)
        }
        other => other.as_i64(),
    }
}

fn integer(value: &Value) -> i64 {
    number(value).unwrap_or_default()
}

/// Reads a text, or an integer in place of one.
fn text(value: &Value) -> Box<str> {
    match value {
        Value::String(text) => text.as_str().into(),
        other => number(other).map(|number| number.to_string()).unwrap_or_default().into(),
    }
}

/// Reads a text with entities and emoji.
fn decoded(value: &Value) -> Box<str> {
    decode(Text::from(&*text(value)))
}

fn name(value: &Value) -> Option<UserName> {
    text(value).parse().ok()
}

fn contacts(value: &Value) -> Vec<Contact> {
    list(value).iter().filter_map(contact).collect()
}

fn contact(value: &Value) -> Option<Contact> {
    let pinyin = |initials: &str, full: &str| Pinyin {
        initials: text(&value[initials]),
        full: text(&value[full]),
    };
    let members: Vec<_> = list(&value["MemberList"]).iter().filter_map(member).collect();
    let member_count = match integer(&value["MemberCount"]) {
        0 => members.len().try_into().unwrap_or_default(),
        count => count,
    };
    Some(Contact {
        user_name: name(&value["UserName"])?,
        nick_name: decoded(&value["NickName"]),
        remark_name: decoded(&value["RemarkName"]),
        alias: text(&value["Alias"]),
        head_img_url: value["HeadImgUrl"].as_str().map(picture).unwrap_or_default(),
        signature: decoded(&value["Signature"]),
        province: text(&value["Province"]),
        city: text(&value["City"]),
        pinyin: pinyin("PYInitial", "PYQuanPin"),
        remark_pinyin: pinyin("RemarkPYInitial", "RemarkPYQuanPin"),
        key_word: text(&value["KeyWord"]),
        contact_flag: ContactFlag(integer(&value["ContactFlag"])),
        verify_flag: VerifyFlag(integer(&value["VerifyFlag"])),
        sns_flag: SnsFlag(integer(&value["SnsFlag"])),
        attr_status: integer(&value["AttrStatus"]),
        statues: integer(&value["Statues"]),
        sex: integer(&value["Sex"]),
        star_friend: integer(&value["StarFriend"]),
        hide_input_bar_flag: integer(&value["HideInputBarFlag"]),
        uin: integer(&value["Uin"]),
        owner_uin: integer(&value["OwnerUin"]),
        is_owner: integer(&value["IsOwner"]),
        chat_room_owner: name(&value["ChatRoomOwner"]),
        encry_chat_room_id: text(&value["EncryChatRoomId"]),
        member_count,
        members: Members::from(members),
    })
}

fn member(value: &Value) -> Option<Member> {
    Some(Member {
        user_name: name(&value["UserName"])?,
        nick_name: decoded(&value["NickName"]),
        display_name: decoded(&value["DisplayName"]),
        attr_status: integer(&value["AttrStatus"]),
        member_status: integer(&value["MemberStatus"]),
    })
}

/// Reads a key in the form of `synccheck`.
fn key(value: &Value) -> Option<String> {
    let counters = list(&value["List"]);
    if integer(&value["Count"]) == 0 || counters.is_empty() || counters.len() > 256 {
        return None;
    }
    let counter = |counter: &Value| {
        let (key, value) = number(&counter["Key"]).zip(number(&counter["Val"]))?;
        Some(alloc::format!("{key}_{value}"))
    };
    counters.iter().map(counter).collect::<Option<Vec<_>>>().map(|counters| counters.join("|"))
}

fn profile(value: &Value) -> Option<Profile> {
    let some = |text: Box<str>| (!text.is_empty()).then_some(text);
    let has_picture = integer(&value["HeadImgUpdateFlag"]) != 0;
    (integer(&value["BitFlag"]) == 190).then(|| Profile {
        nick_name: some(decoded(&value["NickName"]["Buff"])),
        head_img_url: some(picture(&text(&value["HeadImgUrl"]))).filter(|_| has_picture),
    })
}

/// Compares a message with one of the same fields, all written as text or integers.
fn same(message: &Message, record: &Value) {
    let fields = |record: &Value, texts: &[&str], integers: &[&str]| -> Value {
        let texts = texts.iter().map(|name| (*name, Value::from(&*text(&record[*name]))));
        let integers = integers.iter().map(|name| (*name, integer(&record[*name]).into()));
        texts.chain(integers).map(|(name, value)| (name.to_owned(), value)).collect()
    };
    let mut plain = fields(
        record,
        &[
            "MsgId",
            "FromUserName",
            "ToUserName",
            "Content",
            "FileName",
            "MediaId",
            "Url",
            "StatusNotifyUserName",
            "Ticket",
            "OriContent",
            "EncryFileName",
        ],
        &[
            "MsgType",
            "CreateTime",
            "VoiceLength",
            "PlayLength",
            "FileSize",
            "AppMsgType",
            "StatusNotifyCode",
            "HasProductId",
            "ImgHeight",
            "ImgWidth",
            "SubMsgType",
        ],
    );
    plain["AppInfo"] = json!({ "AppID": text(&record["AppInfo"]["AppID"]) });
    plain["RecommendInfo"] = fields(
        &record["RecommendInfo"],
        &["UserName", "NickName", "Province", "City", "Content", "Signature", "Alias", "Ticket"],
        &["QQNum", "Scene", "VerifyFlag", "AttrStatus", "Sex", "OpCode"],
    );
    let again = Message::from_json(&plain.to_string(), &me().user_name).expect("an object");
    assert_eq!((&message.id, &message.kind), (&again.id, &again.kind));
    assert_eq!((&message.from, &message.to), (&again.from, &again.to));
    assert_eq!((&message.speaker, message.sent), (&again.speaker, again.sent));
    assert_eq!(message.id.as_str(), &*text(&record["MsgId"]));
    let sent = u64::try_from(integer(&record["CreateTime"])).unwrap_or_default();
    assert_eq!(message.sent.as_secs(), crate::time::Timestamp::from_secs(sent).as_secs());
}
