//! JSON objects that tolerate any value: see [`lenient`](super::lenient).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::lenient::ELEMENTS;

/// The fields of an object as raw JSON, the last of each name.
pub(crate) struct Fields<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// Parses the fields of `json`; `None` if it is not an object.
    pub(crate) fn of(json: &'a str) -> Option<Self> {
        serde_json::from_str::<Pairs<'a>>(json).ok().map(|pairs| Self(pairs.0))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).map(|raw| raw.get())
    }
}

/// Returns the elements of a list as raw JSON, up to the limit of a [`List`](super::lenient::List);
/// none if `json` is not a list.
pub(crate) fn elements(json: &str) -> Vec<&str> {
    struct Elements<'a>(Vec<&'a str>);

    impl<'de> Deserialize<'de> for Elements<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct List;
            impl<'de> Visitor<'de> for List {
                type Value = Vec<&'de str>;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a list")
                }

                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                    let mut list = Vec::new();
                    while list.len() < ELEMENTS
                        && let Some(element) = seq.next_element::<&RawValue>()?
                    {
                        list.push(element.get());
                    }
                    while seq.next_element::<IgnoredAny>()?.is_some() {}
                    Ok(list)
                }
            }
            deserializer.deserialize_seq(List).map(Elements)
        }
    }

    serde_json::from_str::<Elements<'_>>(json).map(|list| list.0).unwrap_or_default()
}

struct Pairs<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = BTreeMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    fields.insert(name, value);
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object).map(Pairs)
    }
}

/// Defines a struct that is parsed from a JSON object. Unknown fields are skipped, missing fields
/// have their default, the last of repeated fields counts, and any value other than an object is
/// the default.
///
/// Fields are found fastest if they are defined in the order in which the service writes them.
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
            use $crate::wire::object::Fields;
            use $crate::wire::reader::Reader;
            use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

            #[allow(non_camel_case_types, reason = "`macro_rules!` cannot convert field names to camel case")]
            #[derive(Clone, Copy)]
            enum Key { $( $field, )* Unknown }

            impl Key {
                fn of(name: &str) -> Self {
                    match name { $( $key => Self::$field, )* _ => Self::Unknown }
                }
            }

            /// The beginning of each field, in the order of the definition.
            const BEGINNINGS: &[(&str, Key)] = &[
                $( (concat!("\"", $key, "\":"), Key::$field), )*
            ];

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
                fn quick(reader: &mut Reader<'_>) -> Option<Self> {
                    if !reader.take(b'{') {
                        return reader.other();
                    }
                    let mut object = Self::default();
                    let mut more = !reader.take(b'}');
                    // The service writes its fields in a fixed order, so that the next field is
                    // usually the next in the definition.
                    let mut ahead = BEGINNINGS;
                    while more {
                        let found = match ahead {
                            [(beginning, found), rest @ ..] if reader.take_all(beginning) => {
                                ahead = rest;
                                *found
                            }
                            _ => {
                                let found = Key::of(reader.name()?);
                                if !matches!(found, Key::Unknown) {
                                    let behind = found as usize + 1;
                                    ahead = BEGINNINGS.get(behind..).unwrap_or_default();
                                }
                                found
                            }
                        };
                        match found {
                            $( Key::$field => object.$field = Lenient::quick(reader)?, )*
                            Key::Unknown => reader.skip()?,
                        }
                        more = reader.more(b'}')?;
                    }
                    Some(object)
                }

                $( fn is_blank(&self) -> bool {
                    self.$named.is_empty()
                } )?

                fn salvage(json: &str) -> Self {
                    let mut object = Self::default();
                    if let Some(fields) = Fields::of(json) {
                        $( if let Some(value) = fields.get($key) {
                            object.$field = Lenient::read(value);
                        } )*
                    }
                    object
                }
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
