//! Threats U1, U3: no text of the caller breaks out of its place in any request.
//!
//! [`TABLE`] lists each builder that takes text. Its request is built twice, with a plain word and
//! with hostile text, and parsed by independent readers: the two may differ only in that word. A
//! test compares the table with the source, so that no builder is missing.

extern crate std;

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::path::Path;

use bytes::Buf as _;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use serde_json::Value;

use self::table::{Http, OTHERS, Row, TABLE, WORD, quoted};
use crate::media::testing_form::form;
use crate::testing::{account, elements};

mod table;

/// Returns the constructors of the endpoints in the source: `Endpoint::constructor`.
fn in_source() -> BTreeSet<String> {
    fn walk(folder: &Path, sources: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            match path.is_dir() {
                true if !["fuzz", "seeds", "injection_tests"].contains(&&*name) => {
                    walk(&path, sources);
                }
                false if !name.ends_with("_tests.rs") => {
                    sources.push(std::fs::read_to_string(&path).unwrap());
                }
                _ => {}
            }
        }
    }
    fn word(text: &str) -> &str {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()
    }
    let mut sources = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let mut endpoints = BTreeSet::new();
    for source in &sources {
        endpoints.extend(source.split("\nimpl Endpoint for ").skip(1).map(word));
        // One macro implements all sends.
        let sends = source.split("\nsends! {").nth(1).and_then(|rest| rest.split('}').next());
        endpoints.extend(sends.into_iter().flat_map(str::split_whitespace));
    }
    let mut constructors = BTreeSet::new();
    for block in sources.iter().flat_map(|source| source.split("\nimpl ").skip(1)) {
        let name = word(block);
        if !endpoints.contains(name) || !block[name.len()..].starts_with(" {") {
            continue;
        }
        let block = block.split("\n}").next().unwrap();
        for item in block.split("    pub").skip(1) {
            let head = item.split('{').next().unwrap();
            let Some((_, function)) = head.split_once("fn ") else { continue };
            if head.rsplit_once("->").is_some_and(|(_, output)| output.contains("Self")) {
                constructors.insert(format!("{name}::{}", word(function)));
            }
        }
    }
    constructors
}

#[test]
fn u3_all_builders_are_covered() {
    let known: BTreeSet<String> = TABLE
        .iter()
        .flat_map(|row| row.builders.iter())
        .chain(OTHERS.iter().map(|(name, _)| name))
        .map(ToString::to_string)
        .collect();
    let source = in_source();
    assert!(source.len() > 50, "{source:?}");
    let missing: Vec<_> = source.difference(&known).collect();
    assert!(missing.is_empty(), "builders that are not in the table: {missing:?}");
    let gone: Vec<_> = known.difference(&source).collect();
    assert!(gone.is_empty(), "not in the source: {gone:?}");
}

/// The pieces of a request, each with its place.
type Pieces = Vec<(String, String)>;

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

fn pairs(place: &str, text: &str, pieces: &mut Pieces) {
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pieces.push((format!("{place} {}", decoded(name)), decoded(value)));
    }
}

fn json(place: &str, value: &Value, pieces: &mut Pieces) {
    match value {
        Value::Object(fields) => {
            pieces.push((place.into(), format!("{} fields", fields.len())));
            for (name, value) in fields {
                json(&format!("{place}/{name}"), value, pieces);
            }
        }
        Value::Array(elements) => {
            pieces.push((place.into(), format!("{} elements", elements.len())));
            for (index, value) in elements.iter().enumerate() {
                json(&format!("{place}/{index}"), value, pieces);
            }
        }
        // XML of the library with text from the caller.
        Value::String(text) if text.starts_with("<appmsg") || text.starts_with("<msgsource>") => {
            for (path, text) in elements(text) {
                pieces.push((format!("{place} {path}"), text));
            }
        }
        Value::String(text) => pieces.push((place.into(), text.clone())),
        other => pieces.push((place.into(), other.to_string())),
    }
}

