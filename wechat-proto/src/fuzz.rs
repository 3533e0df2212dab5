//! Fuzz entry points that need private parsers. Not part of the public API. All other entry points,
//! and the table of targets, are in the package `wechat-fuzz`.
//!
//! Each entry point accepts any bytes and panics if a guarantee of `docs/threats.md` is violated.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::contact::wire::WireContact;
use crate::device::jar::Jar;
use crate::hosts::{Family, Origin, Role};
use crate::media::{FileKeys, FileName, LocalFile, MediaType, Sizes, Upload, Uploaded};
use crate::session::changes;
use crate::session::journal::{Journal, with_changes};
use crate::wire::document::{Found, texts, walk};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::js::Script;
use crate::wire::query::{Accept, Url};
use crate::wire::repair::{decode, mend};
use crate::wire::xml::{self, Xml};
use crate::wire::{envelope, json, lenient};
use crate::{Device, Error, Hosts, Session, Timestamp, UserName};

/// A cookie that must not be printed.
const PLANTED: &str = "5e3d7a19c0ffee";
const NOW: Timestamp = Timestamp::from_millis(1_476_606_163_580);

/// Returns an uploaded file, for tests without an upload.
pub fn uploaded(
    media_type: MediaType,
    media_id: &str,
    file_name: &str,
    size: u64,
    [aes_key, signature]: [&str; 2],
) -> Uploaded {
    let keys = FileKeys { aes_key: aes_key.into(), signature: signature.into() };
    let (media_id, file_name) = (media_id.into(), file_name.into());
    Uploaded { media_id, media_type, file_name, size, keys, is_plain: false }
}

/// Checks that written values are parsed by the rules of JavaScript, which include JSON strings.
pub fn script(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let script = Script::parse(&text);
    let mut whole = 0;
    for name in ["code", "QRLogin.uuid", "QRLogin.code", "synccheck.retcode", "redirect_uri"] {
        whole += script.text(name).map_or(0, str::len);
        assert!(script.number(name).is_none() || script.text(name).is_some());
    }
    // The values are not disproportionately longer than the text.
    assert!(whole <= 3 * text.len());

    // Neither the kind of quotes nor the context matters.
    let escaped = text.replace('\\', "\\\\");
    for quote in ['"', '\''] {
        let value = escaped.replace(quote, &format!("\\{quote}"));
        let written = format!("window.a = {quote}{value}{quote};");
        assert_eq!(Script::parse(&written).text("a"), Some(&*text));
        let written = format!("window.o={{x:{quote}{value}{quote} , \"y\":7}}; window.z=8");
        let script = Script::parse(&written);
        let found = (script.text("o.x"), script.number("o.y"), script.number("z"));
        assert_eq!(found, (Some(&*text), Some(7), Some(8)));
    }
    // Strings that `serde_json` writes or accepts have the same value.
    let written = serde_json::to_string(&text).expect("a string");
    assert_eq!(Script::parse(&format!("window.a={written};")).text("a"), Some(&*text));
    let quoted = format!("\"{text}\"");
    if let Ok(read) = serde_json::from_str::<String>(&quoted) {
        assert_eq!(Script::parse(&format!("window.a={quoted};")).text("a"), Some(&*read));
    }
    // Numbers are parsed with and without quotes.
    let digits = text.trim();
    if let Ok(number) = digits.parse::<i64>()
        && !digits.starts_with('+')
    {
        for written in [format!("window.code={digits};"), format!("window.code = '{digits}'")] {
            assert_eq!(Script::parse(&written).number("code"), Some(number));
        }
    }
}

