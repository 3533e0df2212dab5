//! Cookies: `docs/protocol.md` §1.7, `docs/threats.md` N5, N6.
//!
//! A small jar for one service. Names and values are kept as the server wrote them; nothing goes
//! to a host outside the device's five.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use cookie::{Cookie, Expiration};
use http::{HeaderValue, Uri};
use serde::{Deserialize, Serialize};

use crate::hosts::{Hosts, Origin};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The cookies of a device.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "Vec<(Key, Value)>", into = "Vec<(Key, Value)>")]
pub struct Jar {
    /// Ordered, so that the same cookies give the same header.
    cookies: BTreeMap<Key, Value>,
}

#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
struct Key {
    /// The host, or the domain that it and its sub-domains share.
    domain: Box<str>,
    path: Box<str>,
    name: Box<str>,
}

#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
struct Value {
    text: Secret,
    /// Whether sub-domains get it too.
    shared: bool,
    secure: bool,
    expires: Option<Timestamp>,
}

/// How many cookies are kept: the service sets eight.
const COOKIES: usize = 64;
/// The longest cookie, name and value together.
const LENGTH: usize = 4096;
/// The domains whose hosts may share cookies.
const SHARED: [&str; 2] = ["qq.com", "wechat.com"];

impl Jar {
    /// Takes the `Set-Cookie` lines of a reply of `origin`.
    ///
    /// A line that cannot be used is left out; it never spoils the next request. `date` is the
    /// reply's `Date`: expiry is reckoned from it, so that a wrong clock of ours ends no cookie.
    pub(crate) fn store(
        &mut self,
        hosts: &Hosts,
        origin: &Origin,
        lines: &[String],
        date: Option<&str>,
        now: Timestamp,
    ) {
        let date = date.and_then(http_date);
        self.cookies.retain(|_, value| value.expires.is_none_or(|at| at > now));
        for line in lines {
            let Ok(cookie) = Cookie::parse(line.as_str()) else { continue };
            let Some((key, value)) = accept(hosts, origin, &cookie, date, now) else { continue };
            if value.expires.is_some_and(|at| at <= now) {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value);
                self.evict();
            }
        }
    }

    /// The `Cookie` header for a request, if any cookie goes with it.
    pub(crate) fn header(&self, hosts: &Hosts, uri: &Uri, now: Timestamp) -> Option<HeaderValue> {
        let origin = hosts.find(uri)?;
        let mut text = String::with_capacity(512);
        for (key, value) in self.due(origin, uri.path(), now) {
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(&key.name);
            text.push('=');
            text.push_str(value.text.expose());
        }
        let mut header = HeaderValue::from_str(&text).ok().filter(|_| !text.is_empty())?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The value of the cookie of this name that would go to `origin` now.
    pub(crate) fn value(&self, origin: &Origin, name: &str, now: Timestamp) -> Option<&str> {
        let mut due = self.due(origin, "/", now);
        due.find(|(key, _)| *key.name == *name).map(|(_, value)| value.text.expose())
    }

    /// Makes room: what ends first goes first.
    fn evict(&mut self) {
        if self.cookies.len() <= COOKIES {
            return;
        }
        let ends = |value: &Value| value.expires.unwrap_or(Timestamp::from_millis(u64::MAX));
        let first = self.cookies.iter().min_by_key(|(_, value)| ends(value));
        if let Some(key) = first.map(|(key, _)| key.clone()) {
            self.cookies.remove(&key);
        }
    }

    fn due<'a, 'b>(
        &'a self,
        origin: &'b Origin,
        path: &'b str,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a Key, &'a Value)> + use<'a, 'b> {
        let host = origin.host();
        // Tests and proxies on this machine speak http: a `Secure` cookie is safe there.
        let safe = origin.is_secure() || origin.is_loopback();
        self.cookies.iter().filter(move |(key, value)| {
            (*key.domain == *host || value.shared && is_below(host, &key.domain))
                && (safe || !value.secure)
                && path_covers(&key.path, path)
                && value.expires.is_none_or(|at| at > now)
        })
    }
}

