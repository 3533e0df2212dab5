//! The device: the state that exists before a login.

pub(crate) mod jar;
mod lang;
mod prepared;
mod user_agent;

use alloc::sync::Arc;
use core::time::Duration;

use http::header::{DATE, SET_COOKIE};
use http::{HeaderValue, Uri};
use serde::{Deserialize, Serialize};

use self::jar::Jar;
pub use self::lang::Lang;
use self::prepared::Prepared;
pub use self::user_agent::UserAgent;
use crate::backoff::{Backoff, Backoffs, Lane};
use crate::error::session_end::{Lifetime, SessionEnded};
use crate::error::{Invalid, Ret};
use crate::flow::Response;
use crate::hosts::Role;
use crate::rng::Generator;
use crate::send_rate::Bucket;
pub use crate::send_rate::SendRate;
use crate::time::Timestamp;
use crate::{Entry, Error, Hosts};

/// The browser that the service sees: its hosts, user agent and cookies.
///
/// A device outlives its logins: the service recognises it by its cookies.
///
/// ```
/// use wechat_proto::{Device, Lang};
///
/// let device = Device::new().with_lang(Lang::EN_US).with_seed([7; 32]);
/// assert_eq!(device.lang().as_str(), "en_US");
/// ```
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Device {
    pub(crate) entry: Entry,
    pub(crate) hosts: Hosts,
    pub(crate) lang: Lang,
    user_agent: UserAgent,
    pub(crate) jar: Jar,
    pub(crate) rng: Generator,
    /// The code that closed the session of this device.
    #[serde(rename = "ended")]
    closed: Option<Ret>,
    /// Whether replies must not be compressed; absent if they may be.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) uncompressed: bool,
    /// The number of the account that was logged in last; absent from the oldest stored sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_uin: Option<i64>,
    /// The lifetime of its session; absent if stored by older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    life: Option<Lifetime>,
    /// The time at which an unconfirmed logout was sent.
    #[serde(skip)]
    logging_out: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) backoffs: Backoffs,
    #[serde(skip)]
    sends: Option<Bucket>,
    /// The common parts of requests of this device.
    #[serde(skip)]
    pub(crate) prepared: Option<Arc<Prepared>>,
}

/// The time for which the end of the session is attributed to an unconfirmed logout.
const LOGOUT: Duration = Duration::from_secs(60);

impl Device {
    /// Returns a device for the web entry of `wx.qq.com`, in Chinese, with a fixed seed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the entry. If the hosts are those of another entry, replaces them by the hosts of this
    /// one, except hosts set with [`Hosts::all`] or [`Hosts::with`].
    #[must_use]
    pub fn with_entry(mut self, entry: Entry) -> Self {
        if !self.hosts.are_of(entry.families())
            && let Some(first) = entry.families().first()
        {
            self.hosts.enter(*first);
        }
        self.entry = entry;
        self.prepared = None;
        self
    }

