//! Strict parsing of the XML in messages.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

use crate::message::SentFile;

/// The path of an element or, after an `@`, of an attribute, and its text.
pub(crate) type Part = (String, String);

/// Returns the parts of a document in order, or a description of its fault. Only elements without children have text.
pub(crate) fn parts(document: &str) -> Result<Vec<Part>, String> {
    let mut reader = Reader::from_str(document);
    let (mut parts, mut open) = (Vec::<Part>::new(), Vec::<String>::new());
    fn add(parts: &mut Vec<Part>, open: &[String], text: &str) {
        let path = open.join("/");
        match parts.iter_mut().rfind(|(found, _)| *found == path) {
            Some((_, found)) => found.push_str(text),
            None => parts.push((path, text.to_owned())),
        }
    }
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                open.push(start.name().as_ref().to_owned());
                parts.push((open.join("/"), String::new()));
                for attribute in start.attributes() {
                    let attribute = attribute.map_err(|error| error.to_string())?;
                    let name = format!("{}@{}", open.join("/"), attribute.key.as_ref());
                    parts.push((name, attribute.value.into_owned()));
                }
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => add(&mut parts, &open, &text.xml10_content()),
            Event::GeneralRef(entity) => {
                let c = entity.resolve_char_ref().map_err(|error| error.to_string())?;
                match (c, resolve_xml_entity(&entity)) {
                    (Some(c), _) => add(&mut parts, &open, c.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => add(&mut parts, &open, text),
                    (None, None) => return Err(format!("the entity `{}` is unknown", &*entity)),
                }
            }
            Event::Eof if open.is_empty() => return Ok(parts),
            Event::Eof => return Err(format!("`{}` is not closed", open.join("/"))),
            other => return Err(format!("{other:?} is not allowed")),
        }
    }
}

/// Parses the XML of a file.
pub(crate) fn file(document: &str) -> Result<SentFile, String> {
    let parts = parts(document)?;
    let text = |name: &str| {
        let path = format!("appmsg/{name}");
        let found = parts.iter().find(|(found, _)| *found == path);
        found.map(|(_, text)| text.clone()).ok_or_else(|| format!("it has no `{name}`"))
    };
    let size = text("appattach/totallen")?;
    let size = size.parse().map_err(|_| format!("`totallen` is `{size}`, not a number"))?;
    Ok(SentFile {
        name: text("title")?,
        size,
        media_id: text("appattach/attachid")?,
        extension: text("appattach/fileext")?,
    })
}

/// Checks that the XML of a file has exactly the form of docs/protocol.md §6.3.
pub(crate) fn check_file(document: &str, appid: &str) -> Result<(), String> {
    // `None` means any text.
    let all: [(&str, Option<&str>); 15] = [
        ("appmsg", Some("")),
        ("appmsg@appid", Some(appid)),
        ("appmsg@sdkver", Some("")),
        ("appmsg/title", None),
        ("appmsg/des", Some("")),
        ("appmsg/action", Some("")),
        ("appmsg/type", Some("6")),
        ("appmsg/content", Some("")),
        ("appmsg/url", Some("")),
        ("appmsg/lowurl", Some("")),
        ("appmsg/appattach", Some("")),
        ("appmsg/appattach/totallen", None),
        ("appmsg/appattach/attachid", None),
        ("appmsg/appattach/fileext", None),
        ("appmsg/extinfo", Some("")),
    ];
    let parts = parts(document)?;
    let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    let expected = all.map(|(name, _)| name);
    if names != expected {
        return Err(format!("it has {names:?}, not {expected:?}"));
    }
    for ((name, text), (_, expected)) in parts.iter().zip(all) {
        if let Some(expected) = expected.filter(|expected| expected != text) {
            return Err(format!("`{name}` is `{text}`, not `{expected}`"));
        }
    }
    Ok(())
}

/// Returns the names mentioned by a text and their room, or a description of the XML's fault.
pub(crate) fn mentions(document: &str) -> Result<(Vec<String>, String), String> {
    let parts = parts(document)?;
    match parts.as_slice() {
        [(source, none), (names, list), (room, name)]
            if source == "msgsource"
                && none.is_empty()
                && names == "msgsource/atusername"
                && room == "msgsource/atchatroomname" =>
        {
            Ok((list.split(',').map(str::to_owned).collect(), name.clone()))
        }
        _ => {
            Err(format!("it has {parts:?}, not a `msgsource` of `atusername` and `atchatroomname`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPID: &str = "wxeb7ec651dd0aefa9";
    const FILE: &str = "<appmsg appid='wxeb7ec651dd0aefa9' sdkver=''><title>a &amp; b&#13;&#x4e2d;</title><des></des><action></action><type>6</type><content></content><url></url><lowurl></lowurl><appattach><totallen>1760</totallen><attachid>@m</attachid><fileext>csv</fileext></appattach><extinfo></extinfo></appmsg>";

    #[test]
    fn file_xml_is_parsed_strictly() {
        assert_eq!(check_file(FILE, APPID), Ok(()));
        let file = file(FILE).expect("a file");
        assert_eq!(
            (file.name.as_str(), file.size, file.media_id.as_str()),
            ("a & b\r中", 1760, "@m")
        );
        for (from, to) in [
            ("wxeb7ec651dd0aefa9", ""),
            ("sdkver=''", "sdkver='1'"),
            (" sdkver=''", ""),
            ("&amp;", "&"),
            ("&amp;", "&nbsp;"),
            ("<des></des>", ""),
            ("<des></des>", "<des>x</des>"),
            ("<title>", "<title></title><title>"),
            ("<des></des>", "<des/>"),
            ("<des></des><action></action>", "<action></action><des></des>"),
            ("<type>6", "<type>5"),
            ("1760", "many"),
            ("</extinfo>", "</extinfo><more></more>"),
            ("</appmsg>", ""),
            ("</appmsg>", "</appmsg>x"),
            ("<des></des>", "<des></des><!-- x -->"),
            ("<title>", "<title><![CDATA[x]]>"),
        ] {
            let other = FILE.replacen(from, to, 1);
            let found = check_file(&other, APPID).and(super::file(&other).map(drop));
            assert!(found.is_err(), "{from} {to}");
        }
        assert!(super::file("").is_err());
    }

    #[test]
    fn mentions_are_parsed_strictly() {
        let source = "<msgsource><atusername>@a,@b&lt;</atusername><atchatroomname>@@r</atchatroomname></msgsource>";
        let names = vec!["@a".to_owned(), "@b<".to_owned()];
        assert_eq!(mentions(source), Ok((names, "@@r".to_owned())));
        for (from, to) in [
            ("atusername", "username"),
            ("@@r", "<r></r>"),
            ("<msgsource>", "<msgsource>x"),
            ("&lt;", "<"),
        ] {
            assert!(mentions(&source.replace(from, to)).is_err(), "{from} {to}");
        }
    }
}
