//! Repairs values of JSON that `serde_json` rejects: `docs/threats.md` J2, J4.

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::scalar::accept;

/// Repairs a string or a number; anything else becomes `null`. Ignores text after it.
pub(super) fn mend_scalar(text: &str) -> String {
    match text.chars().next() {
        _ if valid_length(text) == Some(text.len()) => text.to_owned(),
        Some(quote @ ('"' | '\'')) => {
            let rest = text.get(1..).unwrap_or_default();
            let string = rest.rsplit_once(quote).map_or(rest, |(string, _)| string);
            Value::from(unescape(string, false)).to_string()
        }
        _ => number(text).to_string(),
    }
}

/// Decodes the escapes of JSON and JavaScript. Halves of surrogate pairs become U+FFFD. Other escapes
/// are text in JSON; in a script, they stand for their character, and invalid numbers for U+FFFD.
pub(super) fn unescape(text: &str, is_script: bool) -> String {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        units.extend(plain.encode_utf16());
        let (unit, length) = match escape.bytes().next() {
            Some(b'b') => (8, 1),
            Some(b't') => (9, 1),
            Some(b'n') => (10, 1),
            Some(b'f') => (12, 1),
            Some(b'r') => (13, 1),
            Some(quoted @ (b'"' | b'\\' | b'/' | b'\'')) => (quoted.into(), 1),
            Some(b'u') if let Some(unit) = hex(escape, 4) => (unit, 5),
            Some(b'x') if let Some(unit) = hex(escape, 2) => (unit, 3),
            Some(b'v') if is_script => (11, 1),
            Some(b'u' | b'x') if is_script => (0xfffd, 1),
            _ if is_script => {
                rest = escape;
                continue;
            }
            _ => (b'\\'.into(), 0),
        };
        units.push(unit);
        rest = escape.get(length..).unwrap_or_default();
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

/// Returns the number in the hexadecimal digits after the first character.
fn hex(text: &str, digits: usize) -> Option<u16> {
    let digits = text.get(1..=digits)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

/// Parses a number with a sign, leading zeros or hexadecimal digits.
fn number(text: &str) -> Value {
    let is_end = |c: char| c.is_whitespace() || ",:{}[]\"".contains(c);
    let word = text.split(is_end).next().unwrap_or_default();
    let integer = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16),
        None => word.parse(),
    };
    let float = |_| word.parse().map(|float: f64| float.into());
    integer.map(Value::from).or_else(float).unwrap_or_default()
}

/// Returns the length of the value with which a text begins, if it is valid JSON that every parser
/// accepts: without halves of surrogate pairs, and without numbers out of range.
pub(super) fn valid_length(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Valid>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// Any value. Unlike [`IgnoredAny`](serde::de::IgnoredAny), it decodes strings and numbers.
struct Valid;

impl<'de> Deserialize<'de> for Valid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Valid {
    type Value = Self;

    accept!(Self);

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}
