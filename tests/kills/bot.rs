//! The bots, each in its own process. `main.rs` describes the tests.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};
use std::{process, thread};

use tokio::time::timeout;
use wechat_proto::store::SavePolicy;
use wechat_proto::{Error, Message, Session, Timestamp};

#[path = "kept.rs"]
mod kept;

/// The adapter: `ureq` or `hyper`.
pub(crate) const ADAPTER: &str = "WECHAT_BOT_ADAPTER";
/// The way of storing: a [`StoreMode`].
pub(crate) const STORE: &str = "WECHAT_BOT_STORE";
/// The folder of the store.
pub(crate) const FOLDER: &str = "WECHAT_BOT_FOLDER";
/// If set, the bot does not wait at its steps.
pub(crate) const FREE: &str = "WECHAT_BOT_FREE";

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Runs a bot until its session ends, or does nothing without the environment variables.
pub(crate) fn run() {
    let (Some(adapter), Some(folder)) = (variable(ADAPTER), variable(FOLDER)) else { return };
    let mode = match variable(STORE).as_deref() {
        Some("Together") => StoreMode::Together,
        Some("After") => StoreMode::After,
        Some("Manual") => StoreMode::Manual,
        Some("OutOfOrder") => StoreMode::OutOfOrder,
        Some("EachMessage") => StoreMode::EachMessage,
        Some("EachBatch") => StoreMode::EachBatch,
        Some("Interval") => StoreMode::Interval,
        _ => StoreMode::Unacknowledged,
    };
    let store = Store { folder: folder.into(), mode };
    let ended = match (adapter.as_str(), mode.policy()) {
        ("ureq", Some(policy)) => kept::blocking(&store, policy),
        (_, Some(policy)) => kept::asynchronous(&store, policy),
        ("ureq", None) => blocking(store.load(), store.ledger_text(), &store),
        (_, None) => asynchronous(store.load(), store.ledger_text(), &store),
    };
    assert!(matches!(ended, Err(Error::LoggedOut { .. })), "{ended:?}");
}

