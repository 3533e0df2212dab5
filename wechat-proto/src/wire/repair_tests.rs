use alloc::format;
use alloc::string::ToString as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::wire::repair::mend;

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
    for text in [
        "", "{", "{\"a\":\"}", "{\"a\":\"b}", "{\"a\":1", "{\"a\":\"b", "{\"a\":1}}",
        "{\"a\":1} x", "{\"a\" 1}", "[}",
    ] {
        assert_eq!(mend(text), None, "{text}");
    }
}

/// Threat J1.
#[test]
fn deep_values_become_null() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let text = format!("{{\"a\":{},\"b\":1}}", deep(50_000));
    assert_eq!(mended(&text)["b"], 1);
    assert_eq!(mend(&deep(100)).unwrap(), deep(100));
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
        let reply: Value = serde_json::from_str(&mend(&text).unwrap()).unwrap();
        let messages: Value = serde_json::from_str(list).unwrap();
        assert_eq!(reply["AddMsgList"], messages);
        assert_eq!(reply["ModContactList"], json!([{ "Sex": 1, "Name": "a" }, { "Name": "b" }]));
    }
}

/// Generates any JSON value.
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

/// A reply with a list of three elements, in the layout of the service.
struct Sample {
    /// The path to the list.
    path: &'static str,
    before: &'static str,
    elements: [String; 3],
    after: &'static str,
}

const START: &str = "{\n\"BaseResponse\": {\n\"Ret\": 0,\n\"ErrMsg\": \"\"\n}\n,\n";
macro_rules! key {
    () => {
        "\"SyncKey\": {\n\"Count\": 2,\n\"List\": [{\n\"Key\": 1,\n\"Val\": 5\n}\n,{\n\"Key\": 2,\n\"Val\": 6\n}\n]\n}\n,\n\"SKey\": \"\"\n}\n"
    };
}

fn message(id: u8) -> String {
    format!(
        "{{\n\"MsgId\": \"{id}\",\n\"FromUserName\": \"@a\",\n\"Content\": \"text {id}\",\n\"ImgHeight\": 0,\n\"RecommendInfo\": {{\n\"UserName\": \"\",\n\"Content\": \"\"\n}}\n,\n\"AppInfo\": {{\n\"AppID\": \"\",\n\"Type\": 0\n}}\n,\n\"EncryFileName\": \"\"\n}}"
    )
}

fn member(id: u8) -> String {
    format!(
        "{{\n\"Uin\": 0,\n\"UserName\": \"@{id}\",\n\"NickName\": \"name {id}\",\n\"KeyWord\": \"\"\n}}"
    )
}

fn contact(id: u8) -> String {
    let members = [1, 2].map(member).join("\n,");
    format!(
        "{{\n\"Uin\": 0,\n\"UserName\": \"@{id}\",\n\"NickName\": \"name {id}\",\n\"Sex\": 1,\n\"MemberList\": [{members}\n]\n,\n\"RemarkName\": \"\",\n\"KeyWord\": \"\"\n}}"
    )
}

fn changed(id: u8) -> String {
    format!(
        "{{\n\"UserName\": \"@{id}\",\n\"NickName\": \"name {id}\",\n\"MemberCount\": 0,\n\"MemberList\": [],\n\"Signature\": \"\"\n}}"
    )
}

/// Returns a sample of each list of elements.
fn samples() -> [Sample; 6] {
    [
        Sample {
            path: "/AddMsgList",
            before: "\"AddMsgCount\": 3,\n\"AddMsgList\": [",
            elements: [1, 2, 3].map(message),
            after: concat!(
                "\n]\n,\n\"ModContactCount\": 1,\n\"ModContactList\": [{\n\"UserName\": \"@8\"\n}\n]\n,\n",
                key!()
            ),
        },
        Sample {
            path: "/ModContactList",
            before: "\"AddMsgList\": [{\n\"MsgId\": \"8\"\n}\n,{\n\"MsgId\": \"9\"\n}\n]\n,\n\"ModContactCount\": 3,\n\"ModContactList\": [",
            elements: [1, 2, 3].map(changed),
            after: concat!("\n]\n,\n\"DelContactCount\": 0,\n\"DelContactList\": []\n,\n", key!()),
        },
        Sample {
            path: "/ModChatRoomMemberList",
            before: "\"DelContactList\": [{\n\"UserName\": \"@8\"\n}\n]\n,\n\"ModChatRoomMemberCount\": 3,\n\"ModChatRoomMemberList\": [",
            elements: [1, 2, 3].map(contact),
            after: concat!(
                "\n]\n,\n\"Profile\": {\n\"BitFlag\": 0,\n\"NickName\": {\n\"Buff\": \"\"\n}\n}\n,\n\"ContinueFlag\": 0,\n",
                key!()
            ),
        },
        Sample {
            path: "/MemberList",
            before: "\"MemberCount\": 3,\n\"MemberList\": [",
            elements: [1, 2, 3].map(contact),
            after: concat!("\n]\n,\n\"Seq\": 0,\n", key!()),
        },
        Sample {
            path: "/ContactList",
            // The last field of the reply.
            before: "\"SyncKey\": {\n\"Count\": 0,\n\"List\": []\n}\n,\n\"Count\": 3,\n\"ContactList\": [",
            elements: [1, 2, 3].map(contact),
            after: "\n]\n}\n",
        },
        Sample {
            path: "/ContactList/0/MemberList",
            before: "\"Count\": 2,\n\"ContactList\": [{\n\"Uin\": 0,\n\"UserName\": \"@@1\",\n\"MemberList\": [",
            elements: [1, 2, 3].map(member),
            after: concat!(
                "\n]\n,\n\"RemarkName\": \"\"\n}\n,{\n\"Uin\": 0,\n\"UserName\": \"@@2\"\n}\n]\n,\n",
                key!()
            ),
        },
    ]
}

