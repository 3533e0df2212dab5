//! Values of a payload: texts assembled from pieces, attributes, numbers.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use serde::{Serialize, Serializer};

use super::content::document;
use crate::secret::Sealed;
use crate::text::decode;
use crate::wire::document::{Found, walk};
use crate::wire::entities;
use crate::{Text, Timestamp};

/// A value of a message that `Debug` does not show: an encryption key, or a credential for a file.
///
/// It is serialized in full with its message. It has no `Display`, and its value is accessible only
/// through [`Hidden::expose`]:
///
/// ```compile_fail,E0277
/// fn show(key: &wechat_proto::message::Hidden) {
///     println!("{key}");
/// }
/// ```
/// ```compile_fail,E0616
/// fn show(key: &wechat_proto::message::Hidden) {
///     println!("{:?}", key.0);
/// }
/// ```
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Hidden(Sealed);

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Hidden {}

impl Hidden {
    /// Returns the value.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Returns whether the value is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Box<str>> for Hidden {
    fn from(value: Box<str>) -> Self {
        Self(value.into())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "[empty]" } else { "[redacted]" })
    }
}

/// The texts of elements, by their names.
#[derive(Default)]
pub(super) struct Texts(BTreeMap<Box<str>, Piece>);

impl Texts {
    /// Appends a piece to the text of an element.
    pub(super) fn push(&mut self, name: &str, text: &str) {
        match self.0.get_mut(name) {
            Some(piece) => piece.push(text),
            None => drop(self.0.insert(name.into(), Piece(text.into()))),
        }
    }

    /// Returns the text of an element, which is empty if there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", Piece::as_str)
    }

    /// Removes and returns the text of an element.
    pub(super) fn take(&mut self, name: &str) -> Piece {
        self.0.remove(name).unwrap_or_default()
    }

    /// Removes and returns the text of the first of two elements, or of the second if that is blank.
    pub(super) fn take_either(&mut self, first: &str, second: &str) -> Piece {
        Some(self.take(first)).filter(|text| !text.is_empty()).unwrap_or_else(|| self.take(second))
    }
}

/// Visits the names and values of the attributes of elements in the XML of a content. Returns whether
/// there is such an element; `is` checks its path.
pub(super) fn attributes(
    content: &str,
    is: impl Fn(&[&str]) -> bool,
    mut visit: impl FnMut(&str, &str),
) -> bool {
    let mut any = false;
    if let Some(document) = document(content) {
        walk(&document, |path, found| {
            if let Found::Element(attributes) = found
                && is(path)
            {
                any = true;
                attributes.iter().for_each(|(name, value)| visit(name, &value));
            }
        });
    }
    any
}

/// Returns whether a path is that of the element `msg`.
pub(super) fn is_root(path: &[&str]) -> bool {
    *path == ["msg"]
}

/// The text of an element, assembled from the pieces in which it is visited.
#[derive(Default)]
pub(super) struct Piece(String);

impl Piece {
    pub(super) fn push(&mut self, text: &str) {
        self.0.push_str(text);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }

    /// Returns the text without surrounding white space.
    pub(super) fn as_str(&self) -> &str {
        self.0.trim()
    }

    /// Returns the text without surrounding white space.
    pub(super) fn plain(self) -> Box<str> {
        match self.as_str() {
            plain if plain.len() == self.0.len() => self.0.into_boxed_str(),
            plain => plain.into(),
        }
    }

    /// Returns a text that a person typed, unchanged; empty if it is blank.
    pub(super) fn typed(self) -> Box<str> {
        if self.is_empty() { Box::default() } else { self.0.into_boxed_str() }
    }

    /// Returns a URL, with a second level of escaping decoded.
    pub(super) fn url(self) -> Box<str> {
        let plain = self.plain();
        if plain.contains(['&', '\n']) { url(&plain) } else { plain }
    }

    pub(super) fn hidden(self) -> Hidden {
        self.plain().into()
    }

