//! Rewrites one malformed JSON value as a valid one.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

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
pub(super) const DEEP: usize = 100;

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
        let kept = match (self.rest.chars().next()?, hex(self.rest, 4)) {
            ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't', _) => 1,
            ('u', Some(0xd800..=0xdbff)) if self.is_pair() => 11,
            // Half a surrogate pair.
            ('u', Some(0xd800..=0xdfff)) => {
                self.write("\\ufffd");
                self.skip(5);
                return Some(());
            }
            ('u', Some(_)) => 5,
            ('x', _) if let Some(unit) = hex(self.rest, 2) => {
                self.write(&escaped(unit));
                self.skip(3);
                return Some(());
            }
            // The character itself, as in JavaScript.
            ('\'', _) => {
                self.write("'");
                self.skip(1);
                return Some(());
            }
            _ => {
                self.write("\\\\");
                return Some(());
            }
        };
        let (escape, rest) = self.rest.split_at_checked(kept)?;
        self.write("\\");
        self.write(escape);
        self.rest = rest;
        Some(())
    }

    /// Returns whether the second half of a surrogate pair follows the first.
    fn is_pair(&self) -> bool {
        let low = self.rest.get(5..).and_then(|rest| rest.strip_prefix('\\'));
        let low = low.filter(|low| low.starts_with('u'));
        matches!(low.and_then(|low| hex(low, 4)), Some(0xdc00..=0xdfff))
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

/// Returns a number or a word as valid JSON; `null` for anything else.
fn scalar(word: &str) -> Cow<'_, str> {
    let is_number = |text: &str| serde_json::from_str::<f64>(text).is_ok();
    if is_number(word) || matches!(word, "true" | "false" | "null") {
        return word.into();
    }
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", word.strip_prefix('+').unwrap_or(word)),
    };
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16).map(|number| number.to_string()).ok(),
        None => {
            let digits = digits.trim_start_matches('0');
            let zero = if digits.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" };
            Some([zero, digits].concat())
        }
    };
    let number = number.map(|number| [sign, &number].concat());
    let is_written = word.contains(|c: char| c.is_ascii_digit());
    number.filter(|number| is_written && is_number(number)).map_or("null".into(), Cow::Owned)
}

/// Returns whether a text begins with the name of a field.
pub(super) fn is_field(text: &str) -> bool {
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

/// Returns whether a text is only white space.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
