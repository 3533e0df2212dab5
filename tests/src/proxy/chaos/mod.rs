//! A fault-injecting HTTP proxy between a client and a [`Server`].

mod fault;
mod harm;
mod wire;

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub use self::fault::Fault;
use crate::lock::lock;
use crate::proxy::listener::{Bag, ProxyListener};
use crate::rng::Rng;
use crate::server::Server;
use crate::simulator::Simulator;
use crate::world::layout::Layout;

/// An exchange that a [`Chaos`] has forwarded or faulted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Passed {
    /// The call, such as `webwxsync`.
    pub endpoint: String,
    /// The body of the request; empty if the request was cut.
    pub request: Vec<u8>,
    /// The injected fault, if any.
    pub fault: Option<Fault>,
}

/// A fault-injecting proxy between a client and a [`Server`].
///
/// It injects every kind of [`Fault`] in turn, never in two successive exchanges. The faults are determined by its seed
/// and the order of the requests. Its `Debug` output contains the seed and all injected faults; print it when a test
/// fails.
pub struct Chaos {
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
    bag: Bag<Fault>,
    /// Ordered faults, with their endpoints.
    ordered: Vec<(String, Fault)>,
    passed: Vec<Passed>,
}

impl Chaos {
    /// Starts a proxy for `server`, which speaks plain HTTP, and sets the world's origin to the proxy's. It injects no
    /// faults until [`Chaos::storm`].
    ///
    /// # Errors
    ///
    /// If the listener cannot be bound.
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
        let listener = ProxyListener::new("chaos", move |client| serving.serve(client))?;
        let chaos = Self { listener, shared };
        simulator.world().layout(Layout::One { origin: chaos.origin() });
        Ok(chaos)
    }

    /// Returns the proxy's origin, which is also the world's: scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.listener.address())
    }

    /// Starts injecting faults.
    pub fn storm(&self) {
        self.shared.calm.store(false, Ordering::Relaxed);
    }

    /// Stops injecting faults, except [ordered](Chaos::order) ones.
    pub fn calm(&self) {
        self.shared.calm.store(true, Ordering::Relaxed);
    }

    /// Injects a fault into the next exchange of an endpoint, once, even if the proxy is [calm](Chaos::calm).
    pub fn order(&self, endpoint: &str, fault: Fault) {
        lock(&self.shared.state).ordered.push((endpoint.to_owned(), fault));
    }

    /// Returns every exchange so far in the order of the requests, including those that did not reach the world.
    pub fn passed(&self) -> Vec<Passed> {
        lock(&self.shared.state).passed.clone()
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.shared.state);
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
    /// Serves a connection to its end.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        loop {
            let Some(head) = wire::Head::peek(&client)? else { return Ok(()) };
            let (number, fault, place) = self.choose(&head);
            if fault == Some(Fault::CutRequest) {
                // A connection that is closed with unread bytes is reset.
                head.read(&mut client, head.total / 2)?;
                return Ok(());
            }
            let unread = usize::from(fault == Some(Fault::Reset));
            let mut request = head.read(&mut client, head.total - unread)?;
            if unread > 0 {
                // Wait for the last byte, or the world would receive a request that was never sent completely.
                let mut last = [0];
                client.peek(&mut last)?;
                request.push(last[0]);
            }
            lock(&self.state).passed[number].request = request[head.length..].to_vec();
            if fault == Some(Fault::LoseRequest) {
                return client.shutdown(Shutdown::Both);
            }
            let reply = wire::Reply::of(self.target, &request)?;
            if harm::reply(&mut client, &reply, fault, place)? == harm::After::Close {
                return Ok(());
            }
        }
    }

    /// Chooses the fault of the next request, and its place.
    fn choose(&self, head: &wire::Head) -> (usize, Option<Fault>, u64) {
        let mut state = lock(&self.state);
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

#[cfg(test)]
mod tests;
