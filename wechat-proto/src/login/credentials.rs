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
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Credentials {
    /// The account's number as text, the way the login page writes it.
    pub(crate) uin: Secret,
    pub(crate) sid: Secret,
    pub(crate) skey: Secret,
    /// Percent-encoded, as the login page writes it; encoded once more in queries.
    pub(crate) pass_ticket: Secret,
}

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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redirect {
    text: Secret,
    uri: Hidden,
}

#[derive(Clone, Eq, PartialEq)]
struct Hidden(http::Uri);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.host().unwrap_or_default())
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
        Self::address(text)
            .filter(|redirect| redirect.uri.0.path() == Self::PATH)
            .filter(|redirect| redirect.uri.0.query().is_some())
            .ok_or_else(|| untrusted(text))
    }

    /// Reads any address that a login may lead to.
    pub(crate) fn elsewhere(text: &str) -> Result<Self, Error> {
        Self::address(text).ok_or_else(|| untrusted(text))
    }

    fn address(text: &str) -> Option<Self> {
        let visible = |byte: u8| {
            byte.is_ascii_graphic() && !matches!(byte, b'#' | b'\\' | b'"' | b'<' | b'>')
        };
        if text.len() > Self::LONGEST || !text.bytes().all(visible) {
            return None;
        }
        let uri: http::Uri = text.parse().ok()?;
        uri.authority()?;
        Some(Self { text: text.parse().ok()?, uri: Hidden(uri) })
    }

    /// The address to the letter.
    pub(crate) fn as_str(&self) -> &str {
        self.text.expose()
    }

    /// Moves the device to the hosts of this address.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`] if it may not be trusted; the device stays where it is.
    pub(crate) fn enter(&self, device: &mut Device) -> Result<(), Error> {
        device.hosts.redirect(&self.uri.0, device.entry.families())
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
mod tests {
    use super::*;

    /// `docs/threats.md` S1.
    #[test]
    fn the_error_names_the_host_alone() {
        for text in [
            "https://evil.example#ticket=secret",
            "https://secret:secret@evil.example/x?ticket=secret",
            "https://evil.example\\secret",
            "https://evil.example?secret",
            "evil.example/secret",
        ] {
            let Err(Error::Untrusted { host }) = Redirect::parse(text) else { panic!("{text}") };
            assert_eq!(&*host, "evil.example", "{text}");
        }
    }
}
