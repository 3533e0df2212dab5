//! An event-based XML reader for the payloads of messages: tolerates the service's malformed XML,
//! and refuses an attacker's constructs (`docs/threats.md` X1 to X3).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::entities;

/// The maximum nesting depth, more than in any document of the service.
const DEPTH: usize = 64;
/// The maximum number of attributes, more than any element of the service has.
const ATTRIBUTES: usize = 256;

/// An item of a document.
pub(crate) enum Found<'a> {
    /// An element begins.
    Element(Attributes<'a>),
    /// Text of an element, decoded. It may be split into several items, and is often a line break
    /// between elements.
    Text(&'a str),
    /// A document type declaration. It could define entities, and no document of the service contains
    /// one. The rest of the document is not read.
    Doctype,
}

/// The attributes of an element.
pub(crate) struct Attributes<'a>(&'a BytesStart<'a>);

impl<'a> Attributes<'a> {
    /// Returns the value of the first attribute with this name.
    pub(crate) fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Returns the names and decoded values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        // Tolerates blanks around `=`, missing blanks between attributes and duplicates:
        // `docs/shapes.md`.
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        attributes.take(ATTRIBUTES).flatten().map(|attribute| {
            let value = match attribute.value {
                Cow::Borrowed(value) => entities::decode(value),
                Cow::Owned(value) => Cow::Owned(entities::decode(&value).into_owned()),
            };
            (attribute.key.into_inner(), value)
        })
    }
}

