//! HTML entities, in texts and in XML: `docs/protocol.md` §9.3.

use alloc::borrow::Cow;
use alloc::string::String;

use html_escape::decode_html_entities;

/// Decodes the entities of a text; unknown entities stay unchanged.
///
/// Equivalent to `html_escape`, which looks up every entity in a table of 2,000. This function
/// first tries the six that account for nearly all of the hundreds of entities in a message.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = split(rest, |byte| byte == b'&') {
        out.push_str(before);
        rest = entity(from, &mut out);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Splits a text before the first byte that matches `kind`, which must be ASCII.
pub(crate) fn split(text: &str, kind: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let at = text.bytes().position(kind)?;
    text.split_at_checked(at)
}

/// Decodes the entity or ampersand at the start of `text`, and returns the rest.
pub(crate) fn entity<'a>(text: &'a str, out: &mut String) -> &'a str {
    let after = text.get(1..).unwrap_or_default();
    for (name, character) in COMMON {
        if let Some(after) = after.strip_prefix(name) {
            out.push(character);
            return after;
        }
    }
    // Another entity, or a plain ampersand.
    let end = after.bytes().take(LONGEST).position(|byte| matches!(byte, b'&' | b';'));
    if let Some(end) = end
        && let (Some(name), Some(rest)) = (text.get(..end + 2), after.get(end + 1..))
        && name.ends_with(';')
    {
        out.push_str(&decode_html_entities(name));
        return rest;
    }
    out.push('&');
    after
}

const COMMON: [(&str, char); 6] =
    [("lt;", '<'), ("gt;", '>'), ("amp;", '&'), ("quot;", '"'), ("#39;", '\''), ("apos;", '\'')];

/// The maximum length of an entity. Names have at most 31 letters; a number may have leading zeros.
const LONGEST: usize = 40;

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn entities_are_decoded() {
        for (text, decoded) in [
            ("plain", "plain"),
            ("&lt;a&gt; &amp;amp; &quot;&#39;&apos;", "<a> &amp; \"''"),
            ("&nbsp;&#20013;&#x4e2d;&eacute;", "\u{a0}中中é"),
            ("&CounterClockwiseContourIntegral;", "∳"),
            ("&&lt;& &lt &;&#;&nope;&#xd800;", "&<& &lt &;&#;&nope;&#xd800;"),
            ("&中;&", "&中;&"),
        ] {
            assert_eq!(decode(text), decoded, "{text}");
        }
        assert!(matches!(decode("plain"), Cow::Borrowed(_)));
        let far = format!("&{};", "#".repeat(1000));
        assert_eq!(decode(&far), far);
    }

    proptest! {
        #[test]
        fn decoding_matches_html_escape(text in "(&(lt|gt|amp|quot|#39|#x3[0-9]|nbsp|eacute|[a-z#]{0,3});?|&|;|#|\\PC){0,20}") {
            prop_assert_eq!(decode(&text), decode_html_entities(&text));
        }
    }
}
