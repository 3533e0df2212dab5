//! How a client reaches the service.

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
use crate::service::{Exchange, Own, Served};
use crate::timer::Alarm;

/// Where the time comes from.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a transport reaches the service: roots of trust, names, proxy, clock, seed, time limits; or
/// by what other means.
///
/// The default suits a bot: Mozilla's roots, the system's names and clock, no proxy,
/// entropy of the system.
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

    /// How long looking a name up, connecting and the TLS handshake may take; ten seconds unless
    /// set. What is left of a request's deadline, if that is less. A name's addresses are tried one
    /// after the other, each with its share of the time.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Cuts all deadlines down to this: for tests that must not wait 35 seconds.
    pub fn deadline_cap(mut self, limit: Duration) -> Self {
        self.deadline_cap = limit;
        self
    }

    /// Measures time limits and pauses with this timer instead of tokio's. Without a
    /// [service](Options::service) too, connections still need tokio's time.
    pub fn timer(mut self, timer: impl Timer + Send + Sync + 'static) -> Self {
        self.alarm = Alarm::new(timer);
        self
    }

    /// Sends requests with this service instead of a client of its own: another connector or
    /// runtime, a stack of `tower` layers, a test double.
    ///
    /// The service has to keep what [`wechat_proto::flow`] promises of requests and redirects;
    /// limits, lengths, codings and deadlines are seen to. Roots of trust, names, proxy and
    /// [`Options::connect_timeout`] are then its own affair, and with [`Options::timer`] nothing
    /// is left that needs a tokio runtime.
    ///
    /// A [`Failure`] among the sources of its errors is taken as it is.
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

    /// What sends the requests.
    pub(crate) fn exchange(&self) -> Result<Arc<dyn Exchange>, Error> {
        match &self.service {
            Some(service) => Ok(Arc::clone(service)),
            None => Ok(Arc::new(Own(Served(connect::client(self).map_err(Error::Transport)?)))),
        }
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
