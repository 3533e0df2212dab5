//! Replies, compared with an untyped reading of the same JSON.

use serde_json::{Map, Value, json};
use wechat_proto::contact::GetContacts;
use wechat_proto::message::Kind;
use wechat_proto::sync::FetchBatch;
use wechat_proto::text::{Text, decode};
use wechat_proto::{Endpoint as _, Message, Timestamp, UserName};

use super::{Entry, me, reply};

/// The entries for replies.
pub(crate) const ENTRIES: &[(&str, Entry)] =
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
            assert_eq!(shown(&page.contacts), records(&value["MemberList"], contact));
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
    assert_eq!(shown(&batch.changed), records(&value["ModContactList"], contact));
    assert_eq!(shown(&batch.changed_members), records(&value["ModChatRoomMemberList"], contact));
    let gone = |gone: &Value| name(&gone["UserName"]).map(Value::from);
    assert_eq!(shown(&batch.removed), records(&value["DelContactList"], gone));
    assert_eq!(batch.has_more, integer(&value["ContinueFlag"]) != 0);
    assert_eq!(batch.sync_key.as_ref().map(shown), key(&value["SyncKey"]));
    assert_eq!(batch.sync_check_key.as_ref().map(shown), key(&value["SyncCheckKey"]));
    let changed = batch
        .profile
        .clone()
        .map(|new| [new.nick_name, new.head_img_url].map(|text| text.map(String::from)));
    assert_eq!(changed, profile(&value["Profile"]));
    let records = list(&value["AddMsgList"]);
    let messages = batch.clone().messages(&me());
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
    // The start of another message in a text cannot be distinguished from a real one.
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
    assert_eq!(batch.sync_key.as_ref().map(shown), Some(json!([[1, 2]])));
    assert_eq!(batch.changed.len(), 1);
    let messages = batch.messages(&me());
    let texts = [messages.first(), messages.last()].map(|message| message.and_then(Message::text));
    assert_eq!(texts, [Some("one"), Some("three")]);
    assert!(messages.len() > 2);
    // The text may contain another id.
    let is_second = |message: &Message| {
        message.id == "2".into() || matches!(message.kind, Kind::Unreadable { .. })
    };
    assert!(text.contains("MsgId") || messages.iter().any(is_second));
}

/// Returns the serialized form.
fn shown<T: serde::Serialize>(value: T) -> Value {
    serde_json::to_value(value).expect("plain data")
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
            format!("{float:.0}").parse().ok().filter(|_| float % 1.0 == 0.0)
        }
        other => other.as_i64(),
    }
}

fn integer(value: &Value) -> i64 {
    number(value).unwrap_or_default()
}

/// Reads a text, or an integer in place of one.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => number(other).map(|number| number.to_string()).unwrap_or_default(),
    }
}

/// Reads a text, and decodes its entities and emoji.
fn decoded(value: &Value) -> String {
    decode(Text::from(&*text(value))).into()
}

/// Reads a picture's path, without the credential.
fn picture(value: &Value) -> String {
    let path = value.as_str().unwrap_or_default();
    let last =
        ["?skey=", "&skey="].iter().filter_map(|name| Some(path.rfind(name)? + name.len())).max();
    last.map_or_else(
        || path.to_owned(),
        |start| {
            let (before, value) = path.split_at(start);
            [before, value.find('&').map_or("", |end| &value[end..])].concat()
        },
    )
}

fn name(value: &Value) -> Option<String> {
    text(value).parse::<UserName>().ok().map(|name| name.to_string())
}

/// Returns an object of fields `ours=Theirs`, each read by `read`.
fn fields<T: Into<Value>>(
    record: &Value,
    names: &str,
    read: fn(&Value) -> T,
) -> Map<String, Value> {
    let pairs = names.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.map(|(ours, theirs)| (ours.to_owned(), read(&record[theirs]).into())).collect()
}

/// Returns the serialized forms of the records of a list.
fn records(value: &Value, read: fn(&Value) -> Option<Value>) -> Value {
    list(value).iter().filter_map(read).collect()
}