/// Checks that repaired text is valid and is not repaired again, that valid JSON is unchanged, and
/// that the bytes of a string do not affect other fields.
pub fn repaired(bytes: &[u8]) {
    let text = decode(bytes);
    let repaired = mend(&text);
    if serde_json::from_str::<Value>(&text).is_ok() {
        assert_eq!(repaired.as_deref(), Some(text.trim()));
    } else if let Some(repaired) = repaired {
        assert!(serde_json::from_str::<IgnoredAny>(&repaired).is_ok(), "{repaired}");
        assert!(lenient::from_str::<WireContact>(&repaired).is_ok(), "{repaired}");
        assert_eq!(mend(&repaired).as_ref(), Some(&repaired));
    }
    // In a string of an object, the bytes are kept and do not affect the next field.
    if !bytes.contains(&b'"') && !bytes.contains(&b'\\') {
        let body =
            [b"\xef\xbb\xbf{\"UserName\":\"@a\",\"NickName\":\"", bytes, b"\"}\r\n"].concat();
        let read = json::parse::<WireContact>(&body).map(WireContact::take);
        let Ok(Some(contact)) = read else { panic!("{body:?}") };
        let plain = String::from_utf8_lossy(bytes);
        if !plain.contains(['&', '<']) {
            assert_eq!(&*contact.nick_name, &*plain);
        }
    }
}

/// Checks that applying the difference between two values to the first yields the second, and that
/// a journal with any changes, one per line, is read as a valid session or refused.
pub fn journal(session: &Session, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some((old, new)) = text.split_once('\n')
        && let [Ok(_), Ok(expected)] = [old, new].map(serde_json::from_str::<Value>)
    {
        let after = changes::value(old, new).map(|change| changes::apply(old, &change));
        let after = after.unwrap_or_else(|| Some(old.into())).expect("a change of this value");
        assert_eq!(serde_json::from_str::<Value>(&after).expect("JSON"), expected);
    }
    let (_, base) = Journal::new(session);
    assert!(
        Journal::read(&base, bytes).is_ok_and(|read| read.version() == session.version())
            || bytes.contains(&b'\n')
    );
    match Journal::read(&base, with_changes(&base, text.lines()).as_bytes()) {
        Ok(read) => assert!(Session::from_json(&read.to_json()).is_ok()),
        Err(error) => assert!(matches!(error, Error::Storage(_))),
    }
}

/// Checks that a document with a document type declaration is refused, that parsed texts are not
/// much longer than the document, and that written text is read back unchanged.
pub fn document(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let found = texts(&text, &["Content", "ret", "skey"]);
    if let Some(found) = &found {
        assert!(found.len() <= 3);
        // The value of an entity is at most a fifth longer than its reference: `&nGt;`.
        assert!(found.iter().map(|(_, value)| value.len()).sum::<usize>() <= 2 * text.len());
    }
    assert!(xml::notice(&text).len() <= 2 * text.len());
    // Documents with a type declaration are refused.
    let typed = format!("<!DOCTYPE x><x><ret>{text}</ret></x>");
    assert_eq!(texts(&typed, &["ret"]), None);

    walk(&text, |path, found| {
        assert!((path.len() <= 64) && path.iter().all(|name| text.contains(name)));
        match found {
            Found::Element(attributes) => {
                let mut length = 0;
                let count = attributes.iter().inspect(|(name, value)| {
                    length += name.len() + value.len();
                });
                assert!(count.count() <= 256);
                assert!(length <= 2 * text.len());
            }
            Found::Text(piece) => assert!(piece.len() <= 2 * text.len()),
            Found::Doctype => {}
        }
    });

    let held = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.chars().all(held) {
        let written = Xml::default().markup("<x><ret>").text(&text).markup("</ret></x>").finish();
        let found = texts(&written, &["ret", "skey"]).unwrap_or_default();
        assert_eq!(found, [("ret", text.to_string())]);
        let escaped = html_escape::encode_quoted_attribute(&text);
        let mut read = Vec::new();
        walk(&format!("<x v=\"{escaped}\"><w>{escaped}</w></x>"), |path, found| match found {
            Found::Element(attributes) => {
                read.extend(attributes.iter().map(|(_, value)| value.into_owned()));
            }
            Found::Text(piece) => {
                assert_eq!(path, ["x", "w"]);
                if read.len() < 2 {
                    read.push(String::new());
                }
                read.last_mut().expect("one").push_str(piece);
            }
            Found::Doctype => panic!("{escaped}"),
        });
        let expected = if text.is_empty() { 1 } else { 2 };
        assert_eq!(read, alloc::vec![text.to_string(); expected]);
    }
}