impl Sample {
    /// Checks that a malformed element does not affect the rest of the reply.
    fn check(&self, index: usize, element: &str) {
        let mut elements = self.elements.each_ref().map(String::as_str);
        let read = |elements: &[&str]| {
            let text = [START, self.before, &elements.join("\n,"), self.after].concat();
            let repaired = mend(&text).unwrap_or_else(|| panic!("{text}"));
            let mut reply: Value = serde_json::from_str(&repaired).unwrap();
            let list = reply.pointer_mut(self.path).map(Value::take);
            let Some(Value::Array(list)) = list else { panic!("{repaired}") };
            (list, reply, text)
        };
        let (mut expected, other, _) = read(&elements);
        elements[index] = element;
        let (mut list, reply, text) = read(&elements);
        expected.remove(index);
        for expected in &expected {
            let found = list.iter().position(|found| found == expected);
            let found =
                found.unwrap_or_else(|| panic!("{expected} is missing from {list:?} of {text}"));
            list.remove(found);
        }
        // At the end, malformed text may contain fields of the reply.
        for (name, value) in other.as_object().unwrap() {
            assert_eq!(Some(value), reply.get(name), "{name} of {text}");
        }
        // The malformed element is not lost, if it is a message.
        let is_message = self.path == "/AddMsgList"
            && !element.trim_matches(|c: char| c.is_whitespace() || ",}]".contains(c)).is_empty();
        assert!(!is_message || !list.is_empty(), "{text}");
    }
}

/// Returns whether text in place of an element contains the name of a field: see [`super`].
fn has_name(sample: usize, index: usize, text: &str) -> bool {
    // Within the list of messages, only the first field of another message ends an element.
    let is_name = |name: &str| sample != 0 || index == 2 || name == "MsgId";
    let text = format!(",{text}");
    text.match_indices(['{', ','])
        .any(|(at, _)| field(&text[at + 1..]).is_some_and(|(name, _)| is_name(name)))
}

/// Parts of JSON, separated by spaces.
const PUNCTUATION: &str = r#"" ' \ { } [ ] , : },{ }] "} "},{" ]} null "a" a: 'a': "a": ,"a":[ {"a":{ ],"a":1 "MsgId": ,"Seq": {"MsgId":"#;

/// Generates any text, mostly punctuation.
fn poison() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "\\PC{0,4}",
        prop::collection::vec(any::<u8>(), 0..4)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "[\\[\\]{}\",:\\\\ua0-9'MsgId \n]{0,6}",
        prop::sample::select(PUNCTUATION.split(' ').collect::<Vec<_>>()).prop_map(String::from),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn valid_json_keeps_its_meaning(value in any_json()) {
        for text in [value.to_string(), format!("{value:#}")] {
            prop_assert_eq!(&mended(&text), &value);
            let object = format!("{{\"AddMsgList\":[{text}]}}");
            let again: Value = serde_json::from_str(&mend(&object).unwrap()).unwrap();
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

    /// Threat J6: any text in a string of an element does not affect the others.
    #[test]
    fn text_of_an_element_does_not_affect_the_others(
        sample in 0..6_usize, index in 0..3_usize, string in any::<prop::sample::Index>(),
        before in "[ a]{0,2}", text in poison(), after in "[ a]{0,2}",
    ) {
        let element = &samples()[sample].elements[index];
        let strings: Vec<usize> = element.match_indices(": \"").map(|(at, _)| at + 3).collect();
        let (start, rest) = element.split_at(strings[string.index(strings.len())]);
        prop_assume!(!has_name(sample, index, &text));
        samples()[sample].check(index, &[start, &before, &text, &after, rest].concat());
    }

    /// Threat J6: any text in place of an element does not affect the others.
    #[test]
    fn text_in_place_of_an_element_does_not_affect_the_others(
        sample in 0..6_usize, index in 0..3_usize, text in poison(),
    ) {
        // Brackets in place of a member may close the contact.
        let last = text.trim_end_matches(|c: char| c.is_whitespace() || "},]".contains(c));
        let is_closing = text[last.len()..].replace(|c: char| c.is_whitespace(), "").contains("]}");
        prop_assume!(!has_name(sample, index, &text));
        prop_assume!(sample != 5 || !is_closing);
        samples()[sample].check(index, &text);
    }
}
