//! Texts in the format of the wire (docs/protocol.md §9.3).

/// Escapes a text as the service does: entities, `<br/>` for a line break, spans for emoji (docs/protocol.md §9.3).
pub(crate) fn on_the_wire(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("<br/>"),
            '\u{1F300}'..='\u{1FAFF}' => {
                out.push_str(&format!("<span class=\"emoji emoji{:x}\"></span>", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

/// Decodes a text from the wire, the inverse of [`on_the_wire`].
pub(crate) fn off_the_wire(text: &str) -> String {
    let mut plain = text.replace("<br/>", "\n");
    for (entity, c) in
        [("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&quot;", "\""), ("&amp;", "&")]
    {
        plain = plain.replace(entity, c);
    }
    let span = "<span class=\"emoji emoji";
    let mut out = String::new();
    let mut rest = plain.as_str();
    while let Some((before, after)) = rest.split_once(span) {
        out.push_str(before);
        let hex = after.split_once("\"></span>").map_or("", |(hex, _)| hex);
        match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &after[hex.len() + "\"></span>".len()..];
            }
            None => {
                out.push_str(span);
                rest = after;
            }
        }
    }
    out + rest
}

/// Escapes a name like [`on_the_wire`], but keeps emoji spans.
pub(crate) fn name_on_the_wire(name: &str) -> String {
    let (start, end) = ("<span class=\"emoji ", "</span>");
    match name.split_once(start).and_then(|(front, rest)| Some((front, rest.split_once(end)?))) {
        Some((front, (span, rest))) => {
            let (front, rest) = (on_the_wire(front), name_on_the_wire(rest));
            format!("{front}{start}{span}{end}{rest}")
        }
        None => on_the_wire(name),
    }
}

/// Escapes a text for XML.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_for_the_wire() {
        assert_eq!(
            on_the_wire("a<b & c\n\u{1F601}微信 \"q\""),
            "a&lt;b &amp; c<br/><span class=\"emoji emoji1f601\"></span>微信 \"q\""
        );
        assert_eq!(
            name_on_the_wire("A & <span class=\"emoji emoji1f604\"></span> \u{1F601}<"),
            "A &amp; <span class=\"emoji emoji1f604\"></span> <span class=\"emoji emoji1f601\"></span>&lt;"
        );
        for text in
            ["a<b & c\n\u{1F601}微信 \"q\"", "&amp;lt;", "<br>", "", "<span class=\"emoji emoji"]
        {
            assert_eq!(off_the_wire(&on_the_wire(text)), text);
        }
    }
}
