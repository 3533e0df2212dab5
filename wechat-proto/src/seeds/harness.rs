//! Compares a request with a printed one.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::body::Body;
use crate::testing::body;

/// A difference between our request and the printed one, with its reason.
#[derive(Clone, Copy)]
pub(super) struct Difference {
    /// `method`, `host`, `path`, a parameter `?name`, a header `name:`, a field `Msg.Content`.
    pub(super) what: &'static str,
    pub(super) how: How,
    /// The reason: a paragraph of the protocol and its content.
    pub(super) why: &'static str,
}

/// The kind of a difference. In values, `?` is any digit; JSON values are written as JSON.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// Only ours has it, with this value.
    Added(&'static str),
    /// Only theirs has it.
    Omitted,
    /// Both have it; ours is this.
    Changed(&'static str),
    /// Both have it, in this shape, with other digits.
    Random(&'static str),
    /// Both have the same value in different places.
    Moved,
}

/// The compared parts of a request.
pub(super) struct ParsedRequest {
    method: String,
    host: String,
    path: String,
    /// Percent-decoded names and values, in order.
    query: Vec<(String, String)>,
    /// Of ours, `Content-Type`; of the printed request, all printed headers.
    headers: Vec<(String, String)>,
    body: Option<Json>,
}

impl ParsedRequest {
    /// Parses a printed request: `POST https://host/path?query`, headers, an empty line, JSON.
    pub(super) fn printed(text: &str) -> Self {
        let text = text.trim();
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, url) = lines.next().and_then(|line| line.split_once(' ')).unwrap();
        let headers = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.trim().into()));
        Self::new(method, url, headers.collect(), body)
    }

    /// Returns the parts of our request.
    pub(super) fn of(http: &http::Request<Body>) -> Self {
        let value = |name: &str| http.headers().get(name).map(|value| value.to_str().unwrap());
        let kind = value("content-type").map(|kind| ("content-type".into(), kind.into()));
        let body = body(http);
        assert_eq!(value("content-length").map_or(0, |text| text.parse().unwrap()), body.len());
        assert_eq!(value("host"), http.uri().host());
        let url = http.uri().to_string();
        Self::new(http.method().as_str(), &url, kind.into_iter().collect(), &body)
    }

    fn new(method: &str, url: &str, headers: Vec<(String, String)>, body: &str) -> Self {
        let rest = url.strip_prefix("https://").unwrap_or_else(|| panic!("{url}"));
        let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = address.split_once('/').unwrap();
        // A `+` is not a blank: `docs/protocol.md` §1.2.
        let decoded = |text| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self {
            method: method.into(),
            host: host.into(),
            path: format!("/{}", decoded(path)),
            query: pairs.map(|(name, value)| (decoded(name), decoded(value))).collect(),
            headers,
            body: (!body.is_empty()).then(|| Json::of(body)),
        }
    }

    /// Returns all parts in order, each under its own label.
    fn fields(&self) -> Vec<(String, String)> {
        let mut fields = Vec::from([
            ("method".to_owned(), self.method.clone()),
            ("host".to_owned(), self.host.clone()),
            ("path".to_owned(), self.path.clone()),
        ]);
        for (name, value) in &self.query {
            let mut label = format!("?{name}");
            while fields.iter().any(|(other, _)| *other == label) {
                label += " again";
            }
            fields.push((label, value.clone()));
        }
        for (name, value) in &self.headers {
            fields.push((format!("{name}:"), value.clone()));
        }
        if let Some(body) = &self.body {
            body.fields("", &mut fields);
        }
        fields
    }
}

