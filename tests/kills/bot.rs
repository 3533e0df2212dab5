//! The bots, each in a process of its own. What they do is in `main.rs`; this is what they are.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};
use std::{process, thread};

use tokio::time::timeout;
use wechat_proto::{Error, Message, Session, Timestamp};

/// Which adapter: `ureq` or `hyper`.
pub(crate) const ADAPTER: &str = "WECHAT_BOT_ADAPTER";
/// How it stores: a [`Way`].
pub(crate) const STORE: &str = "WECHAT_BOT_STORE";
/// Where it stores.
pub(crate) const FOLDER: &str = "WECHAT_BOT_FOLDER";
/// Set, it does not wait at its steps.
pub(crate) const FREE: &str = "WECHAT_BOT_FREE";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Lives until its session ends; nothing happens where nobody has said what to be.
pub(crate) fn live() {
    let (Some(adapter), Some(folder)) = (variable(ADAPTER), variable(FOLDER)) else { return };
    let way = match variable(STORE).as_deref() {
        Some("Together") => Way::Together,
        Some("After") => Way::After,
        Some("Manual") => Way::Manual,
        Some("OutOfOrder") => Way::OutOfOrder,
        _ => Way::AsItIs,
    };
    let store = Store { folder: folder.into(), way };
    let (session, ledger) = (store.load(), store.acts());
    let ended = match adapter.as_str() {
        "ureq" => blocking(session, ledger, &store),
        _ => asynchronous(session, ledger, &store),
    };
    assert!(matches!(ended, Err(Error::LoggedOut { .. })), "{ended:?}");
}

fn blocking(session: Session, mut ledger: String, store: &Store) -> Result<(), Error> {
    use wechat_transport_ureq::{Client, Options, Transport};

    let transport = Transport::new(Options::default().clock(clock()))?;
    let client = Client::resume(&transport, session)?;
    let acknowledge = |message: &Message| {
        client.acknowledge(message);
        client.session()
    };
    match store.way {
        Way::Together | Way::After | Way::AsItIs => {
            for message in client.messages() {
                store.hear(&message?, &mut ledger, client.session());
            }
        }
        Way::Manual => {
            for message in client.messages().manual() {
                let message = message?;
                store.hear(&message, &mut ledger, acknowledge(&message));
            }
        }
        // One thread receives, another handles and acknowledges.
        Way::OutOfOrder => {
            let mut desk = Desk { store, ledger: &Mutex::new(ledger), held: Vec::new() };
            let (sender, receiver) = channel();
            let (client, ledger) = (&client, desk.ledger);
            return thread::scope(|scope| {
                scope.spawn(move || {
                    for message in client.messages().manual() {
                        let ended = message.is_err();
                        if !ended {
                            store.write_received(ledger, || client.session());
                        }
                        if sender.send(message).is_err() || ended {
                            return;
                        }
                    }
                });
                loop {
                    let next = match receiver.recv_timeout(PAUSE) {
                        Ok(message) => Next::Message(message),
                        Err(RecvTimeoutError::Timeout) => Next::Pending,
                        Err(RecvTimeoutError::Disconnected) => Next::End,
                    };
                    if let Some(ended) = desk.receive(next, acknowledge) {
                        return ended;
                    }
                }
            });
        }
    }
    Ok(())
}

fn asynchronous(session: Session, mut ledger: String, store: &Store) -> Result<(), Error> {
    use wechat_transport_hyper::{Client, Options, Transport};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let transport = Transport::new(Options::default().clock(clock()))?;
        let client = Client::resume(&transport, session)?;
        let acknowledge = |message: &Message| {
            client.acknowledge(message);
            client.session()
        };
        match store.way {
            Way::Together | Way::After | Way::AsItIs => {
                let mut messages = client.messages();
                while let Some(message) = messages.next().await {
                    store.hear(&message?, &mut ledger, client.session());
                }
            }
            Way::Manual => {
                let mut messages = client.messages().manual();
                while let Some(message) = messages.next().await {
                    let message = message?;
                    store.hear(&message, &mut ledger, acknowledge(&message));
                }
            }
            Way::OutOfOrder => {
                let mut desk = Desk { store, ledger: &Mutex::new(ledger), held: Vec::new() };
                let mut messages = client.messages().manual();
                loop {
                    let next = match timeout(PAUSE, messages.next()).await {
                        Ok(Some(message)) => {
                            if message.is_ok() {
                                store.write_received(desk.ledger, || client.session());
                            }
                            Next::Message(message)
                        }
                        Ok(None) => Next::End,
                        Err(_) => Next::Pending,
                    };
                    if let Some(ended) = desk.receive(next, acknowledge) {
                        return ended;
                    }
                }
            }
        }
        Ok(())
    })
}

/// The messages that a bot holds, to handle the last and the first in turn.
///
/// A bot that is killed after each message and always handles the last one never finishes a batch,
/// and the simulator refuses a key from 200 answers ago.
struct Desk<'a> {
    store: &'a Store,
    ledger: &'a Mutex<String>,
    held: Vec<Message>,
}

