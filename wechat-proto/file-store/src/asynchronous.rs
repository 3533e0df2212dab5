//! Blocking stores, run outside the threads of an async runtime.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io, thread};

use tokio::runtime::Handle;
use tokio::sync::{Mutex, oneshot};
use wechat_proto::error::{StorageFailure, StorageKind};
use wechat_proto::store::{AsyncSessionStore, SessionStore};
use wechat_proto::{Error, Session};

use crate::FileStore;

/// An adapter from [`SessionStore`] to [`AsyncSessionStore`]. Operations run on a blocking thread of
/// tokio if there is a runtime, otherwise on a new thread.
///
/// # Cancel safety
///
/// If a future is dropped, its operation still completes, before any later operation. An operation is
/// lost only if the runtime shuts down before it starts, so await the last one.
///
/// # Errors
///
/// Those of the store. After the store panicked, every operation fails with [`Error::Storage`].
pub struct Blocking<S> {
    /// Locked during an operation; `None` after a panic.
    store: Arc<Mutex<Option<S>>>,
}

impl<S: SessionStore + Send + 'static> Blocking<S> {
    /// Wraps a blocking store.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(Mutex::new(Some(store))) }
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut S) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        // Waits for the operation of a dropped future.
        let mut slot = Arc::clone(&self.store).lock_owned().await;
        let work = move || {
            let mut store = slot.take().ok_or_else(store_lost)?;
            let result = work(&mut store);
            *slot = Some(store);
            result
        };
        on_blocking_thread(work).await
    }
}

fn store_lost() -> Error {
    let cause = io::Error::other("the store panicked, or its runtime was shut down");
    StorageFailure::new(StorageKind::Other).because(cause).into()
}

/// Runs `work` on a blocking thread.
async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = oneshot::channel();
    let work = move || drop(sender.send(work()));
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => drop(thread::spawn(work)),
    }
    receiver.await.unwrap_or_else(|_| Err(store_lost()))
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

/// The async version of [`FileStore`], which documents the guarantees.
///
/// # Cancel safety
///
/// As for [`Blocking`]. If the store is dropped during an operation, its lock is released when the
/// operation completes.
#[derive(Debug)]
pub struct AsyncFileStore {
    path: PathBuf,
    store: Blocking<FileStore>,
}

impl AsyncFileStore {
    /// Opens the store at this path. Its folder must exist; the session need not.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the lock of the store is released when the pending operation completes.
    ///
    /// # Errors
    ///
    /// Those of [`FileStore::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref().to_path_buf();
        let store = on_blocking_thread(|| FileStore::open(path)).await?;
        Ok(Self { path: store.path().to_path_buf(), store: Blocking::new(store) })
    }

    /// Returns the path of the session: absolute and without links.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl AsyncSessionStore for AsyncFileStore {
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
#[path = "asynchronous_tests.rs"]
mod tests;