fn contact(value: &Value) -> Option<Value> {
    let user_name = name(&value["UserName"])?;
    let members = records(&value["MemberList"], member);
    let mut contact = fields(
        value,
        "alias=Alias province=Province city=City key_word=KeyWord encry_chat_room_id=EncryChatRoomId",
        text,
    );
    contact.extend(fields(
        value,
        "nick_name=NickName remark_name=RemarkName signature=Signature",
        decoded,
    ));
    let integers = "contact_flag=ContactFlag verify_flag=VerifyFlag sns_flag=SnsFlag attr_status=AttrStatus statues=Statues sex=Sex star_friend=StarFriend hide_input_bar_flag=HideInputBarFlag uin=Uin owner_uin=OwnerUin is_owner=IsOwner member_count=MemberCount";
    contact.extend(fields(value, integers, integer));
    contact.extend(fields(value, "head_img_url=HeadImgUrl", picture));
    if contact["member_count"] == 0 {
        contact["member_count"] = list(&members).len().into();
    }
    let others = [
        ("user_name", user_name.into()),
        ("pinyin", fields(value, "initials=PYInitial full=PYQuanPin", text).into()),
        (
            "remark_pinyin",
            fields(value, "initials=RemarkPYInitial full=RemarkPYQuanPin", text).into(),
        ),
        ("chat_room_owner", name(&value["ChatRoomOwner"]).into()),
        ("members", members),
    ];
    contact.extend(others.map(|(name, value)| (name.to_owned(), value)));
    Some(contact.into())
}

fn member(value: &Value) -> Option<Value> {
    let mut member = fields(value, "nick_name=NickName display_name=DisplayName", decoded);
    member.extend(fields(value, "attr_status=AttrStatus member_status=MemberStatus", integer));
    member.insert("user_name".into(), name(&value["UserName"])?.into());
    Some(member.into())
}

/// Reads a key.
fn key(value: &Value) -> Option<Value> {
    let counters = list(&value["List"]);
    if integer(&value["Count"]) == 0 || counters.is_empty() || counters.len() > 256 {
        return None;
    }
    let counter =
        |counter: &Value| Some(json!([number(&counter["Key"])?, number(&counter["Val"])?]));
    counters.iter().map(counter).collect()
}

/// Reads the nickname and the picture of a profile, if they changed.
fn profile(value: &Value) -> Option<[Option<String>; 2]> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    let picture = some(picture(&text(&value["HeadImgUrl"]).into()));
    let changed = integer(&value["HeadImgUpdateFlag"]) != 0;
    let profile = [some(decoded(&value["NickName"]["Buff"])), picture.filter(|_| changed)];
    (integer(&value["BitFlag"]) == 190).then_some(profile)
}

/// Compares a message with one of the same fields, all written as text or integers.
fn same(message: &Message, record: &Value) {
    let same = |names: &str| {
        names.split_whitespace().map(|name| format!("{name}={name} ")).collect::<String>()
    };
    let texts = same(
        "MsgId FromUserName ToUserName Content FileName MediaId Url StatusNotifyUserName Ticket OriContent EncryFileName",
    );
    let integers = same(
        "MsgType CreateTime VoiceLength PlayLength FileSize AppMsgType StatusNotifyCode HasProductId ImgHeight ImgWidth SubMsgType",
    );
    let mut plain = fields(record, &texts, text);
    plain.extend(fields(record, &integers, integer));
    let of_person = &record["RecommendInfo"];
    let mut person = fields(
        of_person,
        &same("UserName NickName Province City Content Signature Alias Ticket"),
        text,
    );
    person.extend(fields(
        of_person,
        &same("QQNum Scene VerifyFlag AttrStatus Sex OpCode"),
        integer,
    ));
    plain.insert("RecommendInfo".into(), person.into());
    plain.insert("AppInfo".into(), json!({ "AppID": text(&record["AppInfo"]["AppID"]) }));
    let plain = Value::from(plain);
    let again = Message::from_json(&plain.to_string(), &me()).expect("an object");
    assert_eq!((&message.id, &message.kind), (&again.id, &again.kind));
    assert_eq!((&message.from, &message.to), (&again.from, &again.to));
    assert_eq!((&message.speaker, message.sent), (&again.speaker, again.sent));
    assert_eq!(message.id.to_string(), &*text(&record["MsgId"]));
    let sent = u64::try_from(integer(&record["CreateTime"])).unwrap_or_default();
    assert_eq!(message.sent.as_secs(), Timestamp::from_secs(sent).as_secs());
}
