//! The hosts of the service: `docs/protocol.md` §1.1.

use serde::{Deserialize, Serialize};

use crate::error::Error;
pub use crate::origin::Origin;

/// The purpose of a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Role {
    /// `jslogin` and `login`.
    Login,
    /// The picture of the QR code.
    QrCode,
    /// All paths under `/cgi-bin/mmwebwx-bin/` without another role.
    Api,
    /// Uploads, and downloads of files.
    File,
    /// `synccheck`.
    Push,
}

/// A family of hosts. An account belongs to one family, which its login determines.
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
    /// `filehelper.weixin.qq.com`, the file-transfer page: `docs/protocol.md` §15.
    FileHelper,
    /// `szfilehelper.weixin.qq.com`
    SzFileHelper,
    /// `cmfilehelper.weixin.qq.com`
    CmFileHelper,
}

impl Family {
    /// The families of the web and desktop entries. The set is closed: a login that leads to any
    /// other host is not followed.
    pub const WEB: [Self; 5] = [Self::Wx, Self::Wx2, Self::Wx8, Self::Web, Self::Web2];
    /// The families of [`Entry::file_helper`](crate::Entry::file_helper). This set is closed, too.
    pub const FILE_HELPER: [Self; 3] = [Self::FileHelper, Self::SzFileHelper, Self::CmFileHelper];

    /// Returns the name of its API host.
    pub const fn host(self) -> &'static str {
        match self {
            Self::Wx => "wx.qq.com",
            Self::Wx2 => "wx2.qq.com",
            Self::Wx8 => "wx8.qq.com",
            Self::Web => "web.wechat.com",
            Self::Web2 => "web2.wechat.com",
            Self::FileHelper => "filehelper.weixin.qq.com",
            Self::SzFileHelper => "szfilehelper.weixin.qq.com",
            Self::CmFileHelper => "cmfilehelper.weixin.qq.com",
        }
    }

    /// Returns the family whose hosts it uses for the roles other than API and push.
    const fn base(self) -> Self {
        match self {
            Self::FileHelper => Self::Wx,
            Self::SzFileHelper => Self::Wx2,
            Self::CmFileHelper => Self::Wx8,
            own => own,
        }
    }

    fn origin(self, role: Role) -> Origin {
        let base = self.base();
        let prefix = match role {
            // One host serves the QR codes of all families.
            Role::QrCode => return Origin::https("login.weixin.qq.com"),
            // The file-transfer page polls its own host: `docs/protocol.md` §15.
            Role::Api | Role::Push if base != self => return Origin::https(self.host()),
            Role::Login => "login.",
            Role::Api => "",
            Role::File => "file.",
            Role::Push => "webpush.",
        };
        Origin::https(&[prefix, base.host()].concat())
    }
}

/// The five hosts of a device. No request is sent to any other host.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hosts {
    #[serde(flatten)]
    hosts: PerRole<Host>,
    /// Whether all roles use one origin set by the caller.
    single: bool,
}

/// A value for each role.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct PerRole<T> {
    login: T,
    qr_code: T,
    api: T,
    file: T,
    push: T,
}

impl<T> PerRole<T> {
    pub(crate) fn new(value: impl Fn(Role) -> T) -> Self {
        Self {
            login: value(Role::Login),
            qr_code: value(Role::QrCode),
            api: value(Role::Api),
            file: value(Role::File),
            push: value(Role::Push),
        }
    }

    pub(crate) const fn get(&self, role: Role) -> &T {
        match role {
            Role::Login => &self.login,
            Role::QrCode => &self.qr_code,
            Role::Api => &self.api,
            Role::File => &self.file,
            Role::Push => &self.push,
        }
    }
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Host {
    origin: Origin,
    /// Whether the caller set it, so that a login does not change it.
    pinned: bool,
}

impl Hosts {
    /// Returns the hosts of a family. A login may start at any family and switches to the
    /// account's own.
    pub fn new(family: Family) -> Self {
        let host = |role| Host { origin: family.origin(role), pinned: false };
        Self { hosts: PerRole::new(host), single: false }
    }

