//! Text as the service writes it, and in plain form.

pub(crate) mod emoji;
pub(crate) mod fold;
pub(crate) mod text_type;

use alloc::boxed::Box;
use alloc::string::String;
use core::ops::Deref;

use serde::Serialize;

use self::text_type::text_type;
use crate::wire::entities;

/// A string received from the service; dereferences to `str`.
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Text(Box<str>);

impl Text {
    pub(crate) fn into_boxed(self) -> Box<str> {
        self.0
    }
}

/// Truncates a text that is stored with the session or kept in the directory. The limit is far above
/// those of the service.
pub(crate) fn brief(text: Box<str>) -> Box<str> {
    const LONGEST: usize = 4096;
    if text.len() <= LONGEST { text } else { truncated(&text, LONGEST).into() }
}

/// Returns the longest beginning of a text that has up to this number of bytes.
pub(crate) fn truncated(text: &str, bytes: usize) -> &str {
    (0..=bytes.min(text.len())).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Box<str>> for Text {
    fn from(text: Box<str>) -> Self {
        Self(text)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

/// Decodes the line breaks, entities and emoji spans of a text from the service, each once
/// (`docs/protocol.md` §9.3).
///
/// Values returned by this library are already decoded; use this for text from
/// [`Raw`](crate::message::Raw) JSON.
///
/// ```
/// use wechat_proto::text;
///
/// let name = "A &amp; B<span class=\"emoji emoji1f604\"></span>";
/// assert_eq!(&*text::decode(name.into()), "A & B😄");
/// assert_eq!(text::encode("A & B😄"), name);
/// ```
pub fn decode(text: Text) -> Box<str> {
    if has_markup(&text) { unescape(&text).into() } else { text.0 }
}

/// Decodes the entities, line breaks and emoji of the page in one pass, so that text which a person
/// typed is decoded once.
pub(crate) fn unescape(text: &str) -> String {
    replace(text, |byte| matches!(byte, b'&' | b'<'))
}

/// Decodes the line breaks and emoji of the page in text that is not escaped.
pub(crate) fn without_tags(text: &str) -> String {
    replace(text, |byte| byte == b'<')
}

fn replace(text: &str, markup: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = entities::split(rest, &markup) {
        out.push_str(before);
        rest = if from.starts_with('&') {
            entities::entity(from, &mut out)
        } else if let Some(after) = from.strip_prefix(BREAK) {
            out.push('\n');
            after
        } else if let Some(after) = emoji::decode(from, &mut out) {
            after
        } else {
            out.push('<');
            from.get(1..).unwrap_or_default()
        };
    }
    out.push_str(rest);
    out
}

/// The page's line break.
pub(crate) const BREAK: &str = "<br/>";

/// Returns whether a text contains anything to decode. Nearly all texts do not.
fn has_markup(text: &str) -> bool {
    // A scan without an early exit is the fastest.
    let markup = |found, byte: &u8| found | (*byte == b'<') | (*byte == b'&');
    text.as_bytes().iter().fold(false, markup)
}

/// Encodes a text as the service writes names and signatures, the inverse of [`decode`]:
/// `decode(encode(text))` is `text`.
///
/// Emoji become spans if Japanese carriers had them; the service leaves others as they are, and
/// line feeds too. In the content of messages it writes line feeds as `<br/>`. Do not use it for
/// requests, which carry plain characters. It is for comparing with text from the service, and for
/// simulating it.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let emoji = emoji::leading(rest);
        match (emoji, character) {
            (Some(emoji), _) => emoji::encode(emoji, &mut out),
            (None, '&') => out.push_str("&amp;"),
            (None, '<') => out.push_str("&lt;"),
            (None, '>') => out.push_str("&gt;"),
            (None, character) => out.push(character),
        }
        let length = emoji.map_or(character.len_utf8(), str::len);
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Undoes UTF-8 that was decoded as Windows-1252 and encoded again (`docs/shapes.md`). Returns
/// `None` if the text is not doubly encoded.
///
/// A text counts as doubly encoded if every character has a byte in that code page and the bytes
/// are valid non-ASCII UTF-8, which other texts hardly ever are.
pub(crate) fn undo_double_encoding(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes = text.chars().map(windows_1252).collect::<Option<alloc::vec::Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}

/// Returns the byte of a character in Windows-1252, or else in Latin-1.
fn windows_1252(c: char) -> Option<u8> {
    /// The characters of the bytes from 0x80 to 0x9f; those of unassigned bytes are blank.
    const HIGH: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";
    match u8::try_from(c) {
        Ok(byte) => Some(byte),
        Err(_) => (0x80..).zip(HIGH.chars()).find(|(_, high)| *high == c).map(|(byte, _)| byte),
    }
}

text_type! { Text: Into Display Debug; }

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use self::emoji::SPAN;
    use super::*;

    fn span(code: &str) -> String {
        format!("{SPAN}{code}\"></span>")
    }

    /// `docs/protocol.md` §9.3.
    #[test]
    fn text_is_decoded() {
        for (text, read) in [
            ("plain", "plain"),
            ("a<br/>b", "a\nb"),
            ("&lt;a&gt; &amp;&quot;&#39;&nbsp;", "<a> &\"'\u{a0}"),
            ("&unknown; & x", "&unknown; & x"),
            ("&lt;br/&gt;&amp;lt;", "<br/>&lt;"),
            ("&lt;span class=\"emoji emoji1f604\"&gt;&lt;/span&gt;", &span("1f604")),
            ("hi<span class=\"emoji emoji1f604\"></span>!", "hi😄!"),
            ("<span class=\"emoji emoji1f450\"></span", "👐"),
            ("<span class=\"emoji emoji1f450\"</span>x", "👐x"),
            ("<span class=\"emoji emoji1f604", "<span class=\"emoji emoji1f604"),
        ] {
            assert_eq!(&*decode(text.into()), read, "{text}");
        }
    }

    /// `docs/protocol.md` §9.3.
    #[test]
    fn spans_of_any_length_are_decoded() {
        for (code, read) in [
            ("ae", "®"),
            ("a9", "©"),
            ("203c", "‼"),
            ("1f63c", "😁"),
            ("2320e3", "#\u{20e3}"),
            ("002320e3", "#\u{20e3}"),
            ("01f604", "😄"),
            ("261d1f3fb", "☝🏻"),
            ("2611fe0f", "☑\u{fe0f}"),
            ("1f1e81f1f3", "🇨🇳"),
            ("10ffff", "\u{10ffff}"),
            // Not a pensive face, as `1f64d` alone is.
            ("1f64d200d2642fe0f", "🙍\u{200d}♂\u{fe0f}"),
        ] {
            assert_eq!(&*decode(span(code).into()), read, "{code}");
        }
        for code in ["", "xyz", "d83d", "1f604d83d"] {
            assert_eq!(*decode(span(code).into()), span(code));
        }
    }

    /// The codes of 24,903 captured names and signatures. Those of other faces are encoded as the
    /// faces' own.
    #[test]
    fn observed_spans_are_encoded_as_received() {
        for code in include_str!("samples/emoji-codes.txt").split_whitespace() {
            let read = decode(span(code).into());
            assert!(!read.contains('<'), "{code}");
            let wrong = emoji::WRONG.iter().any(|(wrong, _)| *wrong == code);
            assert_eq!(encode(&read) != span(code), wrong, "{code}");
        }
    }

    /// Names contain characters that no Japanese carrier had, and line feeds.
    #[test]
    fn other_characters_are_encoded_as_themselves() {
        let plain = "a\nb 🦄🏻💭🙃🤓★♪ 😼 1 # \u{20e3} *\u{20e3} 🇨🇦🇨";
        assert_eq!(encode(plain), plain);
        assert_eq!(encode("<a> &"), "&lt;a&gt; &amp;");
        assert_eq!(
            encode("1\u{20e3}🇨🇳❤\u{fe0f}"),
            span("3120e3") + &span("1f1e81f1f3") + &span("2764") + "\u{fe0f}"
        );
    }

    proptest! {
        #[test]
        fn every_code_is_decoded(character in any::<char>()) {
            let code = format!("{:x}", u32::from(character));
            prop_assume!(emoji::WRONG.iter().all(|(wrong, _)| *wrong != code));
            prop_assert_eq!(decode(span(&code).into()), Box::from(String::from(character)));
        }

        /// Emoji of all kinds and markup among other characters.
        #[test]
        fn encoded_text_decodes_to_itself(text in "([\\x{2600}-\\x{27bf}\\x{1f000}-\\x{1faff}]|[\\x{1f1e6}-\\x{1f1ff}]{1,3}|[0-9#*]\\x{20e3}?|\\x{20e3}|[<>&;\n]|<br/>|&amp;|<span class=\"emoji emoji1f604\"></span>|\\PC){0,30}") {
            prop_assert_eq!(&*decode(encode(&text).into()), text.as_str());
        }

        #[test]
        fn text_without_markup_stays(text in "[^<&]{0,40}") {
            prop_assert_eq!(&*decode(text.as_str().into()), text.as_str());
        }
    }

    #[test]
    fn only_double_encoding_is_undone() {
        assert_eq!(undo_double_encoding("åŒ—äº¬").as_deref(), Some("北京"));
        for text in ["", "Peking", "北京", "café", "naïve", "…"] {
            assert_eq!(undo_double_encoding(text), None, "{text}");
        }
    }
}
