//! A server that does exactly what its script says, byte for byte.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Which connection it came on, from 0.
    pub(crate) connection: usize,
    /// The request line.
    pub(crate) line: String,
    /// Names in lower case, sorted.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(header, _)| header == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// What a server does after a request.
#[derive(Clone)]
pub(crate) enum Act {
    Send(Vec<u8>),
    Pause(Duration),
    /// Sends this until the client has gone.
    Flood(&'static [u8]),
    /// Ends the connection.
    Close,
    /// Says nothing more, and waits until the client has gone.
    Silence,
}

/// A request's body, taken or left.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Bodies {
    Read,
    /// Left in the socket: closing it then resets the connection.
    Left,
}

type Script = dyn Fn(&Seen) -> Vec<Act> + Send + Sync;

/// A server on loopback. Its threads end with their connections.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers every request with these bytes and keeps the connection.
    pub(crate) fn replying(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::new(move |_| vec![Act::Send(reply.clone())])
    }

    pub(crate) fn new(script: impl Fn(&Seen) -> Vec<Act> + Send + Sync + 'static) -> Self {
        Self::with(None, Bodies::Read, script)
    }

    /// The same, encrypted if there is a certificate to show.
    pub(crate) fn with(
        tls: Option<Arc<ServerConfig>>,
        bodies: Bodies,
        script: impl Fn(&Seen) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let server =
            Self { address, seen: Arc::clone(&seen), connections: Arc::clone(&connections) };
        let script: Arc<Script> = Arc::new(script);
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

    /// A server that takes connections and says nothing, not even to a handshake.
    pub(crate) fn mute() -> Self {
        Self::with(None, Bodies::Read, |_| vec![Act::Silence])
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn request(&self) -> Seen {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.into_iter().next().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn authority(&self) -> String {
        self.address.to_string()
    }
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Serves one connection until an end: of the script, or of the client.
fn serve<S: Read + Write + Hangup>(
    mut stream: S,
    connection: usize,
    bodies: Bodies,
    seen: &Mutex<Vec<Seen>>,
    script: &Script,
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

/// Ends a connection without a goodbye of TLS.
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

fn read(stream: &mut impl Read, connection: usize, bodies: Bodies) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let mut headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    headers.sort();
    let mut seen = Seen { connection, line, headers, body: Vec::new() };
    if bodies == Bodies::Read {
        let length =
            seen.header("content-length").first().map_or(0, |length| length.parse().unwrap());
        seen.body = vec![0; length];
        stream.read_exact(&mut seen.body).ok()?;
    }
    Some(seen)
}