    /// Returns hosts with one origin for every role, such as a simulator or a private proxy. A
    /// login may lead only to this origin.
    pub fn all(origin: Origin) -> Self {
        let host = |_| Host { origin: origin.clone(), pinned: true };
        Self { hosts: PerRole::new(host), single: true }
    }

    /// Sets the host of one role, which a login does not change.
    #[must_use]
    pub fn with(self, role: Role, origin: Origin) -> Self {
        let host = |other| match other == role {
            true => Host { origin: origin.clone(), pinned: true },
            false => self.hosts.get(other).clone(),
        };
        Self { hosts: PerRole::new(host), ..self }
    }

    /// Returns the origin of a role.
    pub const fn origin(&self, role: Role) -> &Origin {
        &self.hosts.get(role).origin
    }

    /// Returns whether all roles use one origin ([`Hosts::all`]).
    pub const fn is_single(&self) -> bool {
        self.single
    }

    /// Switches to the host of a confirmed login: one of `families` over `https`, or the API origin
    /// that the caller configured. `docs/threats.md` N1, N2.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`], with nothing changed, for any other host, including those of other
    /// families.
    pub(crate) fn redirect(&mut self, uri: &http::Uri, families: &[Family]) -> Result<(), Error> {
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        let scheme = uri.scheme_str().unwrap_or_default();
        let origin = [scheme, "://", authority].concat();
        if self.hosts.api.pinned && self.hosts.api.origin.as_str() == origin {
            return Ok(());
        }
        // The authority must match exactly: user names, ports, trailing dots and upper case are
        // refused.
        match families.iter().find(|family| family.host() == authority) {
            // A caller that sets the API host restricts credentials to that host.
            Some(family) if !self.hosts.api.pinned && scheme == "https" => {
                self.enter(*family);
                Ok(())
            }
            _ => Err(Error::Untrusted { host: excerpt(authority).into() }),
        }
    }

    /// Switches to a family, except for hosts set by the caller.
    pub(crate) fn enter(&mut self, family: Family) {
        let host = |role| match self.hosts.get(role) {
            host if host.pinned => host.clone(),
            _ => Host { origin: family.origin(role), pinned: false },
        };
        self.hosts = PerRole::new(host);
    }

    /// Returns whether the hosts belong to one of these families, ignoring hosts set by the caller.
    pub(crate) fn are_of(&self, families: &[Family]) -> bool {
        self.hosts.api.pinned
            || families.iter().any(|family| self.hosts.api.origin.authority() == family.host())
    }

    /// Returns whether a device with the hosts `wanted` and these families could have logged in at
    /// these hosts, which are those of a stored session.
    pub(crate) fn suit(&self, wanted: &Self, families: &[Family]) -> bool {
        let (own, wanted) = (&self.hosts.api, &wanted.hosts.api);
        match own.pinned || wanted.pinned {
            true => own.origin == wanted.origin,
            false => self.are_of(families),
        }
    }

