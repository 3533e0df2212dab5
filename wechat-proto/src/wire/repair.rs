//! Repairs the structure of JSON that `serde_json` rejects: `docs/threats.md` J2, J4, J6.
//!
//! Nicknames with invalid UTF-8, raw control characters, unescaped quotes, `\x1b`, `007`, `NaN`,
//! halves of surrogate pairs: without repair, one of them would make all other messages or contacts
//! unreadable.
//!
//! The names of fields divide the text: `"Name":` after a comma or an opening bracket. In valid
//! JSON this occurs in no string, since the quotes in strings are escaped. The text from a colon to
//! the next name is one value, followed by closing brackets and a comma, regardless of the quotes
//! and brackets in the value. So each value is repaired alone, and each object that is valid JSON is
//! copied unchanged.
//!
//! # Limits
//!
//! Any text in a string of an element, or in place of an element, leaves the other elements and the
//! other fields of the reply unchanged, provided that it contains no name of a field. Names in it
//! affect others as follows:
//!
//! - `,{"Name":` begins another element if `Name` is the first field of the elements of an open
//!   list. In lists other than `AddMsgList`, other names do so after brackets that close the
//!   element.
//! - `],"Name":` ends a list, but `AddMsgList` only after the start of its last message.
//! - `"Name":[` and `"Name":{` open a list or an object. If the last element of a list leaves one
//!   open, the text is malformed.
//!
//! In a message other than the last, only `{"MsgId":` affects other messages.
//!
//! In place of a member of a room, `]}` without any name may also end the room.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_json::Value;

use super::mend::{mend_scalar, valid_length};

/// Decodes a body, removes byte-order marks, and replaces invalid UTF-8 by U+FFFD.
pub(crate) fn decode(body: &[u8]) -> Cow<'_, str> {
    let mut body = body;
    while let Some(rest) = body.strip_prefix(b"\xef\xbb\xbf") {
        body = rest;
    }
    // Nearly every reply is valid UTF-8, for which this is faster than the lossy conversion.
    core::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

/// Repairs a JSON text. Returns `None` if it is incomplete, or too malformed. Returns valid JSON
/// unchanged.
///
/// Elements of `AddMsgList` that cannot be repaired become strings that contain their text; other
/// lists omit them.
pub(crate) fn mend(text: &str) -> Option<String> {
    let text = text.trim();
    match text.chars().next()? {
        '{' | '[' if valid_length(text) != Some(text.len()) => repair(text),
        _ => Some(mend_scalar(text)),
    }
}

/// The maximum nesting of repaired containers, above that of any reply. Deeper ones are copied if
/// they are valid JSON, otherwise `null`.
const DEEP: usize = 16;

/// The name of the first field of each message. Messages that cannot be repaired become strings;
/// other lists omit such elements.
const MESSAGE: &str = "MsgId";

/// Repairs an object or a list. Returns `None` if it is incomplete, or too malformed.
fn repair(text: &str) -> Option<String> {
    let is_message = |(at, _): &(usize, &str)| {
        text.get(at + 1..).and_then(field).is_some_and(|(name, _)| name == MESSAGE)
    };
    let last_message = text.rmatch_indices('{').find(is_message).map_or(0, |(at, _)| at);
    let mut repair = Repair { text, last_message, ..Repair::default() };
    repair.enter(0);
    for (at, mark) in text.match_indices([',', '{']) {
        if let Some((name, rest)) = field(text.get(at + 1..)?) {
            repair.field(at, mark == "{", name, text.len() - rest.len())?;
        }
    }
    repair.finish()
}

#[derive(Default)]
struct Repair<'a> {
    text: &'a str,
    out: String,
    /// The open containers, the outermost first, and their closing brackets.
    open: Vec<Container<'a>>,
    closing: String,
    /// The start of the current value, after the brackets that it opens.
    value: usize,
    /// The quote at the start of the current value.
    quote: Option<char>,
    /// The start of the last message.
    last_message: usize,
}

/// An open list or object.
struct Container<'a> {
    /// The start in the text.
    start: usize,
    /// The start in the output, before the comma.
    out: usize,
    /// In a list, the name of the first field of each element; empty if unknown.
    first: &'a str,
    has_messages: bool,
}

