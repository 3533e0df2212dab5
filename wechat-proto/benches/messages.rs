//! Measures the cost of parsing messages with typed payloads.
//!
//! ```text
//! cargo bench -p wechat-proto --bench messages
//! ```
//!
//! Prints each figure next to its bound and fails if a bound is missed. The reference does the same
//! work with plain `serde_json`: it checks that the body is UTF-8, splits it into messages, keeps the
//! JSON of each, parses that into a derived struct of the same fields, decodes the text, and reads
//! the content in one pass of `quick_xml`. It tolerates no irregular reply and returns untyped
//! values. The two run in alternating rounds, and each ratio is that of the shortest rounds, which
//! other load on the machine affects least.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use wechat_proto::flow::Response;
use wechat_proto::message::Kind;
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Endpoint as _, Message, Session};

/// The minimum throughput relative to the reference.
const MIN_RATIO: f64 = 1.0;
const ROUNDS: usize = 201;

fn main() -> ExitCode {
    let session = Session::from_json(include_str!("shared/session.json")).expect("a valid session");
    // `-- text` runs only the cases whose label contains `text`.
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let mut missed = false;
    for (label, names) in
        [("one text", &["1-text"][..]), ("one link", &["49-05-link-S54"]), ("50 mixed", MIXED)]
    {
        if only.as_ref().is_some_and(|only| !label.contains(&**only)) {
            continue;
        }
        let body = body(names);
        let parse = |body: &Bytes| -> Vec<Message> {
            let batch = FetchBatch::new().parse(&Response::new(body.clone())).expect("a batch");
            batch.messages(&session.me().user_name)
        };
        // Both extract the same values.
        let (typed, plain) = (parse(&body), parse_reference(&body));
        assert_eq!((typed.len(), plain.len()), (names.len(), names.len()));
        for (typed, plain) in typed.iter().zip(&plain) {
            assert_eq!(Some(typed.raw.json()), plain.json.as_deref());
            match &typed.kind {
                Kind::Text(text) => assert_eq!(**text, plain.text),
                Kind::App(app) => assert_eq!(*app.title, plain.title),
                Kind::Emoticon(emoticon) => assert_eq!(*emoticon.md5, plain.md5),
                Kind::Unknown { .. } | Kind::Unreadable { .. } => panic!("{:?}", typed.kind),
                _ => {}
            }
        }
        let repeat = 1_000 / names.len();
        let (mut typed, mut plain) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            let started = Instant::now();
            for _ in 0..repeat {
                black_box(parse(black_box(&body)));
            }
            typed = typed.min(started.elapsed());
            let started = Instant::now();
            for _ in 0..repeat {
                black_box(parse_reference(black_box(&body)));
            }
            plain = plain.min(started.elapsed());
        }
        let ratio = plain.as_secs_f64() / typed.as_secs_f64();
        let micros = typed.as_secs_f64() * 1e6 / repeat as f64;
        let verdict = if ratio >= MIN_RATIO { "" } else { "  MISSED" };
        missed |= ratio < MIN_RATIO;
        println!(
            "{label:>10} ({:>6} bytes, {micros:7.2} us): x{ratio:.2} of the reference  >= {MIN_RATIO:.1}{verdict}",
            body.len(),
        );
    }
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A typical mix of messages: three in five are texts.
#[rustfmt::skip]
const MIXED: &[&str] = &[
    "1-text", "1-text-room-S51", "1-text", "1-text-emoji-S50", "3-image-S54-S56", "1-text",
    "1-text-room-S51", "1-text", "49-05-link-S54", "34-voice", "1-text-room-S51", "1-text",
    "1-text-lines-and-entities-S54", "47-emoticon-S58", "1-text", "1-text-room-S51",
    "49-06-file-group", "1-text", "1-text", "43-video", "1-text-room-S51", "1-text", "42-card-S33",
    "1-text", "1-location-S61", "1-text-room-S51", "1-text", "49-57-quote-text", "1-text",
    "47-emoticon-room-S51", "1-text", "1-text-room-S51", "37-friend-request-S33-S42-S48", "1-text",
    "3-image-room-S51", "1-text-room-S51", "1-text", "49-33-mini-program", "1-text",
    "62-short-video", "1-text-room-S51", "1-text", "49-05-articles", "1-text", "3-image-own",
    "1-text-emoji-S50", "1-text", "49-2000-transfer", "1-text-room-S51", "49-03-music-S55",
];

