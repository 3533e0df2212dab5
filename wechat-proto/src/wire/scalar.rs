//! Values of JSON fields that are neither lists nor objects: see [`lenient`](super::lenient).

use core::fmt;
use core::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that is written as a number or as text.
pub(crate) trait Scalar {
    fn set_number(&mut self, number: i64);

    /// Sets the value from a text: an empty one for values that are not scalars.
    fn set_text(&mut self, text: &str);
}

/// A deserializer of a scalar field of an object of type `T`.
///
/// An object has one call for all of its scalars, which is inlined because it is generic: this is
/// faster than a call for each field.
pub(crate) struct ScalarOf<'a, T>(&'a mut dyn Scalar, PhantomData<T>);

impl<'a, T> ScalarOf<'a, T> {
    pub(crate) fn new(scalar: &'a mut dyn Scalar) -> Self {
        Self(scalar, PhantomData)
    }
}

impl<'de, T> DeserializeSeed<'de> for ScalarOf<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T> Visitor<'de> for ScalarOf<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.set_number(value.into());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.set_number(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(number) => self.0.set_number(number),
            Err(_) => self.0.set_text(""),
        }
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        match integral(value) {
            Some(number) => self.0.set_number(number),
            None => self.0.set_text(""),
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.set_text(text);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.set_text("");
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.0.set_text("");
        skip_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        self.0.set_text("");
        skip_object(object)
    }
}

#[cold]
pub(super) fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

#[cold]
pub(super) fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Defines the methods of a visitor that accepts values without elements and returns a constant.
macro_rules! accept {
    ($value:expr) => {
        $crate::wire::scalar::accept! {
            $value; visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64, visit_str &str
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value)
        }

        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("any value")
        }
    };
    ($value:expr; $($visit:ident $kind:ty),*) => {
        $(fn $visit<E>(self, _: $kind) -> Result<Self::Value, E> {
            Ok($value)
        })*
    };
}
pub(super) use accept;

/// Returns `value` as an integer, if it is one that a double represents exactly.
#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
fn integral(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    ((-EXACT..=EXACT).contains(&value) && value % 1.0 == 0.0).then_some(value as i64)
}
