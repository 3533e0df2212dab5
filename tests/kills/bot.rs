//! The bots, each in a process of its own. What they do is in `main.rs`; this is what they are.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process;
use std::time::SystemTime;

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
    use wechat_transport_ureq::{Client, Options};

    let client = Client::resume(session, Options::default().clock(clock()))?;
    for message in client.messages() {
        store.hear(&message?, &mut ledger, client.session());
    }
    Ok(())
}

fn asynchronous(session: Session, mut ledger: String, store: &Store) -> Result<(), Error> {
    use wechat_transport_hyper::{Client, Options};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::resume(session, Options::default().clock(clock()))?;
        let mut messages = client.messages();
        while let Some(message) = messages.next().await {
            store.hear(&message?, &mut ledger, client.session());
        }
        Ok(())
    })
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
pub(crate) struct Store {
    pub(crate) folder: PathBuf,
    pub(crate) way: Way,
}

/// How a bot stores.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// Effect and session are one file, which one rename replaces.
    Together,
    /// The effect is written first, then the session, on which the message is taken.
    After,
    /// The same, with the session as the client gives it: the message is still in hand.
    AsItIs,
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
        match self.way {
            Way::Together => {
                let stored = fs::read_to_string(self.session()).unwrap();
                stored.split_once('\n').unwrap().1.to_owned()
            }
            _ => fs::read_to_string(self.ledger()).unwrap_or_default(),
        }
    }

    /// Replaces the stored session, and the ledger where both are one file.
    pub(crate) fn write(&self, session: &Session, ledger: &str) {
        let mut text = session.to_json();
        if self.way == Way::Together {
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
        if self.way != Way::AsItIs {
            session.take(message);
        }
        if self.way == Way::Together {
            ledger.push_str(&line);
        } else {
            append(&self.ledger(), &line);
            step("acts");
        }
        self.write(&session, ledger);
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
