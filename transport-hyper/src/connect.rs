//! The default HTTP client: connections to hosts or through a proxy, with the stage of each failure.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use http::{Request, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
#[cfg(feature = "rustls")]
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::proxy::SocksV5;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
#[cfg(feature = "rustls")]
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};
use wechat_proto::Error;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_transport::{Options, host_and_port, refused_by_proxy};

use crate::failure::socks_failure;
#[cfg(feature = "rustls")]
use crate::failure::tls_failure;
use crate::pieces::Pieces;
use crate::transport::Transport;

type Stream = TokioIo<TcpStream>;
type Connector = BoxCloneSyncService<Uri, Stream, Failure>;
/// hyper-util does not export the name of this error.
pub(crate) type SocksError = <SocksV5<Connector> as Service<Uri>>::Error;

/// Returns a transport with a client that adds nothing to the requests.
pub(crate) fn transport(options: Options) -> Result<Transport, Error> {
    let shared = Arc::new(options.clone());
    let tcp = tower::service_fn(move |uri| connect(Arc::clone(&shared), uri));
    let Some(url) = options.proxy_url()? else {
        return pooled(options, Connector::new(tcp), FailureKind::Tls);
    };
    let proxy = Matcher::builder().all(url).build().intercept(&Uri::from_static("https://host/"));
    let proxy = proxy.ok_or(Error::Transport(failure(FailureKind::Proxy)))?;
    let (uri, auth) = (proxy.uri().clone(), proxy.basic_auth().cloned());
    let tcp = tcp.map_err(|mut failure: Failure| {
        if failure.kind == FailureKind::Connect {
            failure.kind = FailureKind::Proxy;
        }
        failure
    });
    let tunnel = if uri.scheme_str() == Some("socks5") {
        let mut socks = SocksV5::new(uri, Connector::new(tcp));
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        // Without a port, 443 would be used.
        let with_port = |uri: Uri| {
            let (host, port) = host_and_port(&uri);
            format!("{host}:{port}").parse().unwrap_or(uri)
        };
        Connector::new(socks.map_request(with_port).map_err(socks_failure))
    } else {
        Connector::new(tower::service_fn(move |target| {
            tunnel(tcp.clone().oneshot(uri.clone()), auth.clone(), target)
        }))
    };
    pooled(options, tunnel, FailureKind::Proxy)
}

fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, Sent::No)
}

/// The delay after which the next address is tried as well.
const STAGGER: Duration = Duration::from_millis(250);

/// Connects to the first address of a host that responds. The attempts overlap.
async fn connect(options: Arc<Options>, uri: Uri) -> Result<Stream, Failure> {
    let attempt = async {
        let addresses = match options.address(&uri)? {
            Some(address) => vec![address],
            None => {
                let found = lookup_host(host_and_port(&uri)).await;
                found.map_err(|error| failure(FailureKind::Resolve).because(error))?.collect()
            }
        };
        first(addresses).await
    };
    let stream = timeout(options.connect_limit(), attempt).await;
    let stream = stream.map_err(|_| failure(FailureKind::Timeout))??;
    let _ = stream.set_nodelay(true);
    Ok(TokioIo::new(stream))
}

