//! Compares a request with a printed one.

use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Http, NOTES};
use crate::form::{Part, form};

/// The parts of a request in order, each with its label.
type Parts = Vec<(String, String)>;

/// Returns the definition of a difference that occurs often.
fn defined(difference: &'static str) -> &'static str {
    let mut defined =
        NOTES.lines().filter_map(|line| line.strip_prefix(difference)?.strip_prefix(": "));
    defined.next().unwrap_or(difference)
}

/// Splits a request into its parts. Of our headers, only `Content-Type` is compared.
fn parts(method: &str, url: &str, headers: &[(String, String)], body: &str) -> Parts {
    let rest = url.strip_prefix("https://").unwrap_or_else(|| panic!("{url}"));
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = address.split_once('/').unwrap();
    // A `+` is not a blank: `docs/protocol.md` §1.2.
    let decoded = |text| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let mut parts = Parts::from([
        ("method".into(), method.into()),
        ("host".into(), host.into()),
        ("path".into(), decoded(path)),
    ]);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let mut label = format!("?{}", decoded(name));
        while parts.iter().any(|(other, _)| *other == label) {
            label += " again";
        }
        parts.push((label, decoded(value)));
    }
    parts.extend(headers.iter().cloned());
    if !body.is_empty() {
        fields("", body, &mut parts);
    }
    parts
}

/// An object with the order of its fields and with duplicate fields.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Map)
    }
}

/// Adds the values of a JSON text, each with its place.
fn fields(place: &str, text: &str, into: &mut Parts) {
    let before = into.len();
    if let Ok(Fields(fields)) = serde_json::from_str(text) {
        let dot = if place.is_empty() { "" } else { "." };
        for (name, value) in fields {
            self::fields(&format!("{place}{dot}{name}"), value.get(), into);
        }
    } else if let Ok(elements) = serde_json::from_str::<Vec<Box<RawValue>>>(text) {
        for (index, element) in elements.iter().enumerate() {
            fields(&format!("{place}[{index}]"), element.get(), into);
        }
    }
    if into.len() == before {
        let value: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        into.push((place.into(), value.to_string()));
    }
}

/// Returns the parts of our request. A form is written as JSON.
pub(super) fn ours(http: &Http) -> Parts {
    let header = |name: &str| http.headers().get(name).map(|value| value.to_str().unwrap());
    let kind = header("content-type");
    let body = http.body().clone().into_bytes();
    assert_eq!(header("content-length").map_or(0, |text| text.parse().unwrap()), body.len());
    assert_eq!(header("host"), http.uri().host());
    let (mut headers, mut text) = (Vec::new(), String::from_utf8_lossy(&body).into_owned());
    if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        let parts = form(http);
        let file = parts.last().unwrap();
        assert_eq!((file.file_name(), file.mime.as_deref()), (Some("top10.csv"), Some("text/csv")));
        let value = |part: &Part| match &*part.name {
            "uploadmediarequest" => part.text().to_owned(),
            _ => Value::from(part.text()).to_string(),
        };
        let pairs = parts.iter().map(|part| format!("\"{}\":{}", part.name, value(part)));
        text = format!("{{{}}}", pairs.collect::<Vec<_>>().join(","));
    } else if let Some(kind) = kind {
        headers.push(("content-type:".to_owned(), kind.to_owned()));
    }
    parts(http.method().as_str(), &http.uri().to_string(), &headers, &text)
}

/// Returns the parts of a printed request: `POST https://host/path?query`, headers, an empty line, JSON.
pub(super) fn theirs(text: &str) -> Parts {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, url) = lines.next().unwrap().split_once(' ').unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (format!("{}:", name.to_lowercase()), value.trim().to_owned())
    };
    parts(method, url, &lines.map(header).collect::<Vec<_>>(), body)
}

/// Returns the differences that are not listed, and the listed ones that do not occur or have no
/// valid reason.
pub(super) fn mismatches(
    mut ours: Parts,
    mut theirs: Parts,
    listed: &[&'static str],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for difference in listed.iter().map(|listed| defined(listed)) {
        let (place, why) = difference.split_once(" | ").unwrap_or((difference, ""));
        if !is_paragraph(why) || !apply(&mut ours, &mut theirs, place) {
            wrong.push(format!("listed, but does not occur, or no valid paragraph: {difference}"));
        }
    }
    let all: Vec<_> = ours
        .iter()
        .map(|part| ("ours", part))
        .chain(theirs.iter().map(|part| ("theirs", part)))
        .collect();
    wrong.extend(
        all.iter()
            .filter(|(side, part)| {
                let other = if *side == "ours" { &theirs } else { &ours };
                !other.contains(part)
            })
            .map(|(side, part)| format!("not listed: {side} {part:?}")),
    );
    if wrong.is_empty() && ours != theirs {
        wrong.push("another order".into());
    }
    wrong
}

