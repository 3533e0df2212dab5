//! Which host serves what: `docs/protocol.md` §1.1.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Invalid};

/// What a host is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// `jslogin` and `login`.
    Login,
    /// The picture of the QR code.
    QrCode,
    /// Everything under `/cgi-bin/mmwebwx-bin/` that no other role has.
    Api,
    /// Uploads, and downloads of files.
    File,
    /// `synccheck`.
    Push,
}

/// A family of hosts: an account lives on one of them, and its login says on which.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Family {
    /// `wx.qq.com`
    Wx,
    /// `wx2.qq.com`
    Wx2,
    /// `wx8.qq.com`
    Wx8,
    /// `web.wechat.com`
    Web,
    /// `web2.wechat.com`
    Web2,
}

impl Family {
    /// All of them. Closed: a login that leads to any other host is not followed.
    pub const ALL: [Self; 5] = [Self::Wx, Self::Wx2, Self::Wx8, Self::Web, Self::Web2];

    /// The name of its api host.
    pub const fn host(self) -> &'static str {
        match self {
            Self::Wx => "wx.qq.com",
            Self::Wx2 => "wx2.qq.com",
            Self::Wx8 => "wx8.qq.com",
            Self::Web => "web.wechat.com",
            Self::Web2 => "web2.wechat.com",
        }
    }

    fn of_host(host: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.host() == host)
    }

    fn origin(self, role: Role) -> Origin {
        let prefix = match role {
            // One host makes the pictures for all families.
            Role::QrCode => return Origin::https("login.weixin.qq.com"),
            Role::Login => "login.",
            Role::Api => "",
            Role::File => "file.",
            Role::Push => "webpush.",
        };
        let mut host = String::from(prefix);
        host.push_str(self.host());
        Origin::https(&host)
    }
}

/// Scheme, host and port of a server: `https://wx.qq.com`.
///
/// Parsed with [`str::parse`]. Plain `http` is taken for loopback addresses only, because
/// credentials go there; [`Origin::insecure`] is for those who know their network.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct Origin {
    /// As it stands in requests: no path, no trailing slash.
    text: Box<str>,
    secure: bool,
}

impl Origin {
    fn https(host: &str) -> Self {
        let mut text = String::from("https://");
        text.push_str(host);
        Self { text: text.into(), secure: true }
    }

    /// An origin that may be plain `http` without being a loopback address: whoever can read
    /// that network can take over the session.
    ///
    /// # Errors
    ///
    /// If `text` is no origin.
    pub fn insecure(text: &str) -> Result<Self, Invalid> {
        let invalid = Invalid {
            what: "a host's origin",
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
        let text = url.origin().ascii_serialization();
        // `url` takes hosts that no request can be made to.
        text.parse::<http::Uri>().map_err(|_| invalid)?;
        Ok(Self { text: text.into(), secure })
    }

    /// The origin as text, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Host and port as the `Host` header carries them.
    pub fn authority(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        host_of(self.authority())
    }

    /// Whether requests to it are encrypted.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost"
            || host == "[::1]"
            || host.parse::<core::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }
}

/// The host of `host`, `host:port` or `[address]:port`.
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
                what: "a host's origin",
                expected: "https, or http on a loopback address",
            });
        }
        Ok(origin)
    }
}

impl TryFrom<Box<str>> for Origin {
    type Error = Invalid;

    /// For stored sessions, which hold what was accepted once.
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

/// The five hosts that a device talks to. No request goes anywhere else.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hosts {
    login: Host,
    qr_code: Host,
    api: Host,
    file: Host,
    push: Host,
    /// Whether all roles are at one origin of the caller's.
    single: bool,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Host {
    origin: Origin,
    /// Chosen by the caller: a login does not change it.
    pinned: bool,
}

impl Hosts {
    /// The hosts of a family. A login starts at any of them and moves to the account's own.
    pub fn new(family: Family) -> Self {
        let host = |role| Host { origin: family.origin(role), pinned: false };
        Self {
            login: host(Role::Login),
            qr_code: host(Role::QrCode),
            api: host(Role::Api),
            file: host(Role::File),
            push: host(Role::Push),
            single: false,
        }
    }

    /// One origin for every role: a simulator, a proxy of one's own. It is the only one that a
    /// login may lead to.
    pub fn all(origin: Origin) -> Self {
        let host = || Host { origin: origin.clone(), pinned: true };
        Self {
            login: host(),
            qr_code: host(),
            api: host(),
            file: host(),
            push: host(),
            single: true,
        }
    }

    /// The same with another host for one role, which a login does not change.
    #[must_use]
    pub fn with(mut self, role: Role, origin: Origin) -> Self {
        *self.host_mut(role) = Host { origin, pinned: true };
        self
    }

    /// Where requests of this role go.
    pub const fn origin(&self, role: Role) -> &Origin {
        match role {
            Role::Login => &self.login.origin,
            Role::QrCode => &self.qr_code.origin,
            Role::Api => &self.api.origin,
            Role::File => &self.file.origin,
            Role::Push => &self.push.origin,
        }
    }

    /// Whether all roles are at one origin ([`Hosts::all`]).
    pub const fn is_single(&self) -> bool {
        self.single
    }

    /// Moves to where a login led: a member of the closed table over `https`, or the api origin
    /// that the caller configured. `docs/threats.md` N1, N2.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`], with nothing changed, for any other.
    pub(crate) fn redirect(&mut self, uri: &http::Uri) -> Result<(), Error> {
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        let scheme = uri.scheme_str().unwrap_or_default();
        let mut origin = String::from(scheme);
        origin.push_str("://");
        origin.push_str(authority);
        if self.api.pinned && self.api.origin.as_str() == origin {
            return Ok(());
        }
        // The authority as a whole: user names, ports and trailing dots are not in the table.
        let lowered = authority.to_ascii_lowercase();
        match Family::of_host(&lowered) {
            Some(family) if !self.single && scheme == "https" => {
                for role in [Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push] {
                    let host = self.host_mut(role);
                    if !host.pinned {
                        host.origin = family.origin(role);
                    }
                }
                Ok(())
            }
            _ => Err(Error::Untrusted { host: excerpt(authority).into() }),
        }
    }

