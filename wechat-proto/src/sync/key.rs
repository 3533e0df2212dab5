//! `SyncKey`: the position in the account's messages (`docs/protocol.md` §7.2).

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::wire::fields::{Fields as _, Object};
use crate::wire::lenient::List;
use crate::wire::object::object;

/// An opaque set of numbered counters.
///
/// The `SyncKey` of a `webwxsync` reply is sent with the next `webwxsync`, its `SyncCheckKey` with
/// the next `synccheck`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Vec<(i64, i64)>", into = "Vec<(i64, i64)>")]
pub struct SyncKey(Vec<(i64, i64)>);

/// The maximum number of counters, more than any key has: keys are written into URLs.
const COUNTERS: usize = 256;

impl SyncKey {
    /// Returns whether the key has no counters. Such a key does not replace another.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the key in the form of `synccheck`: `1_643606091|2_643606203`.
    pub(crate) fn joined(&self) -> String {
        // A counter has seldom more than two and ten digits.
        let mut text = String::with_capacity(self.0.len() * 14);
        let mut number = itoa::Buffer::new();
        for (key, value) in &self.0 {
            if !text.is_empty() {
                text.push('|');
            }
            text.push_str(number.format(*key));
            text.push('_');
            text.push_str(number.format(*value));
        }
        text
    }

    /// Returns the key in the form of `webwxsync`.
    pub(crate) fn body(&self) -> impl Serialize {
        let counter = |(key, value): &(i64, i64)| Object.with("Key", *key).with("Val", *value);
        let list: Vec<_> = self.0.iter().map(counter).collect();
        Object.with("Count", list.len()).with("List", list)
    }
}

impl TryFrom<Vec<(i64, i64)>> for SyncKey {
    type Error = Invalid;

    fn try_from(counters: Vec<(i64, i64)>) -> Result<Self, Invalid> {
        if counters.len() > COUNTERS {
            return Err(Invalid { what: "a key", expected: "up to 256 counters" });
        }
        Ok(Self(counters))
    }
}

impl From<SyncKey> for Vec<(i64, i64)> {
    fn from(key: SyncKey) -> Self {
        key.0
    }
}

object! {
    /// A key on the wire.
    #[derive(Clone, Debug)]
    pub(crate) struct WireKey {
        "Count" => count: i64,
        "List" => list: List<WireCounter>,
    }
}

object! {
    #[derive(Clone, Debug)]
    pub(crate) struct WireCounter {
        "Key" => key: Option<i64>,
        "Val" => value: Option<i64>,
    }
}

impl WireKey {
    /// Returns the key, or `None` if `Count` is 0, the list is empty or too long, or a counter is
    /// not a number: such a key is ignored.
    pub(crate) fn take(self) -> Option<SyncKey> {
        let counters = self.list.0;
        if self.count == 0 || counters.is_empty() {
            return None;
        }
        let key = counters.iter().map(|counter| counter.key.zip(counter.value));
        SyncKey::try_from(key.collect::<Option<Vec<_>>>()?).ok()
    }

    /// Parses a key from JSON, for tests.
    #[cfg(test)]
    pub(crate) fn of(json: &str) -> Option<SyncKey> {
        use crate::wire::lenient::Lenient as _;
        Self::read(json).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_two_forms() {
        let json =
            "{\"Count\":2,\"List\":[{\"Key\":1,\"Val\":643606091},{\"Key\":2,\"Val\":5000000000}]}";
        let key = WireKey::of(json).unwrap();
        assert_eq!(key.joined(), "1_643606091|2_5000000000");
        assert_eq!(serde_json::to_string(&key.body()).unwrap(), json);
        let key = SyncKey(alloc::vec![(0, i64::MIN), (-10, i64::MAX)]);
        assert_eq!(key.joined(), "0_-9223372036854775808|-10_9223372036854775807");
    }

    /// `docs/protocol.md` §7.2: a key set with `Count` 0 must not replace the stored one.
    ///
    /// Threat S3.
    #[test]
    fn an_empty_or_invalid_key_is_ignored() {
        for json in [
            "{\"Count\":0,\"List\":[]}",
            "{\"Count\":0,\"List\":[{\"Key\":1,\"Val\":2}]}",
            "{\"Count\":3,\"List\":[]}",
            "{}",
            "[]",
            "null",
            // Invalid counters.
            "{\"Count\":1,\"List\":[{\"Key\":1,\"Val\":null}]}",
            "{\"Count\":1,\"List\":[{\"Key\":1}]}",
            "{\"Count\":1,\"List\":[{\"Key\":1,\"Val\":99999999999999999999}]}",
            "{\"Count\":1,\"List\":[\"x\"]}",
        ] {
            assert_eq!(WireKey::of(json), None, "{json}");
        }
    }

    /// The key is part of the URL of each check.
    #[test]
    fn the_number_of_counters_is_limited() {
        for (count, is_key) in [(1, true), (256, true), (257, false), (5000, false)] {
            let list = "{\"Key\":1,\"Val\":2},".repeat(count);
            let json = alloc::format!("{{\"Count\":1,\"List\":[{}]}}", list.trim_end_matches(','));
            assert_eq!(WireKey::of(&json).is_some(), is_key, "{count}");
        }
    }
}
