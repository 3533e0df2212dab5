//! JSON replies.

use alloc::borrow::Cow;
use alloc::string::String;

use super::lenient::Lenient;
use super::reader::Reader;
use super::repair::repair;

/// Parses a body into a typed object: first unchanged, then repaired, then part by part. Also
/// returns the parsed text.
///
/// # Errors
///
/// A description of the body, if it is not a JSON object.
pub(crate) fn text<T: Lenient>(body: &[u8]) -> Result<(Cow<'_, str>, T), Cow<'static, str>> {
    // Checks the encoding once, so that the parser need not check it again.
    if let Ok(text) = core::str::from_utf8(body)
        && text.trim_start().starts_with('{')
        && let Ok(object) = parse(text)
    {
        return Ok((Cow::Borrowed(text), object));
    }
    let text = repair(body);
    if !text.trim_start().starts_with('{') {
        return Err(describe(&text));
    }
    match parse(&text) {
        Ok(object) => Ok((text, object)),
        Err(error) => {
            // The parts can be read only if the text is valid JSON, apart from values out of range.
            // The message of `serde_json` may quote the text, so that only its position is used.
            if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
                let object = T::salvage(&text);
                return Ok((text, object));
            }
            Err(alloc::format!(
                "JSON with a syntax error at line {}, column {}",
                error.line(),
                error.column()
            )
            .into())
        }
    }
}

/// Parses a whole text.
fn parse<T: Lenient>(text: &str) -> serde_json::Result<T> {
    match Reader::read(text) {
        Some(object) => Ok(object),
        None => serde_json::from_str(text),
    }
}

/// Describes an unexpected body without quoting it, since it may contain secrets.
pub(crate) fn describe(text: &str) -> Cow<'static, str> {
    let text = text.trim_start();
    let begins = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if text.is_empty() {
        "an empty body".into()
    } else if begins("<!doctype html") || begins("<html") || begins("<head") || begins("<body") {
        "an HTML page".into()
    } else if begins("<") {
        "XML or HTML".into()
    } else if begins("{") || begins("[") {
        "JSON".into()
    } else if begins("window.") {
        "a script".into()
    } else {
        let mut kind = String::from("something else, ");
        kind.push_str(&alloc::format!("{} bytes long", text.len()));
        kind.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::lenient::{Buff, Int};
    use crate::wire::object::object as define;

    define! {
        struct Sample {
            "N" => n: Int,
            "Inner" => inner: Buff,
        }
    }

    fn read(body: &[u8]) -> Result<Sample, Cow<'static, str>> {
        text(body).map(|(_, sample)| sample)
    }

    #[test]
    fn json_of_the_service_is_parsed() {
        let sample = read(b"{\n\"N\": 1\n,\n\"Inner\": {\n\"Buff\": \"b\"\n}\n} ").unwrap();
        assert_eq!((sample.n.0, &*sample.inner.buff), (1, "b"));
    }

    #[test]
    fn invalid_parts_of_json_are_defaults() {
        let sample = read(b"\xef\xbb\xbf{\"N\":1e400,\"Inner\":{\"Buff\":\"a\x85\n\"}}").unwrap();
        assert_eq!((sample.n.0, &*sample.inner.buff), (0, "a\u{fffd}\n"));
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
