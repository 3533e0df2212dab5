//! Input files: a HAR, or a single reply.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::Value;

use super::har;
use super::single::Single;
use crate::exit::{Exit, Failure};
use crate::visible::visible;

/// The content of a file.
pub(crate) enum Input {
    /// A HAR document with a list of entries.
    Har(Value),
    /// A reply, a message or a contact.
    Single(Single),
}

/// Reads a file, or standard input if it is `-`.
///
/// # Errors
///
/// [`Exit::LocalFile`] if it cannot be read; [`Exit::Other`] if it is neither, with the position of the
/// error in malformed JSON.
pub(crate) fn read(path: &Path) -> Result<Input, Failure> {
    let bytes = match path.to_str() {
        Some("-") => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        _ => fs::read(path),
    };
    let bytes = bytes.map_err(|error| Failure::file(path, &error))?;
    parse(&visible(&path.to_string_lossy()), &bytes)
}

pub(super) fn parse(name: &str, bytes: &[u8]) -> Result<Input, Failure> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = body(text);
    if text.is_empty() {
        return Err(Failure::new(
            Exit::Other,
            format!("{name}: the file is empty"),
            format!("{name}：文件为空"),
        ));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(document) if document.get("log").is_some() => match har::entries(&document) {
            Ok(_) => Ok(Input::Har(document)),
            Err(reason) => Err(Failure::new(
                Exit::Other,
                format!("{name}: not a HAR file: {reason}"),
                format!("{name}：不是有效的 HAR 文件：{reason}"),
            )),
        },
        Ok(value) => Single::of_json(text, &value).map(Input::Single).ok_or_else(|| unknown(name)),
        // The core repairs irregular replies, but not a HAR.
        Err(error) => match Single::of_text(text).filter(|_| !is_har(text)) {
            Some(single) => Ok(Input::Single(single)),
            None if text.starts_with(['{', '[']) => Err(broken(name, &error)),
            None => Err(unknown(name)),
        },
    }
}

/// Returns a response without its head, as `curl -i` prints it.
fn body(text: &str) -> &str {
    let is_response = text.starts_with("HTTP/");
    let body = ["\r\n\r\n", "\n\n"].iter().find_map(|blank| text.split_once(blank));
    match body {
        Some((_, body)) if is_response => body.trim(),
        _ => text,
    }
}

/// Returns whether malformed JSON begins like a HAR.
fn is_har(text: &str) -> bool {
    let start: String = text.chars().filter(|c| !c.is_whitespace()).take(7).collect();
    start == "{\"log\":"
}

fn broken(name: &str, error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or_default();
    Failure::new(
        Exit::Other,
        format!("{name}: malformed JSON at line {line}, column {column}: {reason}"),
        format!("{name}：JSON 在第 {line} 行第 {column} 列损坏：{reason}"),
    )
    .hint("export the capture again, as HAR with content", "请重新导出带内容的 HAR")
}

fn unknown(name: &str) -> Failure {
    Failure::new(
        Exit::Other,
        format!("{name}: neither a HAR file nor a reply of the WeChat web protocol"),
        format!("{name}：既不是 HAR 文件，也不是网页微信协议的响应"),
    )
    .hint(
        "give a browser's HAR export, the body of a reply, or one message as JSON",
        "请提供浏览器导出的 HAR、响应正文，或一条 JSON 消息",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    fn failure(text: &str) -> String {
        match parse("a.har", text.as_bytes()) {
            Ok(_) => panic!("{text}"),
            Err(failure) => failure.message.in_lang(Lang::En).to_owned(),
        }
    }

    #[test]
    fn invalid_input_is_reported_with_its_cause() {
        for (text, reported) in [
            ("", "a.har: the file is empty"),
            ("\u{feff} \n", "a.har: the file is empty"),
            (
                "{\"log\":{\"entries\":[\n{\"request\":",
                "a.har: malformed JSON at line 2, column 11: EOF while parsing a value",
            ),
            (
                "{\"log\":{\"entries\":[{\"text\":\"window.code=408;\"}",
                "a.har: malformed JSON at line 1, column 46: EOF while parsing a list",
            ),
            ("{\"log\":[]}", "a.har: not a HAR file: it has no `log`"),
            ("{\"log\":{}}", "a.har: not a HAR file: its `log` has no `entries`"),
            ("{\"log\":{\"entries\":7}}", "a.har: not a HAR file: its `log.entries` is not a list"),
            ("{\"a\":1}", "a.har: neither a HAR file nor a reply of the WeChat web protocol"),
            ("hello", "a.har: neither a HAR file nor a reply of the WeChat web protocol"),
            ("<html></html>", "a.har: neither a HAR file nor a reply of the WeChat web protocol"),
            ("{\"a\":", "a.har: malformed JSON at line 1, column 5: EOF while parsing a value"),
        ] {
            assert_eq!(failure(text), reported, "{text}");
        }
    }
}
