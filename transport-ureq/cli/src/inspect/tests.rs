use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::canonical::Canonical;
use super::har::{Body, Exchange};
use super::mask::Style;
use super::row::Row;
use super::state::State;
use super::summary::PARTS;
use super::*;
use crate::lang::Lang;

const CHROME: &str = include_str!("../../tests/captures/chrome.har");
const SANITISED: &str = include_str!("../../tests/captures/chrome-sanitised.har");
const FIREFOX: &str = include_str!("../../tests/captures/firefox.har");

/// The secrets of the captures, as they are before any encoding.
const SECRETS: &[&str] = &[
    "@crypt_5c1f0a77_0d9be3c2a4418f6655aa1b20c3d4e5f6",
    "Qm3+Zr/7kLw8NpTx",
    "mZ7+pLq9Yw/3nRtVb8Xc5KdJ0hGfS2uA=",
    "gSfQ1w+Zt/9mYh2Lr4Xk8A==",
    "CIeJ0bUGEoABk+9vT/2hWqZx7LmN4w==",
    "b6a1f0de8c47d3925e1b",
    "wYk3nB-7Qg==",
    "AZx8cW2nQ0Vt7bLkE4sRm1yP@qrticket_0",
    "7d1f3b5a9c8e4f20b6a1d3c5e7f90812",
    "v1_9f3c7e@stranger",
    "v2_6b0d4f5e8a91c2@stranger",
    "13800000042",
    "grace@mail.example",
    "countess1815",
    "3087712546",
    "4f1d0c9b8a7e6f5d4c3b2a1908f7e6d5",
    "9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b",
    "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "wxid_lin0aa11bb22",
    "foreign-secret-0001",
];

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn timeline(document: Value) -> Timeline {
    let mut timeline = Timeline::default();
    let added =
        timeline.add(Path::new("a.har"), &Input::Har(document), None, &mut Masks::default());
    added.map_err(|failure| failure.message).unwrap();
    timeline
}

fn shown(timeline: &Timeline) -> Vec<String> {
    timeline.rows.iter().map(Row::to_string).collect()
}

/// Returns the secrets that a text contains in any encoding.
fn leaks(text: &[u8], secrets: &[String], depth: usize) -> Vec<String> {
    let folded = Canonical::of(text).folded();
    let has = |secret: &&String| {
        let secret = Canonical::of(secret.as_bytes()).folded();
        folded.windows(secret.len()).any(|window| window == secret)
    };
    let mut found: Vec<_> = secrets.iter().filter(has).cloned().collect();
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    for token in text.split(|byte| !is_digit(byte)).filter(|token| token.len() >= 8 && depth > 0) {
        let token = String::from_utf8_lossy(token);
        if let Some(bytes) = har::from_base64(&token) {
            found.extend(leaks(&bytes, secrets, depth - 1));
        }
    }
    found
}

fn owned(secrets: &[&str]) -> Vec<String> {
    secrets.iter().map(|secret| (*secret).to_owned()).collect()
}

#[test]
fn copy_has_no_secret_and_the_same_meaning() {
    for capture in [CHROME, SANITISED, FIREFOX] {
        let original = document(capture);
        assert!(!leaks(capture.as_bytes(), &owned(SECRETS), 2).is_empty());
        let copy = redact::copy(&original, &mut Masks::default());
        assert_eq!(leaks(copy.to_string().as_bytes(), &owned(SECRETS), 3), Vec::<String>::new());
        assert_eq!(shown(&timeline(copy.clone())), shown(&timeline(original)));
        // A copy of the copy is the same.
        assert_eq!(redact::copy(&copy, &mut Masks::default()), copy);
    }
}