/// What a bot received.
enum Next {
    Message(Result<Message, Error>),
    /// `PAUSE` is over.
    Pending,
    End,
}

/// How many messages a bot holds before it handles them.
const HELD: usize = 4;
/// How long a bot waits for the next message before it handles those that it holds.
const PAUSE: Duration = Duration::from_millis(20);

impl Desk<'_> {
    /// Holds a message, or handles all that are held. Returns how the messages ended, if they did.
    fn receive(
        &mut self,
        next: Next,
        acknowledge: impl Fn(&Message) -> Session,
    ) -> Option<Result<(), Error>> {
        let ended = match next {
            Next::Message(Ok(message)) => {
                self.held.push(message);
                if self.held.len() < HELD {
                    return None;
                }
                None
            }
            Next::Message(Err(error)) => Some(Err(error)),
            Next::Pending => None,
            Next::End => Some(Ok(())),
        };
        while !self.held.is_empty() {
            let mut ledger = self.ledger.lock().unwrap();
            let last = self.held.len() - 1;
            let position = if ledger.lines().count().is_multiple_of(2) { last } else { 0 };
            let message = self.held.remove(position);
            self.store.hear(&message, &mut ledger, acknowledge(&message));
        }
        ended
    }
}

/// The system's clock. Adapters read it before each poll of a flow: before a request is made up,
/// and when a reply has been read and nothing come of it yet.
fn clock() -> impl Fn() -> Timestamp + Send + Sync + 'static {
    || {
        step("polls");
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::default().after(since)
    }
}

/// Says that it has come to a step, and waits until it may go on.
fn step(what: &str) {
    // The test itself stores a session, too, and waits for nobody.
    if variable(ADAPTER).is_none() || variable(FREE).is_some() {
        return;
    }
    let mut pipe = io::stdout().lock();
    // On a line of its own, whatever the test's own output is in the middle of.
    pipe.write_all(format!("\n@{what}\n").as_bytes()).unwrap();
    pipe.flush().unwrap();
    if io::stdin().read_exact(&mut [0]).is_err() {
        // Nobody is there any more.
        process::exit(1);
    }
}

/// Where a bot keeps its session and what it did.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) folder: PathBuf,
    pub(crate) way: Way,
}

/// How a bot stores.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// Effect and session are one file, which one rename replaces.
    Together,
    /// The effect is written first, then the session, on which the message is acknowledged.
    After,
    /// The same, with the session as the client gives it: the message is still in hand.
    AsItIs,
    /// One file, as with [`Way::Together`]. The messages are manual: each is acknowledged on the
    /// client before the session is stored.
    Manual,
    /// The same. Up to [`HELD`] messages are received, then handled out of order.
    OutOfOrder,
}

impl Way {
    /// Whether effect and session are one file.
    pub(crate) const fn is_one_file(self) -> bool {
        matches!(self, Self::Together | Self::Manual | Self::OutOfOrder)
    }
}

impl Store {
    fn session(&self) -> PathBuf {
        self.folder.join("session")
    }

    fn ledger(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    /// The session that is stored.
    fn load(&self) -> Session {
        let stored = fs::read_to_string(self.session()).unwrap();
        Session::from_json(stored.lines().next().unwrap()).unwrap()
    }

    /// What was done until then, a message a line.
    pub(crate) fn acts(&self) -> String {
        if self.way.is_one_file() {
            let stored = fs::read_to_string(self.session()).unwrap();
            return stored.split_once('\n').unwrap().1.to_owned();
        }
        fs::read_to_string(self.ledger()).unwrap_or_default()
    }

    /// Replaces the stored session, and the ledger where both are one file.
    pub(crate) fn write(&self, session: &Session, ledger: &str) {
        let mut text = session.to_json();
        if self.way.is_one_file() {
            text = format!("{text}\n{ledger}");
        }
        let new = self.folder.join("new");
        // Where the machine may fail, and not only the process, the file is synced before it is
        // renamed.
        fs::write(&new, text).unwrap();
        step("stored");
        fs::rename(&new, self.session()).unwrap();
        step("renamed");
    }

    /// The effect of a message, and the session after it.
    fn hear(&self, message: &Message, ledger: &mut String, mut session: Session) {
        step(&format!("hears {}", message.id.as_str()));
        let line = line(message.id.as_str(), message.peer().as_str(), message.text().unwrap());
        if matches!(self.way, Way::Together | Way::After) {
            session.acknowledge(message);
        }
        if self.way.is_one_file() {
            ledger.push_str(&line);
        } else {
            append(&self.ledger(), &line);
            step("acts");
        }
        self.write(&session, ledger);
    }

    /// The session with a message that waits to be handled: what came with it (cookies, an skey) is
    /// stored before more is asked for.
    fn write_received(&self, ledger: &Mutex<String>, session: impl FnOnce() -> Session) {
        let ledger = ledger.lock().unwrap();
        self.write(&session(), &ledger);
    }
}

fn append(path: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

/// What stands in a ledger of a message.
pub(crate) fn line(id: &str, peer: &str, text: &str) -> String {
    format!("{id} {peer} {text}\n")
}
