//! The hosts of the service (docs/protocol.md §1.1).

/// The distribution of the service's roles over hosts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Layout {
    /// The true host names: clients enter at `wx.qq.com` and are redirected to a shard, such as `wx2.qq.com`.
    True {
        /// The host of the redirect.
        shard: String,
    },
    /// Every role at one origin, such as `http://127.0.0.1:34567`.
    One {
        /// Scheme, host and port, without a slash at the end.
        origin: String,
    },
}

/// The role of a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Login,
    Qrcode,
    Api,
    File,
    Push,
}

/// The host of the QR image, for all shards.
pub(crate) const QRCODE_HOST: &str = "login.weixin.qq.com";

/// The hosts at which a browser may open the page; the first is the best known.
pub(crate) const ENTRIES: [&str; 5] =
    ["wx.qq.com", "wx2.qq.com", "wx8.qq.com", "web.wechat.com", "web2.wechat.com"];

/// The hosts of the file-transfer page (docs/protocol.md §15).
pub(crate) const FILE_HELPERS: [&str; 3] =
    ["filehelper.weixin.qq.com", "szfilehelper.weixin.qq.com", "cmfilehelper.weixin.qq.com"];

/// All names of the service: API, login, file and push host of each family, and the QR host.
pub(crate) const ALL_HOSTS: &[&str] = &[
    "wx.qq.com", "login.wx.qq.com", "file.wx.qq.com", "webpush.wx.qq.com", "wx2.qq.com",
    "login.wx2.qq.com", "file.wx2.qq.com", "webpush.wx2.qq.com", "wx8.qq.com", "login.wx8.qq.com",
    "file.wx8.qq.com", "webpush.wx8.qq.com", "web2.wechat.com", "login.web2.wechat.com",
    "file.web2.wechat.com", "webpush.web2.wechat.com", "web.wechat.com", "login.web.wechat.com",
    "file.web.wechat.com", "webpush.web.wechat.com", "login.weixin.qq.com",
    "webpush.weixin.qq.com", "webpush2.weixin.qq.com", "filehelper.weixin.qq.com",
    "szfilehelper.weixin.qq.com", "cmfilehelper.weixin.qq.com",
];

/// Returns the name from which the login, file and push hosts of an API host are derived: the first match decides.
fn family(api: &str) -> &'static str {
    match api {
        // The file-transfer page uses the hosts of other families.
        "szfilehelper.weixin.qq.com" => "wx2.qq.com",
        "cmfilehelper.weixin.qq.com" => "wx8.qq.com",
        host if host.contains("wx2.qq.com") => "wx2.qq.com",
        host if host.contains("wx8.qq.com") => "wx8.qq.com",
        host if host.contains("qq.com") => "wx.qq.com",
        host if host.contains("web2.wechat.com") => "web2.wechat.com",
        _ => "web.wechat.com",
    }
}

pub(crate) fn login_host(api: &str) -> String {
    format!("login.{}", family(api))
}

/// Returns the entry with this login host.
pub(crate) fn entry_of(login: &str, entries: &'static [&'static str]) -> Option<&'static str> {
    entries.iter().copied().find(|entry| login_host(entry) == login)
}

pub(crate) fn file_host(api: &str) -> String {
    format!("file.{}", family(api))
}

pub(crate) fn push_host(api: &str) -> String {
    // The file-transfer page polls its own host.
    if FILE_HELPERS.contains(&api) {
        return api.to_owned();
    }
    format!("webpush.{}", family(api))
}

/// Returns the domain of the one cookie that the file host needs too (docs/protocol.md §1.7).
pub(crate) fn wide_domain(api: &str) -> &'static str {
    if api.contains("wechat.com") { "wechat.com" } else { "qq.com" }
}

impl Layout {
    /// Returns the origin of the redirect.
    pub(crate) fn shard_origin(&self) -> String {
        match self {
            Self::True { shard } => format!("https://{shard}"),
            Self::One { origin } => origin.clone(),
        }
    }

    /// Returns the host of that origin, with its port if it has one.
    pub(crate) fn shard_host(&self) -> &str {
        match self {
            Self::True { shard } => shard,
            Self::One { origin } => origin.split_once("//").map_or(origin, |(_, host)| host),
        }
    }

    pub(crate) fn scheme(&self) -> &str {
        match self {
            Self::One { origin } => origin.split_once(':').map_or("http", |(scheme, _)| scheme),
            Self::True { .. } => "https",
        }
    }

    /// Returns the authority of every role, if there is one origin for all.
    pub(crate) fn one_host(&self) -> Option<&str> {
        matches!(self, Self::One { .. }).then(|| self.shard_host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_match_determines_the_family() {
        assert_eq!(login_host("wx2.qq.com"), "login.wx2.qq.com");
        assert_eq!(file_host("wx2.qq.com"), "file.wx2.qq.com");
        assert_eq!(push_host("wx8.qq.com"), "webpush.wx8.qq.com");
        assert_eq!(push_host("wx99.qq.com"), "webpush.wx.qq.com");
        assert_eq!(login_host("szfilehelper.weixin.qq.com"), "login.wx2.qq.com");
        assert_eq!(login_host("cmfilehelper.weixin.qq.com"), "login.wx8.qq.com");
        assert_eq!(login_host("filehelper.weixin.qq.com"), "login.wx.qq.com");
        assert_eq!(push_host("szfilehelper.weixin.qq.com"), "szfilehelper.weixin.qq.com");
        assert_eq!(login_host("web2.wechat.com"), "login.web2.wechat.com");
        assert_eq!(login_host("web.wechat.com"), "login.web.wechat.com");
    }
}
