//! JSON objects that tolerate any value: see [`lenient`](super::lenient).

/// Defines a struct that is parsed from a JSON object. Unknown fields are skipped, missing fields
/// have their default, the last of repeated fields counts, and any value other than an object is
/// the default.
///
/// With `blank without <field>`, lists omit objects whose text `<field>` is empty.
///
/// A derived `Deserialize` would reject repeated fields and accept a list for an object.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(blank without $named:ident)? {
            $( $(#[$field_meta:meta])* $key:literal => $field_vis:vis $field:ident : $kind:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Default)]
        $vis struct $name { $( $(#[$field_meta])* $field_vis $field: $kind ),* }

        const _: () = {
            use $crate::wire::lenient::Lenient;
            use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

            #[expect(non_camel_case_types, reason = "`macro_rules!` cannot convert field names to camel case")]
            #[derive(Clone, Copy)]
            enum Key { $( $field, )* Unknown }

            impl Key {
                fn of(name: &str) -> Self {
                    match name { $( $key => Self::$field, )* _ => Self::Unknown }
                }
            }

            impl<'de> Deserialize<'de> for Key {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Name;
                    impl<'de> Visitor<'de> for Name {
                        type Value = Key;
                        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                            f.write_str("a field")
                        }
                        fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                            Ok(Key::of(name))
                        }
                    }
                    deserializer.deserialize_identifier(Name)
                }
            }

            /// Fills the object in place: returning it by value would copy it repeatedly.
            struct Object<'a>(&'a mut $name);

            impl<'de> Visitor<'de> for Object<'_> {
                type Value = ();
                fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                    let Self(object) = self;
                    while let Some(named) = map.next_key::<Key>()? {
                        match named {
                            $( Key::$field => object.$field = map.next_value()?, )*
                            Key::Unknown => { map.next_value::<IgnoredAny>()?; }
                        }
                    }
                    Ok(())
                }
                $crate::wire::object::no_object!(());
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let mut object = Self::default();
                    deserializer.deserialize_any(Object(&mut object))?;
                    Ok(object)
                }
            }

            impl Lenient for $name {
                $( fn is_blank(&self) -> bool {
                    self.$named.is_empty()
                } )?
            }
        };
    };
}
pub(crate) use object;

/// Implements the visits of values other than objects, which yield the default.
macro_rules! no_object {
    ($name:ty) => {
        fn visit_bool<E>(self, _: bool) -> Result<$name, E> {
            Ok(Default::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<$name, E> {
            Ok(Default::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<$name, E> {
            Ok(Default::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<$name, E> {
            Ok(Default::default())
        }
        fn visit_str<E>(self, _: &str) -> Result<$name, E> {
            Ok(Default::default())
        }
        fn visit_unit<E>(self) -> Result<$name, E> {
            Ok(Default::default())
        }
        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<$name, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}
pub(crate) use no_object;