impl<'a> Repair<'a> {
    /// Continues with a field after the comma or bracket at `at`.
    fn field(&mut self, at: usize, is_first: bool, name: &'a str, value: usize) -> Option<()> {
        if self.value != at + 1 {
            let before = self.text.get(self.value..at)?.trim_end();
            let quote = self.text.get(at + 1..)?.trim_start().chars().next();
            // Text may look like a name, except for its quotes.
            let is_text = self.quote.is_some() && quote != Some('"') && quote != self.quote;
            if is_text || is_first && !before.ends_with(',') {
                return Some(());
            }
            let (end, brackets) = self.end(self.value + before.len())?;
            let level = match is_first {
                true => self.list(name, &brackets),
                false => self.object(end, at, &brackets),
            };
            let Some(level) = level else { return Some(()) };
            self.value(end)?;
            self.close(level, end, &brackets)?;
            if is_first {
                self.open(at, '}');
            }
        } else if self.closing.ends_with("]}")
            && let [.., list, _] = &mut *self.open
            && list.first.is_empty()
        {
            list.first = name;
        }
        self.write("\"");
        self.out.extend([name, "\":"]);
        self.enter(value);
        Some(())
    }

    /// Begins a value, and opens the list, the object, or the list of objects that it is.
    fn enter(&mut self, at: usize) {
        self.value = at;
        let mut rest = self.text.get(at..).unwrap_or_default().trim_start();
        for (bracket, close) in [('[', ']'), ('{', '}')] {
            if let Some(inner) = rest.strip_prefix(bracket)
                && self.open.len() < DEEP
            {
                self.value = self.text.len() - inner.len();
                self.open(self.value - 1, close);
                rest = inner.trim_start();
            }
        }
        self.quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    }

    fn open(&mut self, start: usize, close: char) {
        let has_messages = self.out.ends_with("\"AddMsgList\":");
        let first = if has_messages && self.last_message > 0 { MESSAGE } else { "" };
        self.open.push(Container { start, out: self.out.len(), first, has_messages });
        self.closing.push(close);
        self.write(if close == ']' { "[" } else { "{" });
    }

    /// Writes a value or the start of one, after a comma if need be.
    fn write(&mut self, text: &str) {
        if !self.out.is_empty() && !self.out.ends_with(['[', '{', ':']) {
            self.out.push(',');
        }
        self.out.push_str(text);
    }

    /// Returns the end of the current value, and the closing brackets between it and `before`, the
    /// outermost first, with their positions.
    fn end(&self, before: usize) -> Option<(usize, Vec<(usize, &'a str)>)> {
        let rest = self.text.get(self.value..before)?;
        let is_outside = |c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']');
        let value = rest.trim_end_matches(is_outside).len();
        let brackets = rest.get(value..)?.rmatch_indices(['}', ']']);
        let end = self.value + value;
        Some((end, brackets.map(|(at, bracket)| (end + at, bracket)).collect()))
    }

    /// Returns how many of the containers above `level` these brackets close, and whether these are
    /// all brackets and all containers.
    fn closed(&self, level: usize, brackets: &[(usize, &str)]) -> (usize, bool) {
        let closing = self.closing.chars().skip(level).zip(brackets);
        let closed =
            closing.take_while(|(close, (_, bracket))| bracket.starts_with(*close)).count();
        (closed, closed == brackets.len() && closed == self.open.len() - level)
    }

    /// Returns the level of the list of which an object is an element.
    fn list(&self, name: &str, brackets: &[(usize, &str)]) -> Option<usize> {
        let lists = || self.closing.rmatch_indices(']').map(|(at, _)| at + 1);
        let first = |level: usize| self.open.get(level - 1).map_or("", |list| list.first);
        let is_exact = |level: &usize| self.closed(*level, brackets).1;
        let fits = |level: &usize| first(*level).is_empty() || first(*level) == name;
        let messages = self.open.iter().position(|list| list.has_messages).map(|list| list + 1);
        messages
            .filter(|_| name == MESSAGE)
            .or_else(|| lists().find(|level| fits(level) && is_exact(level)))
            .or_else(|| lists().find(fits))
            .or_else(|| lists().find(|level| first(*level) != MESSAGE && is_exact(level)))
    }

