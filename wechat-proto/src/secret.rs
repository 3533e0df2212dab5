//! Secret strings, which `Debug` does not show.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::text::text_type::text_type;

/// A text that `Debug` does not show and that is overwritten on drop (with the feature `zeroize`).
///
/// It is serialized by reference, because a copy would not be overwritten.
#[derive(Clone, Default, Eq, PartialEq, Serialize)]
pub(crate) struct Sealed(Box<str>);

impl Sealed {
    /// Returns the value, for a request.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value to be sent, unless it is empty.
    pub(crate) fn known(&self) -> Option<&Self> {
        Some(self).filter(|value| !value.is_empty())
    }

    /// Overwrites the value, in a way that the optimizer cannot remove.
    #[cfg(feature = "zeroize")]
    fn wipe(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

#[cfg(feature = "zeroize")]
impl Drop for Sealed {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Sealed {}

impl From<Box<str>> for Sealed {
    fn from(text: Box<str>) -> Self {
        Self(text)
    }
}

impl From<String> for Sealed {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Sealed {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A credential, whose value appears in requests and stored sessions but never in `Debug`.
///
/// It is visible ASCII of at most [`Secret::LONGEST`] bytes, so that every request with it can be
/// built.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Box<str>")]
pub(crate) struct Secret(Sealed);

/// Types that contain secrets are wiped if all of their secrets are.
#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Secret {}

impl Secret {
    /// The maximum length, that of cookies; real credentials have about a hundred characters.
    pub(crate) const LONGEST: usize = 4096;

    /// Returns the value, for a request.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Box<str>> for Secret {
    type Error = Invalid;

    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        // The text is sealed before the check, so that refused values are wiped as well.
        let text = Sealed::from(text);
        if text.0.len() > Self::LONGEST || !text.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid {
                what: "a credential",
                expected: "up to 4,096 visible characters",
            });
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_type! { Secret: FromStr; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s1_a_secret_is_not_shown() {
        let secret: Secret = "@crypt_1".parse().unwrap();
        assert_eq!(alloc::format!("{secret:?} {:#?}", secret.0), "[redacted] [redacted]");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"@crypt_1\"");
        assert_eq!(serde_json::from_str::<Secret>("\"@crypt_1\"").unwrap(), secret);
        for bad in ["a b", "a\n", "报", &"x".repeat(4097)] {
            let error = bad.parse::<Secret>().unwrap_err();
            assert!(!alloc::format!("{error} {error:?}").contains(bad));
        }
    }

    /// Calls `wipe` directly, as `drop` does. `tests/wiped.rs` checks the freed memory.
    #[cfg(feature = "zeroize")]
    #[test]
    fn s1_a_secret_is_wiped() {
        let mut secret: Secret = "@crypt_1".parse().unwrap();
        let copy = secret.clone();
        secret.0.wipe();
        assert_eq!(secret.expose(), "\0".repeat(8));
        assert_eq!(copy.expose(), "@crypt_1");
    }

    /// Fails to compile unless the types that contain secrets are wiped.
    #[cfg(feature = "zeroize")]
    const _: () = {
        const fn wiped<T: zeroize::ZeroizeOnDrop>() {}
        wiped::<Sealed>();
        wiped::<Secret>();
        wiped::<crate::login::Credentials>();
        wiped::<crate::login::Redirect>();
        wiped::<crate::entry::Extspam>();
        wiped::<crate::contact::Ticket>();
        wiped::<crate::message::Hidden>();
    };
}
