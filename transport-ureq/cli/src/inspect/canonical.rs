//! The canonical form of a text, with all nested escapes decoded.
//!
//! A secret appears in a capture as it is, percent-encoded once or twice, with the escapes of JSON,
//! of XML, or with several of these. All of them have the same canonical form, in which secrets are
//! found; positions can be mapped back to the original text.

use std::borrow::Cow;
use std::ops::Range;

/// A text without escapes.
pub(super) struct Canonical<'a> {
    /// The decoded bytes.
    pub(super) bytes: Cow<'a, [u8]>,
    /// The position in the original text of each byte, and of the end; empty if there was no escape.
    starts: Vec<usize>,
}

impl<'a> Canonical<'a> {
    /// Decodes all escapes of a text.
    pub(super) fn of(text: &'a [u8]) -> Self {
        if !text.iter().any(|byte| matches!(byte, b'%' | b'&' | b'\\')) {
            return Self { bytes: text.into(), starts: Vec::new() };
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut starts = Vec::with_capacity(text.len() + 1);
        let mut at = 0;
        while let Some(&first) = text.get(at) {
            let escape = match first {
                b'%' => percent(&text[at..]),
                b'&' => entity(&text[at..]),
                b'\\' => backslash(&text[at..]),
                _ => None,
            };
            let (byte, length) = escape.unwrap_or((first, 1));
            bytes.push(byte);
            starts.push(at);
            at += length;
        }
        starts.push(text.len());
        Self { bytes: bytes.into(), starts }
    }

    /// Returns the range of the original text that a range of the decoded bytes comes from.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        match self.starts.is_empty() {
            true => range.clone(),
            false => self.starts[range.start]..self.starts[range.end],
        }
    }

    /// Returns the bytes with every space as `+`, the form in which secrets are compared: a form
    /// decodes a `+` that was not encoded as a space.
    pub(super) fn folded(&self) -> Vec<u8> {
        fold(&self.bytes)
    }
}

/// Returns bytes without escapes in the form in which secrets are compared.
pub(super) fn fold(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if *byte == b' ' { b'+' } else { *byte }).collect()
}

/// Decodes `%2F`, `%252F`, `%25252F`, … and returns the byte and the length of the escape.
fn percent(text: &[u8]) -> Option<(u8, usize)> {
    let mut at = 1;
    while text.get(at..at + 2) == Some(b"25") && hex(text, at + 2).is_some() {
        at += 2;
    }
    Some((hex(text, at)?, at + 2))
}

fn hex(text: &[u8], at: usize) -> Option<u8> {
    let digits = text.get(at..at + 2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// Decodes an entity of an ASCII character: `&lt;`, `&#43;`, `&amp;#43;`, …
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    let mut at = 1;
    while text[at..].starts_with(b"amp;") {
        at += 4;
    }
    // The longest known one is `#x0002f`.
    let end = text[at..].iter().take(8).position(|byte| *byte == b';');
    let name = end.and_then(|end| str::from_utf8(&text[at..at + end]).ok());
    let named = name.and_then(|name| match name {
        "lt" => Some(b'<'),
        "gt" => Some(b'>'),
        "quot" => Some(b'"'),
        "apos" => Some(b'\''),
        _ => {
            let number = name.strip_prefix('#')?;
            match number.strip_prefix(['x', 'X']) {
                Some(hex) => u8::from_str_radix(hex, 16),
                None => number.parse(),
            }
            .ok()
            .filter(u8::is_ascii)
        }
    });
    match (named, name) {
        (Some(byte), Some(name)) => Some((byte, at + name.len() + 1)),
        _ => (at > 1).then_some((b'&', at)),
    }
}

/// Decodes an escape of JSON or of a script, behind any number of backslashes.
fn backslash(text: &[u8]) -> Option<(u8, usize)> {
    let at = text.iter().position(|byte| *byte != b'\\')?;
    let code = |digits: usize| {
        let digits = str::from_utf8(text.get(at + 1..at + 1 + digits)?).ok()?;
        let byte = u8::try_from(u32::from_str_radix(digits, 16).ok()?).ok()?;
        byte.is_ascii().then_some((byte, at + 1 + digits.len()))
    };
    match text[at] {
        b'u' => code(4),
        b'x' => code(2),
        b'n' => Some((b'\n', at + 1)),
        b'r' => Some((b'\r', at + 1)),
        b't' => Some((b'\t', at + 1)),
        quoted @ (b'"' | b'\'' | b'/') => Some((quoted, at + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_escapes_are_decoded() {
        for (text, decoded) in [
            ("a+b/c=", "a+b/c="),
            ("a%2Bb%2fc%3D", "a+b/c="),
            ("a%252Bb%25252Fc", "a+b/c"),
            (r"a\u002bb\/c\x3d", "a+b/c="),
            (r#"\"k\":\\\"v\\\""#, r#""k":"v""#),
            ("&lt;a b=&quot;c&quot;&gt;&amp;amp;&#43;&amp;#x2f;", "<a b=\"c\">&+/"),
            ("100% &x; &amp \\", "100% &x; &amp \\"),
            ("%zz%2", "%zz%2"),
            ("é%C3%A9", "éé"),
        ] {
            let canonical = Canonical::of(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&canonical.bytes), decoded, "{text}");
            let all = 0..canonical.bytes.len();
            assert_eq!(canonical.original(&all), 0..text.len(), "{text}");
        }
    }

    #[test]
    fn positions_are_mapped_back_to_the_text() {
        let text = "x=%2540a&y";
        let canonical = Canonical::of(text.as_bytes());
        assert_eq!(*canonical.bytes, *b"x=@a&y");
        assert_eq!(&text[canonical.original(&(2..4))], "%2540a");
    }
}
