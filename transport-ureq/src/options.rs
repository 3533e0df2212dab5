//! Options of a transport.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Error, Timestamp};

/// The source of the time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Options of a transport: roots of trust, host names, proxy, clock, seed, time limits.
///
/// The default uses Mozilla's roots, the system's resolver, clock and entropy, and no proxy.
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

/// Configured addresses of host names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) table: BTreeMap<String, SocketAddr>,
    pub(crate) only: bool,
}

impl Options {
    /// Trusts an additional certificate authority, in DER form. Can be called several times.
    pub fn root_certificate(mut self, der: Vec<u8>) -> Self {
        self.roots.push(der);
        self
    }

    /// Uses this address for a host, without a lookup. Can be called several times.
    ///
    /// The address's port is used if the host's origin has none; port 0 means the default port.
    pub fn resolve(mut self, host: &str, address: SocketAddr) -> Self {
        self.names.table.insert(host.to_ascii_lowercase(), address);
        self
    }

    /// Disables lookups: only hosts given to [`Options::resolve`] have an address.
    pub fn resolve_only(mut self) -> Self {
        self.names.only = true;
        self
    }

    /// Connects through an HTTP proxy (`CONNECT`). The connection to the proxy itself is not encrypted.
    ///
    /// Proxies of the environment are ignored.
    pub fn proxy(mut self, host: &str, port: u16) -> Self {
        self.proxy = Some((host.to_owned(), port));
        self
    }

    /// Uses this clock instead of the system's.
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Uses this seed instead of the system's entropy: the same seed, clock and replies give the same
    /// requests.
    pub fn seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Limits the time for a name lookup, and separately for connecting with the TLS handshake. The
    /// default is ten seconds each. The deadline of the request applies if it is earlier.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Limits all deadlines to this duration, for tests that must not wait 35 seconds.
    pub fn deadline_cap(mut self, limit: Duration) -> Self {
        self.deadline_cap = limit;
        self
    }

    /// Returns a seed for the session's generator.
    pub(crate) fn fresh_seed(&self) -> Result<[u8; 32], Error> {
        if let Some(seed) = self.seed {
            return Ok(seed);
        }
        let mut seed = [0; 32];
        // Without entropy, two copies of a session would generate the same ids: fail instead.
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
            // The host may contain a password.
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
