//! Extraction of the XML in a message's content: `docs/protocol.md` §9.3.

use alloc::borrow::Cow;

use crate::text::emoji::SPAN;
use crate::text::{BREAK, unescape, without_tags};

/// Returns the XML document in a message's content, which has no room prefix; `None` if there is
/// no document.
///
/// Entities are decoded (twice if the whole content was escaped twice). The page's line breaks are
/// converted back to those of the sender's phone: the page drops them, which joins the lines of a
/// text. Emoji spans are replaced by characters, because their quotes would end attributes. Text
/// before the first element is dropped.
pub(crate) fn document(content: &str) -> Option<Cow<'_, str>> {
    from_first_tag(match unescaped(content)? {
        Cow::Borrowed(raw) if raw.contains(BREAK) || raw.contains(SPAN) => {
            Cow::Owned(without_tags(raw))
        }
        text => text,
    })
}

/// Returns the XML document in a text of another document, in which the page's notation is decoded
/// already.
pub(crate) fn nested(text: &str) -> Option<Cow<'_, str>> {
    from_first_tag(unescaped(text)?)
}

/// Decodes a content as often as it was escaped, at most twice. Returns `None` if there is no tag.
fn unescaped(content: &str) -> Option<Cow<'_, str>> {
    let mut text = Cow::Borrowed(content);
    for _ in 0..2 {
        if !text.starts_with("&lt;") && has_markup(&text) {
            break;
        }
        if !text.contains("lt;") {
            return None;
        }
        text = Cow::Owned(unescape(&text));
    }
    Some(text)
}

fn from_first_tag(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let start = text.find('<')?;
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(start..)?),
        Cow::Owned(text) if start == 0 => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.get(start..)?.into()),
    })
}

/// Returns whether there is a tag other than the page's own.
fn has_markup(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let tag = rest.get(at..).unwrap_or_default();
        match tag.strip_prefix(BREAK) {
            Some(after) => rest = after,
            // Spans do not count: they occur in content that is otherwise escaped.
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
    fn document_is_found() {
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
        fn any_document_starts_with_a_tag(content in "(<br/>|<|&lt;|&amp;|<span class=\"emoji emoji1f604\"></span>|\\PC){0,30}") {
            if let Some(document) = document(&content) {
                prop_assert!(document.starts_with('<'));
            }
        }
    }
}