/// Connects to the first address that responds, trying one more every [`STAGGER`], or at once after a
/// failure.
async fn first(addresses: Vec<SocketAddr>) -> Result<TcpStream, Failure> {
    let (mut attempts, mut addresses) = (JoinSet::new(), addresses.into_iter());
    let mut refused = None;
    loop {
        match addresses.next() {
            Some(address) => drop(attempts.spawn(TcpStream::connect(address))),
            None if attempts.is_empty() => {
                return Err(refused.unwrap_or(failure(FailureKind::Connect)));
            }
            None => {}
        }
        match timeout(STAGGER, attempts.join_next()).await {
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => {
                refused = Some(failure(FailureKind::Connect).because(error));
            }
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

/// Returns a TLS configuration that trusts Mozilla's roots and those of the options.
#[cfg(feature = "rustls")]
fn tls(options: &Options) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(options.root_certificates()?);
    // The provider is explicit, because a process with two providers has no default.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions");
    #[cfg(feature = "platform-verifier")]
    if options.uses_platform_verifier() {
        use rustls_platform_verifier::BuilderVerifierExt as _;
        let config = config.with_platform_verifier();
        let config = config
            .map_err(|error| Error::Transport(failure(FailureKind::Certificate).because(error)))?;
        return Ok(config.with_no_client_auth());
    }
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The maximum length of a reply's head.
const HEAD: usize = 64 << 10;

/// Returns a transport with a connection pool. A connection that breaks before it is encrypted
/// fails with the kind `stage`.
#[cfg(feature = "rustls")]
fn pooled(options: Options, connector: Connector, stage: FailureKind) -> Result<Transport, Error> {
    let tls = HttpsConnectorBuilder::new().with_tls_config(tls(&options)?);
    let secure = tls.https_or_http().enable_http1().wrap_connector(connector);
    Ok(with_connector(options, secure.map_err(move |error| tls_failure(error, stage))))
}

/// Returns a transport with a connection pool for plain HTTP.
#[cfg(not(feature = "rustls"))]
fn pooled(options: Options, connector: Connector, _: FailureKind) -> Result<Transport, Error> {
    let plain = tower::service_fn(move |uri: Uri| {
        let connector = connector.clone();
        async move {
            if uri.scheme_str() == Some("https") {
                let missing = std::io::Error::other("the feature `rustls` is disabled");
                return Err(failure(FailureKind::Tls).because(missing));
            }
            connector.oneshot(uri).await
        }
    });
    Ok(with_connector(options, Connector::new(plain)))
}

fn with_connector<C>(options: Options, connector: C) -> Transport
where
    C: Service<Uri, Error = Failure> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read
        + hyper::rt::Write
        + hyper_util::client::legacy::connect::Connection
        + Unpin
        + Send,
    C::Future: Send + Unpin,
{
    // Shared, because the client clones its connector several times for each request.
    let connector = Arc::new(connector.map_response(Pieces::of));
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .set_host(false)
        .http1_max_buf_size(HEAD)
        .http1_title_case_headers(true)
        .build(tower::service_fn(move |uri| (*connector).clone().oneshot(uri)));
    Transport::with_service(options, client, TokioTimer::new()).reporting_connections()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use wechat_proto::login::GetUuid;
    use wechat_proto::{Device, Hosts};
    use wechat_simulator::conformance::{Full, nobody};
    use wechat_simulator::{Server, Simulator, World};

    use super::*;

    /// Returns the kind of failure of a request to the simulator over TLS.
    async fn refused(options: Options) -> FailureKind {
        let server = Server::tls(&Simulator::new(World::new(1))).unwrap();
        let options = options.resolve_only().resolve("login.wx.qq.com", server.addr());
        let transport = transport(options).unwrap();
        match transport.call(GetUuid::new(), &mut Device::new()).await {
            Err(Error::Transport(failure)) => failure.kind,
            other => panic!("{other:?}"),
        }
    }

    #[cfg(feature = "platform-verifier")]
    #[tokio::test]
    async fn operating_system_refuses_an_unknown_authority() {
        let kind = refused(Options::default().platform_verifier()).await;
        assert_eq!(kind, FailureKind::Certificate);
    }

    #[tokio::test]
    async fn unknown_authority_is_refused() {
        let expected = match cfg!(feature = "rustls") {
            true => FailureKind::Certificate,
            // The request is not sent unencrypted.
            false => FailureKind::Tls,
        };
        assert_eq!(refused(Options::default()).await, expected);
    }

    #[tokio::test]
    async fn header_names_are_spelled_as_browsers_do() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let mut device = Device::new().with_hosts(Hosts::all(origin.parse().unwrap()));
        let transport = transport(Options::default()).unwrap();
        let (reply, head) = tokio::join!(transport.call(GetUuid::new(), &mut device), async {
            let (mut stream, mut head) = (listener.accept().await.unwrap().0, vec![0; 4096]);
            let length = stream.read(&mut head).await.unwrap();
            head.truncate(length);
            String::from_utf8(head).unwrap()
        });
        assert!(reply.is_err());
        let names = head.lines().filter_map(|line| Some(line.split_once(": ")?.0));
        let names: Vec<_> = names.collect();
        assert_eq!(names, ["Host", "User-Agent", "Accept", "Accept-Encoding", "Referer"]);
    }

    #[tokio::test]
    async fn requests_in_sequence_use_one_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    while stream.read(&mut head).await.unwrap_or(0) > 0 {
                        let body = "x".repeat(40_000);
                        let reply =
                            format!("HTTP/1.1 200 OK\r\ncontent-length: 40000\r\n\r\n{body}");
                        stream.write_all(reply.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        let mut device = Device::new().with_hosts(Hosts::all(origin.parse().unwrap()));
        let transport = transport(Options::default()).unwrap();
        let calls = tokio::spawn(async move {
            for _ in 0..5 {
                assert!(transport.call(GetUuid::new(), &mut device).await.is_err());
            }
        });
        calls.await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(connections.load(Ordering::Relaxed), 1);
    }

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
                Err(failure) => {
                    assert_eq!((failure.kind, expected), (FailureKind::Connect, None), "{label}");
                }
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
        assert_eq!(failure.map(drop).unwrap_err().kind, FailureKind::Timeout);
        assert!(start.elapsed() >= limit && start.elapsed() < limit * 5);
    }
}
