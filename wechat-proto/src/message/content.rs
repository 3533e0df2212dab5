//! The XML in a message's content, made readable: `docs/protocol.md` §9.3.

use alloc::borrow::Cow;

use html_escape::decode_html_entities;

use crate::text::spans;

/// The document in a message's content, without the room's prefix; nothing if there is none.
///
/// In the official order: entities decoded (once more where all of it was escaped twice); the
/// page's line breaks, wherever they stand, become those that the sender's phone wrote (the page
/// drops them, and glues the lines of a text); emoji spans become characters, or their quotes would
/// end attributes; whatever stands before the first element is dropped.
pub(super) fn document(content: &str) -> Option<Cow<'_, str>> {
    let mut text = Cow::Borrowed(content);
    for _ in 0..2 {
        if has_markup(&text) {
            break;
        }
        if !text.contains("lt;") {
            return None;
        }
        text = Cow::Owned(decode_html_entities(&text).into_owned());
    }
    if text.contains(BREAK) {
        text = Cow::Owned(text.replace(BREAK, "\n"));
    }
    if let Some(mended) = spans(&text) {
        text = Cow::Owned(mended);
    }
    let start = text.find('<')?;
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(start..)?),
        Cow::Owned(text) if start == 0 => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.get(start..)?.into()),
    })
}

const BREAK: &str = "<br/>";

/// Whether there is a tag other than the page's own.
fn has_markup(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let tag = rest.get(at..).unwrap_or_default();
        match tag.strip_prefix(BREAK) {
            Some(after) => rest = after,
            // Not a span either: those stand in texts that are escaped otherwise.
            None if !tag.starts_with("<span ") && !tag.starts_with("</span>") => return true,
            None => rest = tag.get(1..).unwrap_or_default(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `docs/shapes.md`, "Content of messages".
    #[test]
    fn finds_the_document() {
        for (content, read) in [
            (
                "&lt;msg&gt;<br/>\t&lt;img a=\"1\" /&gt;<br/>&lt;/msg&gt;<br/>",
                "<msg>\n\t<img a=\"1\" />\n</msg>\n",
            ),
            ("<msg><img/></msg>", "<msg><img/></msg>"),
            ("&amp;lt;msg a=&amp;quot;1&amp;quot;/&amp;gt;", "<msg a=\"1\"/>"),
            ("&lt;?xml version=\"1.0\"?&gt;<br/>&lt;msg/&gt;", "<?xml version=\"1.0\"?>\n<msg/>"),
            ("junk &lt;msg/&gt;", "<msg/>"),
            ("&lt;m u=\"a?x=1&amp;amp;y=2\"/&gt;", "<m u=\"a?x=1&amp;y=2\"/>"),
            ("&lt;t&gt;&lt;![CDATA[a&amp;b]]&gt;&lt;/t&gt;", "<t><![CDATA[a&b]]></t>"),
            ("&lt;m n=\"A<span class=\"emoji emoji1f604\"></span>\"/&gt;", "<m n=\"A😄\"/>"),
        ] {
            assert_eq!(document(content).as_deref(), Some(read), "{content}");
        }
        for content in ["", "该类型暂不支持，请在手机上查看", "a &amp; b", "<br/>"] {
            assert_eq!(document(content), None, "{content}");
        }
    }

    proptest! {
        #[test]
        fn any_content_is_looked_at(content in "(<br/>|<|&lt;|&amp;|<span class=\"emoji emoji1f604\"></span>|\\PC){0,30}") {
            if let Some(document) = document(&content) {
                prop_assert!(document.starts_with('<'));
            }
        }
    }
}
