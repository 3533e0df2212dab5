//! The entry point through which a device logs in.

use alloc::borrow::Cow;
use alloc::boxed::Box;

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::hosts::Family;
use crate::secret::Secret;
use crate::text::text_type::text_type;

/// An entry point of the service, through which a client logs in: its `appid`, and the other values
/// that the service requires of such a client.
///
/// ```
/// use wechat_proto::error::Invalid;
/// use wechat_proto::{Device, Entry};
///
/// /// Returns a device that logs in as a desktop client, with the values of such a client.
/// fn desktop(version: &str, extspam: &str) -> Result<Device, Invalid> {
///     Ok(Device::new().with_entry(Entry::desktop(version.parse()?, extspam.parse()?)))
/// }
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Entry {
    kind: Kind,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Kind {
    Web,
    Desktop(Desktop),
    FileHelper,
}

/// The values by which a desktop client identifies itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Desktop {
    client_version: ClientVersion,
    extspam: Extspam,
}

/// The storage format of an entry.
#[derive(Deserialize, Serialize)]
struct Stored {
    appid: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    desktop: Option<Desktop>,
}

const WEB: &str = "wx782c26e4c19acffb";
const FILE_HELPER: &str = "wx_webfilehelper";

impl Entry {
    /// Returns the entry of the page at `wx.qq.com`: `docs/protocol.md` §3.1.
    pub const fn web() -> Self {
        Self { kind: Kind::Web }
    }

    /// Returns the entry of the desktop client ("UOS"), which admits some accounts that the web
    /// refuses: `docs/protocol.md` §3.6.
    ///
    /// The caller supplies both values: they have changed before, so none are built in. The login
    /// counts as a desktop login of the account, and logs out a running desktop client.
    pub const fn desktop(client_version: ClientVersion, extspam: Extspam) -> Self {
        Self { kind: Kind::Desktop(Desktop { client_version, extspam }) }
    }

    /// Returns the entry of the file-transfer page, which exchanges messages only with one's own
    /// phone ([`UserName::file_helper`](crate::UserName::file_helper)): `docs/protocol.md` §15.
    ///
    /// [`Device::with_entry`](crate::Device::with_entry) switches the device to its hosts.
    pub const fn file_helper() -> Self {
        Self { kind: Kind::FileHelper }
    }

    pub(crate) const fn appid(&self) -> &'static str {
        match self.kind {
            Kind::Web | Kind::Desktop(_) => WEB,
            Kind::FileHelper => FILE_HELPER,
        }
    }

    /// Returns whether requests have `mod=desktop`.
    pub(crate) const fn is_desktop(&self) -> bool {
        matches!(self.kind, Kind::Desktop(_))
    }

    /// Returns whether requests have the additions of the file-transfer page.
    pub(crate) const fn is_file_helper(&self) -> bool {
        matches!(self.kind, Kind::FileHelper)
    }

    /// Returns the headers of a desktop client for the login page: `client-version` and `extspam`.
    pub(crate) fn proof(&self) -> Option<[HeaderValue; 2]> {
        let Kind::Desktop(Desktop { client_version, extspam }) = &self.kind else { return None };
        let value = |text| HeaderValue::from_str(text).expect("validated on construction");
        let mut secret = value(extspam.0.expose());
        secret.set_sensitive(true);
        Some([value(&client_version.0), secret])
    }

    /// Returns the host families that its logins may lead to; they start at the first.
    pub(crate) const fn families(&self) -> &'static [Family] {
        match self.kind {
            Kind::Web | Kind::Desktop(_) => &Family::WEB,
            Kind::FileHelper => &Family::FILE_HELPER,
        }
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self::web()
    }
}

impl TryFrom<Stored> for Entry {
    type Error = Invalid;

    fn try_from(stored: Stored) -> Result<Self, Invalid> {
        let kind = match (&*stored.appid, stored.desktop) {
            (WEB, None) => Kind::Web,
            (WEB, Some(desktop)) => Kind::Desktop(desktop),
            (FILE_HELPER, None) => Kind::FileHelper,
            _ => return Err(Invalid { what: "an entry", expected: "a known appid" }),
        };
        Ok(Self { kind })
    }
}