/// The cookie as it is kept, or nothing if this origin may not set it.
fn accept(
    hosts: &Hosts,
    origin: &Origin,
    cookie: &Cookie<'_>,
    date: Option<Timestamp>,
    now: Timestamp,
) -> Option<(Key, Value)> {
    let (name, text) = (cookie.name(), cookie.value());
    // Visible ASCII without the separators: what a `Cookie` header can carry.
    let legal = |byte: u8| matches!(byte, 0x21..=0x7e) && byte != b';';
    let fits = !name.is_empty() && name.len() + text.len() <= LENGTH;
    if !fits || !name.bytes().chain(text.bytes()).all(legal) {
        return None;
    }
    let host = origin.host();
    let domain = cookie.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
    let (domain, shared) = match domain {
        // One origin plays all hosts: whatever domain it names, it means itself.
        _ if hosts.is_single() => (host.to_owned(), false),
        None => (host.to_owned(), false),
        Some(domain) => {
            let shareable = SHARED.iter().any(|base| domain == *base || is_below(&domain, base));
            let own = domain == host || is_below(host, &domain);
            (shareable && own).then_some((domain, true))?
        }
    };
    let path = cookie.path().filter(|path| path.starts_with('/')).unwrap_or("/");
    let life = match (cookie.max_age(), cookie.expires()) {
        (Some(age), _) => Some(Duration::try_from(age).unwrap_or(Duration::ZERO)),
        (None, Some(Expiration::DateTime(at))) => {
            let at = Timestamp::from_secs(u64::try_from(at.unix_timestamp()).unwrap_or(0));
            Some(at.since(date.unwrap_or(now)))
        }
        _ => None,
    };
    Some((
        Key { domain: domain.into(), path: path.into(), name: name.into() },
        Value {
            text: text.parse().ok()?,
            shared,
            secure: cookie.secure().unwrap_or(false),
            expires: life.map(|life| now.after(life)),
        },
    ))
}

/// Whether `host` is a sub-domain of `domain`.
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|front| front.ends_with('.'))
}

fn path_covers(of_cookie: &str, of_request: &str) -> bool {
    of_request
        .strip_prefix(of_cookie)
        .is_some_and(|rest| rest.is_empty() || of_cookie.ends_with('/') || rest.starts_with('/'))
}

/// A date of HTTP, in any of its forms.
fn http_date(text: &str) -> Option<Timestamp> {
    let mut line = String::from("date=; expires=");
    line.push_str(text);
    match Cookie::parse(line).ok()?.expires()? {
        Expiration::DateTime(at) => {
            Some(Timestamp::from_secs(u64::try_from(at.unix_timestamp()).ok()?))
        }
        Expiration::Session => None,
    }
}

impl From<Vec<(Key, Value)>> for Jar {
    fn from(cookies: Vec<(Key, Value)>) -> Self {
        Self { cookies: cookies.into_iter().collect() }
    }
}

impl From<Jar> for Vec<(Key, Value)> {
    fn from(jar: Jar) -> Self {
        jar.cookies.into_iter().collect()
    }
}

