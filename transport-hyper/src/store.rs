//! Stores that block, off the threads of a runtime.

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::store::{AsyncSessionStore, SessionStore};
use wechat_proto::{Error, Session};

/// Any [`SessionStore`] as an [`AsyncSessionStore`]: what it does is done on a thread that may
/// block, tokio's where there is a runtime, else one of its own.
///
/// # Cancellation
///
/// Every future may be dropped: what it began is done to its end, and before anything that is asked
/// for later. Unless the runtime ends before it began: wait for the last one.
pub struct Blocking<S> {
    state: State<S>,
}

enum State<S> {
    Idle(S),
    /// At work; comes back when that is done.
    Away(oneshot::Receiver<S>),
    /// It panicked, or the runtime ended before it began.
    Lost,
}

impl<S: SessionStore + Send + 'static> Blocking<S> {
    /// Takes a store that blocks.
    pub const fn new(store: S) -> Self {
        Self { state: State::Idle(store) }
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut S) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        // Whoever began something before went away.
        if let State::Away(back) = &mut self.state {
            self.state = back.await.map_or(State::Lost, State::Idle);
        }
        let (give_back, back) = oneshot::channel();
        let mut store = match std::mem::replace(&mut self.state, State::Lost) {
            State::Idle(store) => store,
            State::Away(_) | State::Lost => return Err(lost()),
        };
        self.state = State::Away(back);
        let done = off_the_runtime(move || {
            let result = work(&mut store);
            let _ = give_back.send(store);
            result
        });
        done.await.unwrap_or_else(|_| Err(lost()))
    }
}

fn lost() -> Error {
    StorageFailure::new(StorageKind::Other).into()
}

/// Runs this where it may block.
fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (tell, told) = oneshot::channel();
    let work = move || drop(tell.send(work()));
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => drop(thread::spawn(work)),
    }
    told
}

impl<S: SessionStore + Send + 'static> AsyncSessionStore for Blocking<S> {
    async fn load(&mut self) -> Result<Option<Session>, Error> {
        self.run(S::load).await
    }

    async fn save(&mut self, session: &Session) -> Result<(), Error> {
        let session = session.clone();
        self.run(move |store| store.save(&session)).await
    }

    async fn remove(&mut self) -> Result<(), Error> {
        self.run(S::remove).await
    }
}

impl<S> fmt::Debug for Blocking<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").finish_non_exhaustive()
    }
}

/// A session in a file, for one holder at a time: [`wechat_file_store::FileStore`], off the
/// threads of the runtime. It says what is promised.
///
/// # Cancellation
///
/// As of [`Blocking`]. A store that is dropped while it works is free when that is done.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    store: Blocking<wechat_file_store::FileStore>,
}

impl FileStore {
    /// Opens the store at this path: its folder has to exist, a session does not.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped: the store is free again soon.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if another holder has it; [`Error::Storage`] if its folder does not exist
    /// or nothing can be created in it.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_path_buf();
        let opened = off_the_runtime(|| wechat_file_store::FileStore::open(path));
        let store = opened.await.unwrap_or_else(|_| Err(lost()))?;
        Ok(Self { path: store.path().to_path_buf(), store: Blocking::new(store) })
    }

    /// Where the session is: the path that was opened, as an absolute one without links.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsyncSessionStore for FileStore {
    async fn load(&mut self) -> Result<Option<Session>, Error> {
        self.store.load().await
    }

    async fn save(&mut self, session: &Session) -> Result<(), Error> {
        self.store.save(session).await
    }

    async fn remove(&mut self) -> Result<(), Error> {
        self.store.remove().await
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