/// Returns an upload in pieces of this size. Files larger than `check_above` are checked first.
pub fn upload_in_pieces(to: UserName, file: LocalFile, piece: u64, check_above: u64) -> Upload {
    Upload::with_sizes(to, file, Sizes { piece, check_above })
}

/// Undoes a double encoding of UTF-8 text.
pub fn undo_double_encoding(text: &str) -> Option<String> {
    crate::text::undo_double_encoding(text)
}

/// Returns the readable text of a refusal, at most 500 characters.
pub fn readable(text: &str) -> String {
    envelope::readable(text)
}

/// Parses each line as a `Set-Cookie`, the first also as a `Date`. Checks that the next request can
/// be built, and that no cookie is sent to another host.
pub fn cookie(bytes: &[u8]) {
    let lines: Vec<String> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).into())
        .collect();
    let hosts = Hosts::default();
    let own = hosts.origin(Role::Api);
    let date = lines.first().map(String::as_str);
    let mut jar = Jar::default();
    jar.store(&hosts, own, lines.iter().map(String::as_str), date, NOW);
    // Storing lines together or one by one has the same result.
    let mut one_by_one = Jar::default();
    for line in &lines {
        one_by_one.store(&hosts, own, [line.as_str()], date, NOW);
    }
    let stored = |jar: &Jar| serde_json::to_string(jar).expect("a jar is plain data");
    assert_eq!(stored(&one_by_one), stored(&jar));
    for uri in [
        "https://evil.example/", "https://wx2.qq.com/", "http://wx.qq.com/",
        "https://wx.qq.com:444/", "https://qq.com/", "https://x@wx.qq.com/",
    ] {
        let uri = http::Uri::from_static(uri);
        assert!(jar.header(&hosts, &uri, NOW).is_none());
    }
    // Another host of the service receives shared cookies only.
    let file = http::Uri::from_static("https://file.wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetmedia");
    let shared = jar.header(&hosts, &file, NOW).is_some();
    assert!(!shared || lines.iter().any(|line| line.to_ascii_lowercase().contains("domain")));
    let uri = http::Uri::from_static("https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxinit");
    if let Some(header) = jar.header(&hosts, &uri, NOW) {
        let header = header.to_str().expect("visible ASCII");
        assert!(header.len() <= 64 * 4100);
        // Each cookie was set, unchanged, by one of the lines.
        for pair in header.split("; ") {
            let (name, value) = pair.split_once('=').expect("a name and a value");
            let set = |line: &String| line.contains(name) && line.contains(value);
            assert!(!name.is_empty() && lines.iter().any(set), "{pair}");
        }
    }
    let again: Jar = serde_json::from_str(&stored(&jar)).expect("a stored jar can be parsed");
    assert_eq!(stored(&again), stored(&jar));

    // Another cookie can be added, is sent, is not printed, and can be removed.
    let set = |life: &str| format!("~~={PLANTED}; Path=/{life}");
    jar.store(&hosts, own, [set("").as_str()], None, NOW);
    assert!(jar.value(own, "~~", NOW) == Some(PLANTED));
    assert!(
        !format!("{jar:?}").contains(PLANTED)
            || bytes.windows(PLANTED.len()).any(|part| part == PLANTED.as_bytes())
    );
    jar.store(&hosts, own, [set("; Max-Age=0").as_str()], None, NOW);
    assert!(jar.value(own, "~~", NOW).is_none());

    // A single origin serves all roles.
    let origin: Origin = "http://127.0.0.1:8080".parse().expect("an origin");
    let single = Hosts::all(origin);
    let mut jar = Jar::default();
    let own = single.origin(Role::Push);
    jar.store(&single, own, lines.iter().map(String::as_str), date, NOW);
    assert!(jar.header(&single, &uri, NOW).is_none());
}