impl From<Entry> for Stored {
    fn from(entry: Entry) -> Self {
        let appid = Cow::Borrowed(entry.appid());
        let desktop = match entry.kind {
            Kind::Desktop(desktop) => Some(desktop),
            Kind::Web | Kind::FileHelper => None,
        };
        Self { appid, desktop }
    }
}

/// The version of a desktop client, such as `2.0.0`: `docs/protocol.md` §3.6.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct ClientVersion(Box<str>);

impl TryFrom<Box<str>> for ClientVersion {
    type Error = Invalid;

    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        if !(1..=64).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid {
                what: "a client version",
                expected: "1 to 64 visible ASCII characters",
            });
        }
        Ok(Self(text))
    }
}

/// The opaque text by which the service recognises a desktop client: `docs/protocol.md` §3.6.
///
/// `Debug` does not show it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Box<str>")]
pub struct Extspam(Secret);

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Extspam {}

impl TryFrom<Box<str>> for Extspam {
    type Error = Invalid;

    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        match Secret::try_from(text) {
            Ok(secret) if !secret.is_empty() => Ok(Self(secret)),
            _ => {
                Err(Invalid { what: "an extspam", expected: "1 to 4,096 visible ASCII characters" })
            }
        }
    }
}

text_type! {
    ClientVersion: FromStr Into Display;
    Extspam: FromStr;
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    fn desktop(extspam: &str) -> Entry {
        Entry::desktop("2.0.0".parse().unwrap(), extspam.parse().unwrap())
    }

    #[test]
    fn entries_survive_storage() {
        for entry in [Entry::web(), Entry::file_helper(), desktop("Go8+/==")] {
            let stored = serde_json::to_string(&entry).unwrap();
            assert_eq!(serde_json::from_str::<Entry>(&stored).unwrap(), entry, "{stored}");
        }
        // The first storage format.
        let first = r#"{"appid":"wx782c26e4c19acffb"}"#;
        assert_eq!(serde_json::to_string(&Entry::web()).unwrap(), first);
        for odd in [
            r#"{"appid":"wx0"}"#,
            r#"{"appid":"wx_webfilehelper","desktop":{"client_version":"2","extspam":"x"}}"#,
            r#"{"appid":"wx782c26e4c19acffb","desktop":{"client_version":"","extspam":"x"}}"#,
            r#"{"appid":"wx782c26e4c19acffb","desktop":{"client_version":"2","extspam":""}}"#,
            r#"{"appid":"wx782c26e4c19acffb","desktop":{"client_version":"2","extspam":"a\nb"}}"#,
            r#"{"appid":"wx782c26e4c19acffb","desktop":{}}"#,
        ] {
            assert!(serde_json::from_str::<Entry>(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn values_of_a_desktop_client_fit_headers() {
        let longest = "x".repeat(4096);
        for good in ["x", "Go8FCIkFEokF+/==", &longest] {
            let [version, extspam] = desktop(good).proof().unwrap();
            assert_eq!((version.to_str().unwrap(), extspam.to_str().unwrap()), ("2.0.0", good));
            assert!(extspam.is_sensitive());
        }
        for bad in ["", " ", "a b", "a\r\nb: c", "微信", &format!("{longest}x")] {
            assert!(bad.parse::<Extspam>().is_err(), "{bad:?}");
        }
        for bad in ["", "2 0", "2\n", "二", &"2".repeat(65)] {
            assert!(bad.parse::<ClientVersion>().is_err(), "{bad:?}");
        }
        assert_eq!(Entry::web().proof(), None);
        assert_eq!(Entry::file_helper().proof(), None);
    }

    proptest! {
        /// Threat S1.
        #[test]
        fn an_extspam_is_not_shown(extspam in "[!-~]{20,60}") {
            let shown = format!("{:?}", desktop(&extspam));
            prop_assert!(!shown.contains(&extspam));
            prop_assert!(shown.contains("2.0.0"));
        }
    }
}
