//! The address of the login page, which issues the credentials.

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use crate::hosts::{Family, excerpt};
use crate::secret::Secret;
use crate::{Error, Hosts};

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
#[path = "redirect_tests.rs"]
mod tests;
