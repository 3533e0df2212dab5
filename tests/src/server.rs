//! The simulator behind a socket on the loopback interface.

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
use crate::service::{Pace, Service};
use crate::simulator::{HOLD, Simulator};
use crate::tls;

/// What a [`Server`] breaks off of an exchange; the connection ends with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Cut {
    /// The request, in the middle of its body: the world never hears of it.
    Request,
    /// The reply: the request was answered, and the client does not hear of that.
    Reply,
}

/// An exchange that was broken off.
#[derive(Debug)]
pub(crate) struct Torn;

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl Error for Torn {}

/// A server on a thread of its own; it stops when it is dropped.
///
/// # Whose clock
///
/// **The world's clock is its own, and stands in November 2023**, unless [`Server::real_time`] makes it follow the
/// system's. Requests carry their sender's clock, and it has to be near the world's: a client on the system's clock is
/// answered 400 from the first call (`jslogin`) on, with the reason in the page's text and in [`World::violations`]. So
/// either call [`Server::real_time`] before the client starts, or give the client the world's clock
/// ([`Simulator::now`]), which makes a run repeatable to the byte.
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
    /// Serves plain HTTP, every role at one origin: the world's layout becomes [`Layout::One`].
    ///
    /// **Call [`Server::real_time`] too if the client is on the system's clock**; see [above](Server#whose-clock).
    pub fn http(simulator: &Simulator) -> io::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let origin = format!("http://{}", listener.local_addr()?);
        simulator.world().layout(Layout::One { origin });
        Self::start(simulator, listener, None, None)
    }

    /// Serves HTTPS with a certificate for every true host name; the layout stays.
    ///
    /// The client has to trust [`Server::ca_der`] and to take [`Server::addr`] for each of those names. Its clock matters
    /// [as much as above](Server#whose-clock).
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
        let pace = Arc::new(Pace {
            hold: AtomicU64::new(HOLD.as_millis() as u64),
            real: AtomicBool::new(false),
        });
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let service = Service { simulator: simulator.clone(), pace, cuts: Arc::default() };
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

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The origin of the address: scheme, host and port.
    pub fn origin(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// The authority to trust, when it speaks TLS.
    pub fn ca_der(&self) -> Option<&[u8]> {
        self.ca.as_deref()
    }

    /// How long a long poll really waits when the script has nothing more; 25 seconds if not told.
    pub fn hold(&self, time: Duration) {
        self.service.pace.hold.store(time.as_millis() as u64, Ordering::Relaxed);
    }

    /// Breaks off the next exchange of this endpoint, such as `webwxuploadmedia`, once. Several are cut one after the
    /// other, in this order.
    pub fn cut(&self, endpoint: &str, cut: Cut) {
        let mut cuts = self.service.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.push((endpoint.to_owned(), cut));
    }

    /// Steps of the script really wait, and the world's clock follows the system's. Without this, a step takes no time
    /// but the world's, as in memory, and clients have to be on [the world's clock](Server#whose-clock).
    pub fn real_time(&self) {
        self.service.pace.real.store(true, Ordering::Relaxed);
        self.service.follow_clock();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The thread may have ended by itself: then there is nobody to tell.
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
    // A client that goes away in the middle is no concern of the service.
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

    /// A connection that is kept gives the same replies as memory does.
    #[test]
    fn a_socket_answers_as_memory_does() {
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
        // From memory the address is absolute, from a socket it is not: both render alike.
        let logged = |world: &World| world.log()[0].render();
        assert_eq!(logged(&client.simulator.world()), logged(&memory));
    }

    #[test]
    fn a_held_poll_hears_of_a_change() {
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

    /// Whoever forgets [`Server::real_time`] can find out.
    #[test]
    fn another_clock_is_told_of() {
        let (_server, client, mut stream) = started();
        let request = client.jslogin_request();
        client.simulator.world().set_now(1_800_000_000_000);
        let reply = exchange(&mut stream, &request);
        assert_eq!(reply.status(), 400);
        assert!(text(&reply).contains("`_` is `1700000000000`, not the clock"), "{}", text(&reply));
    }

    #[test]
    fn a_server_stops_while_a_poll_is_held() {
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
    fn the_demo_plays_by_itself() {
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
        // Between two polls nothing happens: memory and the socket can be mixed.
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