    /// Sets the hosts.
    #[must_use]
    pub fn with_hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self.prepared = None;
        self
    }

    /// Sets the language of the service's texts.
    #[must_use]
    pub fn with_lang(mut self, lang: Lang) -> Self {
        self.lang = lang;
        self.prepared = None;
        self
    }

    /// Sets the user agent.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: UserAgent) -> Self {
        self.user_agent = user_agent;
        self.prepared = None;
        self
    }

    /// Sets whether the service may compress replies with gzip. Default: `true`.
    #[must_use]
    pub const fn with_compression(mut self, allowed: bool) -> Self {
        self.uncompressed = !allowed;
        self
    }

    /// Seeds the random number generator: until [`Device::mix_seed`] is called, two devices with
    /// the same seed generate the same `DeviceID`s.
    #[must_use]
    pub fn with_seed(mut self, seed: [u8; 32]) -> Self {
        self.rng = Generator::new(seed);
        self
    }

    /// Mixes fresh entropy into the generator. Transports do this before a login and when they
    /// resume a session.
    pub fn mix_seed(&mut self, seed: [u8; 32]) {
        self.rng.mix(seed);
    }

    /// Limits the rate of sends ([`SendRate`]) of this device, also in later sessions. `None`, the default,
    /// means no limit.
    /// Calls wait for their turn. The limit is not stored.
    pub fn limit_sends(&mut self, rate: Option<SendRate>) {
        self.sends = rate.map(Bucket::new);
    }

    /// Counts a send, or returns how long it has to wait.
    pub(crate) fn take_send(&mut self, now: Timestamp) -> Option<Duration> {
        self.sends.as_mut()?.take(now)
    }

    /// Returns the hosts that receive its requests.
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Returns the language of the service's texts.
    pub const fn lang(&self) -> &Lang {
        &self.lang
    }

    /// Returns the code that closed the session of this device: [`Ret::OK`] after a logout by this
    /// client, `None` while the session is open.
    pub const fn closed(&self) -> Option<Ret> {
        self.closed
    }

    /// Returns how the session ended; `None` if it is open or its start is unknown.
    pub fn session_ended(&self) -> Option<SessionEnded> {
        self.life?.ended(self.closed?)
    }

    /// Returns the error of flows whose session is closed.
    pub(crate) fn close_reason(&self) -> Option<Error> {
        let ret = self.closed?;
        Some(Error::LoggedOut { ret, ended: self.session_ended(), message: "".into() })
    }

    /// Returns the number of the account that this device logged in last, which
    /// [`Login::again`](crate::login::Login::again) uses for a push login.
    pub const fn last_uin(&self) -> Option<i64> {
        self.last_uin
    }

    /// Stores the number of the logged-in account.
    pub(crate) const fn remember(&mut self, uin: i64) {
        // The service sends 0 if it does not give the number.
        if uin != 0 {
            self.last_uin = Some(uin);
        }
    }

    /// Returns the common parts of requests.
    pub(crate) fn prepare(&mut self) -> Arc<Prepared> {
        let Self { hosts, lang, user_agent, .. } = self;
        let prepared = || Arc::new(Prepared::new(hosts, lang, user_agent));
        Arc::clone(self.prepared.get_or_insert_with(prepared))
    }

    /// Returns the `Cookie` header of a request; `None` without cookies.
    pub(crate) fn cookies(&self, uri: &Uri, now: Timestamp) -> Option<HeaderValue> {
        self.jar.header(&self.hosts, uri, now)
    }

    /// Returns the cookie `webwx_data_ticket`, which the page copies into its requests to the file
    /// host; empty if there is none. The cookie of the page's own host takes precedence:
    /// `docs/protocol.md` §15.
    pub(crate) fn data_ticket(&self, now: Timestamp) -> &str {
        let of = |role| self.jar.value(self.hosts.origin(role), "webwx_data_ticket", now);
        of(Role::Api).or_else(|| of(Role::File)).unwrap_or_default()
    }

    /// Applies the cookies and the `Date` of a response. Called by
    /// [`Endpoint::receive`](crate::Endpoint::receive). `uri` is that of the request.
    ///
    /// Ignores responses from hosts other than the device's.
    pub fn receive(&mut self, uri: &Uri, response: &Response, now: Timestamp) {
        if let Some(origin) = self.hosts.find(uri) {
            let headers = response.headers();
            let lines = headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
            let date = headers.get(DATE).and_then(|value| value.to_str().ok());
            self.jar.store(&self.hosts, origin, lines, date, now);
        }
    }

    /// Imports the cookies of a logged-in browser, in the form of its `Cookie` request header for
    /// the page: `wxuin=1; wxsid=…`, with or without the name of the header. Returns the number of
    /// imported cookies.
    ///
    /// They apply to the page's host and its subdomains, and `webwx_data_ticket` to the whole
    /// domain (`docs/protocol.md` §1.7), until the service renews them. First set the hosts of the
    /// account's page, which the address bar of the browser shows ([`Device::with_hosts`]): cookies
    /// are not sent to other hosts.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if there is no cookie, or if a request cannot carry one of them. No cookie is
    /// added in that case.
    pub fn import_cookies(&mut self, cookies: &str) -> Result<usize, Invalid> {
        self.jar.import(&self.hosts, cookies)
    }

    /// Returns the back-off of a lane, to which flows report whether a response was useful.
    pub const fn backoff(&mut self, lane: Lane) -> &mut Backoff {
        self.backoffs.lane(lane)
    }

    /// Replaces this device with another, but keeps the back-off and the send limit of this one.
    pub(crate) fn adopt(&mut self, other: Self) {
        let (backoffs, sends) = (core::mem::take(&mut self.backoffs), self.sends);
        *self = Self { backoffs, sends, ..other };
    }

    /// Returns a copy without its back-off.
    pub(crate) fn rested(&self) -> Self {
        Self { backoffs: Backoffs::default(), ..self.clone() }
    }

    /// Records the start of a session.
    pub(crate) const fn begin(&mut self, now: Timestamp) {
        self.life = Some(Lifetime::begin(now));
    }

    /// Records that the session received a message.
    pub(crate) const fn note_message(&mut self) {
        if let Some(life) = &mut self.life {
            life.note_message();
        }
    }

    /// Records that the new session was closed as soon as it began.
    pub(crate) fn drop_session(&mut self, ret: Ret, now: Timestamp) {
        self.reopen();
        self.begin(now);
        self.close(ret, now);
    }

    /// Records that a logout is sent.
    pub(crate) const fn mark_logging_out(&mut self, now: Timestamp) {
        self.logging_out = Some(now);
    }

    /// Records that the logout was not sent.
    pub(crate) const fn unmark_logging_out(&mut self) {
        self.logging_out = None;
    }

    /// Closes the session and returns the code that closed it first: [`Ret::OK`] while a logout is
    /// in progress.
    pub(crate) fn close(&mut self, ret: Ret, now: Timestamp) -> Ret {
        let own = self.logging_out.is_some_and(|since| now.since(since) < LOGOUT);
        let ret = *self.closed.get_or_insert(if own { Ret::OK } else { ret });
        if let Some(life) = &mut self.life {
            life.end(now);
        }
        ret
    }

    /// Prepares for another login.
    pub(crate) const fn reopen(&mut self) {
        self.closed = None;
        self.life = None;
        self.logging_out = None;
        self.jar.reopen();
    }
}

