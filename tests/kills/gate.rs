//! What stands between a bot and the service: a connection passes when the test lets it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Something that happened, and waits until the test lets it go on.
pub(crate) struct Event {
    /// Which of the bot's processes it belongs to.
    pub(crate) process: usize,
    /// What happened; nothing if the process has ended.
    pub(crate) what: Option<String>,
    /// Lets it go on. Dropped, it says that the process was killed.
    pub(crate) go: Option<Sender<()>>,
}

/// A loopback address that leads to the service. Each request stops here once it has left the bot,
/// and each reply before it reaches it.
pub(crate) struct Gate {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    to: SocketAddr,
    /// The process that lives now; nothing stops while there is none.
    process: AtomicUsize,
    closed: AtomicBool,
    /// Directions of connections that are not over.
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
                    // Whoever connects may be dead already.
                    let _ = connect(stream, &accepting);
                }
            }
        });
        Ok(Self { addr, shared })
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Connections from now on are this process's. What the one before had sent when it died has reached
    /// the service by then: late, it would look as if this one had asked with old keys.
    pub(crate) fn is_of(&self, process: usize, events: &Receiver<Event>) {
        // Connections are taken in order: when this one has been through, all before it are known.
        let mut last = TcpStream::connect(self.addr).unwrap();
        last.shutdown(Shutdown::Write).unwrap();
        last.read_to_end(&mut Vec::new()).unwrap();
        let start = Instant::now();
        while self.shared.open.load(Ordering::Acquire) > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "a connection outlives its process");
            // Nobody waits for what a dead process wants to do.
            drop(events.recv_timeout(Duration::from_millis(1)));
        }
        self.shared.process.store(process, Ordering::Relaxed);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // So that the listener looks.
        let _ = TcpStream::connect(self.addr);
    }
}

fn connect(bot: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let service = TcpStream::connect(shared.to)?;
    bot.set_nodelay(true)?;
    service.set_nodelay(true)?;
    let process = shared.process.load(Ordering::Relaxed);
    // Whether a request is under way that has no reply yet.
    let asked = Arc::new(AtomicBool::new(false));
    let way = |from: &TcpStream, to: &TcpStream, name| {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        let (shared, asked) = (Arc::clone(shared), Arc::clone(&asked));
        shared.open.fetch_add(1, Ordering::Relaxed);
        let mut way = Way { from, to, name, process, shared, asked };
        thread::spawn(move || way.pass());
        Ok::<(), io::Error>(())
    };
    way(&bot, &service, "asks")?;
    way(&service, &bot, "answers")
}

/// One direction of a connection.
struct Way {
    from: TcpStream,
    to: TcpStream,
    name: &'static str,
    process: usize,
    shared: Arc<Shared>,
    asked: Arc<AtomicBool>,
}

impl Way {
    fn pass(&mut self) {
        let asks = self.name == "asks";
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = self.from.read(&mut bytes) {
            // The first bytes in this direction: a request begins, or its reply does.
            if self.asked.swap(asks, Ordering::SeqCst) != asks && self.process > 0 {
                let endpoint = if asks { endpoint(&bytes[..count]) } else { String::new() };
                let passed = self.wait(format!("{} {endpoint}", self.name));
                // What left a process before it died reaches the service all the same.
                if passed.is_none() && !asks {
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

impl Drop for Way {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, Ordering::Release);
    }
}

/// The last part of a request's path.
fn endpoint(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}
