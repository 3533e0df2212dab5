//! The server's dialects, and what is stored.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::endpoints::parsed;
use super::{Entry, NOW, account, downloads};
use crate::contact::record::WireContact;
use crate::device::Device;
use crate::error::Error;
use crate::hosts::{Hosts, Role};
use crate::ids::UserName;
use crate::jar::Jar;
use crate::login::announce;
use crate::message::send_text;
use crate::session::Session;
use crate::text::{Text, decode, encode, undo_double_encoding};
use crate::wire::document::{Found, walk};
use crate::wire::envelope::readable;
use crate::wire::js::Script;
use crate::wire::query::Url;
use crate::wire::reader::Reader;
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
    ("reader", quickly),
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
    walk(&String::from_utf8_lossy(bytes), |path, found| {
        assert!(path.len() <= 64);
        match found {
            Found::Element(attributes) => assert!(attributes.iter().count() <= 256),
            Found::Text(piece) => assert!(piece.len() <= 3 * bytes.len()),
        }
    });
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

/// What the reader of plain JSON takes, `serde_json` takes, and reads the same.
fn quickly(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(read) = Reader::read::<WireContact>(&text) {
        let whole: Option<WireContact> = serde_json::from_str(&text).ok();
        assert_eq!(Some(read.take()), whole.map(WireContact::take));
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
