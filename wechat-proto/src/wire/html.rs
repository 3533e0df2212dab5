//! HTML pages in place of replies.

use alloc::string::String;

use crate::text::fold::single_spaced;

/// Returns the visible text of a page, with single spaces; `None` if it is not HTML.
///
/// This is not an HTML parser: it removes tags, and the content of `head`, `script` and `style`.
pub(crate) fn visible_text(page: &str) -> Option<String> {
    let start = page.trim_start();
    if !is_page(start) {
        return None;
    }
    let (mut text, mut rest) = (String::new(), start);
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let (name, after) = tag.split_once('>').unwrap_or((tag, ""));
        let name = name.split(|c: char| c.is_ascii_whitespace() || c == '/').next();
        let hidden =
            HIDDEN.iter().find(|hidden| name.is_some_and(|n| n.eq_ignore_ascii_case(hidden)));
        rest = match hidden {
            Some(hidden) => skip(after, hidden),
            None => after,
        };
    }
    text.push_str(rest);
    let decoded = html_escape::decode_html_entities(&text);
    Some(single_spaced(&decoded))
}

/// Returns whether a text begins like an HTML page.
pub(super) fn is_page(text: &str) -> bool {
    let mut tags = ["<!doctype html", "<html", "<head", "<body"].into_iter();
    tags.any(|tag| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

/// Elements whose content is not shown.
const HIDDEN: [&str; 3] = ["head", "script", "style"];

/// Returns the text after the end of an element.
fn skip<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once("</") {
        if tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return tag.split_once('>').map_or("", |(_, rest)| rest);
        }
        rest = tag;
    }
    ""
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn visible_text_is_extracted() {
        for (page, text) in [
            ("<html>", ""),
            ("<html><body>a<br/>b</body></html>", "a b"),
            ("<!DOCTYPE html>\n<html><head><title>t</title></head><p>1&nbsp;&lt; 2</p>", "1 < 2"),
            ("<HTML><SCRIPT>var a = '</b>';</SCRIPT>x<style>p{}</style >y", "x y"),
            ("<html><script>never closed", ""),
            ("<html>text <b", "text"),
        ] {
            assert_eq!(visible_text(page).as_deref(), Some(text), "{page}");
        }
        for other in ["", "<error><ret>0</ret></error>", "{}", "hello"] {
            assert_eq!(visible_text(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn visible_text_is_normalised(page in "<html>[<>/a-c &;雨]{0,60}|<html>\\PC{0,60}") {
            let text = visible_text(&page).unwrap();
            prop_assert!(!text.contains("  ") && text.trim() == text);
        }
    }
}