/// JSON whose objects keep the order of their fields and duplicate fields.
#[derive(Debug, PartialEq)]
pub(super) enum Json {
    Plain(serde_json::Value),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    pub(super) fn of(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Returns the field of an object.
    pub(super) fn get(&self, name: &str) -> &Self {
        let Self::Object(fields) = self else { panic!("not an object: {self:?}") };
        &fields.iter().find(|(field, _)| field == name).unwrap().1
    }

    /// Returns the element of a list.
    pub(super) fn at(&self, index: usize) -> &Self {
        let Self::List(elements) = self else { panic!("not a list: {self:?}") };
        &elements[index]
    }

    fn fields(&self, label: &str, into: &mut Vec<(String, String)>) {
        match self {
            Self::List(elements) if !elements.is_empty() => {
                for (index, element) in elements.iter().enumerate() {
                    element.fields(&format!("{label}[{index}]"), into);
                }
            }
            Self::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    let dot = if label.is_empty() { "" } else { "." };
                    value.fields(&format!("{label}{dot}{name}"), into);
                }
            }
            Self::Plain(value) => into.push((label.into(), value.to_string())),
            Self::List(_) => into.push((label.into(), "[]".into())),
            Self::Object(_) => into.push((label.into(), "{}".into())),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Plain(serde_json::Value::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::Plain(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Json::List(elements))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Json::Object(fields))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Asserts that our request equals the printed one except for the listed differences, and that all
/// of these occur.
pub(super) fn compare(ours: &http::Request<Body>, printed: &str, listed: &[Difference]) {
    let wrong = mismatches(&ParsedRequest::of(ours), &ParsedRequest::printed(printed), listed);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Like [`compare`], for a request whose body is a form, with its fields written as JSON. The random
/// boundaries are not compared.
pub(super) fn compare_form(
    ours: &http::Request<Body>,
    fields: &str,
    printed: &str,
    listed: &[Difference],
) {
    let head = |http: &http::Request<Body>| {
        let url = http.uri().to_string();
        ParsedRequest::new(http.method().as_str(), &url, Vec::new(), fields)
    };
    let mut theirs = ParsedRequest::printed(printed);
    let [(name, kind)] = &theirs.headers[..] else { panic!("{:?}", theirs.headers) };
    assert!(name == "content-type" && kind.starts_with("multipart/form-data; boundary="));
    theirs.headers.clear();
    let wrong = mismatches(&head(ours), &theirs, listed);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn mismatches(ours: &ParsedRequest, theirs: &ParsedRequest, listed: &[Difference]) -> Vec<String> {
    let (mut ours, mut theirs) = (ours.fields(), theirs.fields());
    let mut wrong = Vec::new();
    let (moved, others): (Vec<&Difference>, Vec<&Difference>) =
        listed.iter().partition(|difference| matches!(difference.how, How::Moved));
    for Difference { what, how, why } in others.into_iter().chain(moved) {
        if !is_paragraph(why) {
            wrong.push(format!("{what}: {why:?} is not a valid reference to a paragraph"));
        }
        if !apply(&mut ours, &mut theirs, what, *how) {
            wrong.push(format!("{what}: listed, but does not occur in this form ({why})"));
        }
    }
    let mut only = |side: &str, these: &[(String, String)], those: &[(String, String)]| {
        for (label, value) in these.iter().filter(|field| !those.contains(field)) {
            wrong.push(format!("{label}: {side} {value}, an unlisted difference"));
        }
    };
    only("ours is", &ours, &theirs);
    only("theirs is", &theirs, &ours);
    if wrong.is_empty() && ours != theirs {
        wrong.push(format!("different order: {ours:?}, {theirs:?}"));
    }
    wrong
}

/// Removes a difference from both sides; returns whether it occurred.
fn apply(
    ours: &mut Vec<(String, String)>,
    theirs: &mut Vec<(String, String)>,
    what: &str,
    how: How,
) -> bool {
    let at = |fields: &[(String, String)]| fields.iter().position(|(label, _)| label == what);
    match (how, at(ours), at(theirs)) {
        (How::Added(shape), Some(a), None) => fits(shape, &ours.remove(a).1),
        // A whole object, or a single field.
        (How::Omitted, _, _) => {
            let within = |label: &str| {
                label
                    .strip_prefix(what)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let before = theirs.len();
            theirs.retain(|(label, _)| !within(label));
            theirs.len() < before && !ours.iter().any(|(label, _)| within(label))
        }
        (How::Changed(shape) | How::Random(shape), Some(a), Some(b)) => {
            let (a, b) = (&mut ours[a].1, &theirs[b].1);
            let alike = matches!(how, How::Changed(_)) || fits(shape, b);
            let occurs = alike && fits(shape, a) && a != b;
            a.clone_from(b);
            occurs
        }
        (How::Moved, Some(a), Some(b)) => a != b && ours.remove(a) == theirs.remove(b),
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
        let heading = match number.contains('.') {
            true => format!("\n### {number} "),
            false => format!("\n## {number}. "),
        };
        include_str!("../../docs/protocol.md").contains(&heading)
    };
    let has_text = why.split_once(": ").is_some_and(|(_, text)| !text.is_empty());
    has_text && why.starts_with("docs/protocol.md §") && why.split('§').skip(1).all(exists)
}

mod tests {
    use super::How::{Added, Changed, Moved, Omitted, Random};
    use super::*;

    const PRINTED: &str = "\
POST https://wx.qq.com/a?r=1&n=5
ContentType: x

{\"B\":{\"U\":7,\"D\":\"e12\"},\"L\":[{\"K\":1}]}";

    fn compared(ours: &str, listed: &[Difference]) -> usize {
        mismatches(&ParsedRequest::printed(ours), &ParsedRequest::printed(PRINTED), listed).len()
    }

    const fn listed(what: &'static str, how: How) -> Difference {
        Difference { what, how, why: "docs/protocol.md §1.2: so" }
    }

    #[test]
    fn every_difference_is_reported() {
        assert_eq!(compared(PRINTED, &[]), 0);
        for (from, to) in [
            ("POST", "PUT"),
            ("wx.qq.com", "wx2.qq.com"),
            ("/a?", "/A?"),
            ("r=1&n=5", "n=5&r=1"),
            ("r=1", "r=1&r=1"),
            ("n=5", "n=%25"),
            ("ContentType", "Content-Type"),
            (": x", ": y"),
            ("7", "\"7\""),
            ("\"U\":7,\"D\":\"e12\"", "\"D\":\"e12\",\"U\":7"),
            ("{\"K\":1}", "{\"K\":1},{\"K\":1}"),
            ("[{\"K\":1}]", "[]"),
            ("\"U\":7", "\"U\":7,\"U\":7"),
        ] {
            assert_ne!(PRINTED.replace(from, to), PRINTED);
            assert_ne!(compared(&PRINTED.replace(from, to), &[]), 0, "{from} {to}");
        }
        assert_eq!(compared(&PRINTED.replace("r=1", "%72=%31"), &[]), 0);
    }

    #[test]
    fn only_listed_differences_are_accepted() {
        for (from, to, good, bad) in [
            ("r=1", "r=1&l=zh", listed("?l", Added("zh")), listed("?l", Added("en"))),
            ("r=1&", "", listed("?r", Omitted), listed("?r", Changed("2"))),
            ("ContentType: x\n", "", listed("contenttype:", Omitted), listed("?r", Omitted)),
            (",\"D\":\"e12\"", "", listed("B.D", Omitted), listed("B", Omitted)),
            (
                "\"e12\"",
                "\"e34\"",
                listed("B.D", Random("\"e??\"")),
                listed("B.D", Random("\"e?\"")),
            ),
            ("7", "\"7\"", listed("B.U", Changed("\"7\"")), listed("B.U", Random("?"))),
            ("r=1&n=5", "n=5&r=1", listed("?n", Moved), listed("?q", Moved)),
            ("\"B\":{\"U\":7,\"D\":\"e12\"},", "", listed("B", Omitted), listed("B.U", Omitted)),
        ] {
            let ours = PRINTED.replace(from, to);
            assert_eq!(compared(&ours, &[good]), 0, "{to}");
            assert_ne!(compared(&ours, &[bad]), 0, "{to}");
            // A listed difference must occur.
            assert_ne!(compared(PRINTED, &[good]), 0, "{to}");
            // A listed difference must refer to a paragraph.
            for why in [
                "",
                "§1.2: so",
                "docs/protocol.md §99: so",
                "docs/protocol.md §1.2: ",
                "docs/protocol.md §1.2: so; §1.99: so",
            ] {
                assert_ne!(compared(&ours, &[Difference { why, ..good }]), 0, "{why}");
            }
        }
    }
}
