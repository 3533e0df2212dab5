//! Names of received files, made safe: `docs/threats.md` U4.

use alloc::boxed::Box;
use alloc::string::String;

use super::disposition;
use crate::text::fold::is_invisible;
use crate::text::text_type::text_type;
use crate::text::truncated;

/// The name of a received file, safe to append to a directory path on any system.
///
/// It is a single path component: without separators, never `.` or `..`, and not a device name of
/// Windows. It has no control characters and does not begin or end with a dot or white space. It has
/// 1 to 255 bytes; a longer name is truncated, and an extension of up to 32 bytes is kept. Illegal
/// characters are replaced with `_`. Invisible ones are removed, such as those that reverse the
/// direction of text (`x\u{202e}gpj.exe` would be displayed as `xexe.jpg`); joiners and emoji
/// selectors are kept inside a name. If no character remains, the name is `file`.
///
/// Names are not unique, and a file of that name may exist: the caller decides when opening it
/// (`create_new`). The content of the file need not match its extension.
///
/// ```
/// use wechat_proto::media::FileName;
///
/// let name = FileName::from("../../.ssh/config");
/// assert_eq!(name.as_str(), "_.._.ssh_config");
/// let path = std::path::Path::new("downloads").join(name.as_str());
/// # assert_eq!(path.components().count(), 2);
/// ```
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileName(Box<str>);

impl FileName {
    /// The maximum length in bytes, which common file systems accept.
    pub const MAX: usize = 255;
    /// The name of a file without a name.
    const NAMELESS: &str = "file";
    /// The maximum length, including the dot, of an extension that is kept when a name is truncated.
    pub(super) const EXTENSION: usize = 32;

    /// Returns the safe name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name in a `Content-Disposition`, if it has one.
    pub(crate) fn of_disposition(value: &[u8]) -> Option<Self> {
        disposition::file_name(value).map(|name| Self::from(&*name))
    }

    /// Returns the name for percent-encoded text of the service, such as `EncryFileName`.
    pub(crate) fn of_encoded(text: &str) -> Self {
        Self::from(&*disposition::decoded(text))
    }
}

impl From<&str> for FileName {
    fn from(text: &str) -> Self {
        let seen = text.chars().filter(|c| !is_invisible(*c) || joins(*c));
        let name: String = seen.map(|c| if is_harmful(c) { '_' } else { c }).collect();
        let name = trimmed(&name);
        if name.is_empty() {
            return Self(Self::NAMELESS.into());
        }
        let name = without_device_name(name.into());
        let name = match shortened(&name) {
            // Truncation can leave trailing blanks, and only a device name before them.
            Some(short) => without_device_name(trimmed(&short).into()),
            None => name,
        };
        Self(name.into())
    }
}

/// Returns whether a character is illegal in a name: separators of any system, other characters
/// that Windows forbids, control characters, line ends, and annotations.
fn is_harmful(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
}

/// Returns whether an invisible character is part of how its neighbours are written: the joiners of
/// Persian, Indic scripts and emoji, and the emoji selector.
const fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}')
}

/// Trims dots, white space and invisible characters: leading dots hide a file, and Windows drops
/// trailing ones.
fn trimmed(name: &str) -> &str {
    name.trim_matches(|c: char| c == '.' || c.is_whitespace() || is_invisible(c))
}

/// Prefixes device names with `_`: Windows compares the part before the first dot, ignoring case.
fn without_device_name(mut name: String) -> String {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is = |device: &&str| stem.eq_ignore_ascii_case(device);
    let numbered = |prefix: &&str| {
        let rest = stem.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix));
        let number = rest.and_then(|_| stem.get(prefix.len()..));
        number.is_some_and(|number| {
            let mut digits = number.chars();
            let digit = digits.next().is_some_and(|c| matches!(c, '0'..='9' | '¹' | '²' | '³'));
            digit && digits.next().is_none()
        })
    };
    if ["CON", "PRN", "AUX", "NUL", "CLOCK$", "CONIN$", "CONOUT$"].iter().any(is)
        || ["COM", "LPT"].iter().any(numbered)
    {
        name.insert(0, '_');
    }
    name
}

/// Truncates a name to one byte less than the maximum length, keeping its extension; returns `None`
/// if it is not too long.
fn shortened(name: &str) -> Option<String> {
    if name.len() <= FileName::MAX {
        return None;
    }
    let extension = name.rfind('.').map_or("", |dot| name.get(dot..).unwrap_or_default());
    let extension = if extension.len() <= FileName::EXTENSION { extension } else { "" };
    let stem = truncated(name, FileName::MAX - 1 - extension.len());
    Some([stem, extension].concat())
}

impl AsRef<str> for FileName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

text_type! { FileName: Display Debug; }

#[cfg(test)]
#[path = "file_name_tests.rs"]
mod tests;
