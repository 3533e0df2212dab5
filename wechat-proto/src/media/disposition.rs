//! File names in `Content-Disposition`.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use percent_encoding::percent_decode_str;

/// Returns the decoded file name in a `Content-Disposition`, if it has one.
///
/// `filename*` of RFC 5987 takes precedence over `filename`. The latter is a token or a quoted
/// string, and servers write raw UTF-8 or percent-encoded text into either.
pub(super) fn file_name(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let parameters = parameters(&text);
    let named = |wanted: &str| {
        let mut all = parameters.iter();
        all.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| &**value)
    };
    let name = named("filename*")
        .and_then(extended)
        .or_else(|| named("filename").map(|name| decoded(name).into_owned()))?;
    (!name.trim().is_empty()).then_some(name)
}

/// Decodes percent-encoded text; returns text that does not decode to UTF-8 unchanged.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

/// Decodes an extended value: `UTF-8'en'percent%20encoded`.
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _, text) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes: Vec<u8> = percent_decode_str(text).collect();
    if charset.eq_ignore_ascii_case("utf-8") {
        return String::from_utf8(bytes).ok();
    }
    // The other charset required by RFC 5987, whose bytes are its code points.
    charset.eq_ignore_ascii_case("iso-8859-1").then(|| bytes.into_iter().map(char::from).collect())
}

/// Returns the parameters after the first `;`. Semicolons inside quotes do not separate them.
fn parameters(text: &str) -> Vec<(&str, Cow<'_, str>)> {
    let mut found = Vec::new();
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while !rest.is_empty() {
        let end = rest.find(['=', ';']).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let Some(value) = behind.strip_prefix('=') else {
            rest = behind.strip_prefix(';').unwrap_or_default();
            continue;
        };
        let value = value.trim_start();
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = value.find(';').unwrap_or(value.len());
                let (token, behind) = value.split_at(end);
                (Cow::Borrowed(token.trim()), behind)
            }
        };
        found.push((name.trim(), value));
        rest = behind.split_once(';').map_or("", |(_, rest)| rest);
    }
    found
}

/// Splits text at the closing quote, and unescapes the quoted part. A backslash escapes a quote or
/// itself; before other characters it is literal, as in the paths that some servers write.
fn unquoted(text: &str) -> (Cow<'_, str>, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (Cow::Owned(value), text.get(at + 1..).unwrap_or_default()),
            '\\' => match text.get(at + 1..).and_then(|rest| rest.chars().next()) {
                Some(escaped @ ('"' | '\\')) => {
                    value.push(escaped);
                    chars.next();
                }
                _ => value.push(c),
            },
            c => value.push(c),
        }
    }
    // If the closing quote is missing, returns the whole text.
    (Cow::Owned(value.trim_end().to_string()), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_each_notation() {
        for (value, name) in [
            ("attachment; filename=report.pdf", "report.pdf"),
            ("attachment; filename=\"report.pdf\"", "report.pdf"),
            ("attachment;filename=\"a; b.pdf\"; size=3", "a; b.pdf"),
            ("ATTACHMENT; FileName = \"x.txt\"", "x.txt"),
            // Names may be raw UTF-8 or percent-encoded, and quoted or bare.
            ("attachment; filename=\"报告.pdf\"", "报告.pdf"),
            ("attachment; filename=\"%E6%8A%A5%E5%91%8A%2Epdf\"", "报告.pdf"),
            ("attachment; filename=%E6%8A%A5.pdf", "报.pdf"),
            // Text that is not valid percent-encoding is unchanged.
            ("attachment; filename=\"100%.txt\"", "100%.txt"),
            ("attachment; filename=\"%FF.txt\"", "%FF.txt"),
            // RFC 5987, in any order.
            ("attachment; filename=\"x\"; filename*=UTF-8''%e6%8a%a5.pdf", "报.pdf"),
            ("attachment; filename*=utf-8'zh'%e6%8a%a5.pdf; filename=x", "报.pdf"),
            ("attachment; filename*=ISO-8859-1''%a3.txt", "£.txt"),
            ("attachment; filename*=utf-8''%ff; filename=x", "x"),
            ("attachment; filename*=koi8-r''%c1; filename=x", "x"),
            ("attachment; filename*=broken; filename=x", "x"),
            // Escapes, paths, and a missing closing quote.
            (r#"attachment; filename="a\"b\\c.txt""#, r#"a"b\c.txt"#),
            (r#"attachment; filename="C:\dir\x.txt""#, r"C:\dir\x.txt"),
            ("attachment; filename=\"x.txt ", "x.txt"),
            ("attachment; other=\"filename=no; filename=no\"; filename=yes", "yes"),
            ("; filename=x", "x"),
        ] {
            assert_eq!(file_name(value.as_bytes()).as_deref(), Some(name), "{value}");
        }
        for none in [
            "", "attachment", "attachment; filename", "attachment; filename=",
            "attachment; filename=\"\"", "attachment; filename=\" \"", "filename=x",
            "attachment; xfilename=x",
        ] {
            assert_eq!(file_name(none.as_bytes()), None, "{none}");
        }
        // The name is not UTF-8.
        assert_eq!(file_name(b"a; filename=\"\xb1.txt\"").as_deref(), Some("\u{fffd}.txt"));
    }
}
