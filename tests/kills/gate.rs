//! A proxy between a bot and the service: each connection continues only when the test allows it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// An event that waits until the test lets it continue.
pub(crate) struct Event {
    /// The index of the bot's process.
    pub(crate) process: usize,
    /// The step, or `None` if the process has ended.
    pub(crate) what: Option<String>,
    /// Lets the process continue. Dropping it means that the process was killed.
    pub(crate) go: Option<Sender<()>>,
}

/// A loopback address that forwards to the service. Each request stops here after it left the bot,
/// and each response before it reaches the bot.
pub(crate) struct Gate {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: SocketAddr,
    /// The running process; 0 if there is none, in which case all requests pass.
    process: AtomicUsize,
    closed: AtomicBool,
    /// The number of open directions of connections.
    open: AtomicUsize,
    events: Sender<Event>,
}

impl Gate {
    pub(crate) fn new(to: SocketAddr, events: Sender<Event>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let (process, closed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let open = AtomicUsize::new(0);
        let shared = Arc::new(Shared { to, process, closed, open, events });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.closed.load(Ordering::Relaxed) {
                    return;
                }
                if let Ok(stream) = stream {
                    // The connecting process may already be dead.
                    let _ = connect(stream, &accepting);
                }
            }
        });
        Ok(Self { addr, shared })
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Assigns new connections to this process. First waits until all requests of the previous
    /// process have reached the service. Otherwise they would look like requests of the new process
    /// with old keys.
    pub(crate) fn assign_to(&self, process: usize, events: &Receiver<Event>) {
        // Connections are accepted in order, so all earlier ones were accepted before this one.
        let mut last = TcpStream::connect(self.addr).unwrap();
        last.shutdown(Shutdown::Write).unwrap();
        last.read_to_end(&mut Vec::new()).unwrap();
        let start = Instant::now();
        while self.shared.open.load(Ordering::Acquire) > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "a connection outlives its process");
            // Events of a dead process are dropped.
            drop(events.recv_timeout(Duration::from_millis(1)));
        }
        self.shared.process.store(process, Ordering::Relaxed);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // Wakes up the listener.
        let _ = TcpStream::connect(self.addr);
    }
}

fn connect(bot: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let service = TcpStream::connect(shared.to)?;
    bot.set_nodelay(true)?;
    service.set_nodelay(true)?;
    let process = shared.process.load(Ordering::Relaxed);
    // Whether a request is pending without a response.
    let pending = Arc::new(AtomicBool::new(false));
    let direction = |from: &TcpStream, to: &TcpStream, name| {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let (shared, pending) = (Arc::clone(shared), Arc::clone(&pending));
        shared.open.fetch_add(1, Ordering::Relaxed);
        let mut direction = Direction { from, to, name, process, shared, pending };
        thread::spawn(move || direction.pass());
        Ok::<(), io::Error>(())
    };
    direction(&bot, &service, "request")?;
    direction(&service, &bot, "response")
}

/// One direction of a connection.
struct Direction {
    from: TcpStream,
    to: TcpStream,
    name: &'static str,
    process: usize,
    shared: Arc<Shared>,
    pending: Arc<AtomicBool>,
}

impl Direction {
    fn pass(&mut self) {
        let is_request = self.name == "request";
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = self.from.read(&mut bytes) {
            // The first bytes in this direction begin a request or a response.
            if self.pending.swap(is_request, Ordering::SeqCst) != is_request && self.process > 0 {
                let endpoint = if is_request { endpoint(&bytes[..count]) } else { String::new() };
                let passed = self.wait(format!("{} {endpoint}", self.name));
                // A request that left a process before it died still reaches the service.
                if passed.is_none() && !is_request {
                    break;
                }
            }
            if self.to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = self.to.shutdown(Shutdown::Write);
    }

    fn wait(&self, what: String) -> Option<()> {
        let (go, gone): (_, Receiver<()>) = channel();
        let event = Event { process: self.process, what: Some(what), go: Some(go) };
        self.shared.events.send(event).ok()?;
        gone.recv().ok()
    }
}

impl Drop for Direction {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, Ordering::Release);
    }
}

/// Returns the last segment of a request's path.
fn endpoint(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}
