//! The server's dialects, and what is stored.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::endpoints::parsed;
use super::{Entry, NOW, account, downloads};
use crate::contact::record::WireContact;
use crate::contact::{Directory, Evidence};
use crate::device::Device;
use crate::error::Error;
use crate::hosts::{Hosts, Role};
use crate::ids::UserName;
use crate::jar::Jar;
use crate::login::announce;
use crate::message::{Kind, Message, WireMessage, mention, send_text};
use crate::session::Session;
use crate::text::{Text, decode, encode, undo_double_encoding};
use crate::wire::envelope::readable;
use crate::wire::js::Script;
use crate::wire::lenient::{Lenient as _, List};
use crate::wire::query::Url;
use crate::wire::repair::repair;
use crate::wire::xml::{self, Xml};

/// The server's dialects, and what is stored.
pub const DIALECTS: &[(&str, Entry)] = &[
    ("js", js),
    ("xml", xml),
    ("cookie", cookie),
    ("query", query),
    ("repair", mended),
    ("text", text),
    ("envelope", envelope),
    ("session", session),
    ("file_name", downloads::file_name),
    ("link", downloads::link),
    ("system-text", system_text),
    ("sysmsg", sysmsg),
    ("status", status),
    ("contact", contact),
];

fn js(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let script = Script::parse(&text);
    for name in ["code", "QRLogin.uuid", "synccheck.retcode", "redirect_uri"] {
        let _ = (script.text(name), script.number(name));
    }
    // A string that is written is read.
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let written = format!("window.a = \"{quoted}\";");
    assert_eq!(Script::parse(&written).text("a"), Some(&*text));
}

fn xml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(found) = xml::texts(&text, &["Content", "ret", "skey"]) {
        assert!(found.len() <= 3);
        // Nothing is expanded: entities are shorter than their names.
        assert!(found.iter().map(|(_, value)| value.len()).sum::<usize>() <= 2 * text.len());
    }
    assert!(xml::notice(&text).len() <= 2 * text.len());
    let written = format!("<x><ret>{}</ret></x>", html_escape::encode_text(&text));
    let visible = !text.contains('\r') && !text.is_empty();
    if let Some(found) = xml::texts(&written, &["ret"]).filter(|_| visible) {
        assert_eq!(found.first().map(|(_, value)| value.as_str()), Some(&*text));
    }
    // What is written as text is read as that text, and nothing else.
    let written = Xml::default().markup("<x><ret>").text(&text).markup("</ret></x>").finish();
    let held = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.chars().all(held) {
        let found = xml::texts(&written, &["ret", "skey"]).unwrap_or_default();
        assert_eq!(found, [("ret", text.into_owned())]);
    }
    let _ = xml::attribute(&written, "emoji", "md5");
    let _ = xml::attribute(&String::from_utf8_lossy(bytes), "emoji", "md5");
}

/// Each line is a `Set-Cookie`: whatever they set, the next request can be built, and nothing
/// goes elsewhere.
fn cookie(bytes: &[u8]) {
    let lines: Vec<String> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).into())
        .collect();
    let hosts = Hosts::default();
    let mut jar = Jar::default();
    let date = lines.first().map(String::as_str);
    jar.store(&hosts, hosts.origin(Role::Api), &lines, date, NOW);
    for uri in ["https://evil.example/", "https://wx2.qq.com/", "http://wx.qq.com/"] {
        let uri = http::Uri::from_static(uri);
        assert!(jar.header(&hosts, &uri, NOW).is_none());
    }
    let uri = http::Uri::from_static("https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxinit");
    if let Some(header) = jar.header(&hosts, &uri, NOW) {
        assert!(header.to_str().is_ok() && header.len() <= 64 * 4100);
    }
    let stored = serde_json::to_string(&jar).expect("a jar is plain data");
    let again: Jar = serde_json::from_str(&stored).expect("what was written is read");
    assert!(again == jar);
}

/// Any value comes back from the wire as it was, and stays in its place.
fn query(bytes: &[u8]) {
    let value = String::from_utf8_lossy(bytes);
    let device = Device::new();
    let http = Url::new(&device, Role::Api, "/x").with("a", &value).with("b", 1).get(&device);
    let query = http.uri().query().unwrap_or_default();
    let raw = query.strip_prefix("a=").and_then(|rest| rest.strip_suffix("&b=1"));
    let decoded = raw.map(|raw| percent_encoding::percent_decode_str(raw).decode_utf8_lossy());
    assert_eq!(decoded.as_deref(), Some(&*value));
    let http = Url::new(&device, Role::Api, "/x").post_json(&device, &value);
    let mut body = http.into_body();
    let length = body.len();
    let body = bytes::Buf::copy_to_bytes(&mut body, length);
    assert_eq!(serde_json::from_slice::<String>(&body).ok().as_deref(), Some(&*value));
}

/// Mending ends: what was mended is sound, and what is sound is not touched.
fn mended(bytes: &[u8]) {
    let once = repair(bytes).into_owned();
    let once = once.strip_prefix('\u{feff}').unwrap_or(&once);
    assert_eq!(once, repair(once.as_bytes()));
    if let Ok(text) = core::str::from_utf8(bytes)
        && serde_json::from_str::<serde_json::Value>(text).is_ok()
    {
        let mended = repair(bytes);
        assert!(serde_json::from_str::<serde_json::Value>(&mended).is_ok());
    }
}

fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = decode(Text::from(&*text));
    assert!(read.len() <= 2 * text.len());
    if !text.contains(['<', '&']) {
        assert_eq!(&*read, &*text);
    }
    undo_double_encoding(&text);
    // The one text that cannot be written is the tag of a span.
    if !text.contains("<span class=\"emoji emoji") {
        assert_eq!(&*decode(encode(&text).into()), &*text);
    }
    if let Ok(name) = text.parse::<UserName>() {
        assert_eq!(name.as_str(), &*text);
        let to_it = send_text::request(&mut account().session, &name, &text, NOW);
        assert!(to_it.http().body().len() > text.len());
    }
}

fn envelope(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(readable(&text).chars().count() <= 500);
    // As the text of a refusal.
    let body = serde_json::json!({ "BaseResponse": { "Ret": 1, "ErrMsg": text } });
    parsed(body.to_string().as_bytes(), announce::parse);
    parsed(bytes, announce::parse);
}

/// A record is read, named, sorted, found, and merged: twice the same is once, and nothing empty
/// erases.
fn contact(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(contact) = WireContact::read(&text).take() else { return };
    let name = contact.user_name.clone();
    assert!(!contact.name().is_empty() && !contact.sort_key().is_empty());
    for member in &contact.members {
        assert!(contact.member(&member.user_name).is_some() && contact.includes(&member.user_name));
    }
    let mut directory = Directory::of(UserName::file_helper());
    let empty = directory.clone();
    directory.merge(contact.clone());
    assert_eq!(directory.find(&name), Some(&contact));
    assert!(contact.alias.is_empty() || directory.named(&contact.alias).count() == 1);
    assert!(contact.nick_name.is_empty() || directory.search(&contact.nick_name).count() == 1);
    assert_ne!(directory.identity(&name).compare(&directory.identity(&name)), Evidence::Different);
    let before = directory.clone();
    directory.merge(contact.clone());
    let bare = serde_json::json!({ "UserName": name });
    directory.merge(WireContact::read(&bare.to_string()).take().unwrap_or(contact));
    let changes = directory.changes_since(&empty);
    assert_eq!(changes.len(), 1);
    assert!(serde_json::to_string(&changes).is_ok());
    assert_eq!(directory.changes_since(&before), []);
    directory.remove(&name);
    assert_eq!(directory, empty);
}

/// A stored session is read or refused; one that is read is written the same.
fn session(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Session::from_json(&text) {
        Ok(session) => {
            let again = Session::from_json(&session.to_json());
            assert!(again.is_ok());
            let _ = format!("{session:?}");
        }
        Err(error) => assert!(matches!(error, Error::Storage(_))),
    }
}

/// The message of this type and content, to a room that is told of it.
fn message(msg_type: i64, content: &str) -> Option<Message> {
    let list = serde_json::json!([{
        "MsgId": "7", "FromUserName": "@@1", "ToUserName": "@2", "MsgType": msg_type, "Content": content,
        "StatusNotifyUserName": content,
    }]);
    let json = serde_json::json!({ "AddMsgList": list }).to_string();
    let list = List::<WireMessage>::read(&list.to_string());
    WireMessage::take_all(list, &json.into(), &UserName::file_helper()).pop()
}

/// A text of the service's: whatever it says, all of it can be read.
fn system_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for msg_type in [9999, 10_000] {
        let Some(message) = message(msg_type, &text) else { continue };
        assert!(!message.preview(Device::new().lang()).contains('\n'));
        if let Kind::System(system) = &message.kind {
            // Tags of links are taken out, and the prefix; nothing is added.
            assert!(system.text.len() <= 2 * text.len());
        }
    }
    let said = mention::without_quotation(&text);
    assert!(text.ends_with(said));
    let directory = account().directory().clone();
    if let Some(message) = message(1, &mention::text("me", &text)) {
        let me = account().session().me().clone();
        // It begins with the mention, unless the text makes it look like a prefix.
        assert!(
            message.mentions(&directory, &me)
                || message.text().is_none_or(|t| !t.starts_with("@me\u{2005}"))
        );
    }
}

/// XML of the service's: what is read from it is not much larger.
fn sysmsg(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for msg_type in [10_000, 10_002] {
        let Some(message) = message(msg_type, &text) else { continue };
        let shown = message.preview(Device::new().lang());
        // Names of links stand for what stands in them, once each; a word for an empty one.
        assert!(shown.len() <= 4 * text.len() + 64, "{shown}");
        match &message.kind {
            Kind::SysMsg(sysmsg) => drop(serde_json::to_string(sysmsg).expect("plain data")),
            Kind::Revoked(revoked) => drop(serde_json::to_string(revoked).expect("plain data")),
            _ => {}
        }
    }
}

/// A notice of the phone's: chats are paired with ids only one to one.
fn status(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(message) = message(51, &text) else { return };
    if let Kind::Status(status) = &message.kind {
        let pairs = status.pairs().count();
        let (names, ids) = (status.user_names.len(), status.permanent_ids.len());
        assert!(pairs == 0 || pairs == names && pairs == ids);
    }
}
