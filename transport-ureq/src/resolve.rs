//! Name resolution, cached for a minute.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, NextTimeout};
use wechat_proto::error::FailureKind;
use wechat_transport::{Options, host_and_port};

use crate::failure::stage_failure;

/// A resolver that uses the options, then a cache, then the system.
///
/// ureq resolves the name of every request, even for an open connection, and its own resolver starts
/// a thread for each lookup with a time limit.
#[derive(Debug)]
pub(crate) struct Cache {
    options: Arc<Options>,
    entries: Mutex<Entries>,
}

/// The addresses of an origin, and when they were found.
type Entries = BTreeMap<String, (Instant, Vec<SocketAddr>)>;

/// The time for which a result is cached.
const LIFETIME: Duration = Duration::from_secs(60);

impl Cache {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        Self { options, entries: Mutex::default() }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, (since, _)| since.elapsed() < LIFETIME);
        entries
    }
}

/// Converts at most sixteen addresses to ureq's list, which holds no more.
pub(crate) fn list(addresses: &[SocketAddr]) -> ResolvedSocketAddrs {
    let mut list = DefaultResolver::default().empty();
    for address in addresses {
        list.push(*address);
    }
    list
}

/// Returns the same details with other addresses.
pub(crate) fn with_addresses<'a>(
    details: &ConnectionDetails<'a>,
    addrs: ResolvedSocketAddrs,
) -> ConnectionDetails<'a> {
    ConnectionDetails {
        uri: details.uri,
        addrs,
        config: details.config,
        // ureq parses the roots again for each request with settings of its own, and every request sets
        // time limits.
        request_level: false,
        resolver: details.resolver,
        now: details.now,
        timeout: details.timeout,
        current_time: Arc::clone(&details.current_time),
        run_connector: Arc::clone(&details.run_connector),
        register_shutdown: Arc::clone(&details.register_shutdown),
    }
}

impl Resolver for Cache {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let known = self.options.address(uri);
        if let Some(address) = known.map_err(|failure| ureq::Error::Other(failure.into()))? {
            return Ok(list(&[address]));
        }
        let (host, port) = host_and_port(uri);
        let key = format!("{host}:{port}");
        if let Some((_, addresses)) = self.entries().get(&key) {
            return Ok(list(addresses));
        }
        let addresses = DefaultResolver::default().resolve(uri, config, timeout);
        let addresses =
            addresses.map_err(|error| stage_failure(error, FailureKind::Resolve, uri))?;
        self.entries().insert(key, (Instant::now(), addresses.to_vec()));
        Ok(addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_addresses_expire_after_a_minute() {
        let cache = Cache::new(Arc::default());
        let address = SocketAddr::from(([127, 0, 0, 3], 443));
        let insert = |since| {
            cache.entries().insert("cached.invalid:443".into(), (since, vec![address]));
        };
        insert(Instant::now());
        let uri = Uri::from_static("https://cached.invalid/");
        let found = cache.resolve(&uri, &Config::default(), NextTimeout::default()).unwrap();
        assert_eq!(found[..], [address]);
        if let Some(long_ago) = Instant::now().checked_sub(LIFETIME) {
            insert(long_ago);
            assert!(cache.entries().is_empty());
        }
    }
}
