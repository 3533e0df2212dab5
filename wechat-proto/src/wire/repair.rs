//! Repairs the JSON of replies that `serde_json` rejects: `docs/threats.md` J2, J4, J6.
//!
//! Nicknames with invalid UTF-8, raw control characters, unescaped quotes, `\x1b`, `007`, `NaN`,
//! halves of surrogate pairs: without repair, one of them would cost all other messages or contacts.
//! Each message of a batch is repaired alone, so that none can affect another.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::mend::{is_blank, is_field, mend};

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
    let name = text.split_once("\"AddMsgList\"")?.1.trim_start().strip_prefix(':')?;
    let list = name.trim_start().strip_prefix('[')?;
    let starts = list.match_indices("\"MsgId\"").filter_map(|(at, _)| {
        let before = list.get(..at)?.trim_end().strip_suffix('{')?;
        let is_first = is_blank(before);
        (is_first || before.trim_end().ends_with(',')).then_some(before.len())
    });
    let mut bounds: Vec<usize> = starts.collect();
    let last = *bounds.last()?;
    // A first message whose start is malformed.
    if !is_blank(list.get(..*bounds.first()?)?) {
        bounds.insert(0, 0);
    }
    let end = last + end_of_last(list.get(last..)?)?;
    bounds.push(end);
    let mut messages = Vec::new();
    for bounds in bounds.windows(2) {
        let &[start, end] = bounds else { continue };
        let message = list.get(start..end)?.trim();
        let message = message.strip_suffix(',').unwrap_or(message);
        messages.push(match is_valid(message) {
            true => Cow::Borrowed(message),
            false => mend(message).or_else(|| serde_json::to_string(message).ok())?.into(),
        });
    }
    let before = text.get(..text.len() - list.len())?;
    Some([before, &messages.join(","), list.get(end..)?].concat())
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

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
