//! The bridge over HTTP, with server-sent events.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use http_body_util::{BodyExt as _, Either, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::{Interval, interval, timeout};

use super::lines::LONGEST;
use super::service::{Request, Service};
use crate::args::Bridge;
use crate::exit::{Exit, Failure};
use crate::output::{SCHEMA, print};

type Response = hyper::Response<Either<Full<Bytes>, Events>>;

/// The state of the server. It contains the token, so it does not implement `Debug`.
struct Server {
    service: Arc<Service>,
    token: String,
    address: SocketAddr,
    allow_remote: bool,
}

/// The maximum number of connections. Further ones wait.
const CONNECTIONS: usize = 64;
/// The maximum number of operations at once.
const OPERATIONS: usize = 16;
/// The time limit for the head of a request, and for its body.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The interval of comments to subscribers, which detect closed connections.
const PULSE: Duration = Duration::from_secs(15);
/// The shortest token of a file, in bytes.
const SHORTEST: usize = 16;

/// Serves HTTP at an address until the process ends, and prints the address.
///
/// # Errors
///
/// [`Exit::Usage`] if other machines can reach the address and that is not allowed, or if the token
/// is too short; [`Exit::LocalFile`] if the file of the token cannot be read; [`Exit::Network`] if the
/// address is not free.
pub(super) fn serve(
    service: &Arc<Service>,
    address: SocketAddr,
    bridge: &Bridge,
) -> Result<(), Failure> {
    let allow_remote = bridge.allow_remote;
    if !address.ip().is_loopback() && !allow_remote {
        return Err(Failure::new(
            Exit::Usage,
            format!("other machines can reach {address}"),
            format!("其他机器可以访问 {address}"),
        )
        .hint(
            "listen at 127.0.0.1, or add `--allow-remote`: there is no TLS",
            "请监听 127.0.0.1，或加上 `--allow-remote`（没有 TLS）",
        ));
    }
    let failure = |error: std::io::Error| {
        Failure::new(Exit::Network, format!("{address}: {error}"), format!("{address}：{error}"))
    };
    let listener = TcpListener::bind(address).map_err(failure)?;
    let token = token(bridge)?;
    listener.set_nonblocking(true).map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(OPERATIONS)
        .build()
        .map_err(failure)?;
    let service = Arc::clone(service);
    let server = Arc::new(Server { service, token, address, allow_remote });
    let writing = server.service.writing();
    thread::spawn(move || {
        runtime.block_on(server.run(listener));
        drop(writing);
    });
    print(&json!({ "v": SCHEMA, "type": "listening", "address": address }).to_string())
}

/// Returns the token of the file, or a new one, which is printed.
fn token(bridge: &Bridge) -> Result<String, Failure> {
    let Some(path) = &bridge.token_file else {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            Failure::new(
                Exit::Other,
                format!("no entropy: {error}"),
                format!("系统无法提供随机数：{error}"),
            )
        })?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("wechat: the token of the bridge is {token}");
        return Ok(token);
    };
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let token = text.trim();
    if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let shown = path.display();
        return Err(Failure::new(
            Exit::Usage,
            format!("{shown}: a token has {SHORTEST} or more letters, digits and signs"),
            format!("{shown}：令牌至少需要 {SHORTEST} 个字母、数字或符号"),
        ));
    }
    Ok(token.to_owned())
}