    /// Returns the origin among the five that matches a request.
    pub(crate) fn find(&self, uri: &http::Uri) -> Option<&Origin> {
        let authority = uri.authority()?.as_str();
        let scheme = uri.scheme_str()?;
        [Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push]
            .map(|role| self.origin(role))
            .into_iter()
            .find(|origin| {
                origin.authority() == authority && origin.is_secure() == (scheme == "https")
            })
    }
}

/// Returns the part of a host name that errors show.
pub(crate) fn excerpt(host: &str) -> &str {
    let end = host.char_indices().nth(100).map_or(host.len(), |(at, _)| at);
    host.get(..end).unwrap_or_default()
}

impl Default for Hosts {
    /// Returns the hosts of `wx.qq.com`.
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
        for family in Family::WEB {
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
    fn a_login_can_switch_to_every_family() {
        for family in Family::WEB {
            let mut hosts = Hosts::default();
            let uri = alloc::format!("https://{}/x", family.host()).parse().unwrap();
            hosts.redirect(&uri, &Family::WEB).unwrap();
            assert_eq!(hosts, Hosts::new(family));
        }
    }

    /// `docs/protocol.md` §15.
    #[test]
    fn the_file_transfer_page_has_its_own_hosts() {
        for (family, page, base) in [
            (Family::FileHelper, "filehelper.weixin.qq.com", "wx.qq.com"),
            (Family::SzFileHelper, "szfilehelper.weixin.qq.com", "wx2.qq.com"),
            (Family::CmFileHelper, "cmfilehelper.weixin.qq.com", "wx8.qq.com"),
        ] {
            let expected = [
                alloc::format!("https://login.{base}"),
                "https://login.weixin.qq.com".into(),
                alloc::format!("https://{page}"),
                alloc::format!("https://file.{base}"),
                alloc::format!("https://{page}"),
            ];
            assert_eq!(names(&Hosts::new(family)), expected);
        }
    }

    /// Threat N1: each entry has its own table.
    #[test]
    fn hosts_of_another_entry_are_refused() {
        let tables = [&Family::WEB[..], &Family::FILE_HELPER];
        for (own, other) in [(tables[0], tables[1]), (tables[1], tables[0])] {
            for family in other {
                let uri = alloc::format!("https://{}/x", family.host()).parse().unwrap();
                let mut hosts = Hosts::new(own[0]);
                assert!(matches!(hosts.redirect(&uri, own), Err(Error::Untrusted { .. })));
                assert_eq!(hosts, Hosts::new(own[0]));
                hosts.redirect(&uri, other).unwrap();
                assert!(hosts.are_of(other) && !hosts.are_of(own));
            }
        }
    }

    /// Threats N1, N2.
    #[test]
    fn unknown_hosts_are_refused() {
        for text in [
            "https://evil.example/", "https://wx.qq.com.evil.test/",
            "https://wx.qq.com@evil.example/", "https://evil@wx.qq.com/",
            "https://wx.qq.com:8443/", "https://wx.qq.com./", "https://WX.qq.com/",
            "https://wx2.qq.cOm/", "http://wx.qq.com/", "https://1.2.3.4/", "https://2130706433/",
            "https://[::1]/", "https://xn--wx-foo.qq.com/", "https://login.wx.qq.com/",
            "https://qq.com/", "ftp://wx.qq.com/", "/path", "wx.qq.com",
        ] {
            let Ok(uri) = text.parse() else { continue };
            let mut hosts = Hosts::default();
            assert!(
                matches!(hosts.redirect(&uri, &Family::WEB), Err(Error::Untrusted { .. })),
                "{text}"
            );
            assert_eq!(hosts, Hosts::default());
        }
    }

    #[test]
    fn a_single_origin_only_redirects_to_itself() {
        let origin: Origin = "http://127.0.0.1:8080".parse().unwrap();
        let mut hosts = Hosts::all(origin);
        hosts.redirect(&"http://127.0.0.1:8080/x".parse().unwrap(), &Family::WEB).unwrap();
        for text in ["https://wx.qq.com/", "http://127.0.0.1/", "https://127.0.0.1:8080/"] {
            assert!(hosts.redirect(&text.parse().unwrap(), &Family::WEB).is_err(), "{text}");
        }
        assert!(names(&hosts).iter().all(|name| *name == "http://127.0.0.1:8080"));
    }

    /// The host table of notes-B, among others, can be configured
    /// (`docs/protocol.md` §1.1).
    #[test]
    fn hosts_set_by_the_caller_do_not_change() {
        let login: Origin = "https://login.weixin.qq.com".parse().unwrap();
        let push: Origin = "https://webpush2.weixin.qq.com".parse().unwrap();
        let mut hosts =
            Hosts::default().with(Role::Login, login.clone()).with(Role::Push, push.clone());
        let wx8 = "https://wx8.qq.com/".parse().unwrap();
        hosts.redirect(&wx8, &Family::WEB).unwrap();
        assert_eq!(
            names(&hosts),
            [
                login.as_str(),
                "https://login.weixin.qq.com",
                "https://wx8.qq.com",
                "https://file.wx8.qq.com",
                push.as_str(),
            ]
        );

        let api: Origin = "https://proxy.example".parse().unwrap();
        let mut hosts = Hosts::default().with(Role::Api, api);
        assert!(hosts.redirect(&wx8, &Family::WEB).is_err());
        hosts.redirect(&"https://proxy.example/x".parse().unwrap(), &Family::WEB).unwrap();
        assert!(hosts.are_of(&Family::WEB) && hosts.are_of(&Family::FILE_HELPER));
    }
}