/// Returns a `webwxsync` response with these messages of the corpus, in the layout of the service.
fn body(names: &[&str]) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/messages");
    let records: Vec<String> = names
        .iter()
        .map(|name| fs::read_to_string(folder.join(name).with_extension("json")).expect(name))
        .collect();
    format!(
        "{{\n\"BaseResponse\": {{\n\"Ret\": 0,\n\"ErrMsg\": \"\"\n}}\n,\n\"AddMsgCount\": {},\n\"AddMsgList\": [{}]\n,\n\"ModContactCount\": 0,\n\"ModContactList\": []\n,\n\"DelContactCount\": 0,\n\"DelContactList\": []\n,\n\"ModChatRoomMemberCount\": 0,\n\"ModChatRoomMemberList\": []\n,\n\"ContinueFlag\": 0,\n\"SyncKey\": {{\n\"Count\": 2,\n\"List\": [{{\n\"Key\": 1,\n\"Val\": 643606091\n}}\n,{{\n\"Key\": 2,\n\"Val\": 643606203\n}}\n]\n}}\n,\n\"SKey\": \"\"\n}}\n",
        records.len(),
        records.join(",").replace("\n ", "\n"),
    )
    .into()
}

// The reference.

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SyncResponse<'a> {
    base_response: BaseResponse,
    #[serde(borrow)]
    add_msg_list: Vec<&'a RawValue>,
    sync_key: SyncKey,
    #[serde(rename = "SKey")]
    s_key: String,
    continue_flag: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BaseResponse {
    ret: i64,
    err_msg: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
struct SyncKey {
    count: i64,
    list: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
struct Key {
    key: i64,
    val: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
struct Record {
    msg_id: String,
    from_user_name: String,
    to_user_name: String,
    msg_type: i64,
    content: String,
    create_time: i64,
    voice_length: i64,
    play_length: i64,
    file_name: String,
    file_size: String,
    media_id: String,
    url: String,
    app_msg_type: i64,
    status_notify_code: i64,
    status_notify_user_name: String,
    recommend_info: RecommendInfo,
    app_info: AppInfo,
    has_product_id: i64,
    ticket: String,
    img_height: i64,
    img_width: i64,
    sub_msg_type: i64,
    ori_content: String,
    encry_file_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
struct RecommendInfo {
    user_name: String,
    nick_name: String,
    #[serde(rename = "QQNum")]
    qq_num: i64,
    province: String,
    city: String,
    content: String,
    signature: String,
    alias: String,
    scene: i64,
    verify_flag: i64,
    attr_status: i64,
    sex: i64,
    ticket: String,
    op_code: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(dead_code, reason = "decoded only to measure the time")]
struct AppInfo {
    #[serde(rename = "AppID")]
    app_id: String,
}

/// The values extracted from a message. Fields other than text, title and MD5 keep their XML names.
#[derive(Default)]
struct Payload {
    text: String,
    title: String,
    md5: String,
    others: Vec<(&'static str, String)>,
    record: Option<Record>,
    json: Option<Arc<str>>,
}

/// Parses a `webwxsync` response with plain `serde_json`.
fn parse_reference(body: &Bytes) -> Vec<Payload> {
    let text = std::str::from_utf8(body).expect("valid UTF-8");
    let response: SyncResponse<'_> = serde_json::from_str(text).expect("a valid response");
    assert!(response.base_response.ret == 0 && response.base_response.err_msg.is_empty());
    assert!(response.continue_flag == 0 && response.s_key.is_empty());
    assert!(!response.sync_key.list.is_empty());
    let parse = |json: &RawValue| {
        let json = Arc::from(json.get());
        let record = serde_json::from_str(&json).expect("a valid message");
        Payload { json: Some(json), ..read_payload(record) }
    };
    response.add_msg_list.into_iter().map(parse).collect()
}

/// Decodes the content of a message and extracts its values.
fn read_payload(record: Record) -> Payload {
    let content = match record.content.split_once(":<br/>") {
        Some((_, content)) if record.from_user_name.starts_with("@@") => content,
        _ => &record.content,
    };
    let lines = content.replace("<br/>", "\n");
    let decoded = html_escape::decode_html_entities(&lines).into_owned();
    let mut payload = Payload::default();
    if record.msg_type == 1 && record.sub_msg_type == 0 {
        payload.text = replace_emoji(decoded);
    } else if record.sub_msg_type == 48 {
        read_xml(&record.ori_content, &mut payload);
        payload.text = decoded;
    } else if let Some(start) = decoded.find('<') {
        read_xml(&replace_emoji(decoded)[start..], &mut payload);
    }
    payload.record = Some(record);
    payload
}

/// Replaces the emoji markup that occurs in the corpus.
fn replace_emoji(text: String) -> String {
    if !text.contains("<span class=\"emoji") {
        return text;
    }
    text.replace("<span class=\"emoji emoji1f604\"></span>", "😄")
        .replace("<span class=\"emoji emoji1f1e81f1f3\"></span>", "🇨🇳")
        .replace("<span class=\"emoji emoji002320e3\"></span>", "#\u{20e3}")
}

/// Extracts every XML field that the typed messages contain.
fn read_xml(document: &str, payload: &mut Payload) {
    use quick_xml::events::Event;

    let mut reader = quick_xml::Reader::from_str(document);
    reader.config_mut().allow_dangling_amp = true;
    reader.config_mut().check_end_names = false;
    let mut element: Option<&'static str> = None;
    let mut text = String::new();
    loop {
        match reader.read_event() {
            Err(_) | Ok(Event::Eof) => return,
            Ok(Event::Start(start) | Event::Empty(start)) => {
                element = ELEMENTS.iter().find(|name| **name == start.name().as_ref()).copied();
                text.clear();
                for attribute in start.attributes().flatten() {
                    let key = attribute.key.as_ref();
                    let Some(name) = ATTRIBUTES.iter().find(|name| **name == key) else { continue };
                    let value = html_escape::decode_html_entities(&attribute.value).into_owned();
                    if *name == "md5" {
                        payload.md5 = value;
                    } else if !value.is_empty() {
                        payload.others.push((name, value));
                    }
                }
            }
            Ok(Event::Text(fragment)) if element.is_some() => text.push_str(&fragment),
            Ok(Event::CData(fragment)) if element.is_some() => text.push_str(&fragment),
            Ok(Event::GeneralRef(entity)) if element.is_some() => {
                text.push_str(&html_escape::decode_html_entities(&format!("&{};", &*entity)));
            }
            Ok(Event::End(_)) => {
                let value = html_escape::decode_html_entities(text.trim()).into_owned();
                match element.take() {
                    Some("title") if payload.title.is_empty() => payload.title = value,
                    Some(name) if !value.is_empty() => payload.others.push((name, value)),
                    _ => {}
                }
                text.clear();
            }
            Ok(_) => {}
        }
    }
}

/// The elements to extract.
#[rustfmt::skip]
const ELEMENTS: &[&str] = &[
    "title", "des", "type", "url", "thumburl", "sourceusername", "sourcedisplayname", "md5",
    "dataurl", "lowdataurl", "lowurl", "songalbumurl", "songlyric", "appname", "fromusername",
    "totallen", "attachid", "emoticonmd5", "fileext", "cdnattachurl", "cdnthumburl",
    "cdnthumbwidth", "cdnthumbheight", "aeskey", "shorturl", "cover", "digest", "pub_time",
    "svrid", "fromusr", "chatusr", "displayname", "createtime", "content", "username", "appid",
    "pagepath", "weappiconurl", "version", "paysubtype", "feedesc", "pay_memo", "transferid",
    "transcationid", "begintransfertime", "invalidtime", "effectivedate",
];

/// The attributes to extract.
#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "length", "hdlength", "md5", "cdnmidimgurl", "cdnthumburl", "aeskey", "cdnthumbwidth",
    "cdnthumbheight", "voicelength", "voiceformat", "endflag", "cancelflag", "bufid",
    "fromusername", "clientmsgid", "playlength", "cdnvideourl", "len", "type", "width", "height",
    "productid", "designerid", "tousername", "cdnurl", "thumburl", "encrypturl", "externurl",
    "desc", "content", "x", "y", "scale", "label", "maptype", "poiname", "poiid", "username",
    "nickname", "shortpy", "bigheadimgurl", "smallheadimgurl", "imagestatus", "regionCode",
    "certflag", "certinfo", "brandIconUrl", "brandHomeUrl", "brandSubscriptConfigUrl",
    "brandFlags", "encryptusername", "fromnickname", "country", "province", "city", "sign",
    "percard", "sex", "alias", "weibo", "weibonickname", "albumflag", "albumstyle",
    "albumbgimgid", "snsflag", "snsbgimgid", "snsbgobjectid", "mhash", "mfullhash", "ticket",
    "opcode", "googlecontact", "qrticket", "chatroomusername", "sourceusername",
    "sourcenickname", "scene", "appid",
];
