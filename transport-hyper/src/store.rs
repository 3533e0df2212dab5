//! Blocking stores, run outside the async runtime.

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::store::{AsyncSessionStore, SessionStore};
use wechat_proto::{Error, Session};

/// An adapter from [`SessionStore`] to [`AsyncSessionStore`]. Operations run on a blocking thread of
/// tokio if there is a runtime, otherwise on a new thread.
///
/// # Cancel safety
///
/// If a future is dropped, its operation still completes, before any later operation. An operation is
/// lost only if the runtime shuts down before it starts, so await the last one.
pub struct Blocking<S> {
    state: State<S>,
}

enum State<S> {
    Idle(S),
    /// Running an operation, which sends the store back when done.
    Busy(oneshot::Receiver<S>),
    /// The store panicked, or the runtime shut down before an operation started.
    Lost,
}

impl<S: SessionStore + Send + 'static> Blocking<S> {
    /// Wraps a blocking store.
    pub const fn new(store: S) -> Self {
        Self { state: State::Idle(store) }
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut S) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        // Wait for the operation of a dropped future.
        if let State::Busy(back) = &mut self.state {
            self.state = back.await.map_or(State::Lost, State::Idle);
        }
        let (give_back, back) = oneshot::channel();
        let mut store = match std::mem::replace(&mut self.state, State::Lost) {
            State::Idle(store) => store,
            State::Busy(_) | State::Lost => return Err(store_lost()),
        };
        self.state = State::Busy(back);
        let done = spawn_blocking(move || {
            let result = work(&mut store);
            let _ = give_back.send(store);
            result
        });
        done.await.unwrap_or_else(|_| Err(store_lost()))
    }
}

fn store_lost() -> Error {
    StorageFailure::new(StorageKind::Other).into()
}

/// Runs `work` on a blocking thread.
fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    let work = move || drop(sender.send(work()));
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => drop(thread::spawn(work)),
    }
    receiver
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

/// A session in a file, for one holder at a time: an async version of
/// [`wechat_file_store::FileStore`], which documents the guarantees.
///
/// # Cancel safety
///
/// Like [`Blocking`]. If the store is dropped during an operation, its lock is released when the
/// operation completes.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    store: Blocking<wechat_file_store::FileStore>,
}

impl FileStore {
    /// Opens the store at this path. The folder has to exist; the file need not.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the lock of the store is released soon.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if the store is already open; [`Error::Storage`] if its folder does not exist
    /// or is not writable.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_path_buf();
        let opened = spawn_blocking(|| wechat_file_store::FileStore::open(path));
        let store = opened.await.unwrap_or_else(|_| Err(store_lost()))?;
        Ok(Self { path: store.path().to_path_buf(), store: Blocking::new(store) })
    }

    /// Returns the path of the session, absolute and with links resolved.
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