#[test]
fn copy_with_masked_texts_has_no_name_and_is_decoded() {
    let names = [
        "Ada", "Lovelace", "Grace", "Bob", "Jersey", "Compilers", "News", "build", "morning",
        "note to self", "notes.txt", "Lin", "你好", "/9j/", "iVBOR",
    ];
    for capture in [CHROME, SANITISED, FIREFOX] {
        let mut masked = document(capture);
        texts::mask(&mut masked);
        let copy = redact::copy(&masked, &mut Masks::default());
        let secrets = owned(&[&names, SECRETS].concat());
        let bodies = har::entries(&copy).unwrap().iter().flat_map(|entry| {
            let places = ["/request/url", "/request/postData/text", "/response/content/text"];
            places.map(|place| entry.pointer(place).map(Value::to_string).unwrap_or_default())
        });
        assert_eq!(leaks(bodies.collect::<String>().as_bytes(), &secrets, 3), Vec::<String>::new());
        let shown = |document| {
            let rows = timeline(document).rows.into_iter();
            let rows = rows.filter(|row| !matches!(&*row.endpoint, "qrcode" | "webwxgetmsgimg"));
            rows.map(|row| (row.endpoint, row.lines.len(), row.error)).collect::<Vec<_>>()
        };
        assert_eq!(shown(copy), shown(document(capture)));
    }
}

#[test]
fn timeline_has_no_secret() {
    for capture in [CHROME, SANITISED, FIREFOX] {
        let timeline = timeline(document(capture));
        let mut text = shown(&timeline).concat() + &html::page(&timeline, Lang::En);
        text.extend(timeline.rows.iter().map(|row| serde_json::to_string(row).unwrap()));
        assert_eq!(leaks(text.as_bytes(), &owned(SECRETS), 2), Vec::<String>::new());
    }
}

#[test]
fn copy_leaves_out_other_calls_and_additions() {
    let copy = redact::copy(&document(CHROME), &mut Masks::default());
    let text = copy.to_string();
    assert_eq!(har::entries(&copy).unwrap().len(), 21);
    for left_out in ["pingtas", "reportforweb", "_initiator", "_priority", "pageref", "\"pages\""] {
        assert!(!text.contains(left_out), "{left_out}");
    }
    assert!(text.contains("who broke the build?"), "texts stay");
}

#[test]
fn compressed_text_is_read_and_masked() {
    use std::io::Write as _;

    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use flate2::{Compression, write::GzEncoder};

    let mut capture = document(FIREFOX);
    let content = &mut capture["log"]["entries"][1]["response"]["content"];
    let reply = har::from_base64(content["text"].as_str().unwrap()).unwrap();
    let reply =
        String::from_utf8(reply).unwrap().replace("\"SKey\":\"\"", "\"SKey\":\"@crypt_gzip_0001\"");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(reply.as_bytes()).unwrap();
    content["text"] = BASE64_STANDARD.encode(gzip.finish().unwrap()).into();
    assert_eq!(shown(&timeline(capture.clone())), shown(&timeline(document(FIREFOX))));
    let copy = redact::copy(&capture, &mut Masks::default()).to_string();
    assert_eq!(leaks(copy.as_bytes(), &["@crypt_gzip_0001".to_owned()], 2), Vec::<String>::new());
    assert!(copy.contains("\"encoding\":\"base64\""));
}

#[test]
fn capture_without_the_protocol_is_reported() {
    let mut capture = document(CHROME);
    let entries = capture["log"]["entries"].as_array_mut().unwrap();
    entries.retain(|entry| !entry["request"]["url"].as_str().unwrap().contains("mmwebwx-bin"));
    entries.retain(|entry| !entry["request"]["url"].as_str().unwrap().contains("login"));
    let added = Timeline::default().add(
        Path::new("a.har"),
        &Input::Har(capture),
        None,
        &mut Masks::default(),
    );
    let failure = added.unwrap_err();
    assert_eq!(
        failure.message.in_lang(Lang::En),
        "a.har: none of its 4 calls is of the WeChat web protocol (hosts: pingtas.qq.com, \
         res.wx.qq.com, support.weixin.qq.com)"
    );
}

