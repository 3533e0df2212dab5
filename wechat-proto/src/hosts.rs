//! Which host serves what: `docs/protocol.md` §1.1.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::error::Error;
pub use crate::origin::Origin;

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
    /// `filehelper.weixin.qq.com`, the file-transfer page: `docs/protocol.md` §15.
    FileHelper,
    /// `szfilehelper.weixin.qq.com`
    SzFileHelper,
    /// `cmfilehelper.weixin.qq.com`
    CmFileHelper,
}

impl Family {
    /// Those of the web and desktop entries. Closed: a login of these that leads to any other
    /// host is not followed.
    pub const WEB: [Self; 5] = [Self::Wx, Self::Wx2, Self::Wx8, Self::Web, Self::Web2];
    /// Those of [`Entry::file_helper`](crate::Entry::file_helper). Closed as well.
    pub const FILE_HELPER: [Self; 3] = [Self::FileHelper, Self::SzFileHelper, Self::CmFileHelper];

    /// The name of its api host.
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

    /// The family whose hosts it uses for what its own api host does not do.
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
            // One host makes the pictures for all families.
            Role::QrCode => return Origin::https("login.weixin.qq.com"),
            // The file-transfer page polls where it lives: `docs/protocol.md` §15.
            Role::Api | Role::Push if base != self => return Origin::https(self.host()),
            Role::Login => "login.",
            Role::Api => "",
            Role::File => "file.",
            Role::Push => "webpush.",
        };
        let mut host = String::from(prefix);
        host.push_str(base.host());
        Origin::https(&host)
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
    /// [`Error::Untrusted`], with nothing changed, for any other: a member of the table that
    /// `families` does not have, too.
    pub(crate) fn redirect(&mut self, uri: &http::Uri, families: &[Family]) -> Result<(), Error> {
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        let scheme = uri.scheme_str().unwrap_or_default();
        let mut origin = String::from(scheme);
        origin.push_str("://");
        origin.push_str(authority);
        if self.api.pinned && self.api.origin.as_str() == origin {
            return Ok(());
        }
        // The authority as a whole and to the letter: user names, ports, trailing dots and upper
        // case are not in the table.
        match families.iter().find(|family| family.host() == authority) {
            // Who names the api host names where credentials may go: there alone.
            Some(family) if !self.api.pinned && scheme == "https" => {
                self.enter(*family);
                Ok(())
            }
            _ => Err(Error::Untrusted { host: excerpt(authority).into() }),
        }
    }

    /// Moves to a family, but for what the caller chose.
    pub(crate) fn enter(&mut self, family: Family) {
        for role in [Role::Login, Role::QrCode, Role::Api, Role::File, Role::Push] {
            let host = self.host_mut(role);
            if !host.pinned {
                host.origin = family.origin(role);
            }
        }
    }

    /// Whether they are those of one of these families, but for what the caller chose.
    pub(crate) fn are_of(&self, families: &[Family]) -> bool {
        self.api.pinned
            || families.iter().any(|family| self.api.origin.authority() == family.host())
    }

    /// The origin among the five that a request goes to.
    pub(crate) fn find(&self, uri: &http::Uri) -> Option<&Origin> {
        let authority = uri.authority()?.as_str();
        let scheme = uri.scheme_str()?;
        [&self.login, &self.qr_code, &self.api, &self.file, &self.push]
            .into_iter()
            .map(|host| &host.origin)
            .find(|origin| {
                origin.authority() == authority && origin.is_secure() == (scheme == "https")
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
    fn follows_the_login_to_every_family() {
        for family in Family::WEB {
            let mut hosts = Hosts::default();
            let uri = alloc::format!("https://{}/x", family.host()).parse().unwrap();
            hosts.redirect(&uri, &Family::WEB).unwrap();
            assert_eq!(hosts, Hosts::new(family));
        }
    }

    /// `docs/protocol.md` §15.
    #[test]
    fn the_file_transfer_page_has_hosts_of_its_own() {
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
    fn an_entry_does_not_lead_to_anothers_hosts() {
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
    fn leads_nowhere_else() {
        for text in [
            "https://evil.example/",
            "https://wx.qq.com.evil.test/",
            "https://wx.qq.com@evil.example/",
            "https://evil@wx.qq.com/",
            "https://wx.qq.com:8443/",
            "https://wx.qq.com./",
            "https://WX.qq.com/",
            "https://wx2.qq.cOm/",
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
            assert!(
                matches!(hosts.redirect(&uri, &Family::WEB), Err(Error::Untrusted { .. })),
                "{text}"
            );
            assert_eq!(hosts, Hosts::default());
        }
    }

    #[test]
    fn one_origin_leads_to_itself_alone() {
        let origin: Origin = "http://127.0.0.1:8080".parse().unwrap();
        let mut hosts = Hosts::all(origin);
        hosts.redirect(&"http://127.0.0.1:8080/x".parse().unwrap(), &Family::WEB).unwrap();
        for text in ["https://wx.qq.com/", "http://127.0.0.1/", "https://127.0.0.1:8080/"] {
            assert!(hosts.redirect(&text.parse().unwrap(), &Family::WEB).is_err(), "{text}");
        }
        assert!(names(&hosts).iter().all(|name| *name == "http://127.0.0.1:8080"));
    }

    /// The hosts of the second notes, among others (`docs/protocol.md` §1.1), stay theirs.
    #[test]
    fn what_the_caller_chose_stays() {
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
