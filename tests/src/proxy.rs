//! What the proxies that do harm have in common.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::rng::Rng;

/// A listener on loopback. It listens until it is dropped; connections live on.
pub(crate) struct Gate {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Gate {
    /// Listens; `serve` gets each connection on a thread of its own, and what became of it is nobody's concern.
    pub(crate) fn new(
        name: &str,
        serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let gate = Self { address: listener.local_addr()?, over: Arc::default() };
        let (over, serve) = (Arc::clone(&gate.over), Arc::new(serve));
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let serve = Arc::clone(&serve);
                // A client or a server that goes away ends its connection, and nothing else.
                thread::spawn(move || drop(serve(client)));
            }
        })?;
        Ok(gate)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // So that the listener looks.
        let _ = TcpStream::connect(self.address);
    }
}

/// What is drawn until all of it has been there, and then again.
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
