//! JSON bodies of requests.

use alloc::vec::Vec;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A JSON object, whose fields are written in the order in which they were added.
pub(crate) trait Fields: Sized {
    /// Writes the fields.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;

    /// Adds a field.
    fn with<T: Serialize>(self, name: &'static str, value: T) -> With<Self, T> {
        self.with_some(name, Some(value))
    }

    /// Adds a field, unless it has no value.
    fn with_some<T: Serialize>(self, name: &'static str, value: Option<T>) -> With<Self, T> {
        With { before: self, name, value }
    }

    /// Returns the JSON, in literal UTF-8.
    fn json(&self) -> Vec<u8>
    where
        Self: Serialize,
    {
        serde_json::to_vec(self).expect("all keys are strings")
    }
}

/// An object without fields.
pub(crate) struct Object;

/// An object with one more field.
pub(crate) struct With<F, T> {
    before: F,
    name: &'static str,
    value: Option<T>,
}

impl Fields for Object {
    fn write<M: SerializeMap>(&self, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

impl<F: Fields, T: Serialize> Fields for With<F, T> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.before.write(map)?;
        match &self.value {
            Some(value) => map.serialize_entry(self.name, value),
            None => Ok(()),
        }
    }
}

impl<F: Fields, T: Serialize> Serialize for With<F, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_in_order() {
        let object = Object
            .with("B", "\"报\"")
            .with_some("None", None::<u8>)
            .with_some("A", Some(1))
            .with("Object", Object.with("X", [0; 0]).with("Y", [1, 2]))
            .with("List", [Object.with("Item", 1)]);
        let json = r#"{"B":"\"报\"","A":1,"Object":{"X":[],"Y":[1,2]},"List":[{"Item":1}]}"#;
        assert_eq!(object.json(), json.as_bytes());
    }
}
