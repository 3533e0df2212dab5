//! Names to addresses, remembered for a minute.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use wechat_proto::error::FailureKind;

use crate::connect::{given_up, limited, unconnected};
use crate::drive::Shutdown;
use crate::options::Names;

/// The names of the options, then those remembered, then the system's.
///
/// ureq asks for the address of every request, on a connection that stands as well, and its own
/// resolver starts a thread for each answer that has a time limit.
#[derive(Debug)]
pub(crate) struct Cache {
    names: Names,
    system: Arc<dyn Resolver>,
    /// What ends a look-up early, if anything does.
    shutdown: Option<Arc<Shutdown>>,
    known: Mutex<BTreeMap<String, (Instant, Vec<SocketAddr>)>>,
}

/// How long an answer is good.
const GOOD: Duration = Duration::from_secs(60);
/// How many are kept: there are five hosts, and a proxy.
const MOST: usize = 64;
/// How many addresses of a name are kept; ureq's list has room for no more.
const MOST_ADDRESSES: usize = 16;

impl Cache {
    pub(crate) fn new(names: Names, shutdown: Option<Arc<Shutdown>>) -> Self {
        let system = Arc::new(DefaultResolver::default());
        Self { names, system, shutdown, known: Mutex::default() }
    }

    /// Asks the system.
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
        let found = shutdown.unless_given(move || system.resolve(&uri, &config, timeout));
        found.unwrap_or_else(|| Err(given_up()))
    }

    fn recall(&self, key: &str) -> Option<ResolvedSocketAddrs> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, addresses) = known.get(key)?;
        (since.elapsed() < GOOD).then(|| list(addresses))
    }

    fn remember(&self, key: String, addresses: &[SocketAddr]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, (Instant::now(), addresses.to_vec()));
    }
}

/// Addresses in ureq's form, which keeps the first sixteen.
pub(crate) fn list(addresses: &[SocketAddr]) -> ResolvedSocketAddrs {
    let unset = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let mut list = ResolvedSocketAddrs::from_fn(|_| unset);
    for address in addresses.iter().take(MOST_ADDRESSES) {
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
            return Err(unconnected(FailureKind::Resolve, ureq::Error::HostNotFound));
        }
        let key = format!("{host}:{}", port.unwrap_or(usual));
        if let Some(addresses) = self.recall(&key) {
            return Ok(addresses);
        }
        let addresses = limited(timeout)
            .and_then(|timeout| self.look_up(uri, config, timeout))
            .map_err(|error| unconnected(FailureKind::Resolve, error))?;
        self.remember(key, &addresses);
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
    fn the_table_comes_first() {
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
    fn remembers_for_a_minute() {
        let cache = Cache::new(Names::default(), None);
        let address = SocketAddr::from(([127, 0, 0, 3], 443));
        cache.remember("remembered.invalid:443".into(), &[address]);
        let uri = "https://remembered.invalid/";
        assert_eq!(addresses(&cache, uri), Some(vec!["127.0.0.3:443".into()]));
        if let Some(long_ago) = Instant::now().checked_sub(GOOD) {
            cache
                .known
                .lock()
                .unwrap()
                .insert("remembered.invalid:443".into(), (long_ago, vec![address]));
            assert!(cache.recall("remembered.invalid:443").is_none());
        }
    }

    #[test]
    fn stays_small() {
        let cache = Cache::new(Names::default(), None);
        let address = SocketAddr::from(([127, 0, 0, 3], 443));
        for number in 0..1000 {
            cache.remember(number.to_string(), &[address]);
        }
        assert!(cache.known.lock().unwrap().len() <= MOST);
    }

    /// A resolver that does not come back.
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
    fn a_shutdown_ends_a_look_up() {
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
