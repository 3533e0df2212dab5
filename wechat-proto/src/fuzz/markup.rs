//! XML, notices, and texts with entities and emoji.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::endpoints::parsed;
use super::{NOW, account, reply};
use crate::endpoint::Endpoint as _;
use crate::error::Error;
use crate::ids::UserName;
use crate::login::Announce;
use crate::message::SendText;
use crate::text::{Text, decode, encode, undo_double_encoding};
use crate::wire::document::{Found, walk};
use crate::wire::envelope::readable;
use crate::wire::xml::{self, Xml};

/// Checks that both XML readers agree, that nothing is expanded, and that written text is read back
/// unchanged.
pub(super) fn document(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let found = xml::texts(&text, &["Content", "ret", "skey"]);
    if let Some(found) = &found {
        assert!(found.len() <= 3);
        // Entities are shorter than their names.
        assert!(found.iter().map(|(_, value)| value.len()).sum::<usize>() <= 2 * text.len());
        // One reader skips `<ret/>`; the other does not distinguish it from `<ret>`.
        if !text.contains("/>") {
            for name in ["Content", "ret", "skey"] {
                let value = found.iter().find(|(known, _)| *known == name);
                assert_eq!(first(&text, name).as_deref(), value.map(|(_, value)| value.as_str()));
            }
        }
    }
    assert!(xml::notice(&text).len() <= 2 * text.len());
    // Documents with a type declaration are refused.
    let typed = format!("<!DOCTYPE x><x><ret>{text}</ret></x>");
    assert_eq!(xml::texts(&typed, &["ret"]), None);

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
        }
    });

    let held = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.chars().all(held) {
        let written = Xml::default().markup("<x><ret>").text(&text).markup("</ret></x>").finish();
        let found = xml::texts(&written, &["ret", "skey"]).unwrap_or_default();
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
        });
        let expected = if text.is_empty() { 1 } else { 2 };
        assert_eq!(read, alloc::vec![text.to_string(); expected]);
    }
}

/// Returns the text of the first element of this name, with the other reader.
fn first(document: &str, wanted: &str) -> Option<String> {
    let mut text: Option<String> = None;
    // Its depth, while it is open.
    let mut open = None;
    walk(document, |path, found| {
        let is_it = path.last() == Some(&wanted);
        match found {
            Found::Element(_) if open.is_some_and(|depth| path.len() <= depth) => open = None,
            Found::Element(_) if is_it && text.is_none() => {
                text = Some(String::new());
                open = Some(path.len());
            }
            Found::Text(piece) => match open {
                Some(depth) if path.len() == depth => {
                    if let Some(text) = &mut text {
                        text.push_str(piece);
                    }
                }
                Some(depth) if path.len() < depth => open = None,
                _ => {}
            },
            Found::Element(_) => {}
        }
    });
    text
}

/// Checks decoding of text: it follows HTML if there are no emoji, works line by line, and is the
/// inverse of encoding.
pub(super) fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = decode(Text::from(&*text));
    assert!(read.len() <= 2 * text.len());
    if !text.contains(['<', '&']) {
        assert_eq!(&*read, &*text);
    }
    let plain = html_escape::decode_html_entities(&*text);
    // `html_escape` decodes numbers with any number of digits; `decode` limits them.
    if !text.contains("<br/>") && !text.contains("<span") && !text.contains("#0") {
        assert_eq!(&*read, &*plain);
    }
    // No markup spans several lines.
    let lines: Vec<_> = text.split('\n').map(|line| decode(line.into())).collect();
    assert_eq!(lines.join("\n"), &*read);
    if let Some(undone) = undo_double_encoding(&text) {
        assert!(undone.len() < text.len() && !text.is_ascii());
    }
    assert_eq!(&*decode(encode(&text).into()), &*text);
    if let Ok(name) = text.parse::<UserName>() {
        assert_eq!(name.as_str(), &*text);
        let request = SendText::new(name, &*text).request(&mut account().session, NOW);
        assert!(request.body().len() > text.len());
    }
}

/// Checks that the text of a refusal is bounded, and its code is kept.
pub(super) fn notice(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    assert!(readable(&text).chars().count() <= 500);
    let body = serde_json::json!({ "BaseResponse": { "Ret": 7, "ErrMsg": text } }).to_string();
    parsed(body.as_bytes(), |_| Announce::new());
    match Announce::new().parse(&reply(body.as_bytes())) {
        Err(Error::Refused { ret, message, .. }) => {
            assert_eq!((ret.0, &*message), (7, &*readable(&text)));
        }
        other => panic!("{other:?}"),
    }
    parsed(bytes, |_| Announce::new());
}
