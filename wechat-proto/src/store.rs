//! Stores for sessions.
//!
//! A store holds one session of one account. `wechat-file-store` keeps it in a file; its store is
//! the `FileStore` of both transports. Implement [`SessionStore`] for anything else: a row in a
//! database, a secret in a vault, an encrypted file. [`Session::to_json`] and
//! [`Session::from_json`] define the format: versioned text with a checksum, which any later
//! version can read. A store that appends faster than it replaces can use a [`Journal`]. A store
//! must guarantee:
//!
//! - **Whole replacement**: after a crash, [`load`](SessionStore::load) returns the session that
//!   was saved last or the one before, never a part of one.
//! - **Durability**: once [`save`](SessionStore::save) has returned, the session survives a loss of
//!   power. Otherwise, acknowledged messages may be delivered again.
//! - **One writer**: two holders of one session would overwrite each other's keys and receive each
//!   other's messages. Opening a store that is in use should fail with [`Error::InUse`].
//! - **No guessing**: data that cannot be read is an error, not `None`. Otherwise, a new login would
//!   overwrite a session that may still be recoverable.
//!
//! Its errors are [`Error::Storage`], with the store's own error as their source:
//!
//! ```
//! use wechat_proto::error::{StorageFailure, StorageKind};
//! use wechat_proto::store::SessionStore;
//! use wechat_proto::{Error, Session};
//!
//! # struct Vault;
//! # impl Vault {
//! #     fn get(&self, _: &str) -> Result<Option<String>, std::io::Error> { Ok(None) }
//! #     fn put(&self, _: &str, _: Option<String>) -> Result<(), std::io::Error> { Ok(()) }
//! # }
//! /// One secret of a vault.
//! struct Kept<'a> {
//!     vault: &'a Vault,
//!     name: &'a str,
//! }
//!
//! impl Kept<'_> {
//!     fn failed(&self, kind: StorageKind, error: std::io::Error) -> Error {
//!         StorageFailure::new(kind).at(self.name).because(error).into()
//!     }
//! }
//!
//! impl SessionStore for Kept<'_> {
//!     fn load(&mut self) -> Result<Option<Session>, Error> {
//!         let json = self.vault.get(self.name);
//!         let json = json.map_err(|error| self.failed(StorageKind::Read, error))?;
//!         json.map(|json| Session::from_json(&json)).transpose()
//!     }
//!
//!     fn save(&mut self, session: &Session) -> Result<(), Error> {
//!         let put = self.vault.put(self.name, Some(session.to_json()));
//!         put.map_err(|error| self.failed(StorageKind::Write, error))
//!     }
//!
//!     fn remove(&mut self) -> Result<(), Error> {
//!         let put = self.vault.put(self.name, None);
//!         put.map_err(|error| self.failed(StorageKind::Remove, error))
//!     }
//! }
//! # assert!(Kept { vault: &Vault, name: "bot" }.load().unwrap().is_none());
//! ```
//!
//! A bot that stores its own effects (an order, a row) exactly once writes the effect and the
//! session in **one** transaction: a copy of the session on which the message is
//! [acknowledged](Session::acknowledge), as the text of [`Session::to_json`].

use alloc::boxed::Box;
use core::pin::Pin;

use crate::error::Error;
use crate::session::Session;
pub use crate::session::journal::Journal;

/// The policy by which a client that keeps its store saves the session.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SavePolicy {
    /// The client saves after each acknowledged message, and at the end of the session. After a
    /// crash, at most the message in progress is delivered again.
    #[default]
    EachMessage,
    /// The client saves when all messages that arrived together are acknowledged, and at the end of
    /// the session. After a crash, at most these messages are delivered again.
    EachBatch,
    /// The client does not save; the caller does, for example at intervals: a thread or task that
    /// calls the client's `save_session` every second, and once at the end. After a crash, the
    /// messages since the last save are delivered again.
    Manual,
}