/// Splits a request into its pieces.
fn pieces(http: &Http) -> Pieces {
    let mut pieces = Pieces::new();
    let uri = http.uri();
    let host = format!("{} {:?} {:?}", http.method(), uri.scheme_str(), uri.authority());
    pieces.push((host, decoded(uri.path())));
    pairs("query", uri.query().unwrap_or_default(), &mut pieces);
    let mut body = http.body().clone();
    let body = body.copy_to_bytes(body.remaining());
    for (name, value) in http.headers() {
        match name.as_str() {
            "content-length" => assert_eq!(value.to_str().unwrap(), body.len().to_string()),
            _ => pieces.push((name.to_string(), value.to_str().unwrap().into())),
        }
    }
    let kind = http.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap());
    let text = || core::str::from_utf8(&body).unwrap();
    if kind.starts_with("application/json") {
        json("json", &serde_json::from_str(text()).unwrap(), &mut pieces);
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        pairs("form", text(), &mut pieces);
    } else if kind.starts_with("multipart/form-data") {
        for part in form(http) {
            let place = format!("part {} {:?}", part.name, part.mime);
            pieces.push((place.clone(), part.disposition.clone()));
            match part.name == "uploadmediarequest" {
                true => json(&place, &serde_json::from_str(part.text()).unwrap(), &mut pieces),
                false => pieces.push((place, part.text().into())),
            }
        }
    } else if !body.is_empty() {
        pieces.push(("body".into(), text().into()));
    }
    pieces
}

/// Asserts that the requests of a row differ only in its text. Returns `false` if the builder
/// rejects the text.
fn stays_in_its_place(row: &Row, text: &str) -> bool {
    let [mut one, mut other] = [account(), account()];
    let Some(hostile) = (row.build)(&mut one, text) else { return false };
    let plain = (row.build)(&mut other, WORD).expect("a plain word is accepted");
    let plain = pieces(&plain);
    assert!(plain.iter().any(|(_, value)| value.contains(WORD)), "{:?} {}", row.builders, row.what);
    let expected: Pieces = plain
        .into_iter()
        .map(|(place, value)| {
            let written = match value.starts_with("form-data;") {
                true => quoted(text),
                false => (row.written)(text),
            };
            (place, value.replace(WORD, &written))
        })
        .collect();
    assert_eq!(pieces(&hostile), expected, "{:?} {} {text:?}", row.builders, row.what);
    true
}

/// Texts that could break out of one of the places.
const HOSTILE: [&str; 28] = [
    "\"",
    "\\",
    "\\\"",
    "\",\"Ret\":0,\"x\":\"",
    "\"}]},",
    "'",
    "`",
    "\r\n",
    "\r\nCookie: a=b",
    "\n\n--",
    "&",
    "&skey=x",
    "=",
    "?",
    "#",
    "/",
    "../..",
    "%",
    "%26",
    "%00",
    "+",
    "<",
    "</title><title>",
    "]]>",
    "<!--",
    "\u{2028}</script>",
    "😄\u{202e}",
    "@a,@b",
];

#[test]
fn u3_hostile_text_stays_in_its_place() {
    for row in TABLE {
        let mut accepted = 0;
        for text in HOSTILE {
            accepted += usize::from(stays_in_its_place(row, text));
            accepted += usize::from(stays_in_its_place(row, &format!("a{text}b")));
        }
        // Most builders accept most texts; only uuids and languages are restricted to words.
        let narrow = ["code", "language"].contains(&row.what);
        assert!(narrow || accepted >= 12, "{:?} {} {accepted}", row.builders, row.what);
    }
}

proptest! {
    #[test]
    fn u3_any_text_stays_in_its_place(
        row in 0..TABLE.len(),
        text in prop_oneof![
            any::<String>(),
            "[ -~]{0,40}",
            prop::collection::vec(prop::sample::select(&HOSTILE[..]), 1..8).prop_map(|all| all.concat()),
        ],
    ) {
        // XML cannot represent these characters, so that they are dropped.
        let xml = TABLE[row].what == "file name" && TABLE[row].builders[0] == "SendFile::new";
        prop_assume!(!xml || !text.contains(|c: char| c.is_control() || c == '\u{fffe}' || c == '\u{ffff}'));
        stays_in_its_place(&TABLE[row], &text);
    }
}

/// The same for more than 64 KB of text.
#[test]
fn u3_long_text_stays_in_its_place() {
    let long: Box<str> = HOSTILE.concat().repeat(700).into();
    assert!(long.len() > 65_536);
    let accepted = TABLE.iter().filter(|row| stays_in_its_place(row, &long)).count();
    assert!(accepted >= 8, "{accepted}");
}
