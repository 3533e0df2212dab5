//! How a client reaches the service.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Error, Timestamp};

/// Where the time comes from.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a transport reaches the service: roots of trust, names, proxy, clock, seed, time limits.
///
/// The default suits a bot: Mozilla's roots, the system's names and clock, no proxy,
/// entropy of the system.
///
/// ```
/// use std::time::Duration;
/// use wechat_transport_ureq::Options;
///
/// let options = Options::default().connect_timeout(Duration::from_secs(5));
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until a transport is made with them"]
pub struct Options {
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) names: Names,
    pub(crate) proxy: Option<(String, u16)>,
    pub(crate) clock: Clock,
    pub(crate) seed: Option<[u8; 32]>,
    pub(crate) connect_timeout: Duration,
    pub(crate) deadline_cap: Duration,
}

/// What is known of names without asking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) table: BTreeMap<String, SocketAddr>,
    pub(crate) only: bool,
}

impl Options {
    /// Trusts another certificate authority, besides the usual ones. May be repeated.
    pub fn root_certificate(mut self, der: Vec<u8>) -> Self {
        self.roots.push(der);
        self
    }

    /// Takes this address for a host, without looking its name up. May be repeated.
    ///
    /// The address's port is used where the host's origin names none; port 0 means the usual one.
    pub fn resolve(mut self, host: &str, address: SocketAddr) -> Self {
        self.names.table.insert(host.to_ascii_lowercase(), address);
        self
    }

    /// Looks no name up: those that [`Options::resolve`] does not know have no address.
    pub fn resolve_only(mut self) -> Self {
        self.names.only = true;
        self
    }

    /// Connects through an HTTP proxy (`CONNECT`), itself reached in the clear.
    ///
    /// None is ever taken from the environment.
    pub fn proxy(mut self, host: &str, port: u16) -> Self {
        self.proxy = Some((host.to_owned(), port));
        self
    }

    /// Takes the time from here instead of the system's clock.
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Mixes in this seed instead of the system's entropy: the same seed, clock and replies give
    /// the same requests.
    pub fn seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long looking a name up may take, and again how long connecting with its TLS handshake
    /// may; ten seconds each unless set. What is left of a request's deadline, if that is less.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Cuts all deadlines down to this: for tests that must not wait 35 seconds.
    pub fn deadline_cap(mut self, limit: Duration) -> Self {
        self.deadline_cap = limit;
        self
    }

    /// What is to be mixed into the session's generator.
    pub(crate) fn fresh_seed(&self) -> Result<[u8; 32], Error> {
        if let Some(seed) = self.seed {
            return Ok(seed);
        }
        let mut seed = [0; 32];
        // Without entropy, two copies of one session would say the same: rather none.
        getrandom::fill(&mut seed)
            .map_err(|_| Error::Transport(Failure::new(FailureKind::Other, Sent::No)))?;
        Ok(seed)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            names: Names::default(),
            proxy: None,
            clock: Arc::new(system_clock),
            seed: None,
            connect_timeout: Duration::from_secs(10),
            deadline_cap: Duration::MAX,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("roots", &self.roots.len())
            .field("names", &self.names)
            // A name may hold a password.
            .field("proxy", &self.proxy.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("deadline_cap", &self.deadline_cap)
            .finish_non_exhaustive()
    }
}

fn system_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().after(since)
}