    /// Returns the level of the object to which a field belongs, after a value that ends at `end`.
    fn object(&self, end: usize, at: usize, brackets: &[(usize, &str)]) -> Option<usize> {
        // Brackets within a message do not close the list of messages, except in the last one.
        let messages = self.open.iter().position(|list| list.has_messages);
        let lowest = messages.filter(|_| at < self.last_message).map_or(0, |list| list + 1);
        let objects = self.closing.rmatch_indices('}').map(|(at, _)| at + 1);
        let mut objects = objects.filter(|level| *level > lowest);
        // A malformed element may have more brackets, or lack some. After a comma, it may have
        // nothing else.
        let is_sure = !self.text.get(end..at)?.contains(',');
        let closed = |level: &usize| self.closed(*level, brackets);
        let exact = objects.clone().find(|level| is_sure && closed(level).1);
        let partly = || objects.clone().find(|level| closed(level).0 > 0);
        exact.or_else(partly).or_else(|| objects.next())
    }

    /// Writes the current value, unless it was a container that has been opened.
    fn value(&mut self, end: usize) -> Option<()> {
        let value = self.text.get(self.value..end)?.trim();
        let list = self.open.last().filter(|_| self.closing.ends_with(']'));
        if self.out.ends_with(':') {
            self.out.push_str(&mend_scalar(value));
        } else if list.is_some_and(|list| list.has_messages) && !value.is_empty() {
            self.write(&Value::from(value).to_string());
        } else if list.is_some() {
            let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.for_each(|item| self.write(&mend_scalar(item)));
        }
        Some(())
    }

    /// Closes the containers above `level` after a value that ends at `end`.
    fn close(&mut self, level: usize, end: usize, brackets: &[(usize, &str)]) -> Option<()> {
        while self.open.len() > level {
            let (container, close) = self.open.pop().zip(self.closing.pop())?;
            let bracket = brackets.get(self.open.len() - level);
            let bracket = bracket.filter(|(_, bracket)| bracket.starts_with(close));
            let end = bracket.map_or(end, |(at, _)| at + 1);
            self.out.push(close);
            self.copy(&container, self.text.get(container.start..end)?);
        }
        Some(())
    }

    /// Replaces a repaired container by its text, if that is valid JSON, or if nothing of it was
    /// repaired.
    fn copy(&mut self, container: &Container<'_>, text: &str) {
        let list = self.open.last().filter(|_| self.closing.ends_with(']'));
        let (is_element, is_message) = (list.is_some(), list.is_some_and(|list| list.has_messages));
        let repaired = self.out.split_off(container.out);
        let mut rest = text;
        while let Some(end) = valid_length(rest)
            && let (value, after) = rest.split_at(end)
        {
            // Malformed elements without a name follow the last value of an element.
            let end = container.start + text.len() - after.len();
            let is_other = is_element && after.trim_start().starts_with(',');
            if !after.is_empty() && !(is_other && (is_message || self.value < end)) {
                break;
            }
            self.write(value.trim());
            rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        }
        if rest.len() == text.len() && repaired.trim_start_matches(',') != "{}" {
            self.out.push_str(&repaired);
        } else if is_message && !rest.is_empty() {
            self.write(&Value::from(rest).to_string());
        } else if rest.len() == text.len() && !is_element {
            self.write("null");
        }
    }

    fn finish(mut self) -> Option<String> {
        let (end, brackets) = self.end(self.text.len())?;
        let (closed, is_exact) = self.closed(0, &brackets);
        // The last element of a list may lack its bracket, or have more.
        let is_complete = is_exact || self.open.len() > 2 && closed + 1 >= self.open.len();
        // A string without its end may contain the brackets.
        let value = self.text.get(self.value..end)?.trim_start();
        let is_open = |quote| !value.get(1..).unwrap_or_default().ends_with(quote);
        let is_cut = self.quote.is_some_and(is_open) && valid_length(value).is_none();
        if !is_complete || is_cut || !self.text.ends_with(['}', ']']) {
            return None;
        }
        self.value(end)?;
        self.close(0, end, &brackets)?;
        Some(self.out).filter(|out| out != "null")
    }
}

/// Returns the name of the field with which a text begins, and the text after its colon.
fn field(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let quote = text.get(..1).filter(|quote| matches!(*quote, "\"" | "'")).unwrap_or_default();
    let name = text.strip_prefix(quote)?;
    let (name, rest) = name.split_at(name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?);
    let rest = rest.strip_prefix(quote)?.trim_start().strip_prefix(':')?;
    (!name.is_empty()).then_some((name, rest))
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
