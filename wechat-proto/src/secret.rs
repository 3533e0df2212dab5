//! Strings that must not be shown.

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

/// A credential: its value reaches requests and stored sessions, never `Debug`.
///
/// Visible ASCII, and no longer than [`Secret::LONGEST`]: every request that carries some can be
/// built.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub(crate) struct Secret(Box<str>);

impl Secret {
    /// Cookies may have this length; real credentials have about a hundred characters.
    pub(crate) const LONGEST: usize = 4096;

    /// The value, for a request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Box<str>> for Secret {
    type Error = Invalid;

    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        if text.len() > Self::LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid {
                what: "a credential",
                expected: "up to 4,096 visible characters",
            });
        }
        Ok(Self(text))
    }
}

impl FromStr for Secret {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Box::<str>::from(text).try_into()
    }
}

impl From<Secret> for Box<str> {
    fn from(secret: Secret) -> Self {
        secret.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
