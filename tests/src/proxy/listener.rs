//! The common parts of the fault-injecting proxies.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::rng::Rng;

/// A listener on loopback. It listens until it is dropped; open connections continue.
pub(crate) struct ProxyListener {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
}

impl ProxyListener {
    /// Listens, and calls `serve` with each connection on its own thread. Its result is ignored.
    pub(crate) fn new(
        name: &str,
        serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let listener = Self { address: socket.local_addr()?, closed: Arc::default() };
        let (closed, serve) = (Arc::clone(&listener.closed), Arc::new(serve));
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            for client in socket.incoming().map_while(Result::ok) {
                if closed.load(Ordering::Relaxed) {
                    break;
                }
                let serve = Arc::clone(&serve);
                // An I/O error ends only its own connection.
                thread::spawn(move || drop(serve(client)));
            }
        })?;
        Ok(listener)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for ProxyListener {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
    }
}

/// A set of values to draw from at random without repetition; refilled when empty.
pub(crate) struct Bag<T: 'static> {
    all: &'static [T],
    left: Vec<T>,
}

impl<T: Copy> Bag<T> {
    pub(crate) const fn new(all: &'static [T]) -> Self {
        Self { all, left: Vec::new() }
    }

    pub(crate) fn draw(&mut self, rng: &mut Rng) -> T {
        if self.left.is_empty() {
            self.left = self.all.to_vec();
        }
        let drawn = rng.between(0, self.left.len() as u64) as usize;
        self.left.swap_remove(drawn)
    }
}
