//! The language of the command's own texts.

use std::ffi::OsString;

/// A language of the command's own texts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Lang {
    En,
    Zh,
}

impl Lang {
    /// Returns the language of `--lang`, else of the locale. Does not use clap,
    /// because errors of invalid arguments need a language as well.
    pub(crate) fn of_arguments(arguments: impl IntoIterator<Item = OsString>) -> Self {
        let arguments: Vec<_> = arguments.into_iter().collect();
        let value = arguments.iter().enumerate().find_map(|(index, argument)| {
            let argument = argument.to_str()?;
            match argument.strip_prefix("--lang")? {
                "" => arguments.get(index + 1)?.to_str(),
                rest => rest.strip_prefix('='),
            }
        });
        match value {
            Some("zh") => Self::Zh,
            Some("en") => Self::En,
            _ => Self::of_locale(sys_locale::get_locale().as_deref()),
        }
    }

    /// Returns Chinese for a Chinese locale and English for any other.
    fn of_locale(locale: Option<&str>) -> Self {
        let is_chinese = locale.is_some_and(|locale| {
            locale.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("zh"))
        });
        if is_chinese { Self::Zh } else { Self::En }
    }

    /// Returns the language of the service's texts.
    pub(crate) const fn of_service(self) -> wechat_proto::Lang {
        match self {
            Self::En => wechat_proto::Lang::EN_US,
            Self::Zh => wechat_proto::Lang::ZH_CN,
        }
    }

    /// Returns the value of this language.
    pub(crate) fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// A text in both languages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Words {
    en: Box<str>,
    zh: Box<str>,
}

impl Words {
    /// Returns a text in English and Chinese.
    pub(crate) fn new(en: impl Into<Box<str>>, zh: impl Into<Box<str>>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// Returns the text in one language.
    pub(crate) fn in_lang(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_is_that_of_the_option_or_of_the_locale() {
        let of = |arguments: &[&str]| Lang::of_arguments(arguments.iter().map(OsString::from));
        assert_eq!(of(&["send", "--lang", "zh"]), Lang::Zh);
        assert_eq!(of(&["--lang=en", "--unknown"]), Lang::En);
        for (locale, lang) in [
            (Some("zh-CN"), Lang::Zh),
            (Some("zh_TW.UTF-8"), Lang::Zh),
            (Some("ZH"), Lang::Zh),
            (Some("en-US"), Lang::En),
            (Some("z"), Lang::En),
            (Some("C"), Lang::En),
            (None, Lang::En),
        ] {
            assert_eq!(Lang::of_locale(locale), lang, "{locale:?}");
        }
    }
}
