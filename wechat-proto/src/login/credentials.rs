//! The credentials of a login, and the address of the page that issues them.

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::hosts::{Family, excerpt};
use crate::secret::Secret;
use crate::wire::envelope::{BaseRequest, Uin};
use crate::{Error, Hosts};

/// The credentials of a login, from the login page.
///
/// They are used only in requests and stored sessions. Their values can be neither read nor
/// printed.
///
/// ```compile_fail,E0616
/// fn show(credentials: &wechat_proto::login::Credentials) {
///     println!("{:?}", credentials.skey);
/// }
/// ```
/// ```compile_fail,E0277
/// fn show(credentials: &wechat_proto::login::Credentials) {
///     println!("{credentials}");
/// }
/// ```
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Credentials {
    /// The account's number as text, from the login page.
    pub(crate) uin: Secret,
    pub(crate) sid: Secret,
    pub(crate) skey: Secret,
    /// Percent-encoded, from the login page; encoded again in queries.
    pub(crate) pass_ticket: Secret,
}

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Credentials {}

/// Fails to compile if a field is not wiped.
#[cfg(feature = "zeroize")]
const _: fn(Credentials) = |Credentials { uin, sid, skey, pass_ticket }| {
    const fn wiped<T: zeroize::ZeroizeOnDrop, const N: usize>(_: &[T; N]) {}
    wiped(&[uin, sid, skey, pass_ticket]);
};

impl Credentials {
    /// Returns credentials from another source, such as a logged-in browser: the values of the
    /// login page, or of the cookies `wxuin` and `wxsid`. `skey` and `pass_ticket` may be empty.
    ///
    /// In the requests of the browser, `skey` is `BaseRequest.Skey`. `pass_ticket` stays
    /// percent-encoded, as on the page: URLs contain it encoded twice (`%252B` there is `%2B` here).
    ///
    /// # Errors
    ///
    /// [`Invalid`] if `uin` is not a number, if `sid` is empty, or if one of them is longer than
    /// 4,096 characters or has any that are not visible ASCII.
    pub fn new(uin: &str, sid: &str, skey: &str, pass_ticket: &str) -> Result<Self, Invalid> {
        if uin.parse::<i64>().is_err() {
            return Err(Invalid { what: "an account's uin", expected: "a number" });
        }
        if sid.is_empty() {
            return Err(Invalid { what: "a sid", expected: "one visible character or more" });
        }
        Ok(Self {
            uin: uin.parse()?,
            sid: sid.parse()?,
            skey: skey.parse()?,
            pass_ticket: pass_ticket.parse()?,
        })
    }

    /// Returns the credentials of a logged-in browser: `wxuin` and `wxsid` of its cookies, in the form
    /// of [`Device::import_cookies`](crate::Device::import_cookies), and the `skey` and `pass_ticket` of
    /// its requests, as for [`Credentials::new`].
    ///
    /// # Errors
    ///
    /// [`Invalid`] if a cookie is missing, or as in [`Credentials::new`].
    pub fn from_cookies(cookies: &str, skey: &str, pass_ticket: &str) -> Result<Self, Invalid> {
        let value = |name: &str| {
            let cookies = cookies.split_once(':').map_or(cookies, |(_, cookies)| cookies);
            let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
            let missing = Invalid {
                what: "the cookies of a login",
                expected: "wxuin and wxsid, as in the browser's Cookie header",
            };
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value).ok_or(missing)
        };
        Self::new(value("wxuin")?, value("wxsid")?, skey, pass_ticket)
    }

    /// Returns the `BaseRequest` of a request.
    pub(crate) fn base_request<'a>(&'a self, uin: Uin<'a>, device_id: &'a str) -> BaseRequest<'a> {
        BaseRequest { uin, sid: self.sid.expose(), skey: self.skey.expose(), device_id }
    }
}

/// Shows names, never values.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials { uin, sid, skey, pass_ticket: [redacted] }")
    }
}

/// The address that a confirmed login leads to, with its ticket.
///
/// Kept as one text, so that no second copy of the ticket has to be wiped.
#[derive(Clone, Eq, PartialEq)]
pub struct Redirect(Secret);

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Redirect {}

/// Shows the host, never the ticket.
impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.uri();
        let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
        f.debug_struct("Redirect").field("host", &host).finish_non_exhaustive()
    }
}

impl Redirect {
    /// The longest address accepted: `docs/threats.md` N3.
    const LONGEST: usize = 4096;
    pub(crate) const PATH: &str = "/cgi-bin/mmwebwx-bin/webwxnewloginpage";

    /// Parses any address that a login may lead to.
    pub(crate) fn elsewhere(text: &str) -> Result<Self, Error> {
        Self::address(text, |_| true).ok_or_else(|| untrusted(text))
    }

    fn address(text: &str, fits: impl FnOnce(&http::Uri) -> bool) -> Option<Self> {
        let visible = |byte: u8| {
            byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>')
        };
        if text.len() > Self::LONGEST || !text.bytes().all(visible) {
            return None;
        }
        let uri: http::Uri = text.parse().ok()?;
        uri.authority()?;
        fits(&uri).then_some(Self(text.parse().ok()?))
    }

    fn uri(&self) -> Option<http::Uri> {
        self.0.expose().parse().ok()
    }

    /// Returns the address, unchanged.
    pub(crate) fn as_str(&self) -> &str {
        self.0.expose()
    }

    /// Moves the hosts to those of this address.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`] if its host is not one of these families; the hosts stay unchanged.
    pub(crate) fn check(&self, hosts: &mut Hosts, families: &[Family]) -> Result<(), Error> {
        let uri = self.uri().ok_or_else(|| untrusted(self.as_str()))?;
        hosts.redirect(&uri, families).map_err(|_| untrusted(self.as_str()))
    }
}

impl FromStr for Redirect {
    type Err = Error;

    /// Parses an address of the login page. Whether its host is trusted is checked by
    /// [`Device::enter`](crate::Device::enter).
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`] for anything else: text that is not visible ASCII, such as look-alikes
    /// of hosts, a `#` (the part after it would not be sent), or another path.
    fn from_str(text: &str) -> Result<Self, Error> {
        let is_page = |uri: &http::Uri| uri.path() == Self::PATH && uri.query().is_some();
        Self::address(text, is_page).ok_or_else(|| untrusted(text))
    }
}

/// Returns the error for an address. It shows the host only: any other part may contain a ticket.
fn untrusted(text: &str) -> Error {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    Error::Untrusted { host: Box::from(excerpt(host)) }
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
