//! Repairs malformed JSON from the server: `docs/threats.md` J4.
//!
//! Nicknames with invalid UTF-8, raw control characters in strings, and lone surrogates were all
//! observed in contact lists; without repair, one of them would invalidate the whole reply.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::Write as _;

/// Returns the text of a body, repaired if necessary.
///
/// Invalid bytes become U+FFFD, raw control characters their escapes, and lone surrogates
/// `\ufffd`. Leading byte-order marks are removed.
pub(crate) fn repair(body: &[u8]) -> Cow<'_, str> {
    let mut body = body;
    while let Some(rest) = body.strip_prefix(b"\xef\xbb\xbf") {
        body = rest;
    }
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(text) if is_sound(text) => Cow::Borrowed(text),
        text => Cow::Owned(repair_text(&text)),
    }
}

/// Returns whether no string needs repair. Fast for nearly every reply.
fn is_sound(text: &str) -> bool {
    // Line feeds and tabs are invalid only inside strings: the server writes them between fields.
    let escapes = text.contains("\\u");
    let control = text.bytes().any(|byte| byte < 0x20);
    !escapes && !control || repair_text(text) == text
}

fn repair_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '"' => {
                inside = !inside;
                out.push(c);
            }
            '\\' if inside => match unit(rest) {
                Some(0xd800..0xdc00) => {
                    taken = 6;
                    let low = rest.get(6..).and_then(unit);
                    if matches!(low, Some(0xdc00..0xe000)) {
                        taken = 12;
                        out.push_str(rest.get(..12).unwrap_or_default());
                    } else {
                        out.push_str("\\ufffd");
                    }
                }
                Some(0xdc00..0xe000) => {
                    taken = 6;
                    out.push_str("\\ufffd");
                }
                _ => {
                    // An escape of two characters; the second may be a quote.
                    taken += rest.chars().nth(1).map_or(0, char::len_utf8);
                    out.push_str(rest.get(..taken).unwrap_or_default());
                }
            },
            c if inside && c < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

/// Returns the UTF-16 unit escaped at the start of `text`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Threat J4.
    #[test]
    fn observed_faults_are_repaired() {
        for (body, text) in [
            (&b"{\"a\":\"\x85b\"}"[..], "{\"a\":\"\u{fffd}b\"}"),
            (b"\xef\xbb\xbf{}", "{}"),
            (b"\xef\xbb\xbf\xef\xbb\xbf\xef\xbb\xbf\"u", "\"u"),
            (b"{\"a\":\"x\ny\"}", "{\"a\":\"x\\u000ay\"}"),
            (b"{\"a\":\"\\ud83d\"}", "{\"a\":\"\\ufffd\"}"),
            (b"{\"a\":\"\\ude00\"}", "{\"a\":\"\\ufffd\"}"),
            (b"{\"a\":\"\\ud83dx\"}", "{\"a\":\"\\ufffdx\"}"),
            (b"{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\\ud83d\\ude00\"}"),
            (b"{\"a\":\"\\\\ud83d\"}", "{\"a\":\"\\\\ud83d\"}"),
            (b"{\n\"a\": \"\\\"\"\n}\n,", "{\n\"a\": \"\\\"\"\n}\n,"),
        ] {
            assert_eq!(repair(body), text, "{}", String::from_utf8_lossy(body));
        }
    }

    proptest! {
        /// Valid text is returned unchanged, without a copy.
        #[test]
        fn valid_json_is_not_changed(text in "\\PC{0,60}", key in "[a-z]{1,5}") {
            let json = serde_json::json!({ key: text }).to_string();
            prop_assert!(matches!(repair(json.as_bytes()), Cow::Borrowed(same) if same == json));
        }

        /// Threat J4: a string with any content can be parsed after repair.
        #[test]
        fn any_string_is_valid_after_repair(
            bytes in prop::collection::vec(any::<u8>().prop_filter("no end", |b| *b != b'"' && *b != b'\\'), 0..60),
            unit in any::<u16>(),
        ) {
            let mut body = b"[\"".to_vec();
            body.extend(&bytes);
            body.extend(alloc::format!("\\u{unit:04x}").bytes());
            body.extend(b"\"]");
            prop_assert!(serde_json::from_str::<Value>(&repair(&body)).is_ok());
        }

        #[test]
        fn repair_is_idempotent(bytes in any::<alloc::vec::Vec<u8>>()) {
            let once = repair(&bytes).into_owned();
            prop_assert_eq!(&once, &repair(once.as_bytes()));
        }
    }
}
