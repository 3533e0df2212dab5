//! The default HTTP client.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower_service::Service;
use wechat_proto::error::{Failure, FailureKind, Sent};

use crate::BoxError;
use crate::body::RequestBody;
use crate::failure::{Cause, find};
use crate::options::{Names, Options};
use crate::timer::{Alarm, unless};
use crate::tls;

type Boxed<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Returns a client that adds nothing to the requests.
pub(crate) fn client(options: &Options) -> Result<Client<Connector, RequestBody>, Failure> {
    let mut http = HttpConnector::new_with_resolver(Resolver {
        names: Arc::new(options.names.clone()),
        system: GaiResolver::new(),
    });
    configure(&mut http, options.connect_timeout);
    let dial = match &options.proxy {
        None => Dial::Direct(http),
        Some((host, port)) => {
            let proxy = Uri::builder().scheme("http").authority(format!("{host}:{port}"));
            let proxy = proxy.path_and_query("/").build();
            let invalid = |_| Failure::new(FailureKind::Proxy, Sent::No);
            Dial::Proxied(Tunnel::new(proxy.map_err(invalid)?, http))
        }
    };
    let secure = HttpsConnectorBuilder::new()
        .with_tls_config(tls::config(&options.roots)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(dial);
    let connector = Connector {
        secure: Arc::new(secure),
        alarm: options.alarm.clone(),
        limit: options.connect_timeout,
    };
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(options.alarm.clone())
        .set_host(false)
        .http1_max_buf_size(HEAD)
        .build(connector))
}

/// Configures a connector. Each address of a name has its share of the time, so that an unresponsive
/// one leaves time for the next.
fn configure<R>(http: &mut HttpConnector<R>, limit: Duration) {
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(limit));
}

/// The maximum length of a reply's head, and of a read of its body.
const HEAD: usize = 64 << 10;

/// Opens connections within their time limit.
///
/// The pool clones it for each request, so it only contains pointers.
#[derive(Clone)]
pub(crate) struct Connector {
    secure: Arc<HttpsConnector<Dial>>,
    alarm: Alarm,
    limit: Duration,
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Boxed<Self::Response, BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut secure = HttpsConnector::clone(&self.secure);
        let mut limit = self.alarm.after(self.limit);
        Box::pin(async move {
            let connecting = async {
                poll_fn(|context| secure.poll_ready(context)).await?;
                secure.call(uri).await
            };
            match unless(&mut limit, connecting).await {
                Some(result) => result,
                None => Err(Failure::new(FailureKind::Timeout, Sent::No).into()),
            }
        })
    }
}

/// Opens connections, directly or through a proxy.
#[derive(Clone)]
pub(crate) enum Dial {
    Direct(HttpConnector<Resolver>),
    Proxied(Tunnel<HttpConnector<Resolver>>),
}

impl Service<Uri> for Dial {
    type Response = TokioIo<TcpStream>;
    type Error = Failure;
    type Future = Boxed<Self::Response, Failure>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        match self {
            Self::Direct(http) => http.poll_ready(context).map_err(connect_failure),
            Self::Proxied(tunnel) => tunnel.poll_ready(context).map_err(proxy_failure),
        }
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        match self {
            Self::Direct(http) => {
                let connecting = http.call(uri);
                Box::pin(async { connecting.await.map_err(connect_failure) })
            }
            Self::Proxied(tunnel) => {
                let connecting = tunnel.call(with_port(uri));
                Box::pin(async { connecting.await.map_err(proxy_failure) })
            }
        }
    }
}

/// Adds the default port to an http URI: a tunnel uses 443 for every URI without a port.
fn with_port(uri: Uri) -> Uri {
    match uri.host() {
        Some(host) if uri.port().is_none() && uri.scheme_str() == Some("http") => {
            let written = Uri::builder().scheme("http").authority(format!("{host}:80"));
            written.path_and_query("/").build().unwrap_or(uri)
        }
        _ => uri,
    }
}

/// Returns the failure of connecting, with [`Sent::No`]: nothing has been sent yet.
fn connect_failure(error: impl Into<BoxError>) -> Failure {
    let error = error.into();
    if let Some(failure) = find::<Failure>(&*error) {
        return failure.clone();
    }
    let late = find::<io::Error>(&*error).is_some_and(|io| io.kind() == io::ErrorKind::TimedOut);
    let kind = if late { FailureKind::Timeout } else { FailureKind::Connect };
    Failure::new(kind, Sent::No).because(Cause(error))
}

/// Returns the failure of connecting through a proxy.
fn proxy_failure(error: impl Into<BoxError>) -> Failure {
    let error = error.into();
    // hyper-util's type for it is private; a test checks its text.
    let refused = error.to_string().contains("proxy authorization required");
    let mut failure = connect_failure(error);
    if refused {
        failure.kind = FailureKind::ProxyAuthorization;
    } else if failure.kind == FailureKind::Connect {
        failure.kind = FailureKind::Proxy;
    }
    failure
}

/// Resolves names with the options, then the system.
#[derive(Clone)]
pub(crate) struct Resolver {
    names: Arc<Names>,
    system: GaiResolver,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Failure;
    type Future = Boxed<Self::Response, Failure>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let known = self.names.table.get(&name.as_str().to_ascii_lowercase()).copied();
        let only = self.names.only;
        let mut system = self.system.clone();
        Box::pin(async move {
            let failure = Failure::new(FailureKind::Resolve, Sent::No);
            match known {
                Some(address) => Ok(vec![address].into_iter()),
                None if only => Err(failure),
                None => match system.call(name).await {
                    Ok(addresses) => Ok(addresses.collect::<Vec<_>>().into_iter()),
                    Err(error) => Err(failure.because(error)),
                },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;
    use wechat_simulator::conformance::Full;

    use super::*;

    /// A resolver with a fixed result.
    #[derive(Clone)]
    struct Always(Vec<SocketAddr>);

    impl Service<Name> for Always {
        type Response = std::vec::IntoIter<SocketAddr>;
        type Error = Failure;
        type Future = std::future::Ready<Result<Self::Response, Failure>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            std::future::ready(Ok(self.0.clone().into_iter()))
        }
    }

    #[tokio::test]
    async fn unresponsive_address_leaves_time_for_the_next() {
        let full = Full::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (dead, alive) = (full.address(), listener.local_addr().unwrap());
        let connect = |addresses: Vec<SocketAddr>| async move {
            let mut http = HttpConnector::new_with_resolver(Always(addresses));
            configure(&mut http, Duration::from_millis(1200));
            let start = Instant::now();
            let uri = Uri::from_static("http://wx.qq.com/");
            let result = http.call(uri).await.map(drop).map_err(connect_failure);
            (result, start.elapsed())
        };
        let (result, took) = connect(vec![dead, alive]).await;
        result.unwrap();
        assert!(took >= Duration::from_millis(500) && took < Duration::from_secs(5), "{took:?}");
        for addresses in [vec![dead], vec![dead, dead]] {
            let failure = connect(addresses).await.0.unwrap_err();
            assert_eq!((failure.kind, failure.sent), (FailureKind::Timeout, Sent::No));
        }
    }
}