impl AsMut<Self> for Device {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Family;

    /// `docs/protocol.md` §15.
    #[test]
    fn an_entry_sets_its_hosts() {
        let page = Device::new().with_entry(Entry::file_helper());
        assert_eq!(page.hosts(), &Hosts::new(Family::FileHelper));
        assert_eq!(page.clone().with_entry(Entry::web()).hosts(), &Hosts::default());
        // Other hosts of the same entry, and hosts set by the caller, are kept.
        let hosts = Hosts::new(Family::CmFileHelper);
        let other = page.with_hosts(hosts.clone()).with_entry(Entry::file_helper());
        assert_eq!(other.hosts(), &hosts);
        let hosts = Hosts::all("http://127.0.0.1:99".parse().unwrap());
        let own = Device::new().with_hosts(hosts.clone()).with_entry(Entry::file_helper());
        assert_eq!(own.hosts(), &hosts);
        let wx2 = Device::new().with_hosts(Hosts::new(Family::Wx2)).with_entry(Entry::web());
        assert_eq!(wx2.hosts(), &Hosts::new(Family::Wx2));
    }

    #[test]
    fn an_account_is_remembered() {
        let mut device = Device::new();
        assert_eq!(device.last_uin(), None);
        device.remember(0);
        assert_eq!(device.last_uin(), None);
        device.remember(3_566_148_615);
        device.remember(0);
        assert_eq!(device.last_uin(), Some(3_566_148_615));
    }

    /// A stored session has no limit.
    #[test]
    fn a_limit_of_sends_outlives_a_login() {
        let (mut device, now) = (Device::new(), Timestamp::from_secs(10));
        device.limit_sends(Some(SendRate::new(1, Duration::from_secs(5))));
        assert_eq!(device.take_send(now), None);
        device.adopt(Device::new());
        assert_eq!(device.take_send(now), Some(Duration::from_secs(5)));
    }

    #[test]
    fn the_first_close_reason_is_kept() {
        let mut device = Device::new();
        device.begin(Timestamp::from_secs(10));
        let first = device.close(Ret::SESSION_INVALID, Timestamp::from_secs(15));
        let second = device.close(Ret::OK, Timestamp::from_secs(99));
        assert_eq!([first, second], [Ret::SESSION_INVALID; 2]);
        assert_eq!(device.closed(), Some(Ret::SESSION_INVALID));
        let ended = device.session_ended().unwrap();
        assert_eq!((ended.retcode, ended.after.as_secs()), (Ret::SESSION_INVALID, 5));
        device.reopen();
        assert_eq!((device.closed(), device.session_ended()), (None, None));
    }
}