impl Server {
    /// Serves HTTP until the process is ending and all responses have been written.
    async fn run(self: Arc<Self>, listener: TcpListener) {
        let connections = Arc::new(GracefulShutdown::new());
        let accept = Arc::clone(&self).accept(listener, Arc::clone(&connections));
        let accept = tokio::spawn(accept);
        self.service.ending.notified().await;
        accept.abort();
        let _ = accept.await;
        if let Some(connections) = Arc::into_inner(connections) {
            connections.shutdown().await;
        }
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, connections: Arc<GracefulShutdown>) {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // For instance, too many files are open.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (server, watcher) = (Arc::clone(&self), connections.watcher());
            tokio::spawn(async move {
                let serve = service_fn(|request| {
                    let server = Arc::clone(&server);
                    async move { Ok::<_, std::convert::Infallible>(server.respond(request).await) }
                });
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(TIMEOUT);
                // Fails if the client has disconnected.
                let _ = watcher.watch(http.serve_connection(TokioIo::new(stream), serve)).await;
                drop(permit);
            });
        }
    }

    async fn respond(&self, request: hyper::Request<Incoming>) -> Response {
        let headers = request.headers();
        if !self.is_own(headers) {
            return refused(StatusCode::FORBIDDEN, "forbidden", "foreign Host or Origin");
        }
        if !self.has_token(headers) {
            let reason = "Authorization: Bearer TOKEN is missing or wrong";
            return refused(StatusCode::UNAUTHORIZED, "unauthorized", reason);
        }
        match (request.method(), request.uri().path()) {
            (&Method::POST, "/v1/requests") => self.request(request).await,
            (&Method::GET, "/v1/events") => {
                let is_consumer = match request.uri().query() {
                    None | Some("") => false,
                    Some("consumer=true") => true,
                    Some(_) => {
                        let reason = "the only parameter is consumer=true";
                        return refused(StatusCode::BAD_REQUEST, "malformed", reason);
                    }
                };
                match self.service.hub.subscribe(is_consumer) {
                    Ok(receiver) => {
                        let events = Events { receiver, pulse: interval(PULSE) };
                        response(StatusCode::OK, "text/event-stream", Either::Right(events))
                    }
                    Err(_) => {
                        let reason = "another consumer reads the events";
                        refused(StatusCode::CONFLICT, "in_use", reason)
                    }
                }
            }
            (_, "/v1/requests" | "/v1/events") => {
                refused(StatusCode::METHOD_NOT_ALLOWED, "malformed", "another method is needed")
            }
            _ => refused(StatusCode::NOT_FOUND, "malformed", "see docs/bridge.md for the paths"),
        }
    }

    async fn request(&self, request: hyper::Request<Incoming>) -> Response {
        let is_json = request.headers().get(header::CONTENT_TYPE).is_some_and(|value| {
            let kind = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
        });
        if !is_json {
            let reason = "the Content-Type must be application/json";
            return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "malformed", reason);
        }
        let body = Limited::new(request.into_body(), LONGEST).collect();
        let body = match timeout(TIMEOUT, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return refused(StatusCode::PAYLOAD_TOO_LARGE, "malformed", "longer than 1 MiB");
            }
            _ => return refused(StatusCode::BAD_REQUEST, "malformed", "the body is incomplete"),
        };
        let service = Arc::clone(&self.service);
        let reply = spawn_blocking(move || {
            let request = Request::parse(&body);
            let reply = service.serve(&request, service.hub.has_consumer(), || true);
            reply.map(|reply| (request.operation.is_ok(), reply))
        });
        match reply.await {
            Ok(Some((is_valid, reply))) => {
                let status = if is_valid { StatusCode::OK } else { StatusCode::BAD_REQUEST };
                response(status, "application/json", Either::Left(Full::new(reply.into())))
            }
            _ => refused(StatusCode::SERVICE_UNAVAILABLE, "in_use", "the bridge is ending"),
        }
    }

    /// Returns whether a request is for this server, and not from a web page: its `Host` is one that no
    /// other machine can define, and it has no foreign `Origin`.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next())
        else {
            return false;
        };
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let own = format!("http://{host}");
        self.is_own_host(host) && origins.all(|origin| origin.as_bytes() == own.as_bytes())
    }

    fn is_own_host(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port),
            _ => (host, "80"),
        };
        if port != self.address.port().to_string() {
            return false;
        }
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        match name.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || ip == self.address.ip() || self.allow_remote,
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let given = given.and_then(|value| value.strip_prefix(b"Bearer "));
        given.is_some_and(|given| bool::from(given.ct_eq(self.token.as_bytes())))
    }
}

fn refused(status: StatusCode, kind: &str, reason: &str) -> Response {
    let error = json!({ "v": SCHEMA, "error": { "kind": kind, "message": reason } });
    response(status, "application/json", Either::Left(Full::new(error.to_string().into())))
}

fn response(status: StatusCode, kind: &'static str, body: Either<Full<Bytes>, Events>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// An endless body of server-sent events.
struct Events {
    receiver: mpsc::Receiver<Arc<str>>,
    pulse: Interval,
}

impl Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let text = match self.receiver.poll_recv(context) {
            Poll::Ready(Some(line)) => format!("data: {line}\n\n"),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending if self.pulse.poll_tick(context).is_ready() => ":\n\n".to_owned(),
            Poll::Pending => return Poll::Pending,
        };
        Poll::Ready(Some(Ok(Frame::data(text.into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use crate::output::Output;

    fn server(address: &str, allow_remote: bool) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::new(true, Lang::En);
        let service = Service::open(&folder.path().join("a.session"), "bridge", &output).unwrap();
        let token = "0123456789abcdef".to_owned();
        Server { service, token, address: address.parse().unwrap(), allow_remote }
    }

    #[test]
    fn foreign_hosts_and_origins_are_refused() {
        let local = server("127.0.0.1:8017", false);
        let remote = server("0.0.0.0:8017", true);
        for (hosts, origin, is_own, is_own_remote) in [
            (&["127.0.0.1:8017"][..], None, true, true),
            (&["localhost:8017"], None, true, true),
            (&["[::1]:8017"], None, true, true),
            (&["127.0.0.1:8017"], Some("http://127.0.0.1:8017"), true, true),
            (&["127.0.0.1:8017"], Some("http://localhost:8017"), false, false),
            (&["127.0.0.1:8017"], Some("https://127.0.0.1:8017"), false, false),
            (&["127.0.0.1:8017"], Some("http://evil.example"), false, false),
            (&["127.0.0.1:8017"], Some("null"), false, false),
            (&["10.0.0.7:8017"], None, false, true),
            (&["evil.example:8017"], None, false, false),
            (&["127.0.0.1.evil.example:8017"], None, false, false),
            (&["127.0.0.1"], None, false, false),
            (&["127.0.0.1:8018"], None, false, false),
            (&["127.0.0.1:8017", "evil.example"], None, false, false),
            (&[""], None, false, false),
            (&[], None, false, false),
        ] {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            let found = (local.is_own(&headers), remote.is_own(&headers));
            assert_eq!(found, (is_own, is_own_remote), "{hosts:?} {origin:?}");
        }
    }

    #[test]
    fn token_must_match() {
        let server = server("127.0.0.1:8017", false);
        for (value, has_token) in [
            (Some("Bearer 0123456789abcdef"), true),
            (Some("Bearer 0123456789abcdeF"), false),
            (Some("Bearer 0123456789abcde"), false),
            (Some("Bearer "), false),
            (Some("0123456789abcdef"), false),
            (Some("Basic 0123456789abcdef"), false),
            (None, false),
        ] {
            let headers =
                value.map(|value| (header::AUTHORIZATION, HeaderValue::from_static(value)));
            let headers = headers.into_iter().collect();
            assert_eq!(server.has_token(&headers), has_token, "{value:?}");
        }
    }
}