#[test]
fn unreadable_entries_are_reported() {
    let mut capture = document(SANITISED);
    capture["log"]["entries"][1]["request"]["url"] = Value::Null;
    let summary = timeline(capture).summary(Lang::En);
    let reported = "; unreadable entries: 1, the first is entry 2, without a valid request.url";
    assert!(summary.ends_with(reported), "{summary}");
}

#[test]
fn single_replies_are_recognised() {
    for (text, line) in [
        (
            r#"{"MsgId":"7","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"}"#,
            "@a: hi",
        ),
        (
            r#"{"AddMsgList":[{"MsgId":"7","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"}]}"#,
            "@a: hi",
        ),
        (
            r#"[{"UserName":"@a","NickName":"Ada"},{"FromUserName":"@a","MsgType":1,"Content":"hi"}]"#,
            "Ada: hi",
        ),
        (
            r#"{"UserName":"@a","NickName":"Ada"}"#,
            "contacts: 1 (rooms: 0, official accounts: 0): Ada",
        ),
        (r#"{"ModContactList":[{"UserName":"@a","NickName":"Ada"}]}"#, "contact changed: Ada"),
        (
            r#"{"MemberList":[{"UserName":"@a","NickName":"Ada"}]}"#,
            "contacts: 1 (rooms: 0, official accounts: 0): Ada",
        ),
        (r#"{"BaseResponse":{"Ret":0},"MsgID":"77"}"#, "sent as 77"),
        (r#"{"BaseResponse":{"Ret":0}}"#, "done"),
        (r#"{"ret":"0","msg":"","uuid":"abcdef"}"#, "asks the phone to confirm <uuid-1>"),
        (r#"window.synccheck={retcode:"0",selector:"7"}"#, "news (selector 7)"),
        ("window.code=408;", "not yet"),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nwindow.code=201;",
            "scanned, to be confirmed on the phone",
        ),
        ("<error><ret>0</ret><skey>k</skey><wxsid>s</wxsid><wxuin>7</wxuin></error>", "logged in"),
        // The message has an unescaped quote.
        (
            "{\"BaseResponse\":{\"Ret\":0},\"AddMsgList\":[{\"MsgId\":\"7\",\"FromUserName\":\"@a\",\"ToUserName\":\"@me\",\"MsgType\":1,\"Content\":\"say \"hi\"\"}]}",
            "@a: say \"hi\"",
        ),
    ] {
        let Ok(input) = input::parse("a", text.as_bytes()) else { panic!("{text}") };
        let mut timeline = Timeline::default();
        timeline.add(Path::new("a"), &input, None, &mut Masks::default()).unwrap();
        let last = timeline.rows.last().unwrap();
        assert_eq!(
            (last.lines.last().map(String::as_str), &last.error),
            (Some(line), &None),
            "{text}"
        );
    }
}

#[test]
fn endpoints_are_those_of_the_core() {
    let table = include_str!("../../../../wechat-proto/docs/endpoints.md");
    let requests = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let mut endpoints = BTreeSet::new();
    for path in requests.filter_map(|request| request.split(' ').nth(1)) {
        let response_body = Body::Known(Default::default());
        let exchange =
            Exchange { url: path.to_owned(), status: 200, response_body, ..Exchange::default() };
        let mut state = State::new(&"@me".parse().unwrap());
        let row = Row::of(&exchange, &mut state, &mut Masks::default());
        let error = row.error.unwrap_or_default();
        assert!(!error.starts_with("an undocumented endpoint"), "{path}: {error}");
        endpoints.insert(row.endpoint);
    }
    assert_eq!(endpoints, PARTS.iter().map(|(name, _)| (*name).to_owned()).collect());
}

/// All fields of the samples of the core are documented.
#[test]
fn samples_have_no_unknown_fields() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wechat-proto/corpus/messages");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(input) = input::read(&path) else { panic!("{}", path.display()) };
        let mut timeline = Timeline::default();
        timeline.add(&path, &input, None, &mut Masks::default()).unwrap();
        for row in &timeline.rows {
            assert_eq!((&row.unknown, &row.error), (&Vec::new(), &None), "{}", path.display());
        }
        count += 1;
    }
    assert!(count > 50, "{count} samples");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// A copy contains none of the random secrets that replace those of a capture.
    #[test]
    fn no_secret_is_in_a_copy(
        capture in select(vec![CHROME, FIREFOX]),
        values in prop::collection::vec("[A-Za-z0-9]{12,24}", 6),
        plus in any::<bool>(),
    ) {
        let mut text = capture.to_owned();
        let separator = if plus { "+" } else { "/" };
        let secrets: Vec<String> = values.iter().map(|value| format!("Zq{separator}{value}")).collect();
        let percent = |text: &str, sign: &str| text.replace('+', &format!("{sign}2B")).replace('/', &format!("{sign}2F"));
        for (old, new) in SECRETS.iter().zip(&secrets) {
            let olds = |text: &str| [
                text.to_owned(),
                text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace('@', "%40"),
                text.replace('+', "%252B").replace('/', "%252F").replace('=', "%253D"),
                text.replace('+', "%2B").replace('/', "%2F"),
            ];
            let news = [new.clone(), percent(new, "%"), percent(new, "%25"), percent(new, "%")];
            for (old, new) in olds(old).iter().zip(news) {
                text = text.replace(old, &new);
            }
        }
        let copy = redact::copy(&document(&text), &mut Masks::default());
        prop_assert_eq!(leaks(copy.to_string().as_bytes(), &secrets, 3), Vec::<String>::new());
    }

    /// Any input is decoded or refused, and the output has no control characters.
    #[test]
    fn any_input_is_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), prefix in select(vec!["", "{\"log\":{\"entries\":[{\"request\":{\"url\":\"https://a/cgi-bin/mmwebwx-bin/", "window.code", "{\"AddMsgList\":[{"])) {
        let mut text = prefix.as_bytes().to_vec();
        text.extend(bytes);
        if let Ok(input) = input::parse("a", &text) {
            let mut timeline = Timeline::default();
            if timeline.add(Path::new("a"), &input, None, &mut Masks::default()).is_ok() {
                let shown = shown(&timeline).concat();
                prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
            }
        }
    }
}

