//! The common parts of the requests of a device.

use bytes::Bytes;
use http::HeaderValue;
use http::uri::{Authority, Scheme};

use crate::device::lang::Lang;
use crate::device::user_agent::UserAgent;
use crate::hosts::{Hosts, PerRole, Role};

/// The common parts of all requests of a device, built once.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) user_agent: HeaderValue,
    /// The origin of the page.
    pub(crate) origin: HeaderValue,
    pub(crate) referer: HeaderValue,
    /// The scheme, and the authority for URLs and for the `Host` header.
    pub(crate) hosts: PerRole<(Scheme, Authority, HeaderValue)>,
}

impl Prepared {
    pub(crate) fn new(hosts: &Hosts, lang: &Lang, user_agent: &UserAgent) -> Self {
        let visible = |text: &str| HeaderValue::from_str(text).expect("hosts are visible ASCII");
        let page = hosts.origin(Role::Api).as_str();
        let host = |role| {
            let origin = hosts.origin(role);
            let scheme = if origin.is_secure() { Scheme::HTTPS } else { Scheme::HTTP };
            // Both share the text, because a process may have many accounts.
            let text = Bytes::copy_from_slice(origin.authority().as_bytes());
            let header = HeaderValue::from_maybe_shared(text.clone());
            let authority = Authority::from_maybe_shared(text).expect("an origin is a valid URI");
            (scheme, authority, header.expect("hosts are visible ASCII"))
        };
        Self {
            user_agent: user_agent.header(),
            origin: visible(page),
            referer: visible(&[page, "/?lang=", lang.as_str()].concat()),
            hosts: PerRole::new(host),
        }
    }
}
