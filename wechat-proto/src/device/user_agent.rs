//! The browser that a device appears to be.

use alloc::borrow::Cow;
use alloc::boxed::Box;

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::text::text_type::text_type;

/// The `User-Agent` of the device; the same for the whole session (`docs/protocol.md` §1.3).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct UserAgent(Cow<'static, str>);

impl UserAgent {
    pub(crate) fn header(&self) -> HeaderValue {
        match &self.0 {
            Cow::Borrowed(text) => HeaderValue::from_static(text),
            Cow::Owned(text) => HeaderValue::from_str(text).expect("validated on construction"),
        }
    }
}

impl Default for UserAgent {
    /// Returns the user agent of a desktop Chrome.
    fn default() -> Self {
        Self(Cow::Borrowed(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
             Chrome/130.0.0.0 Safari/537.36",
        ))
    }
}

impl TryFrom<Box<str>> for UserAgent {
    type Error = Invalid;

    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        let visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if text.trim().is_empty() || text.len() > 512 || !visible {
            return Err(Invalid {
                what: "a user agent",
                expected: "1 to 512 visible ASCII characters",
            });
        }
        Ok(Self(Cow::Owned(text.into())))
    }
}

text_type! { UserAgent: FromStr Into; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_agent_fits_a_header() {
        "Mozilla/5.0 (X11)".parse::<UserAgent>().unwrap().header();
        UserAgent::default().header();
        for bad in ["", " ", "a\r\nb: c", "微信"] {
            assert!(bad.parse::<UserAgent>().is_err(), "{bad:?}");
        }
    }
}