/// Removes a difference from both sides. Returns whether it occurs.
fn apply(ours: &mut Parts, theirs: &mut Parts, difference: &str) -> bool {
    let whats = [" added ", " omitted", " changed ", " random ", " moved"];
    let how = whats.into_iter().find(|how| difference.contains(how)).expect("a kind of difference");
    let (what, shape) = difference.split_once(how).unwrap();
    let at = |parts: &Parts| parts.iter().position(|(label, _)| label == what);
    match (how.trim(), at(ours), at(theirs)) {
        ("added", Some(a), None) => fits(shape, &ours.remove(a).1),
        // A whole object, or a single field.
        ("omitted", ..) => {
            let within = |label: &str| {
                label
                    .strip_prefix(what)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let before = theirs.len();
            theirs.retain(|(label, _)| !within(label));
            theirs.len() < before && !ours.iter().any(|(label, _)| within(label))
        }
        (how @ ("changed" | "random"), Some(a), Some(b)) => {
            let (a, b) = (&mut ours[a].1, &theirs[b].1);
            let occurs = (how == "changed" || fits(shape, b)) && fits(shape, a) && a != b;
            a.clone_from(b);
            occurs
        }
        ("moved", Some(a), Some(b)) => a != b && ours.remove(a) == theirs.remove(b),
        _ => false,
    }
}

/// Returns whether a value has a shape, in which `?` is any digit.
fn fits(shape: &str, value: &str) -> bool {
    let digit = |(a, b): (u8, u8)| a == b || a == b'?' && b.is_ascii_digit();
    shape.len() == value.len() && shape.bytes().zip(value.bytes()).all(digit)
}

/// Returns whether a reason begins with a paragraph of the protocol, and all paragraphs in it exist.
fn is_paragraph(why: &str) -> bool {
    let exists = |rest: &str| {
        let number: String = rest.chars().take_while(|&c| c.is_ascii_digit() || c == '.').collect();
        let dot = if number.contains('.') { "" } else { "." };
        include_str!("../../../docs/protocol.md").contains(&format!("# {number}{dot} "))
    };
    let has_text = why.split_once(": ").is_some_and(|(_, text)| !text.is_empty());
    has_text && why.starts_with("docs/protocol.md §") && why.split('§').skip(1).all(exists)
}

const PRINTED: &str = "\
POST https://wx.qq.com/a?r=1&n=5
ContentType: x

{\"B\":{\"U\":7,\"D\":\"e12\"},\"L\":[{\"K\":1}]}";

#[test]
fn differences_must_be_listed_and_occur() {
    let compared = |ours: &str, listed: &[&'static str]| {
        mismatches(theirs(ours), theirs(PRINTED), listed).len()
    };
    assert_eq!(compared(&PRINTED.replace("r=1", "%72=%31"), &[]), 0);
    // Each change of the library's request, with a difference that covers it and one that does not.
    for (from, to, good, bad) in [
        ("POST", "PUT", "method changed PUT", "host omitted"),
        ("wx.qq.com", "wx2.qq.com", "host changed wx2.qq.com", "host random wx?.qq.com"),
        ("/a?", "/A?", "path changed A", "path moved"),
        ("r=1", "r=1&r=1", "?r again added 1", "?r again added 2"),
        ("n=5", "n=%25", "?n changed %", "?n added %"),
        ("ContentType", "Content-Type", "", "contenttype: omitted"),
        ("{\"K\":1}]", "{\"K\":1},{\"K\":1}]", "L[1].K added 1", "L[1] added {}"),
        ("[{\"K\":1}]", "[]", "", "L omitted"),
        ("\"U\":7,", "\"U\":7,\"U\":7,", "", "B.U moved"),
        ("\"U\":7,\"D\":\"e12\"", "\"D\":\"e12\",\"U\":7", "B.U moved", "B.L moved"),
        ("r=1", "r=1&l=zh", "?l added zh", "?l added en"),
        ("r=1&", "", "?r omitted", "?r changed 2"),
        ("ContentType: x\n", "", "contenttype: omitted", "?r omitted"),
        (",\"D\":\"e12\"", "", "B.D omitted", "B omitted"),
        ("\"e12\"", "\"e34\"", "B.D random \"e??\"", "B.D random \"e?\""),
        ("7", "\"7\"", "B.U changed \"7\"", "B.U random ?"),
        ("r=1&n=5", "n=5&r=1", "?n moved", "?q moved"),
        ("\"B\":{\"U\":7,\"D\":\"e12\"},", "", "B omitted", "B.U omitted"),
    ] {
        let ours = PRINTED.replace(from, to);
        assert_ne!(compared(&ours, &[]), 0, "{to}");
        let with = |place: &str, why| -> &'static str { format!("{place} | {why}").leak() };
        assert_ne!(compared(&ours, &[with(bad, "docs/protocol.md §1.2: so")]), 0, "{bad}");
        if !good.is_empty() {
            let listed = with(good, "docs/protocol.md §1.2: so");
            assert_eq!(compared(&ours, &[listed]), 0, "{good}");
            assert_ne!(compared(PRINTED, &[listed]), 0, "{good}");
        }
    }
    for why in [
        "", "§1.2: so", "docs/protocol.md §99: so", "docs/protocol.md §1.2: ",
        "docs/protocol.md §1.2: so; §1.99: so",
    ] {
        assert!(!is_paragraph(why), "{why}");
    }
}