fn blocking(session: Session, mut ledger: String, store: &Store) -> Result<(), Error> {
    use wechat_transport_ureq::{Client, Options, Transport};

    let transport = Transport::new(Options::default().clock(clock()))?;
    let client = Client::resume(&transport, session)?;
    let acknowledge = |message: &Message| {
        client.acknowledge(message).unwrap();
        client.session()
    };
    match store.mode {
        StoreMode::Together | StoreMode::After | StoreMode::Unacknowledged => {
            for message in client.messages() {
                store.handle(&message?, &mut ledger, client.session());
            }
        }
        StoreMode::Manual => {
            for message in client.events().manual().messages() {
                let message = message?;
                store.handle(&message, &mut ledger, acknowledge(&message));
            }
        }
        StoreMode::EachMessage | StoreMode::EachBatch | StoreMode::Interval => {
            unreachable!("bots of `kept`")
        }
        // One thread receives, another handles and acknowledges.
        StoreMode::OutOfOrder => {
            let mut desk = Desk { store, ledger: &Mutex::new(ledger), held: Vec::new() };
            let (sender, receiver) = channel();
            let (client, ledger) = (&client, desk.ledger);
            return thread::scope(|scope| {
                scope.spawn(move || {
                    for message in client.events().manual().messages() {
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
            // Completes at once, because the client keeps no store.
            let acknowledged = pin!(client.acknowledge(message));
            let context = &mut Context::from_waker(Waker::noop());
            assert!(matches!(acknowledged.poll(context), Poll::Ready(Ok(()))));
            client.session()
        };
        match store.mode {
            StoreMode::Together | StoreMode::After | StoreMode::Unacknowledged => {
                let mut messages = client.messages();
                while let Some(message) = messages.next().await {
                    store.handle(&message?, &mut ledger, client.session());
                }
            }
            StoreMode::Manual => {
                let mut messages = client.events().manual().messages();
                while let Some(message) = messages.next().await {
                    let message = message?;
                    store.handle(&message, &mut ledger, acknowledge(&message));
                }
            }
            StoreMode::EachMessage | StoreMode::EachBatch | StoreMode::Interval => {
                unreachable!("bots of `kept`")
            }
            StoreMode::OutOfOrder => {
                let mut desk = Desk { store, ledger: &Mutex::new(ledger), held: Vec::new() };
                let mut messages = client.events().manual().messages();
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

/// The messages that a bot holds, to handle the last and the first alternately.
///
/// A bot that is killed after each message and always handles the last one never completes a batch,
/// and the simulator refuses a key that is 200 responses old.
struct Desk<'a> {
    store: &'a Store,
    ledger: &'a Mutex<String>,
    held: Vec<Message>,
}

/// The next input of a bot.
enum Next {
    Message(Result<Message, Error>),
    /// No message arrived within [`PAUSE`].
    Pending,
    End,
}

/// The number of messages that a bot holds before it handles them.
const HELD: usize = 4;
/// The time for which a bot waits for the next message before it handles the held ones.
const PAUSE: Duration = Duration::from_millis(20);

impl Desk<'_> {
    /// Holds a message, or handles all held ones. Returns the result of the messages if they ended.
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
            self.store.handle(&message, &mut ledger, acknowledge(&message));
        }
        ended
    }
}

/// Returns the system's clock. Adapters read it before each poll of a flow: before a request is
/// built, and after a response was read but not yet processed.
fn clock() -> impl Fn() -> Timestamp + Send + Sync + 'static {
    || {
        step("poll");
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::default().after(since)
    }
}

/// Announces a step and waits until the bot may continue.
fn step(what: &str) {
    // The test itself also stores a session, and does not wait.
    if variable(ADAPTER).is_none() || variable(FREE).is_some() {
        return;
    }
    let mut pipe = io::stdout().lock();
    // Starts a new line, because the test harness may have written a part of one.
    pipe.write_all(format!("\n@{what}\n").as_bytes()).unwrap();
    pipe.flush().unwrap();
    if io::stdin().read_exact(&mut [0]).is_err() {
        // The test has ended.
        process::exit(1);
    }
}

/// The stored session and ledger of a bot.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) folder: PathBuf,
    pub(crate) mode: StoreMode,
}

/// The way in which a bot stores its session and its effects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StoreMode {
    /// Effect and session are one file, replaced by one rename.
    Together,
    /// The effect is written first, then the session with the message acknowledged.
    After,
    /// Like [`StoreMode::After`], but stores the client's session, in which the message is not yet
    /// acknowledged.
    Unacknowledged,
    /// One file, as with [`StoreMode::Together`]. Messages are manual: each is acknowledged on the
    /// client before the session is stored.
    Manual,
    /// Like [`StoreMode::Manual`], but up to [`HELD`] messages are received, then handled out of
    /// order.
    OutOfOrder,
    /// The client saves in a `FileStore`: [`SavePolicy::EachMessage`].
    EachMessage,
    /// Like [`StoreMode::EachMessage`], with [`SavePolicy::EachBatch`].
    EachBatch,
    /// Like [`StoreMode::EachMessage`], with [`SavePolicy::Manual`] and a task that saves every
    /// [`kept::INTERVAL`].
    Interval,
}

impl StoreMode {
    /// Returns whether effect and session are one file.
    pub(crate) const fn is_one_file(self) -> bool {
        matches!(self, Self::Together | Self::Manual | Self::OutOfOrder)
    }

    /// Returns the policy of a client that saves in a `FileStore`.
    pub(crate) const fn policy(self) -> Option<SavePolicy> {
        match self {
            Self::EachMessage => Some(SavePolicy::EachMessage),
            Self::EachBatch => Some(SavePolicy::EachBatch),
            Self::Interval => Some(SavePolicy::Manual),
            _ => None,
        }
    }
}

impl Store {
    pub(crate) fn session(&self) -> PathBuf {
        self.folder.join("session")
    }

    fn ledger(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    /// Loads the stored session.
    fn load(&self) -> Session {
        let stored = fs::read_to_string(self.session()).unwrap();
        Session::from_json(stored.lines().next().unwrap()).unwrap()
    }

    /// Returns the stored ledger, one line per message.
    pub(crate) fn ledger_text(&self) -> String {
        if self.mode.is_one_file() {
            let stored = fs::read_to_string(self.session()).unwrap();
            return stored.split_once('\n').unwrap().1.to_owned();
        }
        fs::read_to_string(self.ledger()).unwrap_or_default()
    }

    /// Replaces the stored session, and the ledger if both are one file.
    pub(crate) fn write(&self, session: &Session, ledger: &str) {
        let mut text = session.to_json();
        if self.mode.is_one_file() {
            text = format!("{text}\n{ledger}");
        }
        let new = self.folder.join("new");
        // To survive a failure of the machine, sync the file before the rename.
        fs::write(&new, text).unwrap();
        step("stored");
        fs::rename(&new, self.session()).unwrap();
        step("renamed");
    }

    /// Stores the effect of a message and the session after it.
    fn handle(&self, message: &Message, ledger: &mut String, mut session: Session) {
        step(&format!("received {}", message.id));
        let line = line_of(message);
        if matches!(self.mode, StoreMode::Together | StoreMode::After) {
            session.acknowledge(message);
        }
        if self.mode.is_one_file() {
            ledger.push_str(&line);
        } else {
            self.append(&line);
        }
        self.write(&session, ledger);
    }

    fn append(&self, line: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.ledger()).unwrap();
        file.write_all(line.as_bytes()).unwrap();
        step("effect written");
    }

    /// Stores the session with a received message that waits to be handled: state that came with it
    /// (cookies, an skey) is stored before more is requested.
    fn write_received(&self, ledger: &Mutex<String>, session: impl FnOnce() -> Session) {
        let ledger = ledger.lock().unwrap();
        self.write(&session(), &ledger);
    }
}

fn line_of(message: &Message) -> String {
    line(&message.id.to_string(), message.peer().as_str(), message.text().unwrap())
}

/// Returns the line of the ledger for a message.
pub(crate) fn line(id: &str, peer: &str, text: &str) -> String {
    format!("{id} {peer} {text}\n")
}
