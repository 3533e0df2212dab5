//! Values that the protocol cannot represent.

/// A value from the caller that the protocol cannot represent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not {what}: expected {expected}")]
pub struct Invalid {
    /// The kind of value, with its article: "an origin".
    pub what: &'static str,
    /// The expected form of the value.
    pub expected: &'static str,
}
