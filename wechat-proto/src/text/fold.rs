//! Normalization of names, so that names that look equal are equal.

use alloc::string::String;

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_properties::CodePointSetDataBorrowed;
use icu_properties::props::DefaultIgnorableCodePoint;
use unicase::UniCase;

/// Returns whether a character by itself is invisible: joiners, variation selectors, marks of the
/// text direction, fillers (Unicode's `Default_Ignorable_Code_Point`).
pub(crate) fn is_invisible(c: char) -> bool {
    const INVISIBLE: CodePointSetDataBorrowed<'static> =
        CodePointSetDataBorrowed::new::<DefaultIgnorableCodePoint>();
    !c.is_ascii() && INVISIBLE.contains(c)
}

/// Returns the form of a name in which it is compared: see [`fold_part`]. A name that would become
/// empty is returned unchanged.
pub(crate) fn fold(name: &str) -> String {
    let folded = fold_part(name);
    if folded.is_empty() { name.into() } else { folded }
}

/// Returns a text without invisible characters, in NFKD (which replaces full-width forms by
/// ordinary ones) and folded case, with each run of blanks as one space, and none at the ends.
pub(crate) fn fold_part(text: &str) -> String {
    const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();
    let plain = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        let seen = text.chars().filter(|c| !is_invisible(*c) || is_filler(*c));
        let decomposed: String = NFKD.normalize_iter(seen).collect();
        NFKD.normalize(&UniCase::unicode(decomposed).to_folded_case()).into_owned()
    };
    single_spaced(&plain)
}

/// Returns a text with each run of blanks as one space, and none at the ends.
pub(crate) fn single_spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Returns whether a character is a Hangul filler: invisible, but of the width of a letter. Some
/// people's names consist of them.
const fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_alike_fold_to_the_same() {
        for (label, one, other) in [
            ("variation selector", "A1\u{20e3} room", "A1\u{fe0f}\u{20e3} room"),
            ("variation selector at the end", "Bot❤", "Bot❤\u{fe0f}"),
            ("composed and decomposed", "caf\u{e9}", "cafe\u{301}"),
            ("order of marks", "a\u{323}\u{302}", "\u{1ead}"),
            ("Hangul", "\u{d55c}", "\u{1112}\u{1161}\u{11ab}"),
            ("full width", "ＡＢ１！", "ab1!"),
            ("half width", "ｶﾞ", "ガ"),
            ("case", "ΣΊΣΥΦΟΣ Straße", "σίσυφος STRASSE"),
            ("blanks", " a\u{2005}\u{a0} \tb\u{3000}", "A B"),
            ("zero width", "a\u{200b}b\u{feff}", "ab"),
            ("direction", "\u{202e}a\u{202c}", "a"),
            ("fillers of names", "\u{3164}", "\u{ffa0}"),
        ] {
            assert_eq!(fold(one), fold(other), "{label}");
        }
        for (one, other) in [("a", "á"), ("👍", "👍🏽"), ("张", "張"), ("a b", "ab"), ("", " ")]
        {
            assert_ne!(fold(one), fold(other));
        }
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(text in "(\\PC|[aÄßẞıİς\u{301}\u{323}\u{345}\u{3164}\u{fe0f}\u{200d}ﬁ㎏¨ \u{2005}]){0,12}") {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }

        #[test]
        fn ascii_is_folded_like_other_text(text in "[ -~\n\t]{0,20}") {
            let (ascii, other) = (fold(&text), fold(&alloc::format!("{text}é")));
            prop_assume!(text.trim() == text);
            prop_assert_eq!(alloc::format!("{ascii}e\u{301}"), other);
        }
    }
}
