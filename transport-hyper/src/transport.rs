//! The transport: runs flows over HTTP, independently of any account.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::io::empty;
use tokio::sync::Notify;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};
use wechat_proto::flow::Want;
use wechat_proto::{Call, Endpoint, Error, Flow};
use wechat_transport::Options;

use crate::connect::{self, HEAD};
use crate::download::Incoming;
use crate::pieces::Pieces;
use crate::{BoxError, RequestBody, Timer, tls};

/// An executor of flows over HTTP: connections, TLS configuration, resolver and options.
///
/// It is cheap to clone, and any number of [clients](crate::Client) can share it. It also runs
/// flows without a client, on any state: a custom login, for example.
///
/// # Cancel safety
///
/// Every future may be dropped, which cancels its exchange; the flow may be run again. See
/// [`Client`](crate::Client).
#[derive(Clone)]
pub struct Transport {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) options: Options,
    pub(crate) service: Erased,
    pub(crate) timer: Timer,
    /// Whether the service reports the connection of a request.
    pub(crate) reports_connections: bool,
}

type Erased = BoxCloneSyncService<http::Request<RequestBody>, http::Response<Incoming>, BoxError>;

impl Transport {
    /// Returns a transport with these options. Does not open a connection.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if an option is invalid: a malformed root certificate
    /// ([`FailureKind::Certificate`](wechat_proto::error::FailureKind::Certificate)), or a proxy that is
    /// not an `http` or `socks5` URL
    /// ([`FailureKind::Proxy`](wechat_proto::error::FailureKind::Proxy)).
    pub fn new(options: Options) -> Result<Self, Error> {
        let connector = tls::encrypting(connect::connector(&options)?, &options)?;
        // Shared, because the client clones its connector several times for each request.
        let connector = Arc::new(connector.map_response(Pieces::of));
        // The client adds nothing to the requests.
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .set_host(false)
            .http1_max_buf_size(HEAD)
            .http1_title_case_headers(true)
            .build(tower::service_fn(move |uri| (*connector).clone().oneshot(uri)));
        Ok(Self::with_service(options, client, TokioTimer::new()).reporting_connections())
    }

    /// Returns a transport that sends requests with this service instead of the default client
    /// (another connector or runtime, a stack of `tower` layers, a test double), and measures time
    /// limits and pauses with this timer. Needs no tokio runtime.
    ///
    /// The service has to meet the requirements of [`wechat_proto::flow`] for requests and redirects.
    /// The transport enforces limits, codings and deadlines, and the lengths of bodies that are read
    /// whole or [copied](crate::Download::copy_to). The roots of trust, the host names, the proxy and the
    /// connect timeout of the options are ignored.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// use hyper_util::client::legacy::Client as HyperClient;
    /// use hyper_util::rt::{TokioExecutor, TokioTimer};
    /// use tower::ServiceBuilder;
    /// use wechat_proto::login::GetUuid;
    /// use wechat_proto::{Device, Hosts};
    /// use wechat_transport_hyper::{Options, RequestBody, Transport};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // A client for plain HTTP, with a layer that counts the requests.
    /// let count = Arc::new(AtomicUsize::new(0));
    /// let counted = Arc::clone(&count);
    /// let service = ServiceBuilder::new()
    ///     .map_request(move |request: http::Request<RequestBody>| {
    ///         counted.fetch_add(1, Ordering::Relaxed);
    ///         request
    ///     })
    ///     .service(HyperClient::builder(TokioExecutor::new()).build_http());
    /// let transport = Transport::with_service(Options::default(), service, TokioTimer::new());
    ///
    /// let demo = wechat_simulator::Demo::start();
    /// let mut device = Device::new().with_hosts(Hosts::all(demo.origin().parse()?));
    /// println!("scan {}", transport.call(GetUuid::new(), &mut device).await?.url());
    /// assert_eq!(count.load(Ordering::Relaxed), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// If the sources of an error of the service include a
    /// [`Failure`](wechat_proto::error::Failure), it is returned unchanged. Other failures report
    /// that the request may have been sent, except those of connecting with hyper-util's client.
    pub fn with_service<S, B>(
        options: Options,
        service: S,
        timer: impl hyper::rt::Timer + Send + Sync + 'static,
    ) -> Self
    where
        S: Service<http::Request<RequestBody>, Response = http::Response<B>>,
        S: Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let service = service.map_err(Into::into).map_response(|reply: http::Response<B>| {
            reply.map(|body| body.map_err(Into::into).boxed_unsync())
        });
        let service = BoxCloneSyncService::new(service);
        let timer = Arc::new(timer);
        Self { inner: Arc::new(Inner { options, service, timer, reports_connections: false }) }
    }

    /// Records that the service reports the connection of a request.
    pub(crate) fn reporting_connections(mut self) -> Self {
        let inner = Arc::get_mut(&mut self.inner).expect("a transport without clones");
        inner.reports_connections = true;
        self
    }

    /// Runs a flow to its next output.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if it reads a source: see
    /// [`Client::run_with`](crate::Client::run_with).
    pub async fn run<F: Flow>(
        &self,
        flow: &mut F,
        state: &mut impl AsMut<F::State>,
    ) -> Result<F::Output, Error> {
        let poll = |flow: &mut F, now| flow.poll(state.as_mut(), now);
        Ok(self.drive(flow, empty(), &Notify::new(), poll).await?.0)
    }

    /// Calls an endpoint with a single exchange. Pass a send as `&mut` to be able to retry it under
    /// the same message id.
    ///
    /// # Errors
    ///
    /// - Those of the endpoint's [`parse`](Endpoint::parse).
    /// - [`Error::Transport`] if the exchange fails.
    /// - [`Error::Unanswered`] if the endpoint must not be repeated and the outcome is unknown.
    pub async fn call<E: Endpoint>(
        &self,
        endpoint: E,
        state: &mut impl AsMut<E::State>,
    ) -> Result<E::Output, Error> {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use a client for a download") };
        self.run(&mut Call::new(endpoint), state).await
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use wechat_proto::login::GetUuid;
    use wechat_proto::{Device, Hosts};

    use super::*;

    #[tokio::test]
    async fn header_names_are_spelled_as_browsers_do() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let mut device = Device::new().with_hosts(Hosts::all(origin.parse().unwrap()));
        let transport = Transport::new(Options::default()).unwrap();
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
        let transport = Transport::new(Options::default()).unwrap();
        let calls = tokio::spawn(async move {
            for _ in 0..5 {
                assert!(transport.call(GetUuid::new(), &mut device).await.is_err());
            }
        });
        calls.await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(connections.load(Ordering::Relaxed), 1);
    }
}
