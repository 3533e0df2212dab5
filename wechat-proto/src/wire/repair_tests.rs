use alloc::format;
use alloc::string::ToString as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::wire::mend::DEEP;

fn mended(text: &str) -> Value {
    let text = mend(text).unwrap_or_else(|| panic!("{text}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Threats J2, J4: each fault in one field, beside others.
#[test]
fn faults_are_repaired() {
    for (value, expected) in [
        (r#""a\x1bb""#, json!("a\u{1b}b")),
        (r#""it\'s""#, json!("it's")),
        (r#""a\qb""#, json!("a\\qb")),
        (r#""a\u12 b""#, json!("a\\u12 b")),
        (r#""ends in a backslash\""#, json!("ends in a backslash\\")),
        (r#""say "hi" to all""#, json!("say \"hi\" to all")),
        (r#""say "hi", twice""#, json!("say \"hi\", twice")),
        ("\"a\nb\tc\u{0}\"", json!("a\nb\tc\u{0}")),
        (r#""\ud83d""#, json!("\u{fffd}")),
        (r#""\ude00""#, json!("\u{fffd}")),
        (r#""\ud83dx""#, json!("\u{fffd}x")),
        (r#""\ud83d\ude00""#, json!("😀")),
        (r#""\ud83d\tde00""#, json!("\u{fffd}\tde00")),
        (r#""\\ud83d""#, json!("\\ud83d")),
        ("007", json!(7)),
        ("-012", json!(-12)),
        ("NaN", json!(null)),
        ("undefined", json!(null)),
        ("+1", json!(1)),
        (".5", json!(0.5)),
        ("-", json!(null)),
        ("0x1F", json!(31)),
        ("0xZZ", json!(null)),
        ("1e400", json!(null)),
        ("{\"a\":1,}", json!({ "a": 1 })),
        ("[1,,2,]", json!([1, 2])),
        ("{'a':'b'}", json!({ "a": "b" })),
        ("{a:1}", json!({ "a": 1 })),
        ("", json!(null)),
    ] {
        let last = format!("{{\"Status\":3,\"X\":{value}}}");
        assert_eq!(mended(&last), json!({ "Status": 3, "X": expected }), "{last}");
        let first = format!("{{\"X\":{value},\"Status\":3}}");
        assert_eq!(mended(&first), json!({ "Status": 3, "X": expected }), "{first}");
    }
}

#[test]
fn incomplete_text_is_not_repaired() {
    for text in
        ["", "{", "{\"a\":1", "{\"a\":\"b", "{\"a\":1}}", "{\"a\":1} x", "{\"a\" 1}", "[1 2]", "[}"]
    {
        assert_eq!(mend(text), None, "{text}");
    }
}

/// Threat J1.
#[test]
fn deep_values_become_null() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let text = format!("{{\"a\":{},\"b\":1}}", deep(50_000));
    assert_eq!(mended(&text)["b"], 1);
    assert_eq!(mend(&deep(DEEP)).unwrap(), deep(DEEP));
}

/// Threat J4.
#[test]
fn bodies_are_decoded() {
    for (body, text) in [
        (&b"{\"a\":\"\x85b\"}"[..], "{\"a\":\"\u{fffd}b\"}"),
        (b"\xef\xbb\xbf{}", "{}"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "{}"),
    ] {
        assert_eq!(decode(body), text);
    }
}

/// Other lists are not messages.
#[test]
fn replies_without_messages_are_repaired() {
    for list in ["null", "[]", "0", "[ ]"] {
        let text = format!(
            r#"{{"AddMsgList":{list},"ModContactList":[{{"Sex":01,"Name":"a"}},{{"Name":"b"}}]}}"#
        );
        let reply: Value = serde_json::from_str(&repair(&text).unwrap()).unwrap();
        let messages: Value = serde_json::from_str(list).unwrap();
        assert_eq!(reply["AddMsgList"], messages);
        assert_eq!(reply["ModContactList"], json!([{ "Sex": 1, "Name": "a" }, { "Name": "b" }]));
    }
}

/// Any JSON value.
fn any_json() -> impl Strategy<Value = Value> {
    let text = || any::<String>();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        "[\"\\\\{},:\\[\\]' a]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[A-Za-z\"\\\\,]{0,4}", inner, 0..5)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A list of three messages, the middle one with these fields.
fn batch(fields: &str) -> String {
    let message = |id: u8, fields: &str| {
        format!("{{\n\"MsgId\": \"{id}\",\n\"Content\": \"text {id}\"\n{fields}}}")
    };
    let list = [message(1, ""), message(2, fields), message(3, "")].join("\n,");
    format!(
        "{{\n\"BaseResponse\": {{\"Ret\": 0}},\n\"AddMsgList\": [{list}\n],\n\"ModContactList\": [{{\"UserName\": \"@a\"}}],\n\"SKey\": \"\"\n}}\n"
    )
}

proptest! {
    #[test]
    fn valid_json_keeps_its_meaning(value in any_json()) {
        for text in [value.to_string(), format!("{value:#}")] {
            prop_assert_eq!(&mended(&text), &value);
            let object = format!("{{\"AddMsgList\":[{text}]}}");
            let again: Value = serde_json::from_str(&repair(&object).unwrap()).unwrap();
            prop_assert_eq!(&again["AddMsgList"][0], &value);
        }
    }

    #[test]
    fn repaired_text_is_valid(text in "[\\[\\]{}\",:\\\\ua0-9'x. -]{0,60}") {
        if let Some(text) = mend(&text) {
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn repaired_escapes_are_valid(text in r"(\\ud83d|\\ude00|\\[a-z]de00|\\x1b|\\|'){0,6}") {
        if let Some(text) = mend(&format!("[\"{text}\"]")) {
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
        }
    }

    /// Threat J6: no text within one message affects the others.
    #[test]
    fn messages_are_repaired_alone(text in prop_oneof!["\\PC{0,60}", "[\\[\\]{}\",:\\\\ua0-9'MsgId ]{0,60}"]) {
        let text = repair(&batch(&format!(",{text}")));
        let reply: Value = serde_json::from_str(&text.unwrap()).unwrap();
        let list = reply["AddMsgList"].as_array().unwrap();
        prop_assert_eq!(&list[0], &json!({ "MsgId": "1", "Content": "text 1" }));
        prop_assert_eq!(list.last().unwrap(), &json!({ "MsgId": "3", "Content": "text 3" }));
        prop_assert_eq!(&reply["ModContactList"], &json!([{ "UserName": "@a" }]));
    }
}
