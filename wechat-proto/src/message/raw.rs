//! The raw JSON of messages.

use alloc::string::String;
use alloc::sync::Arc;
use core::cell::Cell;
use core::fmt;

use serde::{Deserialize as _, Deserializer};
use serde_json::value::RawValue;

use crate::wire::lenient::{Lenient, from_str};
use crate::wire::object::listed;
use crate::wire::repair::mend;

/// The JSON that a message was parsed from. Cheap to clone.
#[derive(Clone, Default)]
pub struct Raw(Arc<str>);

impl Raw {
    /// Returns the message's own JSON object as the service wrote it, repaired if it was malformed.
    /// If the message cannot be repaired ([`Kind::Unreadable`](super::Kind::Unreadable)), returns
    /// the received text.
    pub fn json(&self) -> &str {
        &self.0
    }

    /// Parses the text, repaired if need be. Returns `None` if it cannot be repaired.
    pub(super) fn parse<T: Lenient>(&mut self) -> Option<T> {
        if let Ok(value) = from_str(&self.0) {
            return Some(value);
        }
        // Any other text is not a message, even if it could be repaired.
        let text = self.0.trim_start().starts_with('{').then(|| mend(&self.0))??;
        let value = from_str(&text).ok()?;
        self.0 = text.into();
        Some(value)
    }
}

impl From<&str> for Raw {
    fn from(json: &str) -> Self {
        Self(json.into())
    }
}

/// Reads any value. A string is text that could not be repaired.
impl Lenient for Raw {
    listed!();

    /// The size of a message: twice that of [`Message`](super::Message), because it has names and a
    /// payload.
    const SIZE: usize = 320;

    fn fill<'de, D: Deserializer<'de>>(
        &mut self,
        deserializer: D,
        _: &Cell<usize>,
    ) -> Result<(), D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?.get();
        if json.starts_with('"')
            && let Ok(text) = serde_json::from_str::<String>(json)
        {
            self.0 = text.into();
            return Ok(());
        }
        // Half a surrogate pair is valid syntax, but not a string.
        let surrogate = json.contains("\\u") && (json.contains("\\ud") || json.contains("\\uD"));
        let text = if surrogate { mend(json) } else { None };
        self.0 = text.map_or_else(|| json.into(), Into::into);
        Ok(())
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}
