//! Options of a transport.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Uri;
#[cfg(feature = "rustls")]
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use wechat_proto::device::SendRate;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::login::Resume;
use wechat_proto::store::SavePolicy;
use wechat_proto::{Device, Entry, Error, Timestamp};

use crate::place::{at_host, host_and_port};
use crate::proxy;
use crate::trace::{Exchange, Trace};

/// The options of a transport and of the clients that open a session on it: roots of trust, host
/// names, proxy, clock, seed and time limits; device, allowed logins and save policy.
///
/// The default uses Mozilla's roots, the system's resolver, clock and entropy, and no proxy; it logs
/// in on the web page, with a QR code if necessary, and stores the session after each message.
///
/// ```
/// use std::time::Duration;
/// use wechat_transport::Options;
///
/// let options = Options::default()
///     .proxy("http://user:password@proxy.example:3128")
///     .connect_timeout(Duration::from_secs(5));
/// ```
///
/// Time limits are clamped to between one millisecond and a year.
#[derive(Clone)]
#[must_use = "options do nothing until a transport is made with them"]
pub struct Options {
    #[cfg(feature = "rustls")]
    roots: Vec<Vec<u8>>,
    #[cfg(feature = "platform-verifier")]
    platform_verifier: bool,
    addresses: BTreeMap<String, SocketAddr>,
    resolve_only: bool,
    proxy: Option<String>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    seed: Option<[u8; 32]>,
    connect_timeout: Duration,
    deadline_cap: Duration,
    device: Device,
    resume: Resume,
    save: SavePolicy,
    trace: Option<Trace>,
    rate: Option<SendRate>,
}

