//! Text in the service's notation, and in plain form.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;
use core::ops::Deref;

use serde::Serialize;

use crate::wire::entities;
use crate::wire::scalar::{Scalar, scalar};

/// A string received from the service; dereferences to `str`.
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Text(Box<str>);

impl Text {
    pub(crate) fn into_boxed(self) -> Box<str> {
        self.0
    }
}

/// Truncates a text that is stored with the session. The limit is far above the service's own.
pub(crate) fn brief(text: Box<str>) -> Box<str> {
    const LONGEST: usize = 4096;
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default().into()
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

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Decodes the line breaks, entities and emoji spans of a text from the service, in the official
/// order (`docs/protocol.md` §9.3).
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
    if has_markup(&text) { decode_markup(&text) } else { text.0 }
}

/// A name or another text that is decoded while it is parsed: see [`decode`].
#[derive(Default)]
pub(crate) struct Decoded(pub(crate) Box<str>);

scalar!(Decoded);

impl Scalar for Decoded {
    fn set_number(&mut self, number: i64) {
        self.0 = number.to_string().into();
    }

    fn set_text(&mut self, text: &str) {
        self.0 = if has_markup(text) { decode_markup(text) } else { text.into() };
    }
}

fn decode_markup(text: &str) -> Box<str> {
    let mut text = Cow::Borrowed(text);
    if text.contains("<br/>") {
        text = Cow::Owned(text.replace("<br/>", "\n"));
    }
    if text.contains('&') {
        text = match entities::decode(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(plain) => Cow::Owned(plain),
        };
    }
    spans(&text).unwrap_or_else(|| text.into_owned()).into()
}

/// Returns whether a text contains anything to decode, which nearly none does.
fn has_markup(text: &str) -> bool {
    // A scan without early exit is fastest.
    let markup = |found, byte: &u8| found | (*byte == b'<') | (*byte == b'&');
    text.as_bytes().iter().fold(false, markup)
}

