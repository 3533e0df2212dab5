//! Contacts by name: `docs/protocol.md` §10.

use super::{Contact, Directory};
use crate::text::fold::fold;

impl Directory {
    /// Returns all contacts whose remark, nickname or alias is this name; none for an empty name.
    ///
    /// Names that look equal match: the comparison ignores case, full-width forms, the number of
    /// blanks, invisible characters (variation selectors, joiners) and the encoding of accents.
    /// Takes linear time: a few milliseconds for 10,000 contacts.
    pub fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Contact> + use<'a> {
        let name = fold(name);
        self.iter().filter(move |contact| {
            let names = [&contact.remark_name, &contact.nick_name, &contact.alias];
            !name.is_empty() && names.into_iter().any(|known| fold(known) == name)
        })
    }

    /// Returns all contacts whose remark, nickname, alias, key word, or whole name in Latin letters
    /// contains this text, as the search field of the official page does, with texts compared as in
    /// [`Directory::named`]. An empty text matches all contacts.
    pub fn search<'a>(&'a self, text: &str) -> impl Iterator<Item = &'a Contact> + use<'a> {
        let text = fold(text);
        self.iter().filter(move |contact| {
            let fields = [
                &contact.remark_name, &contact.remark_pinyin.full, &contact.nick_name,
                &contact.pinyin.full, &contact.alias, &contact.key_word,
            ];
            fields.into_iter().any(|field| fold(field).contains(&text))
        })
    }
}
