//! What proves a login, and what leads to it.

use alloc::boxed::Box;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::error::Error;
use crate::hosts::excerpt;
use crate::secret::Secret;
use crate::wire::envelope::{BaseRequest, Uin};

/// What proves a login, as the login page gave it.
///
/// It goes into requests and stored sessions, and nowhere else: nothing of it can be read or printed.
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
    /// The account's number as text, the way the login page writes it.
    pub(crate) uin: Secret,
    pub(crate) sid: Secret,
    pub(crate) skey: Secret,
    /// Percent-encoded, as the login page writes it; encoded once more in queries.
    pub(crate) pass_ticket: Secret,
}

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Credentials {}

/// All of it: a field that is not wiped does not compile here.
#[cfg(feature = "zeroize")]
const _: fn(Credentials) = |Credentials { uin, sid, skey, pass_ticket }| {
    const fn wiped<T: zeroize::ZeroizeOnDrop, const N: usize>(_: &[T; N]) {}
    wiped(&[uin, sid, skey, pass_ticket]);
};

impl Credentials {
    /// Who asks, with a new `DeviceID`.
    pub(crate) fn base_request(&self, uin: Uin, device: &mut Device) -> BaseRequest {
        BaseRequest {
            uin,
            sid: self.sid.expose().into(),
            skey: self.skey.expose().into(),
            device_id: device.rng.device_id(),
        }
    }
}

/// Names, never values.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials { uin, sid, skey, pass_ticket: [redacted] }")
    }
}

/// Where a confirmed login leads: an address with a ticket in it.
///
/// Kept as one text, so that there is no second copy of the ticket to be wiped.
#[derive(Clone, Eq, PartialEq)]
pub struct Redirect(Secret);

#[cfg(feature = "zeroize")]
impl zeroize::ZeroizeOnDrop for Redirect {}

/// The host, never the ticket.
impl fmt::Debug for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = self.uri();
        let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
        f.debug_struct("Redirect").field("host", &host).finish_non_exhaustive()
    }
}

impl Redirect {
    /// The longest address taken: `docs/threats.md` N3.
    const LONGEST: usize = 4096;
    pub(crate) const PATH: &str = "/cgi-bin/mmwebwx-bin/webwxnewloginpage";

    /// Reads an address of the login page. Whether its host may be trusted is asked when a
    /// device goes there.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`] for anything else: text that is not visible ASCII (look-alikes of
    /// hosts are not), that has a `#` (what follows would not be sent), another path.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let is_page = |uri: &http::Uri| uri.path() == Self::PATH && uri.query().is_some();
        Self::address(text, is_page).ok_or_else(|| untrusted(text))
    }

    /// Reads any address that a login may lead to.
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

    /// The address to the letter.
    pub(crate) fn as_str(&self) -> &str {
        self.0.expose()
    }

    /// Moves the device to the hosts of this address.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`] if it may not be trusted; the device stays where it is.
    pub(crate) fn enter(&self, device: &mut Device) -> Result<(), Error> {
        let uri = self.uri().ok_or_else(|| untrusted(self.as_str()))?;
        let trusted = device.hosts.redirect(&uri, device.entry.families());
        trusted.map_err(|_| untrusted(self.as_str()))
    }
}

/// The error for an address, showing as much of it as names a host: a ticket may stand anywhere
/// else.
fn untrusted(text: &str) -> Error {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    Error::Untrusted { host: Box::from(excerpt(host)) }
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