/// Checks that any value can be decoded unchanged and does not affect other parameters.
pub fn query_value(bytes: &[u8]) {
    let value = String::from_utf8_lossy(bytes);
    let mut device = Device::new();
    let decoded = |http: &http::Request<_>| -> Option<String> {
        let query = http.uri().query()?.to_string();
        let raw = query.strip_prefix("a=")?.strip_suffix("&b=1")?;
        Some(percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned())
    };
    let url = || Url::new(Role::Api, "/x").accept(Accept::Page).ranged();
    let http = url().with("a", &value).with("b", 1).get(&mut device, NOW);
    assert_eq!(decoded(&http).as_deref(), Some(&*value));
    assert_eq!((http.uri().host(), http.uri().path()), (Some("wx.qq.com"), "/x"));
    // An encoded value is kept unchanged; any other is encoded.
    let http = url().with_encoded("a", &value).with("b", 1).get(&mut device, NOW);
    let raw = http.uri().query().and_then(|query| query.strip_prefix("a=")?.strip_suffix("&b=1"));
    assert!(raw == Some(&*value) || decoded(&http).as_deref() == Some(&*value));
    assert_eq!(http.uri().query().map(|query| query.matches('&').count()), Some(1));

    let json = Object.with("a", &value).json();
    let read: Value = serde_json::from_slice(&json).expect("valid JSON");
    assert_eq!(read.get("a").and_then(Value::as_str), Some(&*value));
}

/// Checks that a login leads to a host of the table over `https`, or is refused:
/// `docs/threats.md` N1, N2.
pub fn redirect(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(uri) = text.parse::<http::Uri>() else { return };
    for families in [&Family::WEB[..], &Family::FILE_HELPER] {
        let before = families.first().map_or_else(Hosts::default, |family| Hosts::new(*family));
        let mut hosts = before.clone();
        // Another library parses the address as a browser does.
        let read = url::Url::parse(&text).ok();
        let host = read.as_ref().and_then(url::Url::host_str);
        let family = families.iter().find(|family| Some(family.host()) == host);
        match hosts.redirect(&uri, families) {
            Ok(()) => {
                let family = family.expect("a host of the table");
                let read = read.expect("a valid URL");
                assert_eq!((read.scheme(), read.port()), ("https", None));
                assert!(read.username().is_empty() && read.password().is_none());
                assert!(hosts == Hosts::new(*family));
            }
            Err(error) => {
                assert!(error.to_string().chars().count() < 800, "{error}");
                assert!(hosts == before);
            }
        }
    }
}

/// Parses a file name from a message, plain and encoded, and from a header.
pub fn file_name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    is_safe(&FileName::from(&*text));
    is_safe(&FileName::of_encoded(&text));
    let header = [b"attachment; ", bytes].concat();
    let quoted = [b"attachment; filename=\"", bytes, b"\""].concat();
    for value in [bytes, &header, &quoted] {
        if let Some(name) = FileName::of_disposition(value) {
            is_safe(&name);
        }
    }
}

/// Checks that a file name is safe.
///
/// Threat U4.
fn is_safe(name: &FileName) {
    let text = name.as_str();
    assert!((1..=FileName::MAX).contains(&text.len()), "{text:?}");
    assert!(!text.contains(['/', '\\', ':']) && !text.contains(char::is_control), "{text:?}");
    assert!(!text.starts_with(['.', ' ']) && !text.ends_with(['.', ' ']), "{text:?}");
    assert_eq!(FileName::from(text), *name);
}