/// Names and where they go, never values.
impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.cookies.keys().map(|key| (&key.domain, &key.name));
        f.debug_map().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;
    use crate::hosts::{Family, Role};

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn stored(hosts: &Hosts, role: Role, lines: &[&str], date: Option<&str>) -> Jar {
        let mut jar = Jar::default();
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        jar.store(hosts, hosts.origin(role), &lines, date, NOW);
        jar
    }

    fn sent(jar: &Jar, hosts: &Hosts, uri: &str, now: Timestamp) -> String {
        let uri = uri.parse().unwrap();
        jar.header(hosts, &uri, now).map_or(String::new(), |h| h.to_str().unwrap().into())
    }

    #[test]
    fn keeps_to_host_and_domain() {
        let hosts = Hosts::new(Family::Wx2);
        let jar = stored(
            &hosts,
            Role::Api,
            &[
                "wxsid=s/+=; Path=/",
                "webwx_data_ticket=t; Domain=.qq.com; Path=/; Secure",
                "wxuin=7; Domain=wx2.qq.com",
            ],
            None,
        );
        for (uri, cookies) in [
            ("https://wx2.qq.com/", "webwx_data_ticket=t; wxsid=s/+=; wxuin=7"),
            ("https://file.wx2.qq.com/a", "webwx_data_ticket=t; wxuin=7"),
            ("https://login.weixin.qq.com/", "webwx_data_ticket=t"),
            ("https://wx.qq.com/", ""),
            ("http://wx2.qq.com/", ""),
            ("https://wx2.qq.com:444/", ""),
            ("https://evil.example/", ""),
        ] {
            assert_eq!(sent(&jar, &hosts, uri, NOW), cookies, "{uri}");
        }
    }

    /// `docs/protocol.md` §15: the file host of that page is of another family.
    #[test]
    fn keeps_to_the_hosts_of_the_file_transfer_page() {
        let hosts = Hosts::new(Family::SzFileHelper);
        let jar = stored(
            &hosts,
            Role::Api,
            &[
                "wxsid=s; Domain=szfilehelper.weixin.qq.com; Path=/; Secure",
                "webwx_data_ticket=t; Domain=.qq.com; Path=/; Secure",
                "a=b; Domain=cmfilehelper.weixin.qq.com",
                "a=b; Domain=wx2.qq.com",
            ],
            None,
        );
        for (uri, cookies) in [
            ("https://szfilehelper.weixin.qq.com/", "webwx_data_ticket=t; wxsid=s"),
            ("https://file.wx2.qq.com/a", "webwx_data_ticket=t"),
            ("https://login.wx2.qq.com/a", "webwx_data_ticket=t"),
            ("https://filehelper.weixin.qq.com/", ""),
            ("https://wx2.qq.com/", ""),
        ] {
            assert_eq!(sent(&jar, &hosts, uri, NOW), cookies, "{uri}");
        }
    }

    /// `docs/threats.md` N5, N6.
    #[test]
    fn leaves_out_what_may_not_be_set() {
        let hosts = Hosts::new(Family::Wx2);
        for line in [
            "a=b; Domain=com",
            "a=b; Domain=.com",
            "a=b; Domain=evil.example",
            "a=b; Domain=wx.qq.com",
            "a=b; Domain=qq.com.",
            "a=b; Domain=xqq.com",
            "a=b; Domain=q.com",
            "a=b; Domain=wechat.com",
            "=b",
            "a",
            "a=b\u{1}c",
            "a=b c",
            "名=值",
            &format!("a={}", "b".repeat(5000)),
        ] {
            let jar = stored(&hosts, Role::Api, &[line], None);
            assert_eq!(sent(&jar, &hosts, "https://wx2.qq.com/", NOW), "", "{line}");
        }
        for line in ["a=b; domain=QQ.com", "a=b; DOMAIN=.wx2.qq.com", "a=b; Path=x", "a=\"b\""] {
            let jar = stored(&hosts, Role::Api, &[line], None);
            assert!(!sent(&jar, &hosts, "https://wx2.qq.com/", NOW).is_empty(), "{line}");
        }
    }

    /// `docs/protocol.md` §1.3: the dashed dates; §1.7: twelve hours.
    #[test]
    fn reckons_expiry_from_the_date_of_the_reply() {
        let hosts = Hosts::default();
        let line = "wxsid=s; Expires=Mon, 31-Dec-2018 11:12:21 GMT; Path=/";
        let jar = stored(&hosts, Role::Api, &[line], Some("Sun, 30 Dec 2018 23:12:21 GMT"));
        let hour = |hours: u64| NOW.after(Duration::from_secs(hours * 3600));
        assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", hour(11)), "wxsid=s");
        assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", hour(12)), "");
        // Without a date of the reply, our clock decides: long gone.
        let jar = stored(&hosts, Role::Api, &[line], None);
        assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", NOW), "");
        // Max-Age wins.
        let jar = stored(
            &hosts,
            Role::Api,
            &["a=b; Max-Age=60; Expires=Mon, 31-Dec-2018 11:12:21 GMT"],
            None,
        );
        assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", NOW), "a=b");
        assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", hour(1)), "");
    }

    #[test]
    fn an_expired_line_takes_the_cookie_back() {
        let hosts = Hosts::default();
        let lines = ["a=b", "c=d", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"];
        let jar = stored(&hosts, Role::Api, &lines, None);
        assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", NOW), "c=d");
    }

    #[test]
    fn a_configured_origin_gets_its_secure_cookies() {
        let hosts = Hosts::all("http://127.0.0.1:99".parse().unwrap());
        let jar = stored(&hosts, Role::Api, &["a=b; Secure; Domain=.qq.com"], None);
        assert_eq!(sent(&jar, &hosts, "http://127.0.0.1:99/", NOW), "a=b");
        assert_eq!(sent(&jar, &hosts, "http://127.0.0.1:98/", NOW), "");
    }

    #[test]
    fn stays_small() {
        let hosts = Hosts::default();
        let lines: Vec<String> = (0..1000).map(|n| format!("c{n}=v")).collect();
        let mut jar = Jar::default();
        jar.store(&hosts, hosts.origin(Role::Api), &lines, None, NOW);
        assert_eq!(jar.cookies.len(), COOKIES);
        // A full jar is no trap: what is over makes room, and so does what ends first.
        let mut jar = Jar::default();
        let short: Vec<String> = (0..64).map(|n| format!("c{n}=v; Max-Age=10")).collect();
        let line = |text: &str| [String::from(text)];
        jar.store(&hosts, hosts.origin(Role::Api), &short, None, NOW);
        jar.store(&hosts, hosts.origin(Role::Api), &line("wxsid=s"), None, NOW);
        assert!(sent(&jar, &hosts, "https://wx.qq.com/", NOW).ends_with("; wxsid=s"));
        let later = NOW.after(Duration::from_secs(100));
        jar.store(&hosts, hosts.origin(Role::Api), &line("wxuin=7"), None, later);
        assert_eq!(sent(&jar, &hosts, "https://wx.qq.com/", later), "wxsid=s; wxuin=7");
        assert_eq!(jar.cookies.len(), 2);
    }

    #[test]
    fn shows_names_only() {
        let jar = stored(&Hosts::default(), Role::Api, &["wxsid=planted"], None);
        let shown = format!("{jar:?}");
        assert!(shown.contains("wxsid") && !shown.contains("planted"), "{shown}");
    }

    proptest! {
        /// Whatever was set, the next request can be built and no other host gets anything.
        #[test]
        fn any_lines_leave_a_usable_jar(lines in prop::collection::vec(".{0,80}", 0..20)) {
            let hosts = Hosts::default();
            let mut jar = Jar::default();
            jar.store(&hosts, hosts.origin(Role::Api), &lines, None, NOW);
            for uri in ["https://evil.example/", "https://qq.com/", "https://wx8.qq.com/"] {
                prop_assert_eq!(sent(&jar, &hosts, uri, NOW), "");
            }
            jar.header(&hosts, &"https://wx.qq.com/".parse().unwrap(), NOW);
            let stored = serde_json::to_string(&jar).unwrap();
            prop_assert_eq!(serde_json::from_str::<Jar>(&stored).unwrap(), jar);
        }
    }

    #[test]
    fn a_path_covers_what_is_below_it() {
        for (of_cookie, of_request, covers) in [
            ("/", "/a/b", true),
            ("/a", "/a", true),
            ("/a", "/a/b", true),
            ("/a/", "/a/b", true),
            ("/a", "/ab", false),
            ("/a/b", "/a", false),
        ] {
            assert_eq!(path_covers(of_cookie, of_request), covers, "{of_cookie} {of_request}");
        }
    }
}
