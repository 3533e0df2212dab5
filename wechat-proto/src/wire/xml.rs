//! A writer of XML that escapes all text (`docs/threats.md` U3), and a parser of notices in XML.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Write as _};

use super::document::texts;

/// A builder of XML. Markup is constant; all other input is escaped as text.
#[derive(Default)]
pub(crate) struct Xml(String);

impl Xml {
    pub(crate) fn markup(mut self, markup: &'static str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Adds text. Characters that XML cannot represent, such as most control characters, become
    /// U+FFFD.
    pub(crate) fn text(mut self, text: impl fmt::Display) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(Escaped(&mut self.0), "{text}");
        self
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// A writer that escapes its input.
struct Escaped<'a>(&'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                // This is required only in `]]>`, but valid everywhere.
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // XML parsers turn a bare carriage return into a line feed.
                '\r' => self.0.push_str("&#13;"),
                '\t' | '\n' => self.0.push(c),
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// Returns the notice inside an `ErrMsg`, `<e><Content><![CDATA[…]]></Content>…</e>`, or the text
/// unchanged (`docs/protocol.md` §1.5).
pub(crate) fn notice(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with('<') {
        return Cow::Borrowed(text);
    }
    match texts(text, &["Content"]).and_then(|mut found| found.pop()) {
        Some((_, content)) => Cow::Owned(content),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::xml::elements;

    #[test]
    fn texts_of_elements_are_extracted() {
        let page =
            "<error><ret>0</ret><message></message><skey>@crypt_1</skey><a> b  c </a></error>";
        assert_eq!(
            texts(page, &["a", "skey", "ret", "none", "message"]).unwrap(),
            vec![
                ("ret", "0".to_string()),
                ("message", String::new()),
                ("skey", "@crypt_1".into()),
                ("a", " b  c ".into())
            ]
        );
    }

    #[test]
    fn malformed_documents_are_tolerated() {
        for (document, value) in [
            ("<x><a>1&amp;2</a></x>", "1&2"),
            ("<x><a>1&2</a></x>", "1&2"),
            ("<x><a>1&unknown;2</a></x>", "1&unknown;2"),
            ("<x><a>&#20013;&#x6587;</a></x>", "中文"),
            ("<x><a><![CDATA[<1>&]]></a></x>", "<1>&"),
            ("<x><a>1</b></x>", "1"),
            ("<x></y><a>1</a><a>2</a>", "1"),
            ("<?xml version=\"1.0\"?><x><a>1", "1"),
            ("<a/>", ""),
        ] {
            let found = texts(document, &["a"]).unwrap();
            let text = found.first().map_or("", |(_, text)| text.as_str());
            assert_eq!(text, value, "{document}");
        }
    }

    /// Threats X1, X2.
    #[test]
    fn doctype_is_refused_and_deep_elements_are_skipped() {
        let bomb = "<!DOCTYPE e [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><e><a>&b;</a></e>";
        assert_eq!(texts(bomb, &["a"]), None);
        let nested = "<b>".repeat(1_000_000) + "<a>1</a>";
        assert_eq!(texts(&nested, &["a"]), Some(vec![]));
    }

    #[test]
    fn notices_are_extracted() {
        let text = "<e><ShowType>1</ShowType><Content><![CDATA[操作太频繁，请稍后再试。]]></Content><Url/></e>";
        assert_eq!(notice(text), "操作太频繁，请稍后再试。");
        assert_eq!(notice("Everything is OK"), "Everything is OK");
        assert_eq!(notice("<3"), "<3");
        assert_eq!(notice(""), "");
    }

    /// Writes an element with this text, and returns the text found by a strict reader.
    fn read_back(text: &str) -> String {
        let document = Xml::default().markup("<a>").text(text).markup("</a>").finish();
        let mut found = elements(&document);
        assert_eq!((found.len(), found[0].0.as_str()), (1, "a"), "{document}");
        found.remove(0).1
    }

    #[test]
    fn text_is_escaped() {
        for (text, read) in [
            ("R&D <1>.txt", "R&D <1>.txt"),
            ("a]]>b", "a]]>b"),
            ("\"'", "\"'"),
            ("a\r\n\tb", "a\r\n\tb"),
            ("&amp;</a>", "&amp;</a>"),
            ("a\0\u{1b}\u{ffff}b", "a\u{fffd}\u{fffd}\u{fffd}b"),
        ] {
            assert_eq!(read_back(text), read);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_escaped(text in any::<String>()) {
            let held = |c: char| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
            let read: String = text.chars().map(|c| if held(c) { c } else { '\u{fffd}' }).collect();
            prop_assert_eq!(read_back(&text), read);
        }

        #[test]
        fn escaped_text_is_parsed(text in "\\PC{1,40}") {
            let document = alloc::format!("<x><a>{}</a></x>", html_escape::encode_text(&text));
            prop_assert_eq!(&texts(&document, &["a"]).unwrap()[0].1, &text);
        }
    }
}
