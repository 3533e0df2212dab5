//! Problems in data from users, with their location.

use std::fmt;

/// A problem with a value, and the path of the value: `message.card.of`, `script[2].after_ms`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Problem {
    pub(crate) path: String,
    pub(crate) reason: String,
}

impl Problem {
    pub(crate) fn at(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }

    /// Prepends the path of the enclosing value.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        self.path = match (outer, &*self.path) {
            (outer, "") => outer.to_owned(),
            ("", path) => path.to_owned(),
            (outer, path) => format!("{outer}.{path}"),
        };
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" => f.write_str(&self.reason),
            path => write!(f, "{path}: {}", self.reason),
        }
    }
}