/// The longest time limit, which every clock and timer can represent.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Options {
    /// Lets the operating system verify certificates, with its own authorities in place of Mozilla's.
    /// It cannot be combined with [`Options::root_certificate`]: creating a transport fails then.
    #[cfg(feature = "platform-verifier")]
    pub fn platform_verifier(mut self) -> Self {
        self.platform_verifier = true;
        self
    }

    /// Returns whether the operating system verifies certificates, for a transport.
    #[cfg(feature = "platform-verifier")]
    pub fn uses_platform_verifier(&self) -> bool {
        self.platform_verifier
    }

    /// Trusts additional certificate authorities: one certificate in DER form, or any number in PEM
    /// form. Can be called several times.
    #[cfg(feature = "rustls")]
    pub fn root_certificate(mut self, certificate: impl Into<Vec<u8>>) -> Self {
        self.roots.push(certificate.into());
        self
    }

    /// Uses this address for a host, without a lookup. Can be called several times.
    ///
    /// The address's port is used if the host's origin has none; port 0 means the default port.
    pub fn resolve(mut self, host: &str, address: SocketAddr) -> Self {
        self.addresses.insert(host.to_ascii_lowercase(), address);
        self
    }

    /// Disables lookups: hosts other than IP addresses and those given to [`Options::resolve`] fail with
    /// [`FailureKind::Resolve`](wechat_proto::error::FailureKind::Resolve).
    pub fn resolve_only(mut self) -> Self {
        self.resolve_only = true;
        self
    }

    /// Connects through a proxy: `host:port` or `http://host:port` for an HTTP proxy (`CONNECT`),
    /// `socks5://host:port` for a SOCKS proxy. The proxy resolves the names of hosts. The connection to
    /// the proxy itself is not encrypted.
    ///
    /// User and password precede the host, percent-encoded: `http://user:password@host:port`. An IPv6
    /// address is in brackets. The default port is 80, and 1080 for SOCKS. With any other form, a
    /// transport cannot be created.
    ///
    /// Proxy environment variables are ignored.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Logs in with this device if no session is stored: its entry, hosts, language and user agent.
    /// A stored session has to belong to the same server.
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Logs in through this entry if no session is stored: the web page, a desktop client, or the
    /// file-transfer page. Equivalent to a [device](Options::device) with this entry.
    pub fn entry(mut self, entry: Entry) -> Self {
        self.device = self.device.with_entry(entry);
        self
    }

    /// Limits how `Client::open` may obtain a session. The default is [`Resume::Code`].
    pub fn resume(mut self, resume: Resume) -> Self {
        self.resume = resume;
        self
    }

    /// Sets when a client that keeps its store saves the session. The default is
    /// [`SavePolicy::EachMessage`].
    pub fn save(mut self, policy: SavePolicy) -> Self {
        self.save = policy;
        self
    }

    /// Limits the rate of sends of each client. There is no limit by default.
    pub fn send_rate(mut self, rate: SendRate) -> Self {
        self.rate = Some(rate);
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

    /// Passes each completed exchange to a function, such as a recorder of captures. A cancelled
    /// exchange is passed as failed, or not at all.
    ///
    /// **An exchange contains credentials**; `wechat --trace` masks them. The function runs after
    /// the exchange and before its response is handled, without holding a lock.
    ///
    /// ```
    /// use wechat_transport::Options;
    ///
    /// let options = Options::default().trace(|exchange| {
    ///     println!("{} {:?}", exchange.request.uri().path(), exchange.elapsed);
    /// });
    /// ```
    pub fn trace(mut self, trace: impl Fn(&Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.trace = Some(Arc::new(trace));
        self
    }

    /// Limits the time to open a connection: the name lookup, TCP, the proxy and the TLS handshake.
    /// The default is ten seconds. The deadline of the request applies if it is earlier. The blocking
    /// transport counts the lookup separately.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = clamped(limit);
        self
    }

    /// Limits all deadlines to this duration, for tests that must not wait for 35 seconds.
    pub fn deadline_cap(mut self, limit: Duration) -> Self {
        self.deadline_cap = clamped(limit);
        self
    }

    /// Returns the additional certificate authorities, for a transport.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] with [`FailureKind::Certificate`] if one is malformed, or if the operating
    /// system verifies certificates.
    #[cfg(feature = "rustls")]
    pub fn root_certificates(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        #[cfg(feature = "platform-verifier")]
        if self.platform_verifier && !self.roots.is_empty() {
            let cause = "`Options::platform_verifier` excludes `Options::root_certificate`";
            return Err(invalid_root(cause));
        }
        let (mut certificates, mut store) = (Vec::new(), RootCertStore::empty());
        for (number, root) in (1..).zip(&self.roots) {
            let malformed = |cause: &dyn fmt::Display| {
                invalid_root(&format!("root certificate {number}: {cause}"))
            };
            let before = certificates.len();
            for certificate in CertificateDer::pem_slice_iter(root) {
                certificates.push(certificate.map_err(|_| malformed(&"malformed PEM"))?);
            }
            if certificates.len() == before {
                certificates.push(root.clone().into());
            }
            for certificate in &certificates[before..] {
                store.add(certificate.clone()).map_err(|error| malformed(&error))?;
            }
        }
        Ok(certificates)
    }

    /// Returns the address of the host of a URL for a transport, or `None` if it has to look it up.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind [`Resolve`](FailureKind::Resolve) if lookups are disabled.
    pub fn address(&self, uri: &Uri) -> Result<Option<SocketAddr>, Failure> {
        let (host, port) = host_and_port(uri);
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(Some((address, port).into()));
        }
        match self.addresses.get(&host.to_ascii_lowercase()) {
            None if self.resolve_only => {
                let disabled = io::Error::other("name lookups are disabled");
                let failure = Failure::new(FailureKind::Resolve, Sent::No);
                Err(failure.because(at_host(uri, Some(disabled))))
            }
            Some(address) if uri.port().is_some() || address.port() == 0 => {
                Ok(Some((address.ip(), port).into()))
            }
            address => Ok(address.copied()),
        }
    }

    /// Returns the URL of the proxy with its scheme, `http` or `socks5`, for a transport.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] with [`FailureKind::Proxy`] if the URL does not have a form that
    /// [`Options::proxy`] accepts.
    pub fn proxy_url(&self) -> Result<Option<String>, Error> {
        self.proxy.as_deref().map(proxy::checked).transpose()
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Returns the seed for a device or a session
    /// ([`Device::mix_seed`](wechat_proto::Device::mix_seed)): that of [`Options::seed`], or random
    /// bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if the system's random number generator fails.
    pub fn new_seed(&self) -> Result<[u8; 32], Error> {
        if let Some(seed) = self.seed {
            return Ok(seed);
        }
        let mut seed = [0; 32];
        // An error, not a fallback: without entropy, two copies of a session generate the same ids.
        getrandom::fill(&mut seed).map_err(|error| {
            let failed = io::Error::other(format!("the system's random number generator: {error}"));
            Error::Transport(Failure::new(FailureKind::Other, Sent::No).because(failed))
        })?;
        Ok(seed)
    }

    /// Returns a copy of the device for a login.
    pub fn new_device(&self) -> Device {
        self.device.clone()
    }

    /// Returns how a client may obtain a session.
    pub fn resume_limit(&self) -> Resume {
        self.resume
    }

    /// Returns the limit of the rate of sends.
    pub(crate) fn rate(&self) -> Option<SendRate> {
        self.rate
    }

    /// Returns when the session is saved.
    pub fn save_policy(&self) -> SavePolicy {
        self.save
    }

    /// Returns the function that receives exchanges.
    pub(crate) fn tracer(&self) -> Option<Trace> {
        self.trace.clone()
    }

    /// Returns the time limit to open a connection, for a transport.
    pub fn connect_limit(&self) -> Duration {
        self.connect_timeout
    }

    /// Returns a time limit of a request, limited by [`Options::deadline_cap`], for a transport.
    pub fn capped(&self, limit: Duration) -> Duration {
        limit.min(self.deadline_cap)
    }
}

#[cfg(feature = "rustls")]
fn invalid_root(cause: &str) -> Error {
    let failure = Failure::new(FailureKind::Certificate, Sent::No);
    Error::Transport(failure.because(io::Error::other(cause)))
}

fn clamped(limit: Duration) -> Duration {
    limit.clamp(Duration::from_millis(1), YEAR)
}

impl Default for Options {
    fn default() -> Self {
        Self {
            #[cfg(feature = "rustls")]
            roots: Vec::new(),
            #[cfg(feature = "platform-verifier")]
            platform_verifier: false,
            addresses: BTreeMap::new(),
            resolve_only: false,
            proxy: None,
            clock: Arc::new(system_clock),
            seed: None,
            connect_timeout: Duration::from_secs(10),
            deadline_cap: YEAR,
            device: Device::new(),
            resume: Resume::default(),
            save: SavePolicy::default(),
            trace: None,
            rate: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("addresses", &self.addresses)
            .field("resolve_only", &self.resolve_only)
            // The URL may contain a password.
            .field("proxy", &self.proxy.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("deadline_cap", &self.deadline_cap)
            .field("resume", &self.resume)
            .field("save", &self.save)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

fn system_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::default().after(since)
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
