//! Connections: TCP, a proxy if there is one, and TLS, with the stage of each failure.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::Proxy;
use ureq::unversioned::transport::{
    ChainedConnector, ConnectProxyConnector, ConnectionDetails, Connector as Connect, NextTimeout,
    SocksConnector, TcpConnector, Transport,
};
use wechat_proto::error::FailureKind;

use crate::failure::stage_failure;
use crate::resolve::{list, with_addresses};
use crate::tls::{Shared, Tls};

type Proxies = ChainedConnector<(), SocksConnector, ConnectProxyConnector>;
type Chain = ChainedConnector<(), ChainedConnector<(), Proxies, Tcp>, Tls>;

/// A connector that opens connections, and converts ureq's errors to the failures of their stages.
#[derive(Debug)]
pub(crate) struct Connector {
    chain: Chain,
    /// The kind of a failure to connect.
    stage: FailureKind,
}

impl Connector {
    /// Returns a connector. `tls` is shared by all agents of a transport: it caches the configuration.
    pub(crate) fn new(tls: Shared, proxied: bool) -> Self {
        let (stage, tls_stage) = match proxied {
            true => (FailureKind::Proxy, FailureKind::Proxy),
            false => (FailureKind::Connect, FailureKind::Tls),
        };
        let chain = SocksConnector::default().chain(ConnectProxyConnector::default());
        Self { chain: chain.chain(Tcp::default()).chain(Tls(tls, tls_stage)), stage }
    }
}

impl Connect for Connector {
    type Out = <Chain as Connect>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let host = details.config.proxy().map_or(details.uri, Proxy::uri);
        self.chain.connect(details, None).map_err(|error| stage_failure(error, self.stage, host))
    }
}

/// A connector that tries the addresses of a name one after another, starting with the one that
/// responded last.
#[derive(Debug, Default)]
pub(crate) struct Tcp {
    connector: TcpConnector,
    /// For each host, the address that responded last.
    responsive: Mutex<BTreeMap<String, SocketAddr>>,
}

/// The maximum time that an address, except for the last one, has to respond.
const SHARE: Duration = Duration::from_secs(1);

impl Tcp {
    fn responsive(&self) -> MutexGuard<'_, BTreeMap<String, SocketAddr>> {
        self.responsive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<In: Transport> Connect<In> for Tcp {
    type Out = <TcpConnector as Connect<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        if chained.is_some() {
            return self.connector.connect(details, chained);
        }
        let (start, limit) = (Instant::now(), *details.timeout.after);
        let host = details.uri.host().unwrap_or_default();
        let responsive = self.responsive().get(host).copied();
        let mut addresses = details.addrs.to_vec();
        addresses.sort_by_key(|address| Some(*address) != responsive);
        let mut error = ureq::Error::Timeout(details.timeout.reason);
        for (address, others) in addresses.iter().zip((0..addresses.len() as u32).rev()) {
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                break;
            }
            let share = if others == 0 { left } else { SHARE.min(left / (others + 1)) };
            let timeout = NextTimeout { after: share.into(), ..details.timeout };
            let attempt =
                ConnectionDetails { timeout, ..with_addresses(details, list(&[*address])) };
            match self.connector.connect(&attempt, None::<In>) {
                Ok(stream) => {
                    self.responsive().insert(host.to_owned(), *address);
                    return Ok(stream);
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use ureq::Agent;
    use ureq::config::Config;
    use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
    use wechat_proto::error::Failure;
    use wechat_simulator::conformance::{Full, nobody};

    use super::*;

    /// A resolver that returns these addresses for every name.
    #[derive(Debug)]
    struct Fixed(Vec<SocketAddr>);

    impl Resolver for Fixed {
        fn resolve(
            &self,
            _: &http::Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            Ok(list(&self.0))
        }
    }

    #[test]
    fn unresponsive_addresses_are_tried_once() {
        let full = Full::new().unwrap();
        let (dead, listener) = (full.address(), TcpListener::bind("127.0.0.1:0").unwrap());
        let alive = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut socket in listener.incoming().map_while(Result::ok) {
                let reply = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                let _ = std::io::Read::read(&mut socket, &mut [0; 512]);
                let _ = std::io::Write::write_all(&mut socket, reply);
            }
        });
        let timed = |agent: &Agent| {
            let start = Instant::now();
            let result = agent.get("http://name.example/").call().map(drop);
            (result, start.elapsed().as_millis())
        };
        thread::scope(|scope| {
            for (addresses, first) in [
                (vec![alive], 0..500),
                (vec![nobody(), alive], 0..500),
                (vec![dead, alive], 900..1900),
                (vec![dead, dead, alive], 1900..2900),
            ] {
                scope.spawn(move || {
                    let limit = Some(Duration::from_secs(8));
                    let config = Config::builder().proxy(None).timeout_connect(limit).build();
                    let connector = Connector::new(Shared::default(), false);
                    let agent = Agent::with_parts(config, connector, Fixed(addresses.clone()));
                    for expected in [first, 0..500, 0..500] {
                        let (result, took) = timed(&agent);
                        result.unwrap();
                        assert!(expected.contains(&took), "{addresses:?}: {took} ms");
                    }
                });
            }
        });
        let limit = Some(Duration::from_millis(600));
        let config = Config::builder().proxy(None).timeout_connect(limit).build();
        let connector = Connector::new(Shared::default(), false);
        let agent = Agent::with_parts(config, connector, Fixed(vec![dead, dead]));
        let (result, took) = timed(&agent);
        let Err(ureq::Error::Other(error)) = result else { panic!("{result:?}") };
        assert_eq!(error.downcast::<Failure>().unwrap().kind, FailureKind::Timeout);
        assert!((500..2000).contains(&took), "{took} ms");
    }
}
