//! A fault-injecting proxy between a client and a [`Server`] that does not parse the bytes it forwards.

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::lock::lock;
use crate::proxy::listener::{Bag, ProxyListener};
use crate::rng::Rng;
use crate::server::Server;

/// A fault in a connection, after some number of its bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum TlsFault {
    /// The connection is closed as soon as it is accepted.
    Refuse,
    /// A captive portal answers in plain HTTP.
    Portal,
    /// The server's bytes are delayed by 150 ms.
    Delay,
    /// The server's bytes are sent one at a time for a while.
    Drip,
    /// No more bytes of the server are forwarded, and the connection stays open.
    Stall,
    /// The connection is closed within the client's bytes, without a TLS `close_notify`.
    CutRequest,
    /// The connection is closed within the server's bytes, without a TLS `close_notify`.
    CutReply,
    /// The connection is closed while idle.
    CloseIdle,
    /// A bit of the client's bytes is flipped.
    CorruptRequest,
    /// A bit of the server's bytes is flipped.
    CorruptReply,
}

/// The time without traffic after a reply, after which a connection is idle.
const QUIET: Duration = Duration::from_millis(5);
/// The first turn in which a connection can be idle. The first two turns of each side are the handshake, in which a
/// slow client pauses for longer than [`QUIET`].
const GREETED: usize = 6;

impl TlsFault {
    /// All faults.
    pub const ALL: [Self; 10] = [
        Self::Refuse,
        Self::Portal,
        Self::Delay,
        Self::Drip,
        Self::Stall,
        Self::CutRequest,
        Self::CutReply,
        Self::CloseIdle,
        Self::CorruptRequest,
        Self::CorruptReply,
    ];

    const fn harms_requests(self) -> bool {
        matches!(self, Self::CutRequest | Self::CorruptRequest)
    }
}

/// A fault-injecting proxy between a client and a [`Server`] that speaks TLS.
///
/// It injects a fault into each connection, each kind of [`TlsFault`] in turn, in the handshake or later, without
/// decrypting the traffic. The faults are determined by its seed and the order of the connections. Its `Debug` output
/// contains the seed and the fault chosen for each connection.
pub struct TlsFaultProxy {
    listener: ProxyListener,
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    seed: u64,
    calm: AtomicBool,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    bag: Bag<TlsFault>,
    /// The fault of each connection, and the number of bytes before it.
    chosen: Vec<Option<(TlsFault, u64)>>,
}

impl TlsFaultProxy {
    /// Starts a proxy for `server`. It injects no faults until [`TlsFaultProxy::storm`].
    ///
    /// # Errors
    ///
    /// If the listener cannot be bound.
    pub fn new(server: &Server, seed: u64) -> io::Result<Self> {
        let state =
            State { rng: Rng::new(seed), bag: Bag::new(&TlsFault::ALL), chosen: Vec::new() };
        let shared = Arc::new(Shared {
            target: server.addr(),
            seed,
            calm: AtomicBool::new(true),
            state: Mutex::new(state),
        });
        let serving = Arc::clone(&shared);
        let listener = ProxyListener::new("tls-faults", move |client| {
            serving.carry(client, serving.choose())
        })?;
        Ok(Self { listener, shared })
    }

    /// Returns the address on which it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Starts injecting faults. Existing connections are closed as soon as they are idle.
    pub fn storm(&self) {
        self.shared.calm.store(false, Ordering::Relaxed);
    }

    /// Stops injecting faults into new connections.
    pub fn calm(&self) {
        self.shared.calm.store(true, Ordering::Relaxed);
    }

    /// Returns the fault chosen for each connection so far, if any, and the number of bytes, in the direction that the
    /// fault affects, after which it is injected.
    pub fn chosen_faults(&self) -> Vec<Option<(TlsFault, u64)>> {
        lock(&self.shared.state).chosen.clone()
    }
}

impl fmt::Debug for TlsFaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.shared.state);
        writeln!(
            f,
            "TLS faults of seed {}, {} connections:",
            self.shared.seed,
            state.chosen.len()
        )?;
        for (number, chosen) in state.chosen.iter().enumerate() {
            if let Some((fault, place)) = chosen {
                writeln!(f, "{number:4}  {fault:?} after byte {place}")?;
            }
        }
        Ok(())
    }
}

impl Shared {
    /// Chooses the fault of the next connection and the number of bytes before it: early ones, in the handshake, are as
    /// frequent as late ones, in a body.
    fn choose(&self) -> Option<(TlsFault, u64)> {
        let calm = self.calm.load(Ordering::Relaxed);
        let mut state = lock(&self.state);
        let state = &mut *state;
        let fault = (!calm).then(|| {
            let most = 1 << state.rng.between(4, 15);
            let place = state.rng.between(0, most);
            (state.bag.draw(&mut state.rng), place)
        });
        state.chosen.push(fault);
        fault
    }

