//! JSON fields that tolerate any value: `docs/shapes.md`, `docs/threats.md` J2, J3, J6.
//!
//! The server writes numbers as text and objects in place of strings, and omits or repeats fields.
//! Each type here accepts any value and falls back to its default; only a reply that is not JSON is
//! an error.
//!
//! Values that `serde_json` rejects (a number like `1e400`) are repaired first: see
//! [`repair`](super::repair).

use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::cell::Cell;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::text::Text;
use crate::wire::object::{listed, object};
use crate::wire::repair::mend;
use crate::wire::scalar::{Scalar, accept, skip_list, skip_object};

/// A type that can be parsed from any JSON value.
pub(crate) trait Lenient: Default {
    /// The form in which a [`List`] keeps the value.
    type Listed;

    /// The approximate memory for an element of a list, in bytes.
    const SIZE: usize = size_of::<Self::Listed>();

    /// Converts an element of a list; `None` omits it.
    fn listed(self) -> Option<Self::Listed>;

    /// Returns the value as a scalar, if it is one.
    fn as_scalar(&mut self) -> Option<&mut dyn Scalar> {
        None
    }

    /// Parses a value in place, because returning large values would copy them repeatedly. `self`
    /// is the default. `left` is the memory that is left for elements of lists.
    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        deserializer: D,
        left: &Cell<usize>,
    ) -> Result<(), D::Error>;

    /// Parses a JSON text, repaired if need be; the default if it cannot be repaired.
    fn read(json: &str) -> Self {
        from_str(json).or_else(|_| from_str(&mend(json).unwrap_or_default())).unwrap_or_default()
    }
}

/// Parses a JSON text.
pub(crate) fn from_str<T: Lenient>(json: &str) -> serde_json::Result<T> {
    let mut value = T::default();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let left = Cell::new(LISTS.max(json.len().saturating_mul(5)));
    value.fill(&mut deserializer, &left)?;
    deserializer.end()?;
    Ok(value)
}

/// A deserializer of a value that is part of another.
pub(crate) struct Fill<'a, T>(pub(crate) &'a mut T, pub(crate) &'a Cell<usize>);

impl<'de, T: Lenient> DeserializeSeed<'de> for Fill<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.fill(deserializer, self.1)
    }
}

/// Implements [`Lenient`] for a [`Scalar`].
macro_rules! scalar {
    ($kind:ty) => {
        impl $crate::wire::lenient::Lenient for $kind {
            $crate::wire::object::listed!();

            fn as_scalar(&mut self) -> Option<&mut dyn $crate::wire::scalar::Scalar> {
                Some(self)
            }

            fn fill<'de, D: serde::Deserializer<'de>>(
                &mut self,
                json: D,
                _: &core::cell::Cell<usize>,
            ) -> Result<(), D::Error> {
                serde::de::DeserializeSeed::deserialize(
                    $crate::wire::scalar::ScalarOf::<Self>::new(self),
                    json,
                )
            }
        }
    };
}
pub(crate) use scalar;

scalar!(i64);

/// An integer, written as a number, as `1.0`, or as text; 0 if it is missing or invalid.
impl Scalar for i64 {
    fn set_number(&mut self, number: i64) {
        *self = number;
    }

    fn set_text(&mut self, text: &str) {
        *self = text.trim().parse().unwrap_or_default();
    }
}

scalar!(Option<i64>);

/// An integer in the same forms, or `None` if it is missing or invalid. For numbers for which 0 has a
/// meaning.
impl Scalar for Option<i64> {
    fn set_number(&mut self, number: i64) {
        *self = Some(number);
    }

    fn set_text(&mut self, text: &str) {
        *self = text.trim().parse().ok();
    }
}

scalar!(Text);

impl Scalar for Text {
    fn set_number(&mut self, number: i64) {
        *self = number.to_string().into();
    }

    fn set_text(&mut self, text: &str) {
        *self = text.into();
    }
}

/// A parser of a list or an object. Other values are skipped.
pub(crate) trait Container<'de>: Sized {
    fn list<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        skip_list(list)
    }

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        skip_object(object)
    }
}

/// A visitor of any value.
pub(crate) struct Any<C>(pub(crate) C);

impl<'de, C: Container<'de>> Visitor<'de> for Any<C> {
    type Value = ();

    accept!(());

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        self.0.object(object)
    }
}

/// A list, and whether elements of it were skipped; any other value is an empty list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List<T: Lenient>(pub(crate) Vec<T::Listed>, pub(crate) bool);

impl<T: Lenient> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new(), false)
    }
}

/// The maximum length of a list, more than any real list; further elements are skipped
/// (`docs/threats.md` J7).
const ELEMENTS: usize = 100_000;
/// The memory for the elements of all lists of a text, if five times the length of the text is less.
/// Real elements are longer than their form in memory; an element of two bytes is not. Growing
/// vectors take three times as much for a moment. See `docs/threats.md` W3.
const LISTS: usize = 1 << 20;

