//! Values of a payload: texts put together from pieces, attributes, numbers.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::time::Duration;

use serde::{Serialize, Serializer};

use crate::secret::Sealed;
use crate::text::{Text, decode};
use crate::wire::entities;

/// A value of a message that `Debug` does not show: a key of encryption, what fetches a file.
///
/// It is written out where a message is serialized. It cannot be printed by mistake, nor what is in
/// it be reached but by [`Hidden::expose`]:
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
    /// The value.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether there is none.
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

/// The text of an element, put together from the pieces in which it is visited, without the white
/// space around it.
#[derive(Default)]
pub(super) struct Piece(String);

impl Piece {
    pub(super) fn push(&mut self, text: &str) {
        self.0.push_str(if self.0.is_empty() { text.trim_start() } else { text });
    }

    pub(super) fn take(&mut self) -> Self {
        Self(core::mem::take(&mut self.0))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.trim_end()
    }

    /// An id, a checksum: as it is.
    pub(super) fn plain(mut self) -> Box<str> {
        self.0.truncate(self.0.trim_end().len());
        self.0.into_boxed_str()
    }

    /// What people read: what was escaped once more is decoded.
    pub(super) fn text(self) -> Box<str> {
        decode(Text::from(self.plain()))
    }

    /// An address: what was escaped once more is decoded.
    pub(super) fn url(self) -> Box<str> {
        let plain = self.plain();
        if plain.contains(['&', '\n']) { url(&plain) } else { plain }
    }

    pub(super) fn hidden(self) -> Hidden {
        self.plain().into()
    }

    pub(super) fn int(&self) -> i64 {
        int(&self.0)
    }

    pub(super) fn size(&self) -> u64 {
        size(&self.0)
    }
}

/// A value as it is, without the white space around it.
pub(super) fn plain(value: &str) -> Box<str> {
    value.trim().into()
}

/// What people read: what was escaped once more is decoded.
pub(super) fn text(value: &str) -> Box<str> {
    decode(Text::from(value.trim()))
}

/// An address: what was escaped once more, or twice more (`docs/shapes.md` S55), is decoded.
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

/// A whole number; 0 if it is none.
pub(super) fn int(value: &str) -> i64 {
    value.trim().parse().unwrap_or_default()
}

/// A number of things; 0 if it is none.
pub(super) fn size(value: &str) -> u64 {
    value.trim().parse().unwrap_or_default()
}

/// A number of pixels; 0 if it is none.
pub(super) fn pixels(value: &str) -> u32 {
    value.trim().parse().unwrap_or_default()
}

/// A number of the record's as a number of things; 0 if it is none.
pub(super) fn unsigned<T: TryFrom<i64> + Default>(value: i64) -> T {
    value.try_into().unwrap_or_default()
}

/// A length of time as a bridge writes it: milliseconds.
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
    fn puts_together() {
        assert_eq!(&*piece(&["\n\t", " a ", "&", " b", " \n"]).plain(), "a & b");
        assert_eq!(&*piece(&["a &amp;", " b<br/>c"]).text(), "a & b\nc");
        assert_eq!(&*piece(&[" http://x/?a=1&amp;b=2 "]).url(), "http://x/?a=1&b=2");
        assert_eq!(&*piece(&["http://x/?a=1&amp;amp;b\n=2&c"]).url(), "http://x/?a=1&b=2&c");
        assert_eq!(&*piece(&["a&amp;b"]).plain(), "a&amp;b");
        assert_eq!(
            (piece(&[" 12 "]).int(), piece(&["-1"]).size(), piece(&["x"]).int()),
            (12, 0, 0)
        );
        assert_eq!((pixels("4294967296"), pixels(" 85"), size("")), (0, 85, 0));
        assert_eq!((unsigned::<u32>(-1), unsigned::<u64>(7)), (0, 7));
        assert!(piece(&[" ", "\n"]).is_empty());
    }

    #[test]
    fn hides() {
        let hidden = piece(&["a911cc2e"]).hidden();
        assert_eq!(format!("{hidden:?} {:?}", Hidden::default()), "[redacted] [empty]");
        assert_eq!((hidden.expose(), hidden.is_empty()), ("a911cc2e", false));
        assert_eq!(serde_json::to_string(&hidden).unwrap(), "\"a911cc2e\"");
    }

    proptest! {
        #[test]
        fn however_it_is_split(text in "[ a-z\n中]{0,20}", at in any::<prop::sample::Index>()) {
            let places: alloc::vec::Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (one, two) = text.split_at(places[at.index(places.len())]);
            prop_assert_eq!(&*piece(&[one, two]).plain(), text.trim());
        }
    }
}