/// Visits the items of a document in order, each with the names of its enclosing elements, the
/// outermost first. Returns whether there was any element.
///
/// Stops at a syntax error or a document type declaration; earlier items are kept. Elements nested
/// too deeply are skipped.
pub(crate) fn walk(document: &str, mut visit: impl FnMut(&[&str], Found<'_>)) -> bool {
    // The reader skips a byte-order mark without counting it in its position.
    let document = document.trim_start_matches('\u{feff}');
    let mut reader = Reader::from_str(document);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    let mut path: Vec<&str> = Vec::new();
    // The number of open elements beyond the maximum depth.
    let mut beyond = 0_usize;
    let mut any = false;
    loop {
        let place = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match reader.read_event() {
            Err(_) | Ok(Event::Eof) => return any,
            Ok(Event::DocType(_)) => {
                visit(&path, Found::Doctype);
                return any;
            }
            Ok(Event::Start(start)) => {
                if path.len() >= DEPTH {
                    beyond += 1;
                    continue;
                }
                any = true;
                path.push(name(document, place, &start));
                visit(&path, Found::Element(Attributes(&start)));
            }
            // A line break that was escaped with the text around it.
            Ok(Event::Empty(start)) if start.name().as_ref() == "br" && beyond == 0 => {
                visit(&path, Found::Text("\n"));
            }
            Ok(Event::Empty(start)) => {
                if path.len() < DEPTH {
                    any = true;
                    path.push(name(document, place, &start));
                    visit(&path, Found::Element(Attributes(&start)));
                    path.pop();
                }
            }
            Ok(Event::End(_)) => {
                if beyond > 0 {
                    beyond -= 1;
                } else {
                    path.pop();
                }
            }
            Ok(_) if beyond > 0 => {}
            Ok(Event::Text(text)) => visit(&path, Found::Text(&text)),
            Ok(Event::CData(text)) => visit(&path, Found::Text(&text)),
            Ok(Event::GeneralRef(entity)) => {
                let text = match &*entity {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    // Unknown entities stay unchanged.
                    other => &*entities::decode(&alloc::format!("&{other};")).into_owned(),
                };
                visit(&path, Found::Text(text));
            }
            Ok(_) => {}
        }
    }
}

/// Returns the text of the first element of each name in `wanted`, anywhere in the document; `None`
/// if the document has a document type declaration.
pub(crate) fn texts<'n>(document: &str, wanted: &[&'n str]) -> Option<Vec<(&'n str, String)>> {
    let mut found: Vec<(&'n str, String)> = Vec::new();
    // For each open element, its index in `found` if it is wanted.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut typed = false;
    walk(document, |path, item| match item {
        Found::Element(_) => {
            let name = wanted.iter().find(|name| path.last() == Some(*name));
            let new = name.filter(|name| found.iter().all(|(known, _)| known != *name));
            found.extend(new.map(|name| (*name, String::new())));
            open.truncate(path.len().saturating_sub(1));
            open.push(new.map(|_| found.len() - 1));
        }
        Found::Text(text) => {
            let index = open.get(path.len().wrapping_sub(1)).copied().flatten();
            if let Some((_, value)) = index.and_then(|index| found.get_mut(index)) {
                value.push_str(text);
            }
        }
        Found::Doctype => typed = true,
    });
    (!typed).then_some(found)
}

/// Returns the name of the element that begins at `place`, as a slice of the document.
fn name<'a>(document: &'a str, place: usize, start: &BytesStart<'_>) -> &'a str {
    let length = start.name().as_ref().len();
    // The name follows the `<`.
    document.get(place + 1..).and_then(|rest| rest.get(..length)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString as _};
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    /// Returns each element as `path name=value …` and each text as `path: text`, without blank
    /// texts.
    fn seen(document: &str) -> Vec<String> {
        let mut seen = Vec::new();
        walk(document, |path, found| {
            let path = path.join("/");
            match found {
                Found::Element(attributes) => {
                    let pairs = attributes.iter().map(|(name, value)| format!(" {name}={value}"));
                    seen.push(path + &pairs.collect::<String>());
                }
                Found::Text(text) if text.trim().is_empty() => {}
                Found::Text(text) => seen.push(format!("{path}: {text}")),
                Found::Doctype => {}
            }
        });
        seen
    }

    #[test]
    fn items_are_visited_in_order() {
        assert_eq!(
            seen("<?xml version=\"1.0\"?>\n<msg a='1'>\n\t<t>x&amp;y</t><e b=\"2\"/>z</msg>"),
            vec!["msg a=1", "msg/t", "msg/t: x", "msg/t: &", "msg/t: y", "msg/e b=2", "msg: z"]
        );
    }

    /// `docs/shapes.md`
    #[test]
    fn malformed_documents_are_tolerated() {
        for (document, expected) in [
            ("<e a = \"1\"  b='2'/>", vec!["e a=1 b=2"]),
            ("<e a=\"1\"b=\"2\"c=\"3\"/>", vec!["e a=1 b=2 c=3"]),
            ("<e a=\"1\" a=\"2\"/>", vec!["e a=1 a=2"]),
            ("<e u=\"http://x?a=1&b=2&amp;c=3\"/>", vec!["e u=http://x?a=1&b=2&c=3"]),
            ("<e n=\"&lt;&quot;&#39;&#20013;&nope;\"/>", vec!["e n=<\"'中&nope;"]),
            ("<a><![CDATA[<x>&amp;]]></a>", vec!["a", "a: <x>&amp;"]),
            ("<a>1<b>2</c>3</a>", vec!["a", "a: 1", "a/b", "a/b: 2", "a: 3"]),
            ("<a>1<b", vec!["a", "a: 1"]),
            ("<a>1<br/>2</a>", vec!["a", "a: 1", "a: 2"]),
            (
                "\u{feff}\u{feff}<Content>a</Content><ret>1</ret>",
                vec!["Content", "Content: a", "ret", "ret: 1"],
            ),
            ("no document", vec![": no document"]),
            ("", vec![]),
        ] {
            assert_eq!(seen(document), expected, "{document}");
        }
        assert!(!walk("no document", |_, _| {}));
    }

    /// Threats X1, X2.
    #[test]
    fn doctype_and_deep_elements_are_skipped() {
        assert_eq!(seen("<a/><!DOCTYPE e [<!ENTITY a \"ha\">]><e>&a;</e>"), vec!["a"]);
        let nested = "<b>".repeat(100_000) + "text" + &"</b>".repeat(100_000) + "<a>1</a>";
        let seen = seen(&nested);
        assert_eq!(seen.len(), DEPTH + 2);
        assert_eq!(seen.last().unwrap(), "a: 1");
        let leaf = |depth| self::seen(&("<b>".repeat(depth) + "<e/>")).len();
        assert_eq!([leaf(DEPTH - 1), leaf(DEPTH)], [DEPTH, DEPTH]);
        let wide = "<a ".to_string() + &"b=\"1\" ".repeat(100_000) + "/>";
        walk(&wide, |_, found| {
            if let Found::Element(attributes) = found {
                assert_eq!(attributes.iter().count(), ATTRIBUTES);
            }
        });
    }

    proptest! {
        #[test]
        fn escaped_text_is_decoded(text in "\\PC{1,40}") {
            let escaped = html_escape::encode_quoted_attribute(&text);
            let document = format!("<x v=\"{escaped}\">{escaped}</x>");
            let (mut value, mut inner) = (String::new(), String::new());
            walk(&document, |_, found| match found {
                Found::Element(attributes) => {
                    attributes.iter().for_each(|(_, read)| value.push_str(&read));
                }
                Found::Text(read) => inner.push_str(read),
                Found::Doctype => {}
            });
            prop_assert_eq!((&value, &inner), (&text, &text));
        }
    }
}