impl<T: Lenient> Lenient for List<T> {
    listed!();

    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        deserializer: D,
        left: &Cell<usize>,
    ) -> Result<(), D::Error> {
        deserializer.deserialize_any(Any(Elements(self, left)))
    }
}

struct Elements<'a, T: Lenient>(&'a mut List<T>, &'a Cell<usize>);

impl<'de, T: Lenient> Container<'de> for Elements<'_, T> {
    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        // The server's count is not used to reserve memory, as it may be wrong.
        let Self(List(kept, is_cut), left) = self;
        while kept.len() < ELEMENTS && left.get() >= T::SIZE {
            let mut element = T::default();
            if list.next_element_seed(Fill(&mut element, left))?.is_none() {
                return Ok(());
            }
            if let Some(element) = element.listed() {
                left.set(left.get().saturating_sub(T::SIZE));
                kept.push(element);
            }
        }
        *is_cut = list.next_element::<IgnoredAny>()?.is_some();
        skip_list(list)
    }
}

object! {
    /// `{"Buff": …}`: the form of strings in `Profile` (`docs/protocol.md` §7.2).
    #[derive(Clone, Debug)]
    pub(crate) struct Buff {
        "Buff" => pub(crate) buff: Text,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    object! {
        #[derive(Clone, Debug, PartialEq)]
        struct Sample {
            "Id" => id: i64,
            "Name" => name: Text,
            "Inner" => inner: Inner,
            "List" => list: List<Inner>,
        }
    }

    object! {
        #[derive(Clone, Debug, PartialEq)]
        struct Inner {
            "N" => n: i64,
        }
    }

    fn read(json: &str) -> Sample {
        Sample::read(json)
    }

    /// Threat J2.
    #[test]
    fn numbers_are_parsed_in_every_form() {
        for (json, number) in [
            ("1", 1),
            ("\"12\"", 12),
            ("\" 7 \"", 7),
            ("1.0", 1),
            ("-3", -3),
            ("2147584103", 2_147_584_103),
            ("true", 1),
            ("null", 0),
            ("1.5", 0),
            ("\"x\"", 0),
            ("18446744073709551615", 0),
            ("[1,2]", 0),
            ("{\"a\":1}", 0),
            ("1e400", 0),
            ("99999999999999999999999", 0),
        ] {
            assert_eq!(i64::read(json), number, "{json}");
            assert_eq!(read(&format!("{{\"Id\": {json}, \"Name\": \"n\"}}")).id, number);
            assert_eq!(&*read(&format!("{{\"Id\": {json}, \"Name\": \"n\"}}")).name, "n");
            // The last of repeated fields wins.
            assert_eq!(read(&format!("{{\"Id\": 9, \"Id\": {json}}}")).id, number);
        }
    }

    /// Threat J3.
    #[test]
    fn objects_are_parsed_in_every_form() {
        let plain = read(r#"{"Id":1,"Name":"a","Inner":{"N":2},"List":[{"N":3},{"N":4}]}"#);
        assert_eq!((plain.id, &*plain.name, plain.inner.n), (1, "a", 2));
        assert_eq!(plain.list.0.len(), 2);
        // Unknown and missing fields are ignored.
        assert_eq!(read(r#"{"Id":2,"Else":[{}],"":null}"#).id, 2);
        // Other types.
        assert_eq!(read(r#"{"Id":{},"Name":null,"Inner":[],"List":{"a":1}}"#), Sample::default());
        for other in ["[1,\"a\"]", "1", "\"x\"", "null", "true", "1.5"] {
            assert_eq!(read(other), Sample::default(), "{other}");
        }
        assert_eq!(&*Text::read("{\"Buff\":\"\"}"), "");
        assert_eq!(&*Text::read("12"), "12");
        // An escaped name is the same name.
        assert_eq!(read(r#"{"\u0049d":5}"#).id, 5);
    }

    /// Threat J6: one invalid element does not affect the others.
    #[test]
    fn an_invalid_element_does_not_affect_the_others() {
        let sample = read(r#"{"Id":1e999,"Name":"a","List":[{"N":1},{"N":1e400},{"N":3}]}"#);
        assert_eq!(&*sample.name, "a");
        assert_eq!(sample.list.0, [Inner { n: 1 }, Inner { n: 0 }, Inner { n: 3 }]);
    }

    /// Threat J7: a reply of two megabytes does not take hundreds of megabytes of memory.
    #[test]
    fn lists_are_limited() {
        let json = format!("[{}0]", "0,".repeat(1_000_000));
        let List(list, is_cut) = List::<i64>::read(&json);
        assert_eq!((list.len(), is_cut), (ELEMENTS, true));
        let blank = List::<crate::contact::wire::WireContact>::read(&json).0;
        assert_eq!(blank.capacity(), 0);
    }
}
