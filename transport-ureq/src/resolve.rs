//! Name resolution, cached for a minute.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use wechat_proto::error::FailureKind;

use crate::connect::{cancelled, connect_failure, limited};
use crate::drive::Shutdown;
use crate::options::Names;

/// Resolves names with the options, then the cache, then the system.
///
/// ureq resolves the name of every request, even for an open connection, and its own resolver starts
/// a thread for each lookup with a time limit.
#[derive(Debug)]
pub(crate) struct Cache {
    names: Names,
    system: Arc<dyn Resolver>,
    /// Cancels a lookup.
    shutdown: Option<Arc<Shutdown>>,
    entries: Mutex<BTreeMap<String, (Instant, Vec<SocketAddr>)>>,
}

/// How long a result is cached.
const LIFETIME: Duration = Duration::from_secs(60);
/// The maximum number of cached names; a bot uses five hosts and a proxy.
const CAPACITY: usize = 64;
/// The maximum number of addresses per name; the capacity of ureq's list.
const MAX_ADDRESSES: usize = 16;

impl Cache {
    pub(crate) fn new(names: Names, shutdown: Option<Arc<Shutdown>>) -> Self {
        let system = Arc::new(DefaultResolver::default());
        Self { names, system, shutdown, entries: Mutex::default() }
    }

    /// Looks a name up with the system's resolver.
    fn look_up(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let Some(shutdown) = &self.shutdown else {
            return self.system.resolve(uri, config, timeout);
        };
        let (system, uri, config) = (Arc::clone(&self.system), uri.clone(), config.clone());
        let found = shutdown.unless_signalled(move || system.resolve(&uri, &config, timeout));
        found.unwrap_or_else(|| Err(cancelled()))
    }

    fn cached(&self, key: &str) -> Option<ResolvedSocketAddrs> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, addresses) = entries.get(key)?;
        (since.elapsed() < LIFETIME).then(|| list(addresses))
    }

    fn insert(&self, key: String, addresses: &[SocketAddr]) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), addresses.to_vec()));
    }
}

/// Converts addresses to ureq's list, which holds the first sixteen.
pub(crate) fn list(addresses: &[SocketAddr]) -> ResolvedSocketAddrs {
    let unset = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let mut list = ResolvedSocketAddrs::from_fn(|_| unset);
    for address in addresses.iter().take(MAX_ADDRESSES) {
        list.push(*address);
    }
    list
}

fn one(address: SocketAddr) -> ResolvedSocketAddrs {
    list(&[address])
}

impl Resolver for Cache {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16();
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(one(SocketAddr::new(address, port.unwrap_or(usual))));
        }
        if let Some(mut address) = self.names.table.get(&host).copied() {
            if port.is_some() || address.port() == 0 {
                address.set_port(port.unwrap_or(usual));
            }
            return Ok(one(address));
        }
        if self.names.only {
            return Err(connect_failure(FailureKind::Resolve, ureq::Error::HostNotFound));
        }
        let key = format!("{host}:{}", port.unwrap_or(usual));
        if let Some(addresses) = self.cached(&key) {
            return Ok(addresses);
        }
        let addresses = limited(timeout)
            .and_then(|timeout| self.look_up(uri, config, timeout))
            .map_err(|error| connect_failure(FailureKind::Resolve, error))?;
        self.insert(key, &addresses);
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use wechat_proto::error::{Failure, Sent};

    use super::*;

    fn addresses(cache: &Cache, uri: &str) -> Option<Vec<String>> {
        let uri = uri.parse().unwrap();
        let found = cache.resolve(&uri, &Config::default(), NextTimeout::default()).ok()?;
        Some(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn configured_addresses_take_precedence() {
        let mut names = Names { only: true, ..Names::default() };
        names.table.insert("wx.qq.com".into(), ([127, 0, 0, 1], 4433).into());
        names.table.insert("zero.example".into(), ([127, 0, 0, 2], 0).into());
        let cache = Cache::new(names, None);
        for (uri, address) in [
            ("https://wx.qq.com/a", Some("127.0.0.1:4433")),
            ("https://WX.qq.com/a", Some("127.0.0.1:4433")),
            ("https://wx.qq.com:77/a", Some("127.0.0.1:77")),
            ("https://zero.example/", Some("127.0.0.2:443")),
            ("http://zero.example/", Some("127.0.0.2:80")),
            ("http://127.0.0.9:5/", Some("127.0.0.9:5")),
            ("https://[::1]/", Some("[::1]:443")),
            ("https://unknown.example/", None),
        ] {
            let expected = address.map(|address| vec![address.to_string()]);
            assert_eq!(addresses(&cache, uri), expected, "{uri}");
        }
    }

    #[test]
    fn cached_addresses_expire_after_a_minute() {
        let cache = Cache::new(Names::default(), None);
        let address = SocketAddr::from(([127, 0, 0, 3], 443));
        cache.insert("cached.invalid:443".into(), &[address]);
        let uri = "https://cached.invalid/";
        assert_eq!(addresses(&cache, uri), Some(vec!["127.0.0.3:443".into()]));
        if let Some(long_ago) = Instant::now().checked_sub(LIFETIME) {
            cache
                .entries
                .lock()
                .unwrap()
                .insert("cached.invalid:443".into(), (long_ago, vec![address]));
            assert!(cache.cached("cached.invalid:443").is_none());
        }
    }

    #[test]
    fn cache_size_is_bounded() {
        let cache = Cache::new(Names::default(), None);
        let address = SocketAddr::from(([127, 0, 0, 3], 443));
        for number in 0..1000 {
            cache.insert(number.to_string(), &[address]);
        }
        assert!(cache.entries.lock().unwrap().len() <= CAPACITY);
    }

    /// A resolver that does not return in time.
    #[derive(Debug)]
    struct Slow;

    impl Resolver for Slow {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            thread::sleep(Duration::from_secs(60));
            Err(ureq::Error::HostNotFound)
        }
    }

    /// Threat B4.
    #[test]
    fn shutdown_ends_lookup() {
        let shutdown = Arc::new(Shutdown::default());
        let mut cache = Cache::new(Names::default(), Some(Arc::clone(&shutdown)));
        cache.system = Arc::new(Slow);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            shutdown.signal();
        });
        let start = Instant::now();
        let uri = Uri::from_static("https://slow.invalid/");
        match cache.resolve(&uri, &Config::default(), NextTimeout::default()) {
            Err(ureq::Error::Other(error)) => {
                let failure = error.downcast::<Failure>().unwrap();
                assert_eq!((failure.kind, failure.sent), (FailureKind::Cancelled, Sent::No));
            }
            other => panic!("{other:?}"),
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
