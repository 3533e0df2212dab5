//! The origin of a server.

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;

/// Scheme, host and port of a server: `https://wx.qq.com`.
///
/// Parsed with [`str::parse`]. Plain `http` is accepted for loopback addresses only, because
/// requests carry credentials; [`Origin::insecure`] allows it on trusted networks.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct Origin {
    /// The origin as in requests, without a path or a trailing slash.
    text: Box<str>,
    secure: bool,
    loopback: bool,
}

impl Origin {
    /// Returns the `https` origin of a host.
    pub(crate) fn https(host: &str) -> Self {
        Self { text: ["https://", host].concat().into(), secure: true, loopback: false }
    }

    /// Parses an origin, and also accepts plain `http` on any host. Anyone who can observe that
    /// traffic can take over the session.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if `text` is not an origin in plain ASCII. Internationalized domain names must
    /// be in Punycode (`xn--…`), and IP addresses in canonical form.
    pub fn insecure(text: &str) -> Result<Self, Invalid> {
        let invalid = Invalid {
            what: "an origin",
            expected: "scheme, host and optional port, like https://wx.qq.com",
        };
        let url = url::Url::parse(text).map_err(|_| invalid)?;
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(invalid),
        };
        if !bare || url.host().is_none() {
            return Err(invalid);
        }
        let origin = url.origin().ascii_serialization();
        // `url` accepts hosts that are invalid in requests.
        origin.parse::<http::Uri>().map_err(|_| invalid)?;
        // It also normalises its input: full-width letters and dots, tabs, `%2e`, backslashes, an
        // address as one number. Input that this changes is a look-alike or a mistake, and is
        // refused (`docs/threats.md` N2). Only the case and the default port may differ.
        let rest = text
            .get(..origin.len())
            .filter(|start| start.eq_ignore_ascii_case(&origin))
            .and_then(|_| text.get(origin.len()..));
        let usual = if secure { ":443" } else { ":80" };
        match rest.map(|rest| rest.strip_prefix(usual).unwrap_or(rest)) {
            Some("" | "/") => {
                let mut parsed = Self { text: origin.into(), secure, loopback: false };
                parsed.loopback = is_loopback(parsed.host());
                Ok(parsed)
            }
            _ => Err(invalid),
        }
    }

    /// Returns the origin as text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns host and port in the form of the `Host` header.
    pub fn authority(&self) -> &str {
        let scheme = if self.secure { "https://" } else { "http://" };
        self.text.strip_prefix(scheme).unwrap_or_default()
    }

    /// Returns the host without its port.
    pub fn host(&self) -> &str {
        host_of(self.authority())
    }

    /// Returns whether requests to it are encrypted.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns whether the host is a loopback address or `localhost`.
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }
}

pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host.parse::<core::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Returns the host of `host`, `host:port` or `[address]:port`.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

impl FromStr for Origin {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let origin = Self::insecure(text)?;
        if !origin.secure && !origin.is_loopback() {
            return Err(Invalid {
                what: "an origin",
                expected: "https, or http on a loopback address",
            });
        }
        Ok(origin)
    }
}

impl TryFrom<Box<str>> for Origin {
    type Error = Invalid;

    /// Parses the origin of a stored session, which was accepted before.
    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        Self::insecure(&text)
    }
}

impl From<Origin> for Box<str> {
    fn from(origin: Origin) -> Self {
        origin.text
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path_or_credentials() {
        for good in
            ["https://wx.qq.com", "http://127.0.0.1:80", "http://localhost:1", "http://[::1]:8"]
        {
            good.parse::<Origin>().unwrap();
        }
        for bad in [
            "", "wx.qq.com", "http://wx.qq.com", "https://a/b", "https://a?b", "https://u@a",
            "ftp://a", "https://", "http://10.0.0.1", "https://a#b", "https://a{b.example",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
        assert_eq!(Origin::insecure("http://10.0.0.1/").unwrap().as_str(), "http://10.0.0.1");
        let local: Origin = "http://[::1]:8".parse().unwrap();
        assert_eq!((local.host(), local.authority()), ("[::1]", "[::1]:8"));
        for (text, origin) in [
            ("https://WX.qq.com/", "https://wx.qq.com"),
            ("HTTPS://wx.qq.com:443/", "https://wx.qq.com"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("https://xn--fiq228c.example", "https://xn--fiq228c.example"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), origin);
        }
    }

    /// Threat N2, for origins set by the caller: http requires a loopback address or
    /// [`Origin::insecure`], and no name is changed into another.
    #[test]
    fn n2_a_configured_origin_must_match_exactly() {
        for plain in ["http://wx.qq.com", "http://10.0.0.1", "http://localhost.example:80"] {
            assert!(plain.parse::<Origin>().is_err(), "{plain}");
            assert!(!Origin::insecure(plain).unwrap().is_secure());
        }
        for odd in [
            "https://wx.qq。com", "https://ｗx.qq.com", "https://wⅹ.qq.com",
            "https://微信.example", "https://w\tx.qq.com", " https://wx.qq.com",
            "https://wx.qq.com\n", "https:wx.qq.com", "https:/wx.qq.com", "https:\\\\wx.qq.com",
            "https://wx%2eqq.com", "https://wx.qq.com/.", "https://wx.qq.com?",
            "https://wx.qq.com#", "https://@wx.qq.com", "https://wx.qq.com:443:443",
            "http://2130706433", "http://0x7f.1", "http://127.1", "http://0177.0.0.1",
            "http://ⓛocalhost", "http://[::0:1]",
        ] {
            assert!(odd.parse::<Origin>().is_err(), "{odd}");
            assert!(Origin::insecure(odd).is_err(), "{odd}");
        }
    }
}
