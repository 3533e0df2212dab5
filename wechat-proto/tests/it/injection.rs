//! Threats U1, U3: no text of the caller breaks out of its place in any request.
//!
//! For each text of each constructor in the table of endpoints, the request is built twice, with a
//! plain word and with hostile text, and parsed by independent readers: the two may differ only in
//! that word.

use std::collections::BTreeMap;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use serde_json::Value;
use wechat_fuzz::{Make, NOW, Row, Visitor, account, endpoints};
use wechat_proto::{Account, Body, Endpoint};

use crate::form::form;
use crate::xml::elements;

type Http = http::Request<Body>;

/// The plain word, which hostile text replaces.
const WORD: &str = "Marker";

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
    let body: Bytes = http.body().clone().into_bytes();
    for (name, value) in http.headers() {
        match name.as_str() {
            "content-length" => assert_eq!(value.to_str().unwrap(), body.len().to_string()),
            _ => pieces.push((name.to_string(), value.to_str().unwrap().into())),
        }
    }
    let kind = http.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap());
    let text = || std::str::from_utf8(&body).unwrap();
    if kind.starts_with("application/json") {
        json("json", &serde_json::from_str(text()).unwrap(), &mut pieces);
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        pairs("form", text(), &mut pieces);
    } else if kind.starts_with("multipart/form-data") {
        for part in form(http) {
            let place = format!("part {} {:?}", part.name, part.mime);
            pieces.push((place.clone(), part.disposition.clone()));
            match part.name.to_lowercase().ends_with("request") {
                true => json(&place, &serde_json::from_str(part.text()).unwrap(), &mut pieces),
                false => pieces.push((place, part.text().into())),
            }
        }
    } else if !body.is_empty() {
        pieces.push(("body".into(), text().into()));
    }
    pieces
}

/// Returns a name in the form that browsers use in `Content-Disposition`.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A test of all texts of all constructors with the same hostile texts.
struct Injection<'a> {
    hostile: &'a [String],
    /// The number of accepted texts for each place.
    accepted: BTreeMap<(&'static str, usize), usize>,
}

impl Visitor for Injection<'_> {
    fn visit<E>(&mut self, Row { title, .. }: Row, make: Make<E>)
    where
        E: Endpoint + 'static,
        E::Output: std::fmt::Debug,
        Account: AsMut<E::State>,
    {
        for place in 0..make.places(&mut account()) {
            let build = |text: &str| {
                let mut account = account();
                let (mut endpoint, written) = make.with(&mut account, place, text)?;
                Some((pieces(&endpoint.request(account.as_mut(), NOW)), written))
            };
            let at = format!("{title}, text {place}");
            let (plain, _) = build(WORD).expect(&at);
            assert!(plain.iter().any(|(_, value)| value.contains(WORD)), "{at}");
            let accepted = self.accepted.entry((title, place)).or_default();
            for text in self.hostile {
                let Some((hostile, written)) = build(text) else { continue };
                *accepted += 1;
                let replaced = |(place, value): &(String, String)| {
                    let written = match value.starts_with("form-data;") {
                        true => quoted(text),
                        false => written.clone(),
                    };
                    (place.clone(), value.replace(WORD, &written))
                };
                let expected: Pieces = plain.iter().map(replaced).collect();
                assert_eq!(hostile, expected, "{at}: {text:?}");
            }
        }
    }
}

/// Asserts that each text stays in its place. Returns the number of accepted texts for each place.
fn stay_in_their_places(hostile: &[String]) -> BTreeMap<(&'static str, usize), usize> {
    let mut injection = Injection { hostile, accepted: BTreeMap::new() };
    endpoints(&mut injection);
    injection.accepted
}

/// Texts that could break out of one of the places.
const HOSTILE: [&str; 28] = [
    "\"", "\\", "\\\"", "\",\"Ret\":0,\"x\":\"", "\"}]},", "'", "`", "\r\n", "\r\nCookie: a=b",
    "\n\n--", "&", "&skey=x", "=", "?", "#", "/", "../..", "%", "%26", "%00", "+", "<",
    "</title><title>", "]]>", "<!--", "\u{2028}</script>", "😄\u{202e}", "@a,@b",
];

#[test]
fn u3_hostile_text_stays_in_its_place() {
    let hostile: Vec<_> =
        HOSTILE.iter().flat_map(|text| [(*text).to_owned(), format!("a{text}b")]).collect();
    for ((title, place), accepted) in stay_in_their_places(&hostile) {
        // Most texts are unrestricted; only uuids are words.
        let narrow = ["CheckScan", "GetQrCode"].contains(&title);
        assert!(narrow || accepted >= 12, "{title}, text {place}: {accepted}");
    }
}

proptest! {
    #[test]
    fn u3_any_text_stays_in_its_place(
        text in prop_oneof![
            any::<String>(),
            "[ -~]{0,40}",
            prop::collection::vec(prop::sample::select(&HOSTILE[..]), 1..8).prop_map(|all| all.concat()),
        ],
    ) {
        stay_in_their_places(&[text]);
    }
}

/// The hostile texts stay in their place as one text of more than 64 KB.
#[test]
fn u3_long_text_stays_in_its_place() {
    let long = HOSTILE.concat().repeat(700);
    assert!(long.len() > 65_536);
    let accepted = stay_in_their_places(&[long]);
    assert!(accepted.into_values().sum::<usize>() >= 8);
}
