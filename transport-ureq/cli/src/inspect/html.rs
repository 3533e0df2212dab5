//! The timeline as an HTML page that loads no other file.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use html_escape::encode_text;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::row::Row;
use super::timeline::Timeline;
use crate::lang::Lang;
use crate::visible::visible;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Returns the page of a timeline.
///
/// Its content security policy allows only the page's own style and script, by their hashes, so that
/// even unescaped text could neither run a script nor load a file.
pub(super) fn page(timeline: &Timeline, lang: Lang) -> String {
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    let code = lang.pick("en", "zh-CN");
    let title = lang.pick("WeChat web capture", "网页微信抓包");
    let filter = lang.pick("Show only rows with this text", "只显示含此文字的行");
    let summary = timeline.summary(lang);
    let rows: String = timeline.rows.iter().map(row).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {style}; \
         script-src {script}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p>{}</p>\n<input type=\"search\" placeholder=\"{filter}\" aria-label=\"{filter}\">\n</header>\n\
         <main>\n{rows}</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        text(&summary)
    )
}

fn row(row: &Row) -> String {
    let class = if row.error.is_some() { " class=\"failed\"" } else { "" };
    let time = row.ms.map(|ms| format!("{ms:.0} ms")).unwrap_or_default();
    let status = if row.status == 0 { String::new() } else { row.status.to_string() };
    let head = [
        ("time", row.time()),
        ("method", &*row.method),
        ("endpoint", &*row.endpoint),
        ("host", &*row.host),
        ("status", &*status),
        ("ms", &*time),
    ];
    let head: String = head
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(class, value)| format!("<span class=\"{class}\">{}</span> ", text(value)))
        .collect();
    let part = |class: &str, line: &str| match line.is_empty() {
        true => String::new(),
        false => format!("<p class=\"{class}\"><bdi>{}</bdi></p>\n", text(line)),
    };
    let mut body = part("request", &row.request_line());
    body.extend(row.lines.iter().map(|line| part("reply", line)));
    body.push_str(&part("error", row.error.as_deref().unwrap_or_default()));
    body.push_str(&part("unknown", &row.unknown.join(", ")));
    let is_long = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
    if row.reply.as_object().is_some_and(|fields| fields.values().any(is_long)) {
        let json = format!("{:#}", row.reply);
        let lines: Vec<_> = json.lines().map(text).collect();
        let json = lines.join("\n");
        body.push_str(&format!("<details><summary>JSON</summary><pre>{json}</pre></details>\n"));
    }
    format!("<article{class}>\n<h2>{head}</h2>\n{body}</article>\n")
}

/// Returns a text of the capture as text of the page.
fn text(text: &str) -> String {
    encode_text(&visible(text)).into_owned()
}

/// Returns the source expression of an inline style or script.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hostile_text_is_escaped() {
        let hostile = "<img src=x onerror=alert(1)></script></style><!-- &lt; \u{202e}\u{1b}[2J";
        let row = Row {
            started: hostile.into(),
            method: hostile.into(),
            host: hostile.into(),
            endpoint: hostile.into(),
            status: 200,
            request: vec![("to", hostile.into())],
            reply: json!({ hostile: [hostile] }),
            lines: vec![hostile.into()],
            error: Some(hostile.into()),
            unknown: vec![hostile.into()],
            ..Row::default()
        };
        let others = [(hostile.to_owned(), 1)].into_iter().collect();
        let timeline = Timeline { rows: vec![row], others, ..Timeline::default() };
        let page = page(&timeline, Lang::En);
        let shown = "&lt;img src=x onerror=alert(1)&gt;&lt;/script&gt;&lt;/style&gt;&lt;!-- &amp;lt; \
                     \\u{202e}\\u{1b}[2J";
        assert!(page.matches(shown).count() >= 8, "{page}");
        assert!(!page.contains("<img") && !page.contains("<!--"));
        assert_eq!(page.matches("</script>").count(), 1);
        assert_eq!(page.matches("</style>").count(), 1);
        assert!(!page.contains(['\u{202e}', '\u{1b}']));
    }

    #[test]
    fn policy_allows_only_the_own_style_and_script() {
        let page = page(&Timeline::default(), Lang::Zh);
        let policy = page.split("content=\"default-src 'none'; ").nth(1).unwrap();
        let policy = policy.split('"').next().unwrap();
        let inside = |tag: &str| {
            let start = page.split(&format!("<{tag}>")).nth(1).unwrap();
            hash(start.split(&format!("</{tag}>")).next().unwrap())
        };
        let (style, script) = (inside("style"), inside("script"));
        assert_eq!(
            policy,
            format!("style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'")
        );
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains(" style="));
    }
}
