//! The default HTTP client.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tower::{Service, ServiceExt as _};
use wechat_proto::Error;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_transport::Options;

use crate::transport::Transport;

/// hyper-util does not export the names of these two errors.
pub(crate) type TcpError = <HttpConnector as Service<Uri>>::Error;
pub(crate) type TunnelError = <Tunnel<HttpConnector> as Service<Uri>>::Error;

/// Returns a transport with a client that adds nothing to the requests.
pub(crate) fn transport(options: Options) -> Result<Transport, Error> {
    let names = Arc::new(options.clone());
    let resolver = tower::service_fn(move |name: Name| {
        let known = names.address(name.as_str());
        async {
            let failure = |error| Failure::new(FailureKind::Resolve, Sent::No).because(error);
            let addresses = match known? {
                Some(address) => vec![address],
                None => GaiResolver::new().call(name).await.map_err(failure)?.collect(),
            };
            Ok::<_, Failure>(addresses.into_iter())
        }
    });
    let (tls, tcp) = (tls(&options)?, tcp(resolver, options.connect_limit()));
    let Some(url) = options.proxy_url()? else { return Ok(pooled(options, tls, tcp)) };
    let proxy = Matcher::builder().all(url).build().intercept(&Uri::from_static("https://host/"));
    let proxy = proxy.ok_or(Error::Transport(Failure::new(FailureKind::Proxy, Sent::No)))?;
    let mut tunnel = Tunnel::new(proxy.uri().clone(), tcp);
    if let Some(user) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(user.clone());
    }
    Ok(pooled(options, tls, tunnel.map_request(with_port)))
}

/// Adds the default port to an http URI without one, for which a tunnel would use port 443.
fn with_port(uri: Uri) -> Uri {
    match (uri.scheme_str(), uri.port(), uri.host()) {
        (Some("http"), None, Some(host)) => format!("http://{host}:80").parse().unwrap_or(uri),
        _ => uri,
    }
}

/// Returns a TLS configuration that trusts Mozilla's roots and those of the options.
fn tls(options: &Options) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(options.root_certificates()?);
    // Explicit, because a process with two providers has no default.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions");
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Returns a connector. Each address of a name has its share of the time, so that an unresponsive
/// one leaves time for the next.
fn tcp<R>(resolver: R, limit: Duration) -> HttpConnector<R> {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(limit));
    tcp
}

/// The maximum length of a reply's head, and of a read of its body.
const HEAD: usize = 64 << 10;

/// Returns a transport with a connection pool.
fn pooled<C>(options: Options, tls: ClientConfig, connector: C) -> Transport
where
    HttpsConnector<C>: Connect + Clone + Send + Sync + 'static,
{
    let secure = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .set_host(false)
        .http1_max_buf_size(HEAD)
        .build(secure.wrap_connector(connector));
    let transport = Transport::with_service(options, client, TokioTimer::new());
    Transport { reports_connections: true, ..transport }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::ready;
    use std::net::SocketAddr;
    use std::time::Instant;

    use tokio::net::TcpListener;
    use wechat_simulator::conformance::Full;

    use super::*;
    use crate::failure::connect_kind;

    #[tokio::test]
    async fn unresponsive_address_leaves_time_for_the_next() {
        let full = Full::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (dead, alive) = (full.address(), listener.local_addr().unwrap());
        let connect = |addresses: Vec<SocketAddr>| async move {
            let resolver = tower::service_fn(move |_: Name| {
                ready(Ok::<_, Infallible>(addresses.clone().into_iter()))
            });
            let mut tcp = tcp(resolver, Duration::from_millis(1200));
            let start = Instant::now();
            let uri = Uri::from_static("http://wx.qq.com/");
            let result = tcp.call(uri).await.map(drop);
            (result.map_err(|error| connect_kind(&error)), start.elapsed())
        };
        let (result, took) = connect(vec![dead, alive]).await;
        result.unwrap();
        assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(5), "{took:?}");
        for addresses in [vec![dead], vec![dead, dead]] {
            assert_eq!(connect(addresses).await.0, Err(FailureKind::Timeout));
        }
    }
}
