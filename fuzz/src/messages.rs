//! Inputs for the parsers of messages: whole records, and contents of all types.

use serde_json::{Value, json};

use super::{Entry, NOW, account, me, reply};
use wechat_proto::Device;
use wechat_proto::Endpoint as _;
use wechat_proto::UserName;
use wechat_proto::contact::{Contact, Directory};
use wechat_proto::media::{GetFile, GetMap};
use wechat_proto::message::{ForwardMessage, Kind, Message, SendText, mention};
use wechat_proto::sync::FetchBatch;

/// The entries for messages.
pub(crate) const ENTRIES: &[(&str, Entry)] = &[
    ("content", content),
    ("record", record),
    ("system-text", system_text),
    ("sysmsg", sysmsg),
    ("status", status),
];

/// `MsgType`, `SubMsgType` and `AppMsgType` of every kind with its own parser.
const TYPES: [(i64, i64, i64); 48] = [
    (1, 0, 0),
    (1, 48, 0),
    (1, 0, 2001),
    (3, 0, 0),
    (34, 0, 0),
    (37, 0, 0),
    (40, 0, 0),
    (42, 0, 0),
    (43, 0, 0),
    (44, 0, 0),
    (47, 0, 0),
    (48, 0, 0),
    (49, 0, 0),
    (49, 0, 1),
    (49, 0, 2),
    (49, 0, 3),
    (49, 0, 4),
    (49, 0, 5),
    (49, 0, 6),
    (49, 0, 7),
    (49, 0, 8),
    (49, 0, 9),
    (49, 0, 10),
    (49, 0, 13),
    (49, 0, 15),
    (49, 0, 16),
    (49, 0, 17),
    (49, 0, 19),
    (49, 0, 33),
    (49, 0, 36),
    (49, 0, 51),
    (49, 0, 53),
    (49, 0, 57),
    (49, 0, 87),
    (49, 0, 2000),
    (49, 0, 2001),
    (49, 0, 100_001),
    (50, 0, 0),
    (51, 0, 0),
    (53, 0, 0),
    (62, 0, 0),
    (9999, 0, 0),
    (10_000, 0, 0),
    (10_002, 0, 0),
    (49, 0, 50),
    (49, 0, 62),
    (49, 0, 63),
    (49, 0, 74),
];

/// The senders.
const SENDERS: [&str; 5] = ["@a", "@@1", "", "newsapp", "fmessage"];

/// Parses a batch of records. Returns no messages if it is not JSON.
fn read(records: &str) -> Vec<Message> {
    let body = format!("{{\"BaseResponse\":{{\"Ret\":0}},\"AddMsgList\":{records}}}");
    match FetchBatch::new().parse(&reply(body.as_bytes())) {
        Ok(batch) => batch.messages(&me()),
        Err(_) => Vec::new(),
    }
}

/// Parses a content. The first two bytes select the type and the sender; zero bytes separate the
/// content, a file name and an `OriContent`.
fn content(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first_chunk::<2>() else { return };
    let [kind, sender] = choice.map(usize::from);
    let (msg_type, sub, app) = TYPES.into_iter().cycle().nth(kind).expect("a cycle is infinite");
    let from = SENDERS.into_iter().cycle().nth(sender).expect("a cycle is infinite");
    let mut parts = rest.splitn(3, |byte| *byte == 0).map(String::from_utf8_lossy);
    let mut part = || parts.next().unwrap_or_default();
    let record = json!({
        "MsgId": "7", "FromUserName": from, "ToUserName": "@2",
        "MsgType": msg_type, "SubMsgType": sub, "AppMsgType": app, "CreateTime": 1_476_606_163,
        "Content": part(), "FileName": part(), "OriContent": part(), "Ticket": "v2_5e3d7a19@stranger",
        "RecommendInfo": { "Ticket": "v2_5e3d7a19@stranger" }, "StatusNotifyCode": 4,
    });
    let text = record.to_string();
    let messages = read(&format!("[{text},{{}},{text}]"));
    let [first, empty, second] = messages.as_slice() else { panic!("{} messages", messages.len()) };
    // Other records have no effect, and the raw JSON is unchanged.
    assert_eq!(first.kind, second.kind);
    assert!(matches!(empty.kind, Kind::Unreadable { .. }));
    assert_eq!((first.raw.json(), second.raw.json()), (&*text, &*text));
    assert!(!format!("{first:?}").contains("5e3d7a19"));
    check_message(first);
}

