//! The cookies that a client must send, independent of `wechat-proto`: RFC 6265 without paths, since every path is `/`.

use crate::violation::Fault;
use crate::wire::date;

/// The tolerance at the expiry of a cookie, in milliseconds: within it, the cookie may be sent or not.
const EDGE: u64 = 5_000;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cookie {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// The domain, without a leading dot.
    pub(crate) domain: String,
    /// Whether the header has the leading dot, as for the widest domain.
    pub(crate) dotted: bool,
    pub(crate) expires: u64,
}

impl Cookie {
    /// Creates a cookie of a host and its subdomains.
    pub(crate) fn new(
        name: &'static str,
        value: impl Into<String>,
        host: &str,
        expires: u64,
    ) -> Self {
        Self { name, value: value.into(), domain: host.to_owned(), dotted: false, expires }
    }

    /// Returns the value of a `Set-Cookie` header.
    pub(crate) fn header(&self) -> String {
        let Self { name, value, domain, .. } = self;
        let dot = if self.dotted { "." } else { "" };
        let expires = date::cookie(self.expires);
        format!("{name}={value}; Domain={dot}{domain}; Path=/; Expires={expires}; Secure")
    }

    fn matches(&self, host: &str) -> bool {
        host == self.domain
            || host.strip_suffix(self.domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
    }
}

/// The cookies set so far. Since a reply may be lost, the state before the last change is valid too, until a request
/// proves that the reply arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
    before: Vec<Cookie>,
    /// Whether the state `before` is valid too.
    pending: bool,
    /// The states of this session, the newest last. All are valid if `restored`: the client was restored from an older
    /// state.
    states: Vec<Vec<Cookie>>,
    restored: bool,
    /// Cookies of an ended session that may not have arrived, and whether the next session has set them too.
    unsure: Vec<(&'static str, bool)>,
}

impl Jar {
    /// Stores the cookies of one reply.
    pub(crate) fn set(&mut self, cookies: &[Cookie]) {
        if !std::mem::replace(&mut self.pending, true) {
            self.before = self.cookies.clone();
        }
        if self.states.last() != Some(&self.cookies) {
            self.states.push(self.cookies.clone());
        }
        for cookie in cookies {
            for (name, again) in &mut self.unsure {
                *again |= *name == cookie.name;
            }
            self.cookies.retain(|old| old.name != cookie.name);
            self.cookies.push(cookie.clone());
        }
    }

    /// Starts another session. The last cookies of the previous one may not have arrived.
    pub(crate) fn begin(&mut self) {
        if self.pending {
            let set = self.cookies.iter().filter(|cookie| !self.before.contains(cookie));
            self.unsure.extend(set.map(|cookie| (cookie.name, false)));
            self.pending = false;
        }
        self.states.clear();
        self.restored = false;
    }

    /// Records that the client was restored from an older state of this session.
    pub(crate) fn restore(&mut self) {
        self.restored = true;
    }

    /// Returns whether a cookie has expired.
    pub(crate) fn is_expired(&self, name: &str, now: u64) -> bool {
        self.cookies.iter().any(|cookie| cookie.name == name && cookie.expires <= now + EDGE)
    }

    /// Makes the newest state the only valid one.
    pub(crate) fn settle(&mut self) {
        self.pending = false;
        self.unsure.retain(|(_, again)| !again);
    }

    /// Returns the jar for requests that overtake replies: the state before the last change is always valid.
    pub(crate) fn unsettled(&self) -> Self {
        Self { pending: true, ..self.clone() }
    }

