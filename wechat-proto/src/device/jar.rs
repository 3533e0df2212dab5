//! Cookies: `docs/protocol.md` §1.7, `docs/threats.md` N5, N6.
//!
//! A small cookie jar for one service. Names and values are stored unchanged; no cookie is sent to
//! a host outside the device's five.

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
use crate::hosts::{Origin, Role};
use crate::secret::Secret;
use crate::{Hosts, Timestamp};

/// The cookies of a device.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(from = "Vec<(Key, Value)>", into = "Vec<(Key, Value)>")]
pub struct Jar {
    /// Sorted, so that the same cookies produce the same header.
    cookies: Vec<(Key, Value)>,
    clock: Clock,
    /// The last `Date`, as received.
    date: Box<str>,
}

/// The clock that decides whether cookies are expired; not stored.
#[derive(Clone, Copy, Default)]
enum Clock {
    /// The local clock, when a login begins, perhaps long after the cookies were set.
    #[default]
    Local,
    /// The service's clock, which is unknown since the session was restored: no cookie with an
    /// expiry by that clock is expired.
    Unknown,
    /// The service's clock, from the `Date` of the last reply.
    Service(Timestamp),
}

#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
struct Key {
    /// The host, or the domain shared with its subdomains.
    domain: Box<str>,
    path: Box<str>,
    name: Box<str>,
}

#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
struct Value {
    text: Secret,
    /// Whether subdomains receive it as well.
    shared: bool,
    secure: bool,
    /// The expiry by the local clock.
    expires: Option<Timestamp>,
    /// The expiry by the service's clock, if the reply that set it had a `Date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Timestamp>,
}

impl Value {
    /// Returns whether the cookie is expired by both clocks: the local clock may jump by a day, and
    /// an intermediary may have a wrong clock (`docs/threats.md` C1).
    fn is_expired(&self, clock: Clock, now: Timestamp) -> bool {
        let by_service = match (self.ends, clock) {
            (Some(end), Clock::Service(date)) => end <= date,
            (Some(_), Clock::Unknown) => false,
            (None, _) | (_, Clock::Local) => true,
        };
        by_service && self.expires.is_some_and(|at| at <= now)
    }
}

/// The tolerated error of the local clock when a cookie without `Date` arrives expired: cookies to
/// be deleted have an expiry long ago.
const CLOCK_ERROR: Duration = Duration::from_secs(2 * 86_400);

/// The maximum number of cookies; the service sets eight.
const COOKIES: usize = 64;
/// The maximum length of a cookie, name and value together.
const LENGTH: usize = 4096;
/// The maximum length of a path; a longer one is ignored, as in browsers.
const PATH: usize = 1024;
/// The cookie of the whole domain, which uploads and downloads of files need.
const DATA_TICKET: &str = "webwx_data_ticket";
/// The domains whose hosts may share cookies.
const SHARED: [&str; 2] = ["qq.com", "wechat.com"];

