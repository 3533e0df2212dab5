//! A scripted server.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;

use super::Deviation;
use super::report::Seen;

/// A request as it arrived.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Arrived {
    /// The number of its connection, from 0.
    pub connection: usize,
    /// The request line.
    pub line: String,
    /// Names in lower case, sorted.
    pub headers: Vec<(String, String)>,
    /// The body, if the server reads it: as many bytes as announced.
    pub body: Vec<u8>,
}

impl Arrived {
    /// Returns all values of a header. `name` is in lower case.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(header, _)| header == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// An action of a server after a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Waits for this time.
    Pause(Duration),
    /// Sends these bytes repeatedly until the client disconnects.
    Flood(&'static [u8]),
    /// Closes the connection.
    Close,
    /// Sends nothing and waits until the client disconnects.
    Silence,
}

/// The handling of request bodies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Bodies {
    /// Bodies are read before the script runs.
    Read,
    /// Bodies are left unread, so that closing the socket resets the connection.
    Left,
}

type Play = dyn Fn(&Arrived) -> Vec<Act> + Send + Sync;

/// A loopback server that follows a script byte for byte. Its threads end with their connections.
pub struct Script {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Arrived>>>,
    connections: Arc<AtomicUsize>,
}

impl Script {
    /// Starts a server that answers every request with these bytes and keeps the connection open.
    pub fn replying(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::new(move |_| vec![Act::Send(reply.clone())])
    }

    /// Starts a server that answers every request with these bytes and closes the connection.
    pub(super) fn closing_after(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::new(move |_| vec![Act::Send(reply.clone()), Act::Close])
    }

    /// Starts a server that performs the actions returned by `script` for each request, then waits for the next
    /// request.
    pub fn new(script: impl Fn(&Arrived) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::with(None, Bodies::Read, script)
    }

    /// Starts a server like [`new`](Self::new), with TLS if `tls` is set.
    pub fn with(
        tls: Option<Arc<ServerConfig>>,
        bodies: Bodies,
        script: impl Fn(&Arrived) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let server =
            Self { address, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
        let script: Arc<Play> = Arc::new(script);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let number = connections.fetch_add(1, Ordering::SeqCst);
                let (script, seen, tls) = (Arc::clone(&script), Arc::clone(&seen), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(socket, number, bodies, &seen, &*script),
                    Some(config) => {
                        let session = ServerConnection::new(config).unwrap();
                        let stream = StreamOwned::new(session, socket);
                        serve(stream, number, bodies, &seen, &*script)
                    }
                });
            }
        });
        server
    }

    /// Starts a server that accepts connections, reads only the head of a request, and closes the connection after
    /// 20 seconds.
    pub fn head_only() -> Self {
        Self::with(None, Bodies::Left, |_| vec![Act::Pause(Duration::from_secs(20)), Act::Close])
    }

    /// Starts a server that accepts connections and sends nothing, not even a handshake.
    pub fn mute() -> Self {
        Self::new(|_| vec![Act::Silence])
    }

    /// Returns the address on which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns all requests so far.
    pub fn requests(&self) -> Vec<Arrived> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the only request so far.
    pub(super) fn only(&self) -> Seen<Arrived> {
        let mut requests = self.requests();
        match (requests.pop(), requests.len()) {
            (Some(request), 0) => Ok(request),
            (None, _) => Err(Deviation::new("one request", "none")),
            (_, more) => Err(Deviation::new("one request", format!("{}", more + 1))),
        }
    }

    /// Returns the last request so far.
    pub(super) fn last(&self) -> Seen<Arrived> {
        self.requests().pop().ok_or_else(|| Deviation::new("a request", "none"))
    }

    /// Returns the number of connections accepted so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Returns its address in the format of a `Host` header.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Script").field(&self.address).finish()
    }
}

/// An address at which connecting hangs, because its accept queue is full.
#[derive(Debug)]
pub struct Full {
    address: SocketAddr,
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Full {
    /// Creates a listener and fills its accept queue.
    ///
    /// # Errors
    ///
    /// If a socket cannot be created, or the queue does not fill up.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let listener = {
            let _guard = runtime.enter();
            let socket = TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            socket.listen(1)?.into_std()?
        };
        // The caller may have a runtime of its own, in which this one may not be dropped.
        runtime.shutdown_background();
        let address = listener.local_addr()?;
        let mut queue = Vec::new();
        while queue.len() < 64 {
            match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(stream) => queue.push(stream),
                Err(_) => return Ok(Self { address, _listener: listener, _queue: queue }),
            }
        }
        Err(io::Error::other("the queue of a listener does not fill up"))
    }

    /// Returns the address on which it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Returns an address without a listener.
pub fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Serves one connection until the script closes it or the client disconnects.
fn serve<S: Read + Write + Hangup>(
    mut stream: S,
    connection: usize,
    bodies: Bodies,
    seen: &Mutex<Vec<Arrived>>,
    script: &Play,
) -> Option<()> {
    loop {
        let request = read(&mut stream, connection, bodies)?;
        seen.lock().unwrap().push(request.clone());
        for act in script(&request) {
            match act {
                Act::Send(bytes) => stream.write_all(&bytes).ok()?,
                Act::Pause(time) => thread::sleep(time),
                Act::Flood(bytes) => loop {
                    stream.write_all(bytes).ok()?;
                },
                Act::Close => {
                    stream.hang_up(bodies);
                    return None;
                }
                Act::Silence => {
                    let mut byte = [0];
                    while stream.read(&mut byte).ok()? > 0 {}
                    return None;
                }
            }
            stream.flush().ok()?;
        }
    }
}

/// Closing a connection without a TLS `close_notify`.
trait Hangup {
    fn hang_up(&mut self, bodies: Bodies);
}

impl Hangup for TcpStream {
    fn hang_up(&mut self, bodies: Bodies) {
        if bodies == Bodies::Read {
            let _ = self.shutdown(Shutdown::Both);
        }
    }
}

impl Hangup for StreamOwned<ServerConnection, TcpStream> {
    fn hang_up(&mut self, bodies: Bodies) {
        self.sock.hang_up(bodies);
    }
}

/// Reads the head of a request. Returns `None` if the connection ends before.
pub(super) fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn read(stream: &mut impl Read, connection: usize, bodies: Bodies) -> Option<Arrived> {
    let head = head(stream)?;
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let mut headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    headers.sort();
    let mut seen = Arrived { connection, line, headers, body: Vec::new() };
    if bodies == Bodies::Read {
        let length = seen
            .header("content-length")
            .first()
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        seen.body = vec![0; length];
        stream.read_exact(&mut seen.body).ok()?;
    }
    Some(seen)
}