    /// The origin among the five that a request goes to.
    pub(crate) fn find(&self, uri: &http::Uri) -> Option<&Origin> {
        let authority = uri.authority()?.as_str();
        let scheme = uri.scheme_str()?;
        [&self.login, &self.qr_code, &self.api, &self.file, &self.push]
            .into_iter()
            .map(|host| &host.origin)
            .find(|origin| {
                // As `redirect` takes it: a host in upper case is the same host.
                origin.authority().eq_ignore_ascii_case(authority)
                    && origin.is_secure() == (scheme == "https")
            })
    }

    const fn host_mut(&mut self, role: Role) -> &mut Host {
        match role {
            Role::Login => &mut self.login,
            Role::QrCode => &mut self.qr_code,
            Role::Api => &mut self.api,
            Role::File => &mut self.file,
            Role::Push => &mut self.push,
        }
    }
}

/// As much of a host's name as an error shows.
pub(crate) fn excerpt(host: &str) -> &str {
    let end = host.char_indices().nth(100).map_or(host.len(), |(at, _)| at);
    host.get(..end).unwrap_or_default()
}

impl Default for Hosts {
    /// Where the official page of `wx.qq.com` starts.
    fn default() -> Self {
        Self::new(Family::Wx)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn names(hosts: &Hosts) -> Vec<&str> {
        [Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push]
            .map(|role| hosts.origin(role).as_str())
            .into()
    }

    /// `docs/protocol.md` §1.1.
    #[test]
    fn each_family_has_its_hosts() {
        for family in Family::ALL {
            let host = family.host();
            let expected = [
                alloc::format!("https://login.{host}"),
                "https://login.weixin.qq.com".into(),
                alloc::format!("https://{host}"),
                alloc::format!("https://file.{host}"),
                alloc::format!("https://webpush.{host}"),
            ];
            assert_eq!(names(&Hosts::new(family)), expected);
        }
    }

    #[test]
    fn follows_the_login_to_every_family() {
        for family in Family::ALL {
            let mut hosts = Hosts::default();
            let uri = alloc::format!("https://{}/x", family.host()).parse().unwrap();
            hosts.redirect(&uri).unwrap();
            assert_eq!(hosts, Hosts::new(family));
        }
    }

    /// `docs/threats.md` N1, N2.
    #[test]
    fn leads_nowhere_else() {
        for text in [
            "https://evil.example/",
            "https://wx.qq.com.evil.test/",
            "https://wx.qq.com@evil.example/",
            "https://evil@wx.qq.com/",
            "https://wx.qq.com:8443/",
            "https://wx.qq.com./",
            "http://wx.qq.com/",
            "https://1.2.3.4/",
            "https://2130706433/",
            "https://[::1]/",
            "https://xn--wx-foo.qq.com/",
            "https://login.wx.qq.com/",
            "https://qq.com/",
            "ftp://wx.qq.com/",
            "/path",
            "wx.qq.com",
        ] {
            let Ok(uri) = text.parse() else { continue };
            let mut hosts = Hosts::default();
            assert!(matches!(hosts.redirect(&uri), Err(Error::Untrusted { .. })), "{text}");
            assert_eq!(hosts, Hosts::default());
        }
        // Upper case is the same host.
        let (mut hosts, uri) = (Hosts::default(), "https://WX2.qq.com/".parse().unwrap());
        hosts.redirect(&uri).unwrap();
        assert_eq!(hosts.find(&uri), Some(hosts.origin(Role::Api)));
    }

    #[test]
    fn one_origin_leads_to_itself_alone() {
        let origin: Origin = "http://127.0.0.1:8080".parse().unwrap();
        let mut hosts = Hosts::all(origin);
        hosts.redirect(&"http://127.0.0.1:8080/x".parse().unwrap()).unwrap();
        for text in ["https://wx.qq.com/", "http://127.0.0.1/", "https://127.0.0.1:8080/"] {
            assert!(hosts.redirect(&text.parse().unwrap()).is_err(), "{text}");
        }
        assert!(names(&hosts).iter().all(|name| *name == "http://127.0.0.1:8080"));
    }

    #[test]
    fn what_the_caller_chose_stays() {
        let push: Origin = "https://webpush2.weixin.qq.com".parse().unwrap();
        let mut hosts = Hosts::default().with(Role::Push, push.clone());
        hosts.redirect(&"https://wx8.qq.com/".parse().unwrap()).unwrap();
        assert_eq!(hosts.origin(Role::Push), &push);
        assert_eq!(hosts.origin(Role::Api).host(), "wx8.qq.com");
    }

    #[test]
    fn an_origin_is_only_that() {
        for good in
            ["https://wx.qq.com", "http://127.0.0.1:80", "http://localhost:1", "http://[::1]:8"]
        {
            good.parse::<Origin>().unwrap();
        }
        for bad in [
            "",
            "wx.qq.com",
            "http://wx.qq.com",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "ftp://a",
            "https://",
            "http://10.0.0.1",
            "https://a#b",
            "https://a{b.example",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
        assert_eq!(Origin::insecure("http://10.0.0.1/").unwrap().as_str(), "http://10.0.0.1");
        let local: Origin = "http://[::1]:8".parse().unwrap();
        assert_eq!((local.host(), local.authority()), ("[::1]", "[::1]:8"));
    }
}
