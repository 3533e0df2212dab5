//! A server for the simulator on the loopback interface.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::layout::Layout;
use crate::service::{Service, Timing};
use crate::simulator::{HOLD, Simulator};
use crate::tls;

/// The part of an exchange in which a [`Server`] cuts the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Cut {
    /// In the middle of the request's body: the world does not receive the request.
    Request,
    /// Before the reply: the world has handled the request, but the client receives no reply.
    Reply,
}

/// The error of a cut exchange.
#[derive(Debug)]
pub(crate) struct Torn;

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl Error for Torn {}

/// A server on its own thread. It stops when it is dropped.
///
/// # Clock
///
/// **The world has its own clock, which starts in November 2023**, unless [`Server::real_time`] makes it follow the
/// system clock. Requests contain the client's clock, which must be within ten minutes of the world's: a client on the
/// system clock gets status 400 from the first call (`jslogin`) on, with the reason in the page and in
/// [`World::violations`]. Either call [`Server::real_time`] before the client starts, or let the client use the world's
/// clock ([`Simulator::now`]), which makes runs reproducible.
///
/// [`World::violations`]: crate::World::violations
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    ca: Option<Vec<u8>>,
    service: Service,
    stop: Option<oneshot::Sender<()>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Server {
    /// Starts a server of plain HTTP with every role at one origin: the world's layout becomes [`Layout::One`].
    ///
    /// **Also call [`Server::real_time`] if the client uses the system clock**; see [above](Server#clock).
    ///
    /// # Errors
    ///
    /// If the listener, the runtime or the thread cannot be created.
    pub fn http(simulator: &Simulator) -> io::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let origin = format!("http://{}", listener.local_addr()?);
        simulator.world().layout(Layout::One { origin });
        Self::start(simulator, listener, None, None)
    }

    /// Starts a server of HTTPS with a certificate for every true host name. The layout is not changed.
    ///
    /// The client must trust [`Server::ca_der`] and resolve each of those names to [`Server::addr`]. See
    /// [above](Server#clock) for its clock.
    ///
    /// # Errors
    ///
    /// If the certificate, the listener, the runtime or the thread cannot be created.
    pub fn tls(simulator: &Simulator) -> io::Result<Self> {
        let identity = tls::Identity::new().map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(Arc::new(identity.config));
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Self::start(simulator, listener, Some(acceptor), Some(identity.ca))
    }

    fn start(
        simulator: &Simulator,
        listener: StdListener,
        acceptor: Option<TlsAcceptor>,
        ca: Option<Vec<u8>>,
    ) -> io::Result<Self> {
        simulator.world().concurrent = true;
        let addr = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let timing = Arc::new(Timing {
            hold: AtomicU64::new(HOLD.as_millis() as u64),
            real: AtomicBool::new(false),
        });
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let service = Service { simulator: simulator.clone(), timing, cuts: Arc::default() };
        let served = service.clone();
        let thread =
            thread::Builder::new().name("wechat-simulator".to_owned()).spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        _ = stopped => {}
                        () = accept(listener, acceptor, served) => {}
                    }
                });
            })?;
        Ok(Self { addr, ca, service, stop: Some(stop), thread: Mutex::new(Some(thread)) })
    }

    /// Returns the address on which it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the origin of the address: scheme, host and port.
    pub fn origin(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// Returns the certificate of the authority to trust, in DER, if the server speaks TLS.
    pub fn ca_der(&self) -> Option<&[u8]> {
        self.ca.as_deref()
    }

    /// Sets the real time for which a long poll is held when the script has no more steps. Default: 25 seconds.
    pub fn hold(&self, time: Duration) {
        self.service.timing.hold.store(time.as_millis() as u64, Ordering::Relaxed);
    }

    /// Cuts the next exchange of an endpoint, such as `webwxuploadmedia`, once. Several cuts apply to successive
    /// exchanges in order.
    pub fn cut(&self, endpoint: &str, cut: Cut) {
        let mut cuts = self.service.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.push((endpoint.to_owned(), cut));
    }

    /// Makes the world's clock follow the system clock, and the steps of the script wait in real time. Otherwise, steps
    /// advance only the world's clock, as in memory, and clients must use [the world's clock](Server#clock).
    pub fn real_time(&self) {
        self.service.timing.real.store(true, Ordering::Relaxed);
        self.service.follow_clock();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Dropping the sender stops the thread, if it is still running.
        drop(self.stop.take());
        if let Ok(mut thread) = self.thread.lock()
            && let Some(thread) = thread.take()
        {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: StdListener, acceptor: Option<TlsAcceptor>, service: Service) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(stream, acceptor.clone(), service.clone()));
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, service: Service) {
    // Errors of a connection, such as a disconnected client, are ignored.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => serve(stream, service).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, service).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, service: Service) {
    let answer = service_fn(move |request| {
        let service = service.clone();
        async move { service.answer(request).await }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), answer);
    let _ = http.await;
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use bytes::Bytes;
    use http::{Request, Response};

    use super::*;
    use crate::client::{Client, text};
    use crate::{Answer, Demo, World};

    /// Sends a request over a socket and reads its reply, by its `Content-Length`.
    fn exchange(stream: &mut TcpStream, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path_and_query().expect("a path");
        let mut head = format!("{} {path} HTTP/1.1\r\n", request.method());
        for (name, value) in request.headers() {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).expect("written");
        stream.write_all(request.body()).expect("written");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head");
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).expect("text");
        let mut lines = head.lines();
        let status: u16 = lines.next().expect("a status")[9..12].parse().expect("a number");
        let mut reply = Response::builder().status(status);
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            reply = reply.header(name, value);
        }
        let length = reply.headers_ref().expect("headers")["content-length"]
            .to_str()
            .expect("text")
            .parse()
            .expect("a number");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("a body");
        reply.body(body.into()).expect("a reply")
    }

    fn started() -> (Server, Client, TcpStream) {
        let mut client = Client::new(World::demo());
        let server = Server::http(&client.simulator).expect("a server");
        client.page = server.origin();
        let stream = TcpStream::connect(server.addr()).expect("a connection");
        (server, client, stream)
    }

    /// A kept connection returns the same replies as an in-memory world.
    #[test]
    fn replies_over_a_socket_equal_those_in_memory() {
        let (server, mut client, mut stream) = started();
        let mut memory = client.simulator.locked().clone();
        client.simulator.then(Duration::from_secs(2), |world| world.phone().scan());
        server.hold(Duration::from_millis(50));
        let request = client.jslogin_request();
        let reply = exchange(&mut stream, &request);
        memory.advance(Duration::from_millis(7));
        let Answer::Reply(expected) = memory.handle(&request) else { panic!("held") };
        assert_eq!(reply.body(), expected.body());
        assert_eq!(reply.headers(), expected.headers());
        client.uuid = crate::client::between(text(&reply), "uuid = \"", "\"").to_owned();
        let start = client.now();
        assert!(
            text(&exchange(&mut stream, &client.poll_request())).starts_with("window.code=201;")
        );
        assert_eq!(client.now() - start, 2_007);
        client.tip = 0;
        assert_eq!(text(&exchange(&mut stream, &client.poll_request())), "window.code=408;");
        assert_eq!(client.now() - start, 27_014);
        client.assert_clean();
        // Only in memory, the address is absolute; both render alike.
        let logged = |world: &World| world.log()[0].render();
        assert_eq!(logged(&client.simulator.world()), logged(&memory));
    }

    #[test]
    fn held_poll_is_answered_after_a_change() {
        let (_server, mut client, mut stream) = started();
        client.log_in();
        client.sync();
        let request = client.check_request();
        let simulator = client.simulator.clone();
        let change = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            simulator.world().person_writes("filehelper", "hi");
        });
        let start = std::time::Instant::now();
        let reply = exchange(&mut stream, &request);
        assert!(text(&reply).contains("selector:\"2\""));
        assert!(start.elapsed() < Duration::from_secs(5));
        change.join().expect("joined");
        client.assert_clean();
    }

    /// A missing [`Server::real_time`] is explained in the reply.
    #[test]
    fn wrong_clock_is_reported() {
        let (_server, client, mut stream) = started();
        let request = client.jslogin_request();
        client.simulator.world().set_now(1_800_000_000_000);
        let reply = exchange(&mut stream, &request);
        assert_eq!(reply.status(), 400);
        assert!(text(&reply).contains("`_` is `1700000000000`, not the clock"), "{}", text(&reply));
    }

    #[test]
    fn server_stops_while_a_poll_is_held() {
        let (server, client, mut stream) = started();
        exchange(&mut stream, &client.jslogin_request());
        stream
            .write_all(b"GET /cgi-bin/mmwebwx-bin/login?uuid= HTTP/1.1\r\nhost: x\r\n\r\n")
            .expect("written");
        let start = std::time::Instant::now();
        drop(server);
        assert!(start.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn demo_runs_to_its_end() {
        let demo = Demo::start();
        let mut client = Client::new(World::demo());
        client.simulator = demo.simulator().clone();
        client.page = demo.origin();
        let mut stream =
            TcpStream::connect(demo.origin().trim_start_matches("http://")).expect("a connection");
        let start = std::time::Instant::now();
        let reply = exchange(&mut stream, &client.jslogin_request());
        client.uuid = crate::client::between(text(&reply), "uuid = \"", "\"").to_owned();
        assert!(
            text(&exchange(&mut stream, &client.poll_request())).starts_with("window.code=201;")
        );
        client.tip = 0;
        let reply = exchange(&mut stream, &client.poll_request());
        client.redirect = crate::client::between(text(&reply), "redirect_uri=\"", "\"").to_owned();
        // No step runs between two polls, so that calls in memory and over the socket can be mixed.
        client.login_page();
        client.init();
        client.notify();
        let mut rounds = 0;
        let last = loop {
            let request = client.check_request();
            let reply = exchange(&mut stream, &request);
            if !text(&reply).contains("retcode:\"0\"") {
                break text(&reply).to_owned();
            }
            client.sync();
            rounds += 1;
            assert!(rounds < 20);
        };
        assert!(last.contains("retcode:\"1100\""), "{last}");
        let time = start.elapsed();
        assert!(time > Duration::from_secs(5) && time < Duration::from_secs(30), "{time:?}");
        let texts = client
            .simulator
            .world()
            .delivered()
            .iter()
            .filter(|message| message.msg_type == 1)
            .count();
        assert_eq!(texts, 6);
        client.assert_clean();
    }
}
