//! Faults between a client and a [`Server`] that know nothing of HTTP.

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::proxy::{Bag, Gate};
use crate::rng::Rng;
use crate::server::Server;

/// What happens to a connection, somewhere in it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum LineFault {
    /// It is closed as soon as it is made.
    Refuse,
    /// What answers is a portal, in plain HTTP.
    Portal,
    /// What comes from the server pauses.
    Delay,
    /// What comes from the server comes a byte at a time, for a while.
    Drip,
    /// Nothing more comes from the server, and the connection stays.
    Stall,
    /// It is closed in what comes from the client, without a goodbye of TLS.
    CutRequest,
    /// It is closed in what comes from the server, without a goodbye of TLS.
    CutReply,
    /// It is closed while nothing passes.
    CloseIdle,
    /// A bit of what comes from the client is another one.
    CorruptRequest,
    /// A bit of what comes from the server is another one.
    CorruptReply,
}

/// A connection on which nothing has passed for so long, after a reply, is idle.
const QUIET: Duration = Duration::from_millis(5);
/// And only from this turn on: the first two of each side are the handshake's, in which a slow client thinks for longer.
const GREETED: usize = 6;

impl LineFault {
    /// All of them.
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

/// A bad line between a client and a [`Server`] that speaks TLS: it does harm to each connection, each kind of
/// [`LineFault`] in turn, in the handshake or later, and never reads what it carries. What it does follows from its seed
/// and from the order in which connections come. Its `Debug` text tells the seed and all that it did.
pub struct Line {
    gate: Gate,
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
    bag: Bag<LineFault>,
    /// Of each connection, and behind which of its bytes.
    carried: Vec<Option<(LineFault, u64)>>,
}

impl Line {
    /// Listens in front of `server`. It does no harm until [`Line::storm`].
    ///
    /// # Errors
    ///
    /// If there is no socket left.
    pub fn new(server: &Server, seed: u64) -> io::Result<Self> {
        let state =
            State { rng: Rng::new(seed), bag: Bag::new(&LineFault::ALL), carried: Vec::new() };
        let shared = Arc::new(Shared {
            target: server.addr(),
            seed,
            calm: AtomicBool::new(true),
            state: Mutex::new(state),
        });
        let serving = Arc::clone(&shared);
        let gate = Gate::new("line", move |client| serving.carry(client, serving.choose()))?;
        Ok(Self { gate, shared })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.gate.address()
    }

    /// Begins to do harm; connections that are there are closed as soon as they are idle.
    pub fn storm(&self) {
        self.shared.calm.store(false, Ordering::Relaxed);
    }

    /// Does no more harm to connections that come from now on.
    pub fn calm(&self) {
        self.shared.calm.store(true, Ordering::Relaxed);
    }

    /// What happened to each connection so far, if anything was to, and behind how many bytes of its direction.
    pub fn carried(&self) -> Vec<Option<(LineFault, u64)>> {
        self.shared.state().carried.clone()
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        writeln!(f, "line of seed {}, {} connections:", self.shared.seed, state.carried.len())?;
        for (number, carried) in state.carried.iter().enumerate() {
            if let Some((fault, place)) = carried {
                writeln!(f, "{number:4}  {fault:?} behind byte {place}")?;
            }
        }
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to the next connection, and behind which of its bytes: as often early, in the handshake, as late, in a
    /// body.
    fn choose(&self) -> Option<(LineFault, u64)> {
        let calm = self.calm.load(Ordering::Relaxed);
        let mut state = self.state();
        let state = &mut *state;
        let fault = (!calm).then(|| {
            let most = 1 << state.rng.between(4, 15);
            let place = state.rng.between(0, most);
            (state.bag.draw(&mut state.rng), place)
        });
        state.carried.push(fault);
        fault
    }

    /// Carries a connection to its end.
    fn carry(&self, mut client: TcpStream, fault: Option<(LineFault, u64)>) -> io::Result<()> {
        client.set_nodelay(true)?;
        match fault {
            Some((LineFault::Refuse, _)) => return Ok(()),
            Some((LineFault::Portal, _)) => {
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

    /// Passes on what comes, until it ends or the fault ends it. `turn` says how often the other side began to speak: the
    /// client's are the odd ones.
    fn pass(
        &self,
        mut from: TcpStream,
        mut to: TcpStream,
        mut fault: Option<(LineFault, u64)>,
        up: bool,
        turn: &AtomicUsize,
    ) -> io::Result<()> {
        let (mut buffer, mut passed) = (vec![0; 16 << 10], 0);
        from.set_read_timeout(Some(QUIET))?;
        loop {
            let idle = match fault {
                None if !self.calm.load(Ordering::Relaxed) => Some(0),
                Some((LineFault::CloseIdle, place)) => Some(place),
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
            // Each side ends the other's turn alone.
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
            // What lives on is closed later, as the others are.
            fault = Some((LineFault::CloseIdle, 0));
            let (fine, rest) = bytes.split_at_mut((place - start) as usize);
            to.write_all(fine)?;
            match harm {
                LineFault::Delay => thread::sleep(Duration::from_millis(150)),
                LineFault::Drip => {
                    for byte in &*rest {
                        to.write_all(&[*byte])?;
                        thread::sleep(Duration::from_micros(200));
                    }
                    continue;
                }
                LineFault::CorruptRequest | LineFault::CorruptReply => rest[0] ^= 1,
                LineFault::Stall => {
                    from.set_read_timeout(None)?;
                    while from.read(&mut buffer)? > 0 {}
                    return Ok(());
                }
                LineFault::CutRequest
                | LineFault::CutReply
                | LineFault::CloseIdle
                | LineFault::Refuse
                | LineFault::Portal => return close(&from, &to),
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

    /// What answers an alphabet with itself.
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

    /// What comes back of the alphabet.
    fn answer(fault: Option<(LineFault, u64)>) -> String {
        let state = State { rng: Rng::new(1), bag: Bag::new(&LineFault::ALL), carried: Vec::new() };
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
    fn each_fault_is_what_it_says() {
        let all = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(answer(None), all);
        for fault in LineFault::ALL {
            let expected = match fault {
                LineFault::Refuse | LineFault::CutRequest => "",
                LineFault::Portal => "HTTP/1.1 302 Found",
                LineFault::Delay | LineFault::Drip | LineFault::CloseIdle => all,
                LineFault::Stall | LineFault::CutReply => "abcd",
                LineFault::CorruptRequest | LineFault::CorruptReply => "abcddfghijklmnopqrstuvwxyz",
            };
            let seen = answer(Some((fault, 4)));
            let fine = if fault == LineFault::Portal {
                seen.starts_with(expected)
            } else {
                seen == expected
            };
            assert!(fine, "{fault:?}: {seen}");
        }
    }
}
