//! The language of the service's texts.

use alloc::borrow::Cow;
use alloc::boxed::Box;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::text::text_type::text_type;

/// The language of the service's texts, such as `zh_CN`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct Lang(Cow<'static, str>);

impl Lang {
    /// Simplified Chinese.
    pub const ZH_CN: Self = Self(Cow::Borrowed("zh_CN"));
    /// Traditional Chinese.
    pub const ZH_TW: Self = Self(Cow::Borrowed("zh_TW"));
    /// English.
    pub const EN_US: Self = Self(Cow::Borrowed("en_US"));

    /// Returns the language as the service writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Lang {
    fn default() -> Self {
        Self::ZH_CN
    }
}

impl TryFrom<Box<str>> for Lang {
    type Error = Invalid;

    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        let letters = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_alphabetic());
        match text.split_once('_') {
            Some((language, region)) if letters(language) && letters(region) => {
                Ok(Self(Cow::Owned(text.into())))
            }
            _ => {
                Err(Invalid { what: "a language", expected: "two letters, _, two letters: zh_CN" })
            }
        }
    }
}

text_type! { Lang: FromStr Into Display; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_the_form_of_zh_cn() {
        for good in ["zh_CN", "en_US", "zh_TW"] {
            assert_eq!(good.parse::<Lang>().unwrap().as_str(), good);
        }
        for bad in ["", "zh", "zh-CN", "zh_CN&x=y", "zh_C\n", "zhh_CN"] {
            assert!(bad.parse::<Lang>().is_err(), "{bad:?}");
        }
    }
}
