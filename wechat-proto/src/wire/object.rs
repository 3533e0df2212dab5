//! JSON objects that tolerate any value: see [`lenient`](super::lenient).

/// Defines a struct that is parsed from a JSON object. Unknown fields are skipped, missing fields
/// have their default, the last of repeated fields wins, and any value other than an object is the
/// default.
///
/// With `listed as <Type>`, lists keep the result of the object's method `take`, which returns
/// `Option<Type>`.
///
/// A derived `Deserialize` would reject repeated fields and accept a list for an object.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(listed as $listed:ty)? {
            $( $(#[$field_meta:meta])* $key:literal => $field_vis:vis $field:ident : $kind:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Default)]
        $vis struct $name { $( $(#[$field_meta])* $field_vis $field: $kind ),* }

        const _: () = {
            use $crate::wire::lenient::{Any, Container, Fill, Lenient};
            use $crate::wire::scalar::{Scalar, ScalarOf};
            use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

            #[expect(non_camel_case_types, reason = "`macro_rules!` cannot convert field names to camel case")]
            enum Key { $( $field, )* Unknown }

            enum Field<'a> {
                Scalar(&'a mut dyn Scalar),
                Other(Key),
            }

            /// A visitor that finds the field of a name.
            struct Name<'a>(&'a mut $name);

            impl<'a, 'de> DeserializeSeed<'de> for Name<'a> {
                type Value = Field<'a>;
                fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<'a>, D::Error> {
                    deserializer.deserialize_identifier(self)
                }
            }

            impl<'a> Visitor<'_> for Name<'a> {
                type Value = Field<'a>;
                fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str("a field")
                }
                fn visit_str<E>(self, name: &str) -> Result<Field<'a>, E> {
                    let Self(_object) = self;
                    Ok(match name {
                        $( $key => _object.$field.as_scalar().map_or(Field::Other(Key::$field), Field::Scalar), )*
                        _ => Field::Other(Key::Unknown),
                    })
                }
            }

            struct Object<'a>(&'a mut $name, &'a core::cell::Cell<usize>);

            impl<'de> Container<'de> for Object<'_> {
                fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                    let Self(object, left) = self;
                    while let Some(found) = map.next_key_seed(Name(object))? {
                        match found {
                            // One call for all scalars is faster than one per field.
                            Field::Scalar(scalar) => map.next_value_seed(ScalarOf::<$name>::new(scalar))?,
                            $( Field::Other(Key::$field) => {
                                object.$field = Default::default();
                                map.next_value_seed(Fill(&mut object.$field, left))?;
                            } )*
                            Field::Other(Key::Unknown) => { map.next_value::<IgnoredAny>()?; }
                        }
                    }
                    Ok(())
                }
            }

            impl Lenient for $name {
                $crate::wire::object::listed!($($listed)?);
                fn fill<'de, D: Deserializer<'de>>(&mut self, deserializer: D, left: &core::cell::Cell<usize>) -> Result<(), D::Error> {
                    deserializer.deserialize_any(Any(Object(self, left)))
                }
            }
        };
    };
}
pub(crate) use object;

/// Defines the form in which lists keep a value: as it is, or the result of `take`.
macro_rules! listed {
    () => {
        type Listed = Self;
        fn listed(self) -> Option<Self> {
            Some(self)
        }
    };
    ($kind:ty) => {
        type Listed = $kind;
        fn listed(self) -> Option<$kind> {
            self.take()
        }
    };
}
pub(crate) use listed;
