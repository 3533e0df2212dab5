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

use crate::error::Invalid;
use crate::hosts::{Hosts, Origin, Role};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The cookies of a device.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(from = "Vec<(Key, Value)>", into = "Vec<(Key, Value)>")]
pub struct Jar {
    /// Ordered, so that the same cookies give the same header.
    cookies: BTreeMap<Key, Value>,
    clock: Clock,
}

/// By which clock cookies end; not stored.
#[derive(Clone, Copy, Default)]
enum Clock {
    /// Ours: a login begins, perhaps long after what set them.
    #[default]
    Ours,
    /// The service's, of which nothing was heard since the session was restored: none of those whose
    /// end it told is over.
    Unheard,
    /// The service's, as the last reply told it.
    Told(Timestamp),
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
    /// By our clock.
    expires: Option<Timestamp>,
    /// By the service's clock, where that told when it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Timestamp>,
}

impl Value {
    /// Whether it is over, by our clock and by the service's: ours may jump by a day, and what
    /// stands between may have a wrong one (`docs/threats.md` C1).
    fn is_over(&self, clock: Clock, now: Timestamp) -> bool {
        let by_service = match (self.ends, clock) {
            (Some(end), Clock::Told(date)) => end <= date,
            (Some(_), Clock::Unheard) => false,
            (None, _) | (_, Clock::Ours) => true,
        };
        by_service && self.expires.is_some_and(|at| at <= now)
    }
}

/// How wrong a clock may be that expired a cookie: one that is to be deleted ended long ago.
const WRONG: Duration = Duration::from_secs(2 * 86_400);

/// How many cookies are kept: the service sets eight.
const COOKIES: usize = 64;
/// The longest cookie, name and value together.
const LENGTH: usize = 4096;
/// The longest path of a cookie: a longer one counts for none, as in browsers.
const PATH: usize = 1024;
/// The cookie of the whole domain: uploads and downloads of files need it.
const DATA_TICKET: &str = "webwx_data_ticket";
/// The domains whose hosts may share cookies.
const SHARED: [&str; 2] = ["qq.com", "wechat.com"];

impl Jar {
    /// Takes the `Set-Cookie` lines of a reply of `origin`.
    ///
    /// A line that cannot be used is left out; it never spoils the next request. `date` is the
    /// reply's `Date`: expiry is reckoned from it, so that a wrong clock of ours ends no cookie. One
    /// that is over by our clock alone is kept and goes nowhere: without a `Date`, a clock that runs a
    /// day ahead for a while costs no cookie either.
    pub(crate) fn store<'a>(
        &mut self,
        hosts: &Hosts,
        origin: &Origin,
        lines: impl IntoIterator<Item = &'a str>,
        date: Option<&str>,
        now: Timestamp,
    ) {
        let date = date.and_then(http_date);
        if let Some(date) = date {
            self.clock = Clock::Told(date);
            // By both clocks.
            self.cookies.retain(|_, value| !value.is_over(self.clock, now));
        }
        for line in lines {
            let Ok(cookie) = Cookie::parse(line) else { continue };
            let Some((key, value)) = accept(hosts, origin, &cookie, date, now) else { continue };
            let by_clock = date.is_none() && cookie.max_age().is_none();
            let late = if by_clock { WRONG } else { Duration::ZERO };
            if value.expires.is_some_and(|at| at.after(late) <= now) {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value);
                self.evict();
            }
        }
    }

    /// Adds the cookies of a `Cookie` header that a browser sent to the page.
    ///
    /// # Errors
    ///
    /// If there is none, or one that a request cannot carry; then none is added.
    pub(crate) fn import(&mut self, hosts: &Hosts, line: &str) -> Result<usize, Invalid> {
        let invalid =
            Invalid { what: "a Cookie header", expected: "cookies like wxuin=1; wxsid=2" };
        let origin = hosts.origin(Role::Api);
        let host = origin.host();
        let pair = |pair: &str| {
            let mut cookie = Cookie::parse(pair.to_owned()).ok()?;
            if let Some(domain) = SHARED.iter().find(|domain| is_below(host, domain)) {
                let whole = cookie.name() == DATA_TICKET;
                cookie.set_domain(if whole { *domain } else { host }.to_owned());
            }
            accept(hosts, origin, &cookie, None, Timestamp::default())
        };
        let pairs = line.split(';').map(str::trim).filter(|text| !text.is_empty());
        let cookies = pairs.map(pair).collect::<Option<Vec<_>>>().ok_or(invalid)?;
        if cookies.is_empty() {
            return Err(invalid);
        }
        let count = cookies.len();
        for (key, value) in cookies {
            self.cookies.insert(key, value);
            self.evict();
        }
        Ok(count)
    }

    /// Another login begins, perhaps much later: until a reply tells the service's clock, ours
    /// decides what is over.
    pub(crate) const fn reopen(&mut self) {
        self.clock = Clock::Ours;
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
        if text.is_empty() {
            return None;
        }
        // By value: the text becomes the header, without a copy that nobody wipes.
        let mut header = HeaderValue::try_from(text).ok()?;
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
                && !value.is_over(self.clock, now)
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
    let usable = |path: &&str| path.starts_with('/') && path.len() <= PATH;
    let path = cookie.path().filter(usable).unwrap_or("/");
    // When it ends, by the service's clock and by ours.
    let after = |life| (date.map(|date| date.after(life)), Some(now.after(life)));
    let (ends, expires) = match (cookie.max_age(), cookie.expires()) {
        (Some(age), _) => after(Duration::try_from(age).unwrap_or(Duration::ZERO)),
        (None, Some(Expiration::DateTime(at))) => {
            let at = Timestamp::from_secs(u64::try_from(at.unix_timestamp()).unwrap_or(0));
            date.map_or((None, Some(at)), |date| after(at.since(date)))
        }
        _ => (None, None),
    };
    Some((
        Key { domain: domain.into(), path: path.into(), name: name.into() },
        Value {
            text: text.parse().ok()?,
            shared,
            secure: cookie.secure().unwrap_or(false),
            expires,
            ends,
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
        Self { cookies: cookies.into_iter().collect(), clock: Clock::Unheard }
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
#[path = "jar_tests.rs"]
mod tests;