    /// Forwards a connection until it ends.
    fn carry(&self, mut client: TcpStream, fault: Option<(TlsFault, u64)>) -> io::Result<()> {
        client.set_nodelay(true)?;
        match fault {
            Some((TlsFault::Refuse, _)) => return Ok(()),
            Some((TlsFault::Portal, _)) => {
                let _ = client.read(&mut [0; 2048])?;
                let page = "HTTP/1.1 302 Found\r\nlocation: http://portal.test/\r\ncontent-length: 0\r\n\r\n";
                return client.write_all(page.as_bytes());
            }
            _ => {}
        }
        let server = TcpStream::connect(self.target)?;
        server.set_nodelay(true)?;
        let of = |requests| fault.filter(|(fault, _)| fault.harms_requests() == requests);
        let (up, down) = (of(true), of(false));
        let back = (server.try_clone()?, client.try_clone()?);
        let turn = AtomicUsize::new(1);
        thread::scope(|scope| {
            scope.spawn(|| drop(self.pass(back.0, back.1, down, false, &turn)));
            self.pass(client, server, up, true, &turn)
        })
    }

    /// Forwards one direction until it ends or the fault ends it. `turn` counts the changes of the sending side; the
    /// client's turns are odd.
    fn pass(
        &self,
        mut from: TcpStream,
        mut to: TcpStream,
        mut fault: Option<(TlsFault, u64)>,
        up: bool,
        turn: &AtomicUsize,
    ) -> io::Result<()> {
        let (mut buffer, mut passed) = (vec![0; 16 << 10], 0);
        from.set_read_timeout(Some(QUIET))?;
        loop {
            let idle = match fault {
                None if !self.calm.load(Ordering::Relaxed) => Some(0),
                Some((TlsFault::CloseIdle, place)) => Some(place),
                _ => None,
            };
            let read = match from.read(&mut buffer) {
                Ok(read @ 1..) => read,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    let now = turn.load(Ordering::Relaxed);
                    let quiet = !up && now >= GREETED && now.is_multiple_of(2);
                    if quiet && idle.is_some_and(|place| passed >= place) {
                        return close(&from, &to);
                    }
                    continue;
                }
                _ => return to.shutdown(Shutdown::Write),
            };
            // The first bytes of one side end the turn of the other.
            if turn.load(Ordering::Relaxed).is_multiple_of(2) == up {
                turn.fetch_add(1, Ordering::Relaxed);
            }
            let (start, bytes) = (passed, &mut buffer[..read]);
            passed += read as u64;
            let here = fault.filter(|(_, place)| idle.is_none() && *place < passed);
            let Some((harm, place)) = here else {
                to.write_all(bytes)?;
                continue;
            };
            // A connection that survives its fault is closed once it is idle.
            fault = Some((TlsFault::CloseIdle, 0));
            let (fine, rest) = bytes.split_at_mut((place - start) as usize);
            to.write_all(fine)?;
            match harm {
                TlsFault::Delay => thread::sleep(Duration::from_millis(150)),
                TlsFault::Drip => {
                    for byte in &*rest {
                        to.write_all(&[*byte])?;
                        thread::sleep(Duration::from_micros(200));
                    }
                    continue;
                }
                TlsFault::CorruptRequest | TlsFault::CorruptReply => rest[0] ^= 1,
                TlsFault::Stall => {
                    from.set_read_timeout(None)?;
                    while from.read(&mut buffer)? > 0 {}
                    return Ok(());
                }
                TlsFault::CutRequest
                | TlsFault::CutReply
                | TlsFault::CloseIdle
                | TlsFault::Refuse
                | TlsFault::Portal => return close(&from, &to),
            }
            to.write_all(rest)?;
        }
    }
}

fn close(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    from.shutdown(Shutdown::Both)?;
    to.shutdown(Shutdown::Both)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    /// Starts a server that echoes 26 bytes.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut bytes = [0; 26];
                if stream.read_exact(&mut bytes).is_ok() {
                    stream.write_all(&bytes).unwrap();
                }
            }
        });
        address
    }

    /// Sends the alphabet through the proxy and returns the bytes received.
    fn answer(fault: Option<(TlsFault, u64)>) -> String {
        let state = State { rng: Rng::new(1), bag: Bag::new(&TlsFault::ALL), chosen: Vec::new() };
        let shared = Shared {
            target: echo(),
            seed: 1,
            calm: AtomicBool::new(false),
            state: Mutex::new(state),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let (served, _) = listener.accept().unwrap();
        thread::spawn(move || drop(shared.carry(served, fault)));
        client.write_all(b"abcdefghijklmnopqrstuvwxyz").unwrap();
        let (mut bytes, mut buffer) = (Vec::new(), [0; 1024]);
        while let Ok(read @ 1..) = client.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_fault_has_its_effect() {
        let all = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(answer(None), all);
        for fault in TlsFault::ALL {
            let expected = match fault {
                TlsFault::Refuse | TlsFault::CutRequest => "",
                TlsFault::Portal => "HTTP/1.1 302 Found",
                TlsFault::Delay | TlsFault::Drip | TlsFault::CloseIdle => all,
                TlsFault::Stall | TlsFault::CutReply => "abcd",
                TlsFault::CorruptRequest | TlsFault::CorruptReply => "abcddfghijklmnopqrstuvwxyz",
            };
            let seen = answer(Some((fault, 4)));
            let fine = if fault == TlsFault::Portal {
                seen.starts_with(expected)
            } else {
                seen == expected
            };
            assert!(fine, "{fault:?}: {seen}");
        }
    }
}
