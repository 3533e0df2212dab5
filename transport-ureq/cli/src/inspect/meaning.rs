//! The meaning of a reply.

use serde_json::Value;

/// The meaning of a reply, as lines of text and as JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Meaning {
    pub(super) lines: Vec<String>,
    pub(super) json: Value,
}

impl Meaning {
    /// Returns a meaning of one line.
    pub(super) fn line(line: impl Into<String>, json: Value) -> Self {
        Self { lines: vec![line.into()], json }
    }
}
