//! Repairs the JSON of replies that `serde_json` rejects: `docs/threats.md` J2, J4, J6.
//!
//! Nicknames with invalid UTF-8, raw control characters, unescaped quotes, `\x1b`, `007`, `NaN`,
//! halves of surrogate pairs: without repair, one of them would cost all other messages or contacts.
//! Each message of a batch is repaired alone, so that none can affect another.

use alloc::borrow::Cow;
use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Decodes a body: removes byte-order marks, and replaces invalid UTF-8 by U+FFFD.
pub(crate) fn decode(body: &[u8]) -> Cow<'_, str> {
    let mut body = body;
    while let Some(rest) = body.strip_prefix(b"\xef\xbb\xbf") {
        body = rest;
    }
    // Faster than the lossy conversion alone, for the valid text of nearly every reply.
    match core::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(body),
    }
}

/// Repairs a reply. Messages that cannot be repaired become strings that contain their text.
///
/// Returns `None` if the text is incomplete, or too malformed.
pub(crate) fn repair(text: &str) -> Option<String> {
    match split(text) {
        Some(text) if is_valid(&text) => Some(text),
        Some(text) => mend(&text),
        None => mend(text),
    }
}

fn is_valid(json: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(json).is_ok()
}

/// Repairs the messages of `AddMsgList`, each alone. Returns `None` without such a list.
///
/// A message begins with its `MsgId`. In valid JSON, the quotes of text are escaped, so that this
/// cannot occur within a message.
fn split(text: &str) -> Option<String> {
    let name = text.find("\"AddMsgList\"")?;
    let list = name + text.get(name..)?.find('[')? + 1;
    let mut starts: Vec<usize> = text
        .get(list..)?
        .match_indices("\"MsgId\"")
        .filter_map(|(at, _)| {
            let before = text.get(..list + at)?.trim_end().strip_suffix('{')?;
            before.trim_end().ends_with([',', '[']).then_some(before.len())
        })
        .collect();
    if starts.first().is_none_or(|first| !text.get(list..*first).is_some_and(is_blank)) {
        starts.insert(0, list);
    }
    let last = *starts.last()?;
    let end = last + end_of_last(text.get(last..)?)?;
    starts.push(end);
    let mut out = String::with_capacity(text.len());
    out.push_str(text.get(..list)?);
    for range in starts.windows(2) {
        let &[start, end] = range else { continue };
        let message = text.get(start..end)?.trim();
        let message = message.strip_suffix(',').unwrap_or(message);
        if !out.ends_with('[') {
            out.push(',');
        }
        if is_valid(message) {
            out.push_str(message);
        } else {
            let text = || serde_json::to_string(message).unwrap_or_default();
            out.push_str(&mend(message).unwrap_or_else(text));
        }
    }
    out.push_str(text.get(end..)?);
    Some(out)
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Returns the length of the last message of a list, before the closing bracket.
fn end_of_last(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    if matches!(values.next(), Some(Ok(_))) {
        let end = values.byte_offset();
        let rest = text.get(end..)?.trim_start();
        if rest.starts_with(']') {
            return Some(end);
        }
    }
    // The first bracket that the next field, or the end of the reply, follows.
    text.match_indices(']').map(|(at, _)| at).find(|at| {
        let rest = text.get(at + 1..).unwrap_or_default().trim_start();
        match rest.strip_prefix(',') {
            Some(field) => is_field(field),
            None => rest.strip_prefix('}').is_some_and(is_blank),
        }
    })
}

/// Returns whether a text begins with the name of a field.
fn is_field(text: &str) -> bool {
    let Some(name) = text.trim_start().strip_prefix('"') else { return false };
    let mut is_escaped = false;
    let end = name.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    });
    let rest = end.and_then(|end| name.get(end + 1..)).unwrap_or_default();
    rest.trim_start().starts_with(':')
}

/// Rewrites a JSON value as valid JSON. Returns `None` if it is incomplete, or too malformed.
///
/// Valid JSON keeps its meaning, except that values nested deeper than [`DEEP`] become `null`.
pub(crate) fn mend(text: &str) -> Option<String> {
    let mut mender = Mender {
        rest: text,
        out: String::with_capacity(text.len()),
        open: Vec::new(),
        is_empty: false,
    };
    mender.document()?;
    Some(mender.out)
}

/// The maximum nesting: below the limit of `serde_json`, above that of any reply.
const DEEP: usize = 100;

struct Mender<'a> {
    rest: &'a str,
    out: String,
    /// The closing brackets of the open containers.
    open: Vec<char>,
    /// Whether the innermost container has no value yet.
    is_empty: bool,
}

impl<'a> Mender<'a> {
    fn document(&mut self) -> Option<()> {
        self.value()?;
        let mut comma = false;
        while let Some(&close) = self.open.last() {
            match self.next()? {
                ',' => {
                    self.skip(1);
                    comma = true;
                    continue;
                }
                found if found == close => {
                    self.skip(1);
                    self.open.pop();
                    self.is_empty = false;
                    if self.open.len() < DEEP {
                        self.out.push(close);
                    }
                }
                _ if comma || self.is_empty => {
                    if !self.is_empty {
                        self.write(",");
                    }
                    if close == '}' {
                        self.name()?;
                    }
                    self.value()?;
                }
                // Something after a value that is not part of it.
                _ => return None,
            }
            comma = false;
        }
        is_blank(self.rest).then_some(())
    }