/// Parses the bytes as records.
fn record(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for message in read(&format!("[{text}]")) {
        check_message(&message);
    }
}

/// Checks the invariants of every message.
fn check_message(message: &Message) {
    let json = serde_json::to_value(message).expect("plain data");
    assert_eq!(json.get("schema"), Some(&Value::from(Message::SCHEMA)));
    let kind = json.get("kind").and_then(Value::as_object);
    assert_eq!(kind.map(serde_json::Map::len), Some(1), "{json}");
    let shown = message.preview(Device::new().lang());
    assert!(!shown.contains(['\n', '\r']));
    assert_eq!(message.to_string().replace(['\n', '\r'], " "), shown);
    // The message is the same if it is parsed alone.
    if let Ok(again) = Message::from_json(message.raw.json(), &me()) {
        assert_eq!(
            (&again.id, &again.kind, &again.from),
            (&message.id, &message.kind, &message.from)
        );
        assert_eq!((again.sent, &again.speaker), (message.sent, &message.speaker));
    }
    // Every function of messages accepts any message.
    let directory = Directory::default();
    let _ = (message.mentions(&directory, account().session().me()), message.mentions_everybody());
    let _ = (GetMap::of(message), GetFile::of(message));
    let mut account = account();
    let forwarded = ForwardMessage::new(message, UserName::file_helper())
        .map(|mut forward| forward.request(account.session_mut(), NOW));
    if message.text().is_some_and(|text| !text.trim().is_empty()) {
        assert!(forwarded.is_ok());
    }
    assert!(SendText::reply(message, "yes").request(account.session_mut(), NOW).body().len() > 3);
}

/// Returns a message of this type and content, with a status notice.
fn message(msg_type: i64, content: &str) -> Option<Message> {
    let records = json!([{
        "MsgId": "7", "FromUserName": "@@1", "ToUserName": "@2", "MsgType": msg_type, "Content": content,
        "StatusNotifyUserName": content,
    }]);
    read(&records.to_string()).pop()
}

/// Parses a system text.
fn system_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for msg_type in [9999, 10_000] {
        let Some(message) = message(msg_type, &text) else { continue };
        assert!(!message.preview(Device::new().lang()).contains('\n'));
        if let Kind::System(system) = &message.kind {
            // The tags of links and the prefix are removed; no text is added.
            assert!(system.text.len() <= 2 * text.len());
        }
    }
    let said = mention::without_quotation(&text);
    assert!(text.ends_with(said));
    let mut account = account();
    let room = r#"{"UserName":"@@1","MemberList":[{"UserName":"filehelper","NickName":"me"}]}"#;
    account.learn(Contact::from_json(room));
    if let Some(message) = message(1, &mention::text("me", &text)) {
        let me = account.session().me();
        // The text begins with the mention, unless the mention looks like the prefix of a speaker.
        let begins = message.text().is_some_and(|text| text.starts_with("@me\u{2005}"));
        assert!(!begins || message.mentions(account.directory(), me) == Some(true));
        let rest = message.text_without_mention(account.directory(), me);
        assert!(rest.is_none_or(|rest| rest.len() <= message.text().map_or(0, str::len)));
    }
}

/// Parses the XML of a system message, and checks that the result is not much larger.
fn sysmsg(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for msg_type in [10_000, 10_002] {
        let Some(message) = message(msg_type, &text) else { continue };
        let shown = message.preview(Device::new().lang());
        // Links are replaced by their content, once each; an empty link by a word.
        assert!(shown.len() <= 4 * text.len() + 64, "{shown}");
        match &message.kind {
            Kind::SysMsg(sysmsg) => drop(serde_json::to_string(sysmsg).expect("plain data")),
            Kind::Revoked(revoked) => drop(serde_json::to_string(revoked).expect("plain data")),
            _ => {}
        }
    }
}

/// Parses a status message of the phone, and checks that chats and ids are paired one to one.
fn status(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(message) = message(51, &text) else { return };
    if let Kind::Status(status) = &message.kind {
        let pairs = status.pairs().count();
        let (names, ids) = (status.user_names.len(), status.permanent_ids.len());
        assert!(pairs == 0 || pairs == names && pairs == ids);
    }
}
