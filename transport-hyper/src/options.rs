//! Options of a transport.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::rt::Timer;
use hyper_util::rt::TokioTimer;
use tower_service::Service;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Error, Timestamp};

use crate::BoxError;
use crate::body::RequestBody;
use crate::connect;
use crate::service::{DefaultClient, Exchange, Served};
use crate::timer::Alarm;

/// The source of the time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Options of a transport: roots of trust, host names, proxy, clock, seed, time limits, timer, HTTP
/// service.
///
/// The default uses Mozilla's roots, the system's resolver, clock and entropy, and no proxy.
///
/// ```
/// use std::time::Duration;
/// use wechat_transport_hyper::Options;
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
    pub(crate) alarm: Alarm,
    pub(crate) service: Option<Arc<dyn Exchange>>,
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

    /// Limits the time for a name lookup, connecting and the TLS handshake together. The default is
    /// ten seconds. The deadline of the request applies if it is earlier. The addresses of a name are
    /// tried one after the other, each with its share of the time.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Limits all deadlines to this duration, for tests that must not wait 35 seconds.
    pub fn deadline_cap(mut self, limit: Duration) -> Self {
        self.deadline_cap = limit;
        self
    }

    /// Uses this timer instead of tokio's for time limits and pauses. The default client still needs
    /// tokio's time; [`Options::service`] replaces it.
    pub fn timer(mut self, timer: impl Timer + Send + Sync + 'static) -> Self {
        self.alarm = Alarm::new(timer);
        self
    }

    /// Sends requests with this service instead of the default client: with another connector or
    /// runtime, a stack of `tower` layers, or a test double.
    ///
    /// The service has to meet the requirements of [`wechat_proto::flow`] for requests and redirects.
    /// The transport enforces limits, lengths, codings and deadlines. Roots of trust, host names,
    /// proxy and [`Options::connect_timeout`] are ignored. Together with [`Options::timer`], no tokio
    /// runtime is needed.
    ///
    /// If the sources of an error include a [`Failure`], it is returned unchanged.
    pub fn service<S, B>(mut self, service: S) -> Self
    where
        S: Service<http::Request<RequestBody>, Response = http::Response<B>>,
        S: Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.service = Some(Arc::new(Served(service)));
        self
    }

    /// Returns the service that sends the requests.
    pub(crate) fn exchange(&self) -> Result<Arc<dyn Exchange>, Error> {
        match &self.service {
            Some(service) => Ok(Arc::clone(service)),
            None => {
                let client = connect::client(self).map_err(Error::Transport)?;
                Ok(Arc::new(DefaultClient(Served(client))))
            }
        }
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
            alarm: Alarm::new(TokioTimer::new()),
            service: None,
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
