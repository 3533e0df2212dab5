//! Names of received files, made safe: `docs/threats.md` U4.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use percent_encoding::percent_decode_str;

use super::disposition;

/// The name of a received file, safe to be put behind a folder's path on any system.
///
/// One component: without separators, drive letters and `..`, and none of the names that Windows
/// gives to devices. It has no control characters and none that turn the direction of the text
/// (`exe.gpj` must not look like `jpg.exe`), begins and ends with neither dot nor blank, and has 1
/// to 255 bytes, its extension kept. What a name may not have is `_` instead.
///
/// Two files may well have the same name, and one of that name may exist: whoever opens it decides
/// (`create_new`). The bytes of the file may be anything, whatever its extension promises.
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
    /// The longest name, in bytes: what the usual file systems take.
    pub const MAX: usize = 255;
    /// The name of a file that has none.
    const NAMELESS: &str = "file";
    /// The longest thing behind a dot that is taken for an extension and kept where a name is cut.
    const EXTENSION: usize = 32;

    /// The name as it is safe.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that a `Content-Disposition` gives, if it gives one.
    pub(crate) fn of_disposition(value: &[u8]) -> Option<Self> {
        disposition::file_name(value).map(|name| Self::from(&*name))
    }

    /// The same for text that the service has percent-encoded, such as `EncryFileName`.
    pub(crate) fn of_encoded(text: &str) -> Self {
        Self::from(&*decoded(text))
    }
}

/// Percent-encoded text as it reads; text that is none, or whose bytes would be no UTF-8, stays.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

impl From<&str> for FileName {
    fn from(text: &str) -> Self {
        let name: String = text.chars().map(|c| if is_harmful(c) { '_' } else { c }).collect();
        let name = trimmed(&name);
        if name.is_empty() {
            return Self(Self::NAMELESS.into());
        }
        let name = freed(name.into());
        let name = match shortened(&name) {
            // A cut can lay bare what stood before the last blanks.
            Some(short) => freed(trimmed(&short).into()),
            None => name,
        };
        Self(name.into())
    }
}

/// What no name may have: separators of any system, the rest of what Windows forbids, control
/// characters, line ends, and what changes the direction of text.
fn is_harmful(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Without the dots and blanks around it: in front they hide a file, at the end Windows drops them.
fn trimmed(name: &str) -> &str {
    name.trim_matches(|c: char| c == '.' || c.is_whitespace())
}

/// The same, not naming a device: Windows looks at what stands before the first dot, whatever
/// follows, and in any case.
fn freed(mut name: String) -> String {
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

/// The name cut to its longest length and one byte less, its extension kept; nothing if it is not
/// too long.
fn shortened(name: &str) -> Option<String> {
    if name.len() <= FileName::MAX {
        return None;
    }
    let extension = name.rfind('.').map_or("", |dot| name.get(dot..).unwrap_or_default());
    let extension = if extension.len() <= FileName::EXTENSION { extension } else { "" };
    let mut end = FileName::MAX - 1 - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let mut short = String::from(name.get(..end).unwrap_or_default());
    short.push_str(extension);
    Some(short)
}

impl AsRef<str> for FileName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
#[path = "file_name_tests.rs"]
mod tests;
