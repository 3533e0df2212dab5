//! Faults between a client and a [`Server`], on the wire itself.

mod harm;
mod wire;

use std::fmt;
use std::io::{self, Read as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::layout::Layout;
use crate::proxy::{Bag, Gate};
use crate::rng::Rng;
use crate::server::Server;
use crate::simulator::Simulator;

/// What happens to an exchange. Where it says that the world hears of it, the request was answered, and the answer
/// harmed on its way back.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Fault {
    /// The request is read in half, and the connection reset. The world never hears of it.
    CutRequest,
    /// The whole request is read, and the connection closed. The world never hears of it.
    LoseRequest,
    /// The reply comes a little later.
    Delay,
    /// The reply never comes, and the connection stays.
    Stall,
    /// The connection is reset somewhere in the reply, possibly before its first byte.
    Reset,
    /// The connection is closed somewhere in the reply.
    Truncate,
    /// The reply comes a byte at a time.
    Drip,
    /// The head comes a byte at a time, and never ends.
    SlowHead,
    /// The reply comes twice, at once: the second is a stale one on the kept connection.
    Twice,
    /// The body never ends, in chunks.
    Endless,
    /// The head announces a body of petabytes.
    Huge,
    /// The head announces fewer bytes than come. (Of pictures and files, a reset: nobody could tell.)
    LengthShort,
    /// The head announces more bytes than come before the end.
    LengthLong,
    /// The head names a coding that nobody asked for.
    Encoded,
    /// A page of a gateway comes in place of the reply.
    Gateway,
    /// The connection is closed after the reply, while nobody uses it.
    CloseIdle,
    /// Before the reply come others of 1xx, with cookies in them.
    Informed,
    /// The reply comes in chunks, with cookies behind the last.
    Trailers,
    /// The reply comes in chunks with extensions.
    Extensions,
    /// The lines of the head end with LF alone.
    LfOnly,
    /// The reply comes in chunks, beside a wrong length.
    LengthAndChunks,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::CutRequest,
        Self::LoseRequest,
        Self::Delay,
        Self::Stall,
        Self::Reset,
        Self::Truncate,
        Self::Drip,
        Self::SlowHead,
        Self::Twice,
        Self::Endless,
        Self::Huge,
        Self::LengthShort,
        Self::LengthLong,
        Self::Encoded,
        Self::Gateway,
        Self::CloseIdle,
        Self::Informed,
        Self::Trailers,
        Self::Extensions,
        Self::LfOnly,
        Self::LengthAndChunks,
    ];
}

/// An exchange that a [`Chaos`] has seen.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Passed {
    /// The call, such as `webwxsync`.
    pub endpoint: String,
    /// The body of the request; empty where that was cut.
    pub request: Vec<u8>,
    /// What happened to it, if anything did.
    pub fault: Option<Fault>,
}

/// Stands between a client and a [`Server`], and does them harm: every kind of [`Fault`] in turn, never to two exchanges
/// in a row. What it does follows from its seed and from the order in which requests come. Its `Debug` text tells the
/// seed and all that it did; print it when a test fails.
pub struct Chaos {
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
    bag: Bag<Fault>,
    /// Faults that were ordered.
    ordered: Vec<(String, Fault)>,
    passed: Vec<Passed>,
}

impl Chaos {
    /// Listens in front of `server`, which speaks plain HTTP, and makes its own origin that of the world. It does no harm
    /// until [`Chaos::storm`].
    ///
    /// # Errors
    ///
    /// If there is no socket left.
    pub fn new(simulator: &Simulator, server: &Server, seed: u64) -> io::Result<Self> {
        let state = Mutex::new(State {
            rng: Rng::new(seed),
            bag: Bag::new(&Fault::ALL),
            ordered: Vec::new(),
            passed: Vec::new(),
        });
        let shared =
            Arc::new(Shared { target: server.addr(), seed, calm: AtomicBool::new(true), state });
        let serving = Arc::clone(&shared);
        let gate = Gate::new("chaos", move |client| serving.serve(client))?;
        let chaos = Self { gate, shared };
        simulator.world().layout(Layout::One { origin: chaos.origin() });
        Ok(chaos)
    }

    /// Its origin, which is the world's: scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.gate.address())
    }

    /// Begins to do harm.
    pub fn storm(&self) {
        self.shared.calm.store(false, Ordering::Relaxed);
    }

    /// Does no more harm than what was [ordered](Chaos::order).
    pub fn calm(&self) {
        self.shared.calm.store(true, Ordering::Relaxed);
    }

    /// Does this to the next request of an endpoint, once, also in a calm.
    pub fn order(&self, endpoint: &str, fault: Fault) {
        self.shared.state().ordered.push((endpoint.to_owned(), fault));
    }

    /// Every exchange so far, in the order in which the requests came: those that the world never heard of, too.
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.state().passed.clone()
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
        writeln!(f, "chaos of seed {}, {} exchanges:", self.shared.seed, state.passed.len())?;
        for (number, passed) in state.passed.iter().enumerate() {
            if let Some(fault) = passed.fault {
                writeln!(f, "{number:4}  {:20}  {fault:?}", passed.endpoint)?;
            }
        }
        Ok(())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves a connection to its end.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        loop {
            let Some(head) = wire::Head::peek(&client)? else { return Ok(()) };
            let (number, fault, place) = self.choose(&head);
            if fault == Some(Fault::CutRequest) {
                // Closed with bytes unread, a connection is reset.
                head.read(&mut client, head.total / 2)?;
                return Ok(());
            }
            let unread = usize::from(fault == Some(Fault::Reset));
            let mut request = head.read(&mut client, head.total - unread)?;
            if unread > 0 {
                // It has to be there, or the world would get a request that was never sent whole.
                let mut last = [0];
                client.peek(&mut last)?;
                request.push(last[0]);
            }
            self.state().passed[number].request = request[head.length..].to_vec();
            if fault == Some(Fault::LoseRequest) {
                return client.shutdown(Shutdown::Both);
            }
            let reply = wire::Reply::of(self.target, &request)?;
            if harm::reply(&mut client, &reply, fault, place)? == harm::After::Close {
                return Ok(());
            }
        }
    }

    /// What happens to the next request, and where in it.
    fn choose(&self, head: &wire::Head) -> (usize, Option<Fault>, u64) {
        let mut state = self.state();
        let state = &mut *state;
        let ordered = state.ordered.iter().position(|(endpoint, _)| *endpoint == head.endpoint);
        let fault = match ordered {
            Some(ordered) => Some(state.ordered.remove(ordered).1),
            None if self.calm.load(Ordering::Relaxed) => None,
            None if state.passed.last().is_some_and(|passed| passed.fault.is_some()) => None,
            None if state.rng.next().is_multiple_of(4) => None,
            None => Some(state.bag.draw(&mut state.rng)),
        };
        let fault = match fault {
            Some(Fault::LengthShort) if head.is_media() => Some(Fault::Reset),
            other => other,
        };
        let endpoint = head.endpoint.clone();
        state.passed.push(Passed { endpoint, request: Vec::new(), fault });
        (state.passed.len() - 1, fault, state.rng.next())
    }
}

/// Waits until the client has gone, and drops what it says.
fn outlast(client: &mut TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(60)))?;
    while client.read(&mut [0; 1024])? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests;