    fn value(&mut self) -> Option<()> {
        self.is_empty = false;
        match self.next()? {
            open @ ('{' | '[') => {
                self.skip(1);
                match self.open.len() {
                    DEEP => self.out.push_str("null"),
                    depth if depth < DEEP => self.out.push(open),
                    _ => {}
                }
                self.open.push(if open == '{' { '}' } else { ']' });
                self.is_empty = true;
            }
            '"' | '\'' => self.string(false)?,
            // No value at all.
            ',' | '}' | ']' => self.write("null"),
            _ => {
                let word = self.word();
                self.write(&scalar(word));
            }
        }
        Some(())
    }

    fn name(&mut self) -> Option<()> {
        if matches!(self.next()?, '"' | '\'') {
            self.string(true)?;
        } else {
            let word = self.word().to_owned();
            self.write(&serde_json::to_string(&word).ok()?);
        }
        if self.next()? != ':' {
            return None;
        }
        self.skip(1);
        self.write(":");
        Some(())
    }

    /// Rewrites a string, from its opening quote to its closing one.
    fn string(&mut self, is_name: bool) -> Option<()> {
        let quote = self.next()?;
        self.skip(1);
        self.write("\"");
        loop {
            let plain =
                self.rest.find(|c| c == quote || matches!(c, '"' | '\\' | '\0'..='\x1f'))?;
            let (text, rest) = self.rest.split_at(plain);
            self.write(text);
            self.rest = rest;
            let found = rest.chars().next()?;
            self.skip(1);
            match found {
                '\\' if self.rest.starts_with(quote) && is_end(self.rest.get(1..)?) => {
                    // The backslash is the last character, not an escape.
                    self.write("\\\\");
                }
                '\\' => self.escape()?,
                found if found == quote && self.is_closed(is_name) => break,
                '"' => self.write("\\\""),
                found if found < ' ' => self.write(&escaped(u32::from(found))),
                _ => self.write("'"),
            }
        }
        self.write("\"");
        Some(())
    }

    /// Rewrites an escape, after its backslash.
    fn escape(&mut self) -> Option<()> {
        let found = self.rest.chars().next()?;
        match (found, hex(self.rest, 4)) {
            ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't', _) => {
                self.write("\\");
                self.write(self.rest.get(..1)?);
                self.skip(1);
            }
            ('u', Some(unit @ 0xd800..=0xdbff)) => {
                self.skip(5);
                let low = self.rest.strip_prefix("\\").and_then(|rest| hex(rest, 4));
                if let Some(low @ 0xdc00..=0xdfff) = low {
                    self.skip(6);
                    self.write(&escaped(unit));
                    self.write(&escaped(low));
                } else {
                    self.write("\\ufffd");
                }
            }
            ('u', Some(0xdc00..=0xdfff)) => {
                self.skip(5);
                self.write("\\ufffd");
            }
            ('u', Some(unit)) => {
                self.skip(5);
                self.write(&escaped(unit));
            }
            ('x', _) if hex(self.rest, 2).is_some() => {
                self.write(&escaped(hex(self.rest, 2)?));
                self.skip(3);
            }
            // The character itself, as in JavaScript.
            _ if found == '\'' => {
                self.skip(1);
                self.write("'");
            }
            _ => self.write("\\\\"),
        }
        Some(())
    }

    /// Returns whether the quote before `rest` closes a string.
    fn is_closed(&self, is_name: bool) -> bool {
        let rest = self.rest.trim_start();
        if is_name {
            return rest.starts_with(':');
        }
        match (rest.chars().next(), self.open.last()) {
            (None | Some('}' | ']'), _) => true,
            (Some(','), Some('}')) => {
                let rest = rest.get(1..).unwrap_or_default();
                is_field(rest) || rest.trim_start().starts_with(['}', ',', '\''])
            }
            (Some(','), _) => true,
            _ => false,
        }
    }

    /// Takes the characters up to white space or punctuation.
    fn word(&mut self) -> &'a str {
        let end =
            |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"');
        let (word, rest) = self.rest.split_at(self.rest.find(end).unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    /// Returns the next character that is not white space.
    fn next(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn write(&mut self, text: &str) {
        if self.open.len() <= DEEP {
            self.out.push_str(text);
        }
    }
}

/// Returns whether a string certainly ends before `rest`: in valid JSON, no text of a string is
/// followed by the name of a field, or by nothing but brackets.
fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start();
    match rest.strip_prefix(',') {
        // In valid JSON, no letter follows a closing quote.
        Some(field) => {
            let name = field.trim_start().strip_prefix('"').unwrap_or_default();
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && is_field(field)
        }
        None => rest.trim_start_matches(['}', ']', ' ', '\n', '\r', '\t']).is_empty(),
    }
}

/// Returns the number in the hexadecimal digits after the first character.
fn hex(text: &str, digits: usize) -> Option<u32> {
    let digits = text.get(1..=digits)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

fn escaped(unit: u32) -> String {
    alloc::format!("\\u{unit:04x}")
}

/// Returns a number or a word as valid JSON; `null` for what is neither.
fn scalar(word: &str) -> Cow<'_, str> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", word.strip_prefix('+').unwrap_or(word)),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        let number = i64::from_str_radix(hex, 16).map(|number| number.to_string());
        return number.map_or("null".into(), |number| [sign, &number].concat().into());
    }
    let digits = digits.trim_start_matches('0');
    let zero = if digits.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" };
    let number = [sign, zero, digits].concat();
    if serde_json::from_str::<f64>(word).is_ok() || matches!(word, "true" | "false" | "null") {
        word.into()
    } else if serde_json::from_str::<f64>(&number).is_ok() {
        number.into()
    } else {
        "null".into()
    }
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
