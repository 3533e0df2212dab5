//! Connections to hosts, directly or through a proxy, with the stage of each failure.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Request, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};
use wechat_proto::Error;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_transport::{Options, at_host, host_and_port, refused_by_proxy};

/// A connection without encryption.
pub(crate) type Stream = TokioIo<TcpStream>;
/// A connector that opens connections of this type.
pub(crate) type Connector<S> = BoxCloneSyncService<Uri, S, Failure>;

/// The maximum length of the head of a response.
pub(crate) const HEAD: usize = 64 << 10;

/// Returns a connector that does not encrypt: to the hosts, or through the proxy of the options.
pub(crate) fn connector(options: &Options) -> Result<Connector<Stream>, Error> {
    let shared = Arc::new(options.clone());
    let tcp = tower::service_fn(move |uri| connect(Arc::clone(&shared), uri));
    let Some(url) = options.proxy_url()? else { return Ok(Connector::new(tcp)) };
    let proxy = Matcher::builder().all(url).build().intercept(&Uri::from_static("https://host/"));
    let proxy = proxy.ok_or(Error::Transport(Failure::new(FailureKind::Proxy, Sent::No)))?;
    let (uri, auth) = (proxy.uri().clone(), proxy.basic_auth().cloned());
    let tcp = tcp.map_err(|mut failure: Failure| {
        if failure.kind == FailureKind::Connect {
            failure.kind = FailureKind::Proxy;
        }
        failure
    });
    if uri.scheme_str() == Some("socks5") {
        let mut socks = SocksV5::new(uri, Connector::new(tcp));
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        // Without a port, 443 would be used.
        let with_port = |uri: Uri| {
            let (host, port) = host_and_port(&uri);
            format!("{host}:{port}").parse().unwrap_or(uri)
        };
        return Ok(Connector::new(socks.map_request(with_port).map_err(socks_failure)));
    }
    Ok(Connector::new(tower::service_fn(move |target| {
        tunnel(tcp.clone().oneshot(uri.clone()), auth.clone(), target)
    })))
}

/// The delay after which the next address is tried as well.
const STAGGER: Duration = Duration::from_millis(250);

/// Connects to the first address of a host that responds. The attempts overlap.
async fn connect(options: Arc<Options>, uri: Uri) -> Result<Stream, Failure> {
    let failed = |kind, cause| Failure::new(kind, Sent::No).because(at_host(&uri, cause));
    let attempt = async {
        let addresses = match options.address(&uri)? {
            Some(address) => vec![address],
            None => {
                let found = lookup_host(host_and_port(&uri)).await;
                found.map_err(|error| failed(FailureKind::Resolve, Some(error)))?.collect()
            }
        };
        first(addresses).await.map_err(|refused| failed(FailureKind::Connect, refused))
    };
    let stream = timeout(options.connect_limit(), attempt).await;
    let stream = stream.map_err(|_| failed(FailureKind::Timeout, None))??;
    let _ = stream.set_nodelay(true);
    Ok(TokioIo::new(stream))
}

/// Connects to the first address that responds, trying one more every [`STAGGER`], or at once after a
/// failure. Returns the last error, if there is an address.
async fn first(addresses: Vec<SocketAddr>) -> Result<TcpStream, Option<io::Error>> {
    let (mut attempts, mut addresses) = (JoinSet::new(), addresses.into_iter());
    let mut refused = None;
    loop {
        match addresses.next() {
            Some(address) => drop(attempts.spawn(TcpStream::connect(address))),
            None if attempts.is_empty() => return Err(refused),
            None => {}
        }
        match timeout(STAGGER, attempts.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => refused = Some(error),
            _ => {}
        }
    }
}

/// Opens a tunnel through an HTTP proxy.
async fn tunnel(
    connecting: impl Future<Output = Result<Stream, Failure>>,
    auth: Option<HeaderValue>,
    target: Uri,
) -> Result<Stream, Failure> {
    let failure = |kind| Failure::new(kind, Sent::No);
    let broken = |error| failure(FailureKind::Proxy).because(error);
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD).title_case_headers(true);
    let handshake = builder.handshake(connecting.await?);
    let (mut sender, connection) = handshake.await.map_err(broken)?;
    tokio::spawn(connection.with_upgrades());
    let (host, port) = host_and_port(&target);
    let place = format!("{host}:{port}");
    let mut request = Request::connect(&place).header(HOST, &place);
    if let Some(auth) = auth {
        request = request.header(PROXY_AUTHORIZATION, auth);
    }
    let request = request.body(Empty::<Bytes>::new());
    let request = request.map_err(|error| failure(FailureKind::Unsendable).because(error))?;
    let reply = sender.send_request(request).await.map_err(broken)?;
    let status = reply.status();
    if !status.is_success() {
        return Err(refused_by_proxy(status));
    }
    match hyper::upgrade::on(reply).await.map_err(broken)?.downcast::<Stream>() {
        Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io),
        // The proxy sent a page in place of a tunnel, because a host never sends first.
        _ => Err(refused_by_proxy(status)),
    }
}

/// hyper-util does not export the name of this error.
type SocksError = <SocksV5<Connector<Stream>> as Service<Uri>>::Error;

/// Returns the failure of a SOCKS proxy.
fn socks_failure(error: SocksError) -> Failure {
    let kind = match error {
        SocksError::Inner(failure) => return failure,
        // hyper-util does not export the name of this error; a test checks it.
        SocksError::V5(ref error) if format!("{error:?}").starts_with("Auth(") => {
            FailureKind::ProxyAuthorization
        }
        _ => FailureKind::Proxy,
    };
    Failure::new(kind, Sent::No).because(error)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;
    use wechat_proto::error::Chain;
    use wechat_simulator::conformance::{Full, nobody};

    use super::*;

    #[tokio::test]
    async fn unresponsive_addresses_are_skipped() {
        let full = Full::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (dead, alive) = (full.address(), listener.local_addr().unwrap());
        for (addresses, expected, millis) in [
            (vec![alive], Some(alive), 0..200),
            (vec![nobody(), alive], Some(alive), 0..200),
            (vec![dead, alive], Some(alive), 200..900),
            (vec![dead, nobody(), dead, alive], Some(alive), 450..1500),
            (vec![nobody(), nobody()], None, 0..400),
            (vec![], None, 0..100),
        ] {
            let (start, label) = (Instant::now(), format!("{addresses:?}"));
            let result = first(addresses).await;
            let took = start.elapsed().as_millis();
            assert!(millis.contains(&took), "{label}: {took} ms");
            match result {
                Ok(stream) => assert_eq!(Some(stream.peer_addr().unwrap()), expected, "{label}"),
                Err(error) => assert_eq!(expected, None, "{label}: {error:?}"),
            }
        }
    }

    #[tokio::test]
    async fn unresponsive_address_fails_at_the_connect_timeout() {
        let full = Full::new().unwrap();
        let limit = Duration::from_millis(600);
        let options =
            Options::default().connect_timeout(limit).resolve("a.example", full.address());
        let start = Instant::now();
        let failure = connect(Arc::new(options), Uri::from_static("http://a.example/")).await;
        assert_eq!(
            Chain(&failure.map(drop).unwrap_err()).to_string(),
            "the request timed out (the request was not sent): a.example:80"
        );
        assert!(start.elapsed() >= limit && start.elapsed() < limit * 5);
    }
}
