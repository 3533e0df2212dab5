//! Texts of others, shown without invisible characters.

/// Returns a text with its control characters, line separators, bidirectional controls and
/// invisible characters written as escapes, so that a name or a message can neither control the
/// terminal nor look like another line. Joiners and variation selectors are kept, because emoji
/// need them.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let hidden = character.is_control()
            || matches!(character,
                '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
        match hidden {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_made_visible() {
        for (text, shown) in [
            ("Ada 你好 é", "Ada 你好 é"),
            ("👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}", "👨\u{200d}👩\u{200d}👧 ❤\u{fe0f}"),
            ("a\nBoss: pay", "a\\nBoss: pay"),
            ("\u{1b}[2J\u{7}\t", "\\u{1b}[2J\\u{7}\\t"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("gpj\u{202e}.exe\u{2066}", "gpj\\u{202e}.exe\\u{2066}"),
            ("\u{200b}\u{feff}\u{2028}", "\\u{200b}\\u{feff}\\u{2028}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }
}