    /// Returns the faults of the cookies of a request to `host` (`None`: one host for all roles, domains are ignored).
    /// Unless clients are `punctual`, cookies may be present or missing.
    pub(crate) fn complaints(
        &self,
        sent: &[(String, String)],
        host: Option<&str>,
        now: u64,
        punctual: bool,
    ) -> Vec<Complaint> {
        let is_sure = |name: &str| !self.unsure.iter().any(|(unsure, _)| *unsure == name);
        let sure = |cookies: &[Cookie]| -> Vec<Cookie> {
            cookies.iter().filter(|cookie| is_sure(cookie.name)).cloned().collect()
        };
        let sent: Vec<_> = sent.iter().filter(|(name, _)| is_sure(name)).cloned().collect();
        let wrong = |cookies: &[Cookie]| complaints(&sure(cookies), &sent, host, now, punctual);
        let found = wrong(&self.cookies);
        let is_right = |cookies: &Vec<Cookie>| wrong(cookies).is_empty();
        let excused = self.pending && is_right(&self.before)
            || self.restored && self.states.iter().any(is_right);
        if excused { Vec::new() } else { found }
    }
}

/// A fault of a cookie, its name, and a description.
pub(crate) type Complaint = (Fault, String, String);

fn complaints(
    cookies: &[Cookie],
    sent: &[(String, String)],
    host: Option<&str>,
    now: u64,
    punctual: bool,
) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut add = |fault, name: &str, what| found.push((fault, name.to_owned(), what));
    let in_scope = |cookie: &&Cookie| {
        host.is_none_or(|host| cookie.matches(host)) && (cookie.expires + EDGE > now || !punctual)
    };
    for cookie in cookies.iter().filter(in_scope) {
        let name = cookie.name;
        let mut values = sent.iter().filter(|(sent, _)| sent == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (None, _) if cookie.expires <= now + EDGE || !punctual => {}
            (None, _) => add(Fault::Missing, name, "is missing".to_owned()),
            (Some(_), Some(_)) => add(Fault::Repeated, name, "is repeated".to_owned()),
            (Some(value), None) if *value != cookie.value => {
                add(Fault::Value, name, format!("is `{value}`, was set to `{}`", cookie.value));
            }
            (Some(_), None) => {}
        }
    }
    for (name, _) in sent {
        if !cookies.iter().filter(in_scope).any(|cookie| cookie.name == name) {
            add(Fault::Unknown, name, "does not belong here".to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar() -> Jar {
        let mut jar = Jar::default();
        jar.set(&[
            Cookie::new("wxsid", "v+/=", "wx2.qq.com", 100_000),
            Cookie::new("wide", "v+/=", "qq.com", 900_000),
        ]);
        jar.settle();
        jar
    }

    fn pairs(names: &[&str]) -> Vec<(String, String)> {
        names.iter().map(|&name| (name.to_owned(), "v+/=".to_owned())).collect()
    }

    #[test]
    fn scope_includes_subdomains() {
        let jar = jar();
        for host in ["wx2.qq.com", "webpush.wx2.qq.com"] {
            assert!(jar.complaints(&pairs(&["wxsid", "wide"]), Some(host), 0, true).is_empty());
            assert_eq!(jar.complaints(&pairs(&["wide"]), Some(host), 0, true).len(), 1);
        }
        assert!(jar.complaints(&pairs(&["wide"]), Some("login.wx.qq.com"), 0, true).is_empty());
        assert!(jar.complaints(&[], Some("evil-qq.com"), 0, true).is_empty());
        assert_eq!(
            jar.complaints(&pairs(&["wxsid", "wide"]), Some("xwx2.qq.com"), 0, true).len(),
            1
        );
        assert!(jar.complaints(&pairs(&["wxsid", "wide"]), None, 0, true).is_empty());
    }

    #[test]
    fn expired_cookie_is_not_sent() {
        let jar = jar();
        assert_eq!(jar.complaints(&pairs(&["wxsid", "wide"]), None, 200_000, true).len(), 1);
        assert!(jar.complaints(&pairs(&["wide"]), None, 200_000, true).is_empty());
    }

    /// A client with another clock may send expired cookies or omit valid ones, also those of the previous state.
    #[test]
    fn missing_and_expired_cookies_are_accepted_from_a_client_with_another_clock() {
        let mut jar = jar();
        let again = Cookie { value: "2".into(), expires: 900_000, ..jar.cookies[0].clone() };
        jar.set(&[again]);
        for now in [0, 200_000] {
            for sent in [&[][..], &["wide"], &["wxsid", "wide"]] {
                let sent = pairs(sent);
                assert!(jar.complaints(&sent, Some("wx2.qq.com"), now, false).is_empty());
            }
            let stray = pairs(&["wxsid"]);
            assert!(!jar.complaints(&stray, Some("qq.com"), now, false).is_empty());
            let other = [("wxsid".to_owned(), "3".to_owned())];
            assert!(!jar.complaints(&other, Some("wx2.qq.com"), now, false).is_empty());
        }
    }

    #[test]
    fn previous_state_is_valid_until_settled() {
        let mut jar = jar();
        jar.set(&[Cookie::new("wxsid", "2", "wx2.qq.com", 100_000)]);
        assert!(jar.complaints(&pairs(&["wxsid", "wide"]), None, 0, true).is_empty());
        jar.settle();
        assert_eq!(jar.complaints(&pairs(&["wxsid", "wide"]), None, 0, true).len(), 1);
    }

    /// A process is killed, and its session restored from a state stored several replies earlier.
    #[test]
    fn older_states_are_valid_after_restore() {
        let cookie = |name, value: &str| Cookie::new(name, value, "qq.com", 900_000);
        let mut jar = Jar::default();
        let clean = |jar: &Jar, value: &str| {
            let sent = [("wxsid", "s"), ("wxloadtime", value)];
            let sent = sent.map(|(name, value)| (name.to_owned(), value.to_owned()));
            jar.complaints(&sent, None, 0, true).is_empty()
        };
        jar.set(&[cookie("wxsid", "s"), cookie("wxloadtime", "1")]);
        for value in ["2", "3", "4"] {
            jar.settle();
            jar.set(&[cookie("wxloadtime", value)]);
        }
        jar.settle();
        let states = ["1", "2", "3", "4", "5"];
        assert_eq!(states.map(|value| clean(&jar, value)), [false, false, false, true, false]);
        jar.restore();
        assert_eq!(states.map(|value| clean(&jar, value)), [true, true, true, true, false]);
        jar.begin();
        assert_eq!(states.map(|value| clean(&jar, value)), [false, false, false, true, false]);
    }

    #[test]
    fn header_has_a_dashed_date() {
        let cookie =
            Cookie { dotted: true, ..Cookie::new("wxuin", "1", "qq.com", 1_546_254_741_000) };
        assert_eq!(
            cookie.header(),
            "wxuin=1; Domain=.qq.com; Path=/; Expires=Mon, 31-Dec-2018 11:12:21 GMT; Secure"
        );
    }

    #[test]
    fn last_cookies_of_an_ended_session_may_be_missing() {
        let cookie = |name, value: &str| Cookie::new(name, value, "wx2.qq.com", 900_000);
        let sent = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let mut jar = Jar::default();
        jar.set(&[cookie("wxsid", "one"), cookie("wxloadtime", "1")]);
        jar.settle();
        // The reply that sets these may be lost; then another session begins.
        jar.set(&[cookie("wxloadtime", "1_expired"), cookie("wxpluginkey", "p")]);
        jar.begin();
        jar.set(&[cookie("wxsid", "two"), cookie("wxloadtime", "2")]);
        let clean = |jar: &Jar, pairs: &[(&str, &str)]| {
            jar.complaints(&sent(pairs), Some("wx2.qq.com"), 0, true).is_empty()
        };
        for before in [&[("wxsid", "one"), ("wxloadtime", "1")][..], &[("wxsid", "one")]] {
            assert!(clean(&jar, before), "the login page may be lost too");
        }
        jar.settle();
        assert!(!clean(&jar, &[("wxsid", "one"), ("wxloadtime", "2")]));
        assert!(!clean(&jar, &[("wxsid", "two"), ("wxloadtime", "1_expired")]));
        for plugin in [&[][..], &[("wxpluginkey", "p")]] {
            let mut pairs = vec![("wxsid", "two"), ("wxloadtime", "2")];
            pairs.extend(plugin);
            assert!(clean(&jar, &pairs));
        }
    }
}
