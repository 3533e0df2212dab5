//! Contacts by what they are called: `docs/protocol.md` §10.

use alloc::string::String;

use super::{Contact, Directory};

impl Directory {
    /// All contacts whose remark, nickname or alias is exactly this. Several may share a name;
    /// nobody is named by an empty one.
    ///
    /// Looks at each contact once: 10,000 take well under a millisecond.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Contact> {
        self.iter().filter(move |contact| {
            let names = [&contact.remark_name, &contact.nick_name, &contact.alias];
            !name.is_empty() && names.into_iter().any(|known| **known == *name)
        })
    }

    /// All contacts in whose remark, nickname, alias, key word, or whole name in Latin letters
    /// this text stands, without regard to case: as the search field of the official page. An
    /// empty text stands in all.
    pub fn search(&self, text: &str) -> impl Iterator<Item = &Contact> {
        let text = text.to_lowercase();
        self.iter().filter(move |contact| {
            let fields = [
                &contact.remark_name,
                &contact.remark_pinyin.full,
                &contact.nick_name,
                &contact.pinyin.full,
                &contact.alias,
                &contact.key_word,
            ];
            fields.into_iter().any(|field| holds(field, &text))
        })
    }
}

/// Whether a text holds another that is in lower case.
fn holds(text: &str, lower: &str) -> bool {
    if !text.is_ascii() {
        let text: String = text.to_lowercase();
        return text.contains(lower);
    }
    let (text, lower) = (text.as_bytes(), lower.as_bytes());
    lower.is_empty() || text.windows(lower.len()).any(|part| part.eq_ignore_ascii_case(lower))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_cuts_change_nothing(text in "[a-cA-CäÄ张]{0,8}", part in "[a-cA-CäÄ张]{0,3}") {
            let expected = text.to_lowercase().contains(&part.to_lowercase());
            prop_assert_eq!(holds(&text, &part.to_lowercase()), expected);
        }
    }
}
