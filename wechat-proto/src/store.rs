//! Where sessions are kept.
//!
//! A store keeps one session, of one account. `wechat-file-store` keeps it in a file; its store is
//! the `FileStore` of both transports. Anything else is a store of your own: a row in a database,
//! a secret in a vault, an encrypted file. It has three things to do, with
//! [`Session::to_json`] and [`Session::from_json`] for the form: text, versioned and with a
//! checksum, that any later version reads.
//!
//! - **It replaces as a whole**: whoever loads after a crash gets the session that was saved last,
//!   or the one before, never a part of one.
//! - **Saved means there**: when [`save`](SessionStore::save) has returned, the session outlives
//!   the loss of power. A message that was answered comes again otherwise.
//! - **One writer**: two holders of one session would overwrite each other's keys, and each hear
//!   the other's messages. Whoever opens what is in use should hear [`Error::InUse`].
//! - **It never guesses**: what is stored and cannot be read is an error, not "nothing". A login
//!   over it would be lost work for whoever has to scan the code, or an account's last good
//!   session.
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
//! A bot that stores effects of its own (an order, a row), and wants each exactly once, writes the
//! effect and the session in **one** transaction: a copy of the session on which the message is
//! [acknowledged](Session::acknowledge), as [`Session::to_json`] writes it.

use alloc::boxed::Box;

use crate::error::Error;
use crate::session::Session;

/// Keeps one session; blocking.
pub trait SessionStore {
    /// The session that was saved last; nothing if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if there is one and it cannot be read.
    fn load(&mut self) -> Result<Option<Session>, Error>;

    /// Keeps this session in place of the one before.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`]; what was saved before is still there, or this one is.
    fn save(&mut self, session: &Session) -> Result<(), Error>;

    /// Keeps none any more.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    fn remove(&mut self) -> Result<(), Error>;
}

/// The same, without blocking: for stores behind an async driver.
///
/// A future that is dropped may have done its work or not; what comes after it must not be
/// overtaken by it.
pub trait AsyncSessionStore: Send {
    /// The session that was saved last; nothing if there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if there is one and it cannot be read.
    fn load(&mut self) -> impl Future<Output = Result<Option<Session>, Error>> + Send;

    /// Keeps this session in place of the one before.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`]; what was saved before is still there, or this one is.
    fn save(&mut self, session: &Session) -> impl Future<Output = Result<(), Error>> + Send;

    /// Keeps none any more.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`].
    fn remove(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
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

    /// Through what stands before it, a store is the same.
    #[test]
    fn a_store_may_be_lent_or_boxed() {
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