#[test]
fn changes_are_listed_once_in_order_and_long_values_are_cut() {
    let mut capture = document(SANITISED);
    let ids = ["@9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b", "@0a1b2c3d4e5f60718293a4b5c6d7e8f9"];
    let records = ids
        .map(|id| serde_json::json!({ "UserName": id, "NickName": format!("of {}", &id[1..3]) }));
    let reply = serde_json::json!({
        "BaseResponse": { "Ret": 0 },
        "ModContactList": [records[0], records[0], records[1]],
        "DelContactList": [{ "UserName": ids[1] }],
    });
    let entries = &mut capture["log"]["entries"];
    entries[0]["response"]["content"]["text"] = reply.to_string().into();
    let text = entries[1]["request"]["postData"]["text"].as_str().unwrap();
    entries[1]["request"]["postData"]["text"] =
        text.replace("\"hi\"", &format!("\"{}\"", "é".repeat(121))).into();
    let timeline = timeline(capture);
    let lines = ["contact changed: of 9e", "contact changed: of 0a", "contact removed: of 0a"];
    assert_eq!(timeline.rows[0].lines, lines);
    let content = format!("content {}…, scene", "é".repeat(120));
    assert!(
        timeline.rows[1].request_line().contains(&content),
        "{}",
        timeline.rows[1].request_line()
    );
}

#[test]
fn masks_are_written_in_two_styles() {
    let mut masks = Masks::default();
    let url = "https://wx.qq.com/?skey=%40crypt_abcdef";
    assert_eq!(masks.text(url, Style::Shown), "https://wx.qq.com/?skey=<skey-1>");
    assert_eq!(masks.text(url, Style::Copied), "https://wx.qq.com/?skey=__skey-1__");
}
