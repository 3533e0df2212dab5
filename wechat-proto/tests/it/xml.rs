//! Parses XML with a strict reader.

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use quick_xml::Reader;
use quick_xml::events::Event;

/// Returns the elements of a document by their paths, each with its text, from a strict reader;
/// attributes follow an `@`.
pub(crate) fn elements(document: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(document);
    let (mut found, mut open) = (Vec::<(String, String)>::new(), Vec::<String>::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {document}")) {
            Event::Start(start) => {
                open.push(start.name().as_ref().to_string());
                found.push((open.join("/"), String::new()));
                for attribute in start.attributes() {
                    let attribute = attribute.unwrap();
                    let path = format!("{}@{}", open.join("/"), attribute.key.as_ref());
                    found.push((path, attribute.value.to_string()));
                }
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => {
                let path = open.join("/");
                let (_, value) = found.iter_mut().find(|(found, _)| *found == path).unwrap();
                value.push_str(&text.xml10_content());
            }
            Event::GeneralRef(entity) => {
                let path = open.join("/");
                let (_, value) = found.iter_mut().find(|(found, _)| *found == path).unwrap();
                match entity.resolve_char_ref().unwrap() {
                    Some(c) => value.push(c),
                    None => value.push_str(quick_xml::escape::resolve_xml_entity(&entity).unwrap()),
                }
            }
            Event::Eof => return found,
            other => panic!("{other:?} in {document}"),
        }
    }
}