    pub(super) fn number<T: FromStr + Default>(&self) -> T {
        number(&self.0)
    }

    /// Parses a number of pixels, which some phones write as `1080.0`.
    pub(super) fn pixels(&self) -> u32 {
        number(self.0.split('.').next().unwrap_or_default())
    }

    /// Parses a time in seconds; `None` if it is 0 or malformed.
    pub(super) fn time(&self) -> Option<Timestamp> {
        Some(self.number()).filter(|seconds| *seconds > 0).map(Timestamp::from_secs)
    }
}

/// Returns a value without surrounding white space.
pub(super) fn plain(value: &str) -> Box<str> {
    value.trim().into()
}

/// Decodes a text in the page's notation, without surrounding white space: one of the record, or
/// one of an article, which is escaped once more than XML requires.
pub(super) fn text(value: &str) -> Box<str> {
    decode(Text::from(value.trim()))
}

/// Returns a URL, with a second or third level of escaping decoded (`docs/shapes.md` S55).
pub(super) fn url(value: &str) -> Box<str> {
    let mut url = entities::decode(value.trim());
    if url.contains("&amp;") {
        url = Cow::Owned(url.replace("&amp;", "&"));
    }
    if url.contains('\n') {
        url = Cow::Owned(url.replace('\n', ""));
    }
    url.into()
}

/// Parses a number; returns 0 if it is malformed or out of range.
pub(super) fn number<T: FromStr + Default>(value: &str) -> T {
    value.trim().parse().unwrap_or_default()
}

/// Converts a number of the record; returns 0 if out of range.
pub(super) fn unsigned<T: TryFrom<i64> + Default>(value: i64) -> T {
    value.try_into().unwrap_or_default()
}

/// Serializes a duration as milliseconds.
pub(super) fn millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    fn piece(pieces: &[&str]) -> Piece {
        let mut piece = Piece::default();
        pieces.iter().for_each(|text| piece.push(text));
        piece
    }

    #[test]
    fn pieces_are_concatenated() {
        assert_eq!(&*piece(&["\n\t", " a ", "&", " b", " \n"]).plain(), "a & b");
        assert_eq!(&*piece(&[" ", "a &amp;", "<br/>b "]).typed(), " a &amp;<br/>b ");
        assert_eq!(&*piece(&[" ", "\n"]).typed(), "");
        assert_eq!(&*piece(&[" http://x/?a=1&amp;b=2 "]).url(), "http://x/?a=1&b=2");
        assert_eq!(&*piece(&["http://x/?a=1&amp;amp;b\n=2&c"]).url(), "http://x/?a=1&b=2&c");
        assert_eq!(&*piece(&["a&amp;b"]).plain(), "a&amp;b");
        assert_eq!(
            (piece(&[" 12 "]).number(), piece(&["-1"]).number(), piece(&["x"]).number()),
            (12_i64, 0_u64, 0_i64)
        );
        assert_eq!((number("4294967296"), number(" 85"), number("")), (0_u32, 85_u32, 0_u64));
        assert_eq!((unsigned::<u32>(-1), unsigned::<u64>(7)), (0, 7));
        assert!(piece(&[" ", "\n"]).is_empty());
    }

    #[test]
    fn hidden_is_redacted_in_debug() {
        let hidden = piece(&["a911cc2e"]).hidden();
        assert_eq!(format!("{hidden:?} {:?}", Hidden::default()), "[redacted] [empty]");
        assert_eq!((hidden.expose(), hidden.is_empty()), ("a911cc2e", false));
        assert_eq!(serde_json::to_string(&hidden).unwrap(), "\"a911cc2e\"");
    }

    proptest! {
        #[test]
        fn splitting_does_not_change_the_text(text in "[ a-z\n中]{0,20}", at in any::<prop::sample::Index>()) {
            let places: alloc::vec::Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (one, two) = text.split_at(places[at.index(places.len())]);
            prop_assert_eq!(&*piece(&[one, two]).plain(), text.trim());
        }
    }
}