impl SavePolicy {
    /// Returns whether to save the session after a message was acknowledged.
    pub fn is_due(self, session: &Session) -> bool {
        match self {
            Self::EachMessage => true,
            Self::EachBatch => !session.has_pending(),
            Self::Manual => false,
        }
    }
}

/// A blocking store of one session.
pub trait SessionStore {
    /// Returns the session that was saved last; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if there is one and it cannot be read.
    fn load(&mut self) -> Result<Option<Session>, Error>;

    /// Stores this session in place of the previous one.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the session cannot be written. Either the previous session or this one
    /// is stored then.
    fn save(&mut self, session: &Session) -> Result<(), Error>;

    /// Removes the stored session. Succeeds if none is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the session cannot be removed.
    fn remove(&mut self) -> Result<(), Error>;
}

/// An asynchronous store of one session.
///
/// # Cancel safety
///
/// A dropped future may or may not have completed its work; it must not take effect after a later
/// operation.
pub trait AsyncSessionStore: Send {
    /// Returns the session that was saved last; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if there is one and it cannot be read.
    fn load(&mut self) -> impl Future<Output = Result<Option<Session>, Error>> + Send;

    /// Stores this session in place of the previous one.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the session cannot be written. Either the previous session or this one
    /// is stored then.
    fn save(&mut self, session: &Session) -> impl Future<Output = Result<(), Error>> + Send;

    /// Removes the stored session. Succeeds if none is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the session cannot be removed.
    fn remove(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The saving part of an [`AsyncSessionStore`] of any type, for a client that keeps its store.
pub trait SaveSession: Send {
    /// Stores this session in place of the previous one: [`AsyncSessionStore::save`].
    fn save<'a>(
        &'a mut self,
        session: &'a Session,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;
}

impl<S: AsyncSessionStore> SaveSession for S {
    fn save<'a>(
        &'a mut self,
        session: &'a Session,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(AsyncSessionStore::save(self, session))
    }
}

impl<S: SessionStore + ?Sized> SessionStore for &mut S {
    fn load(&mut self) -> Result<Option<Session>, Error> {
        (**self).load()
    }

    fn save(&mut self, session: &Session) -> Result<(), Error> {
        (**self).save(session)
    }

    fn remove(&mut self) -> Result<(), Error> {
        (**self).remove()
    }
}

impl<S: SessionStore + ?Sized> SessionStore for Box<S> {
    fn load(&mut self) -> Result<Option<Session>, Error> {
        (**self).load()
    }

    fn save(&mut self, session: &Session) -> Result<(), Error> {
        (**self).save(session)
    }

    fn remove(&mut self) -> Result<(), Error> {
        (**self).remove()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::session;

    #[derive(Default)]
    struct Kept(Option<Session>);

    impl SessionStore for Kept {
        fn load(&mut self) -> Result<Option<Session>, Error> {
            Ok(self.0.clone())
        }

        fn save(&mut self, session: &Session) -> Result<(), Error> {
            self.0 = Some(session.clone());
            Ok(())
        }

        fn remove(&mut self) -> Result<(), Error> {
            self.0 = None;
            Ok(())
        }
    }

    /// A store can be used through references and boxes.
    #[test]
    fn a_store_works_by_reference_and_boxed() {
        fn is_kept<S: SessionStore>(mut store: S) {
            assert!(store.load().unwrap().is_none());
            store.save(&session()).unwrap();
            assert_eq!(store.load().unwrap().unwrap().to_json(), session().to_json());
        }
        let mut kept = Kept::default();
        is_kept(&mut kept);
        let mut boxed: Box<dyn SessionStore> = Box::new(kept);
        assert!(boxed.load().unwrap().is_some());
        SessionStore::remove(&mut boxed).unwrap();
        is_kept(&mut boxed);
        is_kept::<&mut dyn SessionStore>(&mut Kept::default());
    }
}
