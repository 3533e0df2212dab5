//! The MD5 of emoticons.

use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::text::text_type::text_type;

/// The MD5 of an emoticon known to the service: `md5` in the XML of a received emoticon.
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct EmoticonMd5(Box<str>);

impl EmoticonMd5 {
    /// Returns the MD5 as 32 hex digits, in their original case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for EmoticonMd5 {
    type Error = Invalid;

    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Invalid { what: "the md5 of an emoticon", expected: "32 hex digits" });
        }
        Ok(Self(text))
    }
}

text_type! { EmoticonMd5: FromStr Into Display Debug; }