impl Jar {
    /// Stores the cookies of the `Set-Cookie` lines in a reply from `origin`.
    ///
    /// Unusable lines are ignored, so that they cannot invalidate later requests. `date` is the
    /// `Date` of the reply: expiry is computed from it, so that a wrong local clock expires no
    /// cookie. A cookie that is expired only by the local clock is kept but not sent, so that a
    /// clock that is temporarily a day ahead removes no cookie, even without a `Date`.
    pub(crate) fn store<'a>(
        &mut self,
        hosts: &Hosts,
        origin: &Origin,
        lines: impl IntoIterator<Item = &'a str>,
        date: Option<&str>,
        now: Timestamp,
    ) {
        let date = date.and_then(|date| self.parse_date(date));
        if let Some(date) = date {
            self.clock = Clock::Service(date);
            self.cookies.retain(|(_, value)| !value.is_expired(self.clock, now));
        }
        for line in lines {
            let Ok(cookie) = Cookie::parse(line) else { continue };
            let Some((key, value)) = accept(hosts, origin, &cookie, date, now) else { continue };
            let by_clock = date.is_none() && cookie.max_age().is_none();
            let late = if by_clock { CLOCK_ERROR } else { Duration::ZERO };
            let is_removal = value.expires.is_some_and(|at| at.after(late) <= now);
            self.set(key, Some(value).filter(|_| !is_removal));
        }
    }

    /// Sets or removes a cookie. Removes the one that expires first if there are too many.
    fn set(&mut self, key: Key, value: Option<Value>) {
        let found = self.cookies.binary_search_by(|(other, _)| other.cmp(&key));
        if let Ok(at) = found {
            self.cookies.remove(at);
        }
        if let Some(value) = value {
            self.cookies.reserve_exact(1);
            self.cookies.insert(found.unwrap_or_else(|at| at), (key, value));
        }
        if self.cookies.len() > COOKIES {
            let ends = |value: &Value| value.expires.unwrap_or(Timestamp::from_millis(u64::MAX));
            let cookies = self.cookies.iter().enumerate();
            let first = cookies.min_by_key(|(_, (_, value))| ends(value)).map(|(at, _)| at);
            self.cookies.remove(first.unwrap_or(0));
        }
    }

    /// Parses a `Date`. Caches the result, because consecutive replies often have the same one, in
    /// whole seconds.
    fn parse_date(&mut self, text: &str) -> Option<Timestamp> {
        if let Clock::Service(date) = self.clock
            && *self.date == *text
        {
            return Some(date);
        }
        let date = http_date(text)?;
        self.date = text.into();
        Some(date)
    }

    /// Adds the cookies of a `Cookie` header that a browser sent to the page.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if there is no cookie, or if a request cannot carry one of them. No cookie is
    /// added in that case.
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
        let line = line.trim();
        let line = match line.get(..7) {
            Some(name) if name.eq_ignore_ascii_case("cookie:") => line.get(7..).unwrap_or_default(),
            _ => line,
        };
        let pairs = line.split(';').map(str::trim).filter(|text| !text.is_empty());
        let cookies = pairs.map(pair).collect::<Option<BTreeMap<_, _>>>().ok_or(invalid)?;
        if cookies.is_empty() {
            return Err(invalid);
        }
        let count = cookies.len();
        cookies.into_iter().for_each(|(key, value)| self.set(key, Some(value)));
        Ok(count)
    }

    /// Prepares for another login, perhaps much later. The local clock determines expiry until a
    /// reply has a `Date`.
    pub(crate) const fn reopen(&mut self) {
        self.clock = Clock::Local;
    }

    /// Returns the `Cookie` header for a request; `None` without cookies.
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
        // Moves the text into the header, because a copy would not be wiped.
        let mut header = HeaderValue::try_from(text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// Returns the value of the cookie of this name that applies to `origin` now.
    pub(crate) fn value(&self, origin: &Origin, name: &str, now: Timestamp) -> Option<&str> {
        let mut due = self.due(origin, "/", now);
        due.find(|(key, _)| *key.name == *name).map(|(_, value)| value.text.expose())
    }

    fn due<'a, 'b>(
        &'a self,
        origin: &'b Origin,
        path: &'b str,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a (Key, Value)> + use<'a, 'b> {
        let host = origin.host();
        // `Secure` cookies may be sent over http to loopback addresses, for tests and local proxies.
        let safe = origin.is_secure() || origin.is_loopback();
        self.cookies.iter().filter(move |(key, value)| {
            (*key.domain == *host || value.shared && is_below(host, &key.domain))
                && (safe || !value.secure)
                && path_covers(&key.path, path)
                && !value.is_expired(self.clock, now)
        })
    }
}

/// Returns the cookie as it is stored; `None` if this origin may not set it.
fn accept(
    hosts: &Hosts,
    origin: &Origin,
    cookie: &Cookie<'_>,
    date: Option<Timestamp>,
    now: Timestamp,
) -> Option<(Key, Value)> {
    let (name, text) = (cookie.name(), cookie.value());
    // A `Cookie` header can carry visible ASCII without the separators.
    let legal = |byte: u8| matches!(byte, 0x21..=0x7e) && byte != b';';
    let fits = !name.is_empty() && name.len() + text.len() <= LENGTH;
    if !fits || !name.bytes().chain(text.bytes()).all(legal) {
        return None;
    }
    let host = origin.host();
    let domain = cookie.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
    let (domain, shared) = match domain {
        // A single origin serves all roles, so its cookies are its own, regardless of their domain.
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
    // The expiry by the service's clock and by the local clock.
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

/// Returns whether `host` is a subdomain of `domain`.
fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|front| front.ends_with('.'))
}

fn path_covers(of_cookie: &str, of_request: &str) -> bool {
    of_request
        .strip_prefix(of_cookie)
        .is_some_and(|rest| rest.is_empty() || of_cookie.ends_with('/') || rest.starts_with('/'))
}

/// Parses an HTTP date, in any of its forms.
fn http_date(text: &str) -> Option<Timestamp> {
    match Cookie::parse(["date=; expires=", text].concat()).ok()?.expires()? {
        Expiration::DateTime(at) => {
            Some(Timestamp::from_secs(u64::try_from(at.unix_timestamp()).ok()?))
        }
        Expiration::Session => None,
    }
}

impl From<Vec<(Key, Value)>> for Jar {
    fn from(cookies: Vec<(Key, Value)>) -> Self {
        let mut jar = Self { clock: Clock::Unknown, ..Self::default() };
        cookies.into_iter().for_each(|(key, value)| jar.set(key, Some(value)));
        jar
    }
}

impl From<Jar> for Vec<(Key, Value)> {
    fn from(jar: Jar) -> Self {
        jar.cookies
    }
}

/// Shows only domains and names.
impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.cookies.iter().map(|(key, _)| (&key.domain, &key.name));
        f.debug_map().entries(names).finish()
    }
}

#[cfg(test)]
#[path = "jar_tests.rs"]
mod tests;
