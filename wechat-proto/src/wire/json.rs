//! JSON replies.

use alloc::borrow::Cow;

use super::html::is_page;
use super::lenient::{Lenient, from_str};
use super::repair::{decode, mend};

/// Parses a body into a typed object: first unchanged, then repaired.
///
/// # Errors
///
/// A description of the body, if it is not a JSON object, or cannot be repaired.
pub(crate) fn parse<T: Lenient>(body: &[u8]) -> Result<T, Cow<'static, str>> {
    let text = decode(body);
    if !text.trim_start().starts_with('{') {
        return Err(describe(&text));
    }
    from_str(&text).or_else(|error| {
        let repaired = mend(&text).and_then(|text| from_str(&text).ok());
        // The message of `serde_json` may quote the text, so that only its position is used.
        let (line, column) = (error.line(), error.column());
        repaired.ok_or_else(|| {
            alloc::format!("JSON with a syntax error at line {line}, column {column}").into()
        })
    })
}

/// Describes an unexpected body without quoting it, since it may contain secrets.
pub(crate) fn describe(text: &str) -> Cow<'static, str> {
    let text = text.trim_start();
    if text.is_empty() {
        "an empty body".into()
    } else if is_page(text) {
        "an HTML page".into()
    } else if text.starts_with('<') {
        "XML or HTML".into()
    } else if text.starts_with(['{', '[']) {
        "JSON".into()
    } else if text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("window.")) {
        "a script".into()
    } else {
        alloc::format!("something else, {} bytes long", text.len()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::lenient::Buff;
    use crate::wire::object::object as define;

    define! {
        struct Sample {
            "N" => n: i64,
            "Inner" => inner: Buff,
        }
    }

    fn read(body: &[u8]) -> Result<Sample, Cow<'static, str>> {
        parse(body)
    }

    #[test]
    fn json_of_the_service_is_parsed() {
        let sample = read(b"{\n\"N\": 1\n,\n\"Inner\": {\n\"Buff\": \"b\"\n}\n} ").unwrap();
        assert_eq!((sample.n, &*sample.inner.buff), (1, "b"));
    }

    #[test]
    fn invalid_parts_of_json_are_defaults() {
        let sample = read(b"\xef\xbb\xbf{\"N\":1e400,\"Inner\":{\"Buff\":\"a\x85\n\"}}").unwrap();
        assert_eq!((sample.n, &*sample.inner.buff), (0, "a\u{fffd}\n"));
    }

    #[test]
    fn other_bodies_are_described() {
        for (body, found) in [
            (&b""[..], "an empty body"),
            (b" \n", "an empty body"),
            (b"<!DOCTYPE html><html>", "an HTML page"),
            (b"<HTML>", "an HTML page"),
            (b"<error>", "XML or HTML"),
            (b"[1]", "JSON"),
            (b"window.code=1;", "a script"),
            (b"\"secret\"", "something else, 8 bytes long"),
            (b"{\"N\": \"secret\", ", "JSON with a syntax error at line 1, column 16"),
            (b"{} secret", "JSON with a syntax error at line 1, column 4"),
        ] {
            let Err(text) = read(body) else { panic!("{body:?}") };
            assert_eq!(text, found);
        }
    }
}
