//! Synthetic messages of every type and unusual shape: `corpus/messages`.
//!
//! Each file is one entry of an `AddMsgList`. Its name consists of its `MsgType`, the `AppMsgType`
//! of an app message, a description, and the lines of `docs/shapes.md` that it represents.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::{Kind, Message, MsgType, Raw, WireMessage};
use crate::device::Lang;
use crate::ids::UserName;
use crate::testing::corpus;
use crate::wire::json;
use crate::wire::lenient::List;
use crate::wire::object::object;

object! {
    struct Batch {
        "AddMsgList" => messages: List<Raw>,
    }
}

const ME: &str = "@09ed9af327a6d3a72207694691225f8863ada86849607ed416ca81a32452560d";

/// Parses a batch of these records.
fn read<'a>(records: impl Iterator<Item = &'a String>) -> Vec<Message> {
    let records: Vec<&str> = records.map(String::as_str).collect();
    let body = format!("{{\"AddMsgList\":[{}]}}", records.join(","));
    let batch: Batch = json::parse(body.as_bytes()).unwrap();
    let me: UserName = ME.parse().unwrap();
    WireMessage::take_all(batch.messages, &me)
}

/// Removes fields that are empty, 0 or false. Objects that become empty remain, because they
/// identify the kind.
fn full(value: Value) -> Value {
    let empty =
        |value: &Value| [json!(""), json!(null), json!(0), json!(false), json!([])].contains(value);
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, full(value)));
            Value::Object(
                fields
                    .filter(|(name, value)| {
                        ["text", "msg_type"].contains(&&**name) || !empty(value)
                    })
                    .collect(),
            )
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(full).collect()),
        value => value,
    }
}

/// Formats a value over several lines; short values take one line.
fn pretty(value: &Value, indent: usize, out: &mut String) {
    let line = value.to_string();
    match value {
        Value::Object(fields) if line.chars().count() + indent > 100 => {
            for (name, value) in fields {
                out.push_str(&format!("\n{:indent$}{name}: ", ""));
                pretty(value, indent + 2, out);
            }
        }
        Value::Array(elements) if line.chars().count() + indent > 100 => {
            for value in elements {
                out.push_str(&format!("\n{:indent$}- ", ""));
                pretty(value, indent + 2, out);
            }
        }
        _ => out.push_str(&line),
    }
}

#[test]
fn every_message_is_parsed() {
    let corpus = corpus("messages");
    assert!(corpus.len() >= 90, "{}", corpus.len());
    let messages = read(corpus.values());
    assert_eq!(messages.len(), corpus.len());
    let mut text = String::new();
    for ((name, record), message) in corpus.iter().zip(&messages) {
        // The message is the same if it is parsed alone or from its stored JSON.
        let me = ME.parse().unwrap();
        for json in [record.as_str(), message.raw.json()] {
            assert_eq!(Message::from_json(json, &me).unwrap().kind, message.kind, "{name}");
        }
        let raw: Value = serde_json::from_str(message.raw.json()).unwrap();
        assert_eq!(raw, serde_json::from_str::<Value>(record).unwrap(), "{name}");
        let mut fields = full(serde_json::to_value(message).unwrap());
        let object = fields.as_object_mut().unwrap();
        for (name, value) in [("schema", json!(1)), ("to", json!(ME))] {
            if object.get(name) == Some(&value) {
                object.remove(name);
            }
        }
        object.retain(|name, _| !["id", "sent"].contains(&name.as_str()));
        text += name;
        pretty(&fields, 2, &mut text);
        text += "\n";
    }
    insta::assert_snapshot!("messages", text);
}

#[test]
fn every_message_has_a_preview() {
    let corpus = corpus("messages");
    let lines = corpus.keys().zip(read(corpus.values())).map(|(name, message)| {
        let [zh, en] = [Lang::ZH_CN, Lang::EN_US].map(|lang| message.preview(&lang).into_owned());
        if zh == en { format!("{name}: {zh}") } else { format!("{name}: {zh} | {en}") }
    });
    insta::assert_snapshot!("previews", lines.collect::<Vec<_>>().join("\n"));
}

/// Returns the secret values of attributes, elements and fields in a record.
fn secrets(record: &str) -> Vec<String> {
    const NAMES: [&str; 6] =
        ["aeskey", "attachid", "ticket", "antispamticket", "qrticket", "cdnthumbaeskey"];
    let json: Value = serde_json::from_str(record).unwrap();
    let mut values: Vec<String> =
        [&json["MediaId"], &json["Ticket"], &json["RecommendInfo"]["Ticket"]]
            .into_iter()
            .filter_map(|value| value.as_str().map(String::from))
            .collect();
    // It may be escaped several times.
    let mut xml = json["Content"].as_str().unwrap_or_default().to_string();
    for _ in 0..3 {
        xml = crate::wire::entities::decode(&xml).into_owned();
    }
    for name in NAMES {
        for (at, _) in xml.match_indices(name) {
            let value = xml[at + name.len()..].trim_start_matches([' ', '=', '>', '"', '\'']);
            let end = value.find(['"', '\'', '<', ' ']).unwrap_or(value.len());
            values.push(value[..end].into());
        }
    }
    values.retain(|value| value.len() >= 16);
    values
}

/// Threat S1.
#[test]
fn no_key_is_shown() {
    let mut count = 0;
    for (name, record) in corpus("messages") {
        let message = read([&record].into_iter()).remove(0);
        let shown = format!("{message:?} {message}");
        for secret in secrets(&record) {
            assert!(!shown.contains(&secret), "{name}: {secret}");
            count += 1;
        }
    }
    assert!(count >= 60, "{count}");
}

#[test]
fn non_objects_are_refused() {
    let me = ME.parse().unwrap();
    for json in ["", "7", "[{}]", "<msg/>", "{", "{\"a\":1} x"] {
        assert!(Message::from_json(json, &me).is_err(), "{json}");
    }
    let empty = Message::from_json("{}", &me).unwrap();
    assert!(matches!(empty.kind, Kind::Unreadable { .. }));
    assert_eq!(empty.raw.json(), "{}");
}

#[test]
fn every_named_type_is_covered() {
    let corpus = corpus("messages");
    let numbers = |field: &str| -> BTreeSet<i64> {
        let records = corpus.values().map(|record| serde_json::from_str::<Value>(record).unwrap());
        records.filter_map(|record| record[field].as_i64()).collect()
    };
    let (types, kinds) = (numbers("MsgType"), numbers("AppMsgType"));
    for number in (0..=10_100).filter(|number| MsgType(*number).name().is_some()) {
        assert!(types.contains(&number), "{number}");
    }
    for number in (0..=100_100).filter(|number| super::AppKind(*number).name().is_some()) {
        assert!(kinds.contains(&number), "{number}");
    }
}
