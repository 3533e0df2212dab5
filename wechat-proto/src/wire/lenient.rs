//! JSON fields that tolerate any value: `docs/shapes.md`, `docs/threats.md` J2, J3, J6.
//!
//! The server writes numbers as text and objects in place of strings, and omits or repeats fields.
//! Each type here accepts any value and falls back to its default; only a reply that is not JSON is
//! an error.
//!
//! Values that `serde_json` rejects (a number like `1e400`) are repaired first: see
//! [`repair`](super::repair).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::text::Text;
use crate::wire::mend::mend;
use crate::wire::object::object;

/// A type that can be parsed from any JSON value.
pub(crate) trait Lenient: Default + DeserializeOwned {
    /// Parses a JSON text, repaired if need be; the default if it cannot be repaired.
    fn read(json: &str) -> Self {
        serde_json::from_str(json)
            .or_else(|_| serde_json::from_str(&mend(json).unwrap_or_default()))
            .unwrap_or_default()
    }

    /// Returns whether the value has no content, so that lists omit it.
    fn is_blank(&self) -> bool {
        false
    }
}

/// Implements a visitor that accepts every kind of value, with the default for those not named.
macro_rules! lenient_visitor {
    ($kind:ty { $($rest:tt)* }) => {
        impl<'de> Visitor<'de> for Lax<$kind> {
            type Value = $kind;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            lenient_visitor!(@ $kind, $($rest)*);
        }
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Lax::<Self>(PhantomData))
            }
        }
    };
    (@ $kind:ty, number |$n:ident| $number:expr, text |$t:ident| $text:expr) => {
        fn visit_bool<E>(self, value: bool) -> Result<$kind, E> {
            let $n = i64::from(value);
            Ok($number)
        }
        fn visit_i64<E>(self, $n: i64) -> Result<$kind, E> {
            Ok($number)
        }
        fn visit_u64<E>(self, value: u64) -> Result<$kind, E> {
            match i64::try_from(value) {
                Ok($n) => Ok($number),
                Err(_) => Ok(Default::default()),
            }
        }
        fn visit_f64<E>(self, value: f64) -> Result<$kind, E> {
            match integral(value) {
                Some($n) => Ok($number),
                None => Ok(Default::default()),
            }
        }
        fn visit_str<E>(self, $t: &str) -> Result<$kind, E> {
            Ok($text)
        }
        fn visit_unit<E>(self) -> Result<$kind, E> {
            Ok(Default::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<$kind, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$kind, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}
pub(crate) struct Lax<T>(PhantomData<T>);

/// An integer, written as a number, as `1.0`, or as text.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Int(pub(crate) i64);

lenient_visitor!(Int {
    number |n| Int(n),
    text |t| Int(t.trim().parse().unwrap_or_default())
});

impl Lenient for Int {}

/// An integer in one of the forms of [`Int`], or `None` if it is missing or invalid. For numbers for
/// which 0 has a meaning.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Number(pub(crate) Option<i64>);

lenient_visitor!(Number {
    number |n| Number(Some(n)),
    text |t| Number(t.trim().parse().ok())
});

impl Lenient for Number {}

lenient_visitor!(Text {
    number |n| Text::from(alloc::string::ToString::to_string(&n)),
    text |t| Text::from(t)
});

impl Lenient for Text {}

/// Returns `value` as an integer, if it is one that a double represents exactly.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
fn integral(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    ((-EXACT..=EXACT).contains(&value) && value % 1.0 == 0.0).then_some(value as i64)
}

/// A list; any other value is an empty list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// The maximum length of a list, more than any real list; further elements are skipped
/// (`docs/threats.md` J7).
pub(crate) const ELEMENTS: usize = 100_000;

impl<'de, T: Lenient> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Lax::<Self>(PhantomData))
    }
}

impl<'de, T: Lenient> Visitor<'de> for Lax<List<T>> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        // The server's count is not used to reserve memory, as it may be wrong. An element of two
        // bytes may take hundreds in memory.
        let mut list = Vec::new();
        while list.len() < ELEMENTS
            && let Some(element) = seq.next_element::<T>()?
        {
            if !element.is_blank() {
                list.push(element);
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<List<T>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(List::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }
}

impl<T: Lenient> Lenient for List<T> {}

object! {
    /// `{"Buff": …}`: the form of strings in `Profile` (`docs/protocol.md` §7.2).
    #[derive(Clone, Debug)]
    pub(crate) struct Buff {
        "Buff" => pub(crate) buff: Text,
    }
}

impl From<Text> for Box<str> {
    fn from(text: Text) -> Self {
        text.into_boxed()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    object! {
        #[derive(Clone, Debug, PartialEq)]
        struct Sample {
            "Id" => id: Int,
            "Name" => name: Text,
            "Inner" => inner: Inner,
            "List" => list: List<Inner>,
        }
    }

    object! {
        #[derive(Clone, Debug, PartialEq)]
        struct Inner {
            "N" => n: Int,
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
            assert_eq!(Int::read(json), Int(number), "{json}");
            assert_eq!(read(&format!("{{\"Id\": {json}, \"Name\": \"n\"}}")).id, Int(number));
            assert_eq!(&*read(&format!("{{\"Id\": {json}, \"Name\": \"n\"}}")).name, "n");
        }
    }

    /// Threat J3.
    #[test]
    fn objects_are_parsed_in_every_form() {
        let plain = read(r#"{"Id":1,"Name":"a","Inner":{"N":2},"List":[{"N":3},{"N":4}]}"#);
        assert_eq!((plain.id.0, &*plain.name, plain.inner.n.0), (1, "a", 2));
        assert_eq!(plain.list.0.len(), 2);
        // The last of repeated fields counts; unknown and missing fields are ignored.
        assert_eq!(read(r#"{"Id":1,"Id":2,"Else":[{}],"":null}"#).id, Int(2));
        // Other types.
        assert_eq!(read(r#"{"Id":{},"Name":null,"Inner":[],"List":{"a":1}}"#), Sample::default());
        for other in ["[1,\"a\"]", "1", "\"x\"", "null", "true", "1.5"] {
            assert_eq!(read(other), Sample::default(), "{other}");
        }
        assert_eq!(&*Text::read("{\"Buff\":\"\"}"), "");
        assert_eq!(&*Text::read("12"), "12");
        // An escaped name is the same name.
        assert_eq!(read(r#"{"\u0049d":5}"#).id, Int(5));
    }

    /// Threat J6: one invalid element does not affect the others.
    #[test]
    fn an_invalid_element_does_not_affect_the_others() {
        let sample = read(r#"{"Id":1e999,"Name":"a","List":[{"N":1},{"N":1e400},{"N":3}]}"#);
        assert_eq!(&*sample.name, "a");
        assert_eq!(sample.list.0, [Inner { n: Int(1) }, Inner { n: Int(0) }, Inner { n: Int(3) }]);
    }

    /// Threat J7: a reply of two megabytes does not take hundreds of megabytes of memory.
    #[test]
    fn lists_are_limited() {
        let json = format!("[{}0]", "0,".repeat(1_000_000));
        assert_eq!(List::<Int>::read(&json).0.len(), ELEMENTS);
        let blank = List::<crate::contact::record::WireContact>::read(&json).0;
        assert_eq!(blank.capacity(), 0);
    }

    proptest! {
        #[test]
        fn any_text_is_read(json in ".{0,200}") {
            Sample::read(&json);
        }
    }
}