/// Encodes a text in the notation of the service for names and the content of messages, the inverse
/// of [`decode`].
///
/// `decode(encode(text))` is `text`, except for a text that contains the tag of a span, which the
/// service's order of decoding cannot represent. Do not use it for requests, which carry plain
/// characters. It is for comparing with text from the service, and for simulating it.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("<br/>"),
            // A keycap sequence, or the two halves of a flag, is one span.
            '0'..='9' | '#' | '*' if characters.next_if_eq(&'\u{20e3}').is_some() => {
                span(&mut out, &format!("{:04x}20e3", u32::from(c)));
            }
            '\u{1f1e6}'..='\u{1f1ff}' => {
                let second = characters.next_if(|c| ('\u{1f1e6}'..='\u{1f1ff}').contains(c));
                let second = second.map(|c| format!("{:x}", u32::from(c)));
                span(&mut out, &format!("{:x}{}", u32::from(c), second.unwrap_or_default()));
            }
            c if is_emoji(c) => span(&mut out, &format!("{:x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn span(out: &mut String, digits: &str) {
    out.push_str(SPAN);
    out.push_str(digits);
    out.push_str("\"></span>");
}

/// Returns whether the service writes a character as a span, as it does for emoji. Codes that it
/// uses for other faces cannot be encoded as themselves.
fn is_emoji(c: char) -> bool {
    let drawn = matches!(
        c,
        '\u{2122}' | '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{2b55}' | '\u{1f000}'..='\u{1faff}'
    );
    drawn && corrected(u32::from(c)) == u32::from(c)
}

const SPAN: &str = "<span class=\"emoji emoji";

/// Replaces emoji spans by their characters; other text is unchanged. Returns `None` if there is no
/// span.
pub(crate) fn spans(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    let mut next = 0;
    while let Some(found) = rest.get(next..).and_then(|text| text.find('<')) {
        let (before, from) = rest.split_at(next + found);
        let Some(((first, second), after)) = span_at(from) else {
            next += found + 1;
            continue;
        };
        if out.is_empty() {
            out.reserve(text.len());
        }
        out.push_str(before);
        out.push(first);
        out.extend(second);
        (rest, next) = (after, 0);
    }
    (!out.is_empty()).then(|| out + rest)
}

/// Parses the span at the start of a text; returns its characters and the text after it.
fn span_at(text: &str) -> Option<((char, Option<char>), &str)> {
    let code = text.strip_prefix(SPAN)?;
    let digits = code.bytes().take_while(u8::is_ascii_hexdigit).count();
    let (hex, end) = code.split_at(digits);
    // One code lacks the `>` of its opening tag.
    let after = end.strip_prefix("\"></span>").or_else(|| end.strip_prefix("\"</span>"))?;
    Some((emoji(hex)?, after))
}

/// Returns the characters for the digits of a span: one code point of 4 or 5 digits, or two (4 and
/// 4, 5 and 5, 2 and 4).
fn emoji(hex: &str) -> Option<(char, Option<char>)> {
    let (first, second) = match hex.len() {
        4 | 5 => (hex, ""),
        6 => hex.split_at(2),
        8 => hex.split_at(4),
        10 => hex.split_at(5),
        _ => return None,
    };
    let code = |hex| u32::from_str_radix(hex, 16).ok();
    let first = char::from_u32(corrected(code(first)?))?;
    let second = if second.is_empty() { None } else { Some(char::from_u32(code(second)?)?) };
    Some((first, second))
}

/// Returns the code of a face on the phone: the web service uses other codes for some.
const fn corrected(code: u32) -> u32 {
    match code {
        0x1f63c => 0x1f601,
        0x1f639 => 0x1f602,
        0x1f63a => 0x1f603,
        0x1f4ab => 0x1f616,
        0x1f64d => 0x1f614,
        0x1f63b => 0x1f60d,
        0x1f63d => 0x1f618,
        0x1f64e => 0x1f621,
        0x1f63f => 0x1f622,
        other => other,
    }
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
    const HIGH: [(char, u8); 27] = [
        ('€', 0x80),
        ('‚', 0x82),
        ('ƒ', 0x83),
        ('„', 0x84),
        ('…', 0x85),
        ('†', 0x86),
        ('‡', 0x87),
        ('ˆ', 0x88),
        ('‰', 0x89),
        ('Š', 0x8a),
        ('‹', 0x8b),
        ('Œ', 0x8c),
        ('Ž', 0x8e),
        ('‘', 0x91),
        ('’', 0x92),
        ('“', 0x93),
        ('”', 0x94),
        ('•', 0x95),
        ('–', 0x96),
        ('—', 0x97),
        ('˜', 0x98),
        ('™', 0x99),
        ('š', 0x9a),
        ('›', 0x9b),
        ('œ', 0x9c),
        ('ž', 0x9e),
        ('Ÿ', 0x9f),
    ];
    match u8::try_from(c) {
        Ok(byte) => Some(byte),
        Err(_) => HIGH.iter().find(|(high, _)| *high == c).map(|(_, byte)| *byte),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `docs/protocol.md` §9.3.
    #[test]
    fn text_is_decoded_in_the_official_order() {
        for (text, read) in [
            ("plain", "plain"),
            ("a<br/>b", "a\nb"),
            ("&lt;a&gt; &amp;&quot;&#39;&nbsp;", "<a> &\"'\u{a0}"),
            ("&unknown; & x", "&unknown; & x"),
            ("hi<span class=\"emoji emoji1f604\"></span>!", "hi😄!"),
            ("<span class=\"emoji emoji1f63c\"></span>", "😁"),
            ("<span class=\"emoji emoji2320e3\"></span>", "#\u{20e3}"),
            ("<span class=\"emoji emoji002320e3\"></span>", "#\u{20e3}"),
            ("<span class=\"emoji emoji1f1e81f1f3\"></span>", "🇨🇳"),
            ("<span class=\"emoji emoji1f450\"</span>x", "👐x"),
            ("<span class=\"emoji emojixyz\"></span>", "<span class=\"emoji emojixyz\"></span>"),
            ("<span class=\"emoji emoji1f604", "<span class=\"emoji emoji1f604"),
            ("<span class=\"emoji emojid83d\"></span>", "<span class=\"emoji emojid83d\"></span>"),
        ] {
            assert_eq!(&*decode(text.into()), read, "{text}");
        }
    }

    /// Encoding produces one canonical form of each span.
    #[test]
    fn encoding_inverts_decoding() {
        for (text, written) in [
            ("plain", "plain"),
            ("a\nb", "a<br/>b"),
            ("<a> &", "&lt;a&gt; &amp;"),
            ("hi😄!", "hi<span class=\"emoji emoji1f604\"></span>!"),
            ("❤\u{fe0f}", "<span class=\"emoji emoji2764\"></span>\u{fe0f}"),
            ("#\u{20e3}", "<span class=\"emoji emoji002320e3\"></span>"),
            (
                "🇨🇳🇨",
                "<span class=\"emoji emoji1f1e81f1f3\"></span><span class=\"emoji emoji1f1e8\"></span>",
            ),
            ("😁😼", "<span class=\"emoji emoji1f601\"></span>😼"),
        ] {
            assert_eq!(encode(text), written);
            assert_eq!(&*decode(written.into()), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_decoded(text in "(<span class=\"emoji emoji|[0-9a-f]{0,11}|\"></span>|<br/>|&[a-z#0-9]{1,5};|\\PC){0,30}") {
            decode(text.as_str().into());
        }

        /// Emoji of all kinds among other characters.
        #[test]
        fn encoded_text_decodes_to_itself(text in "([\\x{2600}-\\x{27bf}\\x{1f000}-\\x{1faff}]|[\\x{1f1e6}-\\x{1f1ff}]{1,3}|[0-9#*]\\x{20e3}?|\\x{20e3}|[<>&;\n]|<br/>|&amp;|\\PC){0,30}") {
            prop_assume!(!text.contains(SPAN));
            prop_assert_eq!(&*decode(encode(&text).into()), text.as_str());
        }

        /// Characters decoded from spans can be encoded again.
        #[test]
        fn decoded_spans_can_be_encoded(spans in prop::collection::vec("[0-9a-f]{4,5}|[0-9a-f]{8}|[0-9a-f]{10}|[23][0-9]20e3", 0..8)) {
            let written: String = spans.iter().map(|digits| format!("{SPAN}{digits}\"></span>")).collect();
            let read = decode(written.into());
            prop_assume!(!read.contains(SPAN));
            prop_assert_eq!(&*decode(encode(&read).into()), &*read);
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
