//! Failures of session stores.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

/// The failure to load or store a session.
///
/// Its text names the place and never quotes the stored data.
#[derive(Clone, Debug)]
pub struct StorageFailure {
    /// The kind of failure.
    pub kind: StorageKind,
    place: Option<Box<str>>,
    source: Option<Arc<dyn core::error::Error + Send + Sync>>,
}

impl StorageFailure {
    /// Returns a failure without a place or a source.
    pub const fn new(kind: StorageKind) -> Self {
        Self { kind, place: None, source: None }
    }

    /// Sets the place of the session: a path, or the name of a record.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Sets the error that caused the failure.
    ///
    /// It is available from [`core::error::Error::source`]; its text should not quote the stored
    /// data.
    #[must_use]
    pub fn because(mut self, source: impl core::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Returns the place of the session, if the store set it.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }
}

impl fmt::Display for StorageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, place, .. } = self;
        f.write_str(match kind {
            StorageKind::Missing => "no session is stored",
            _ => "the stored session",
        })?;
        if let Some(place) = place {
            // The path is escaped, because it may contain any characters.
            write!(f, " at {place:?}")?;
        }
        f.write_str(match kind {
            StorageKind::Missing => "",
            StorageKind::Damaged => " is damaged: empty, truncated or changed",
            StorageKind::Newer => " was written by a newer version of this library",
            StorageKind::Read => " could not be read",
            StorageKind::Write => " could not be written",
            StorageKind::Remove => " could not be removed",
            StorageKind::Lock => " could not be locked",
            StorageKind::Other => " could not be reached",
        })
    }
}

impl core::error::Error for StorageFailure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The kind of a [`StorageFailure`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StorageKind {
    /// A session is required, but none is stored.
    Missing,
    /// The stored data is not a valid session: it is empty, truncated or altered.
    Damaged,
    /// A newer version of this library wrote the session. It is not damaged.
    Newer,
    /// The store failed to read the session.
    Read,
    /// The store failed to write the session. Either the previous or the new session is stored, in
    /// full.
    Write,
    /// The store failed to remove the session.
    Remove,
    /// The store failed to determine whether the session is in use.
    Lock,
    /// Anything else.
    Other,
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;
    use core::error::Error as _;

    use super::*;
    use crate::error::Error;

    #[test]
    fn storage_failure_names_the_place() {
        for (kind, text) in [
            (StorageKind::Missing, "no session is stored at \"/bot/a\\nb\""),
            (
                StorageKind::Damaged,
                "the stored session at \"/bot/a\\nb\" is damaged: empty, truncated or changed",
            ),
            (StorageKind::Write, "the stored session at \"/bot/a\\nb\" could not be written"),
        ] {
            let failure = StorageFailure::new(kind).at("/bot/a\nb");
            assert_eq!(failure.to_string(), text);
            assert_eq!(Error::from(failure).to_string(), text);
        }
        let newer = StorageFailure::new(StorageKind::Newer);
        assert_eq!(
            newer.to_string(),
            "the stored session was written by a newer version of this library"
        );
        assert!(newer.source().is_none() && newer.place().is_none());
        let caused = newer.because(StorageFailure::new(StorageKind::Other));
        assert!(caused.source().is_some());
        assert!(format!("{caused:?}").starts_with("StorageFailure { kind: Newer, place: None"));
        // Printing the chain of sources repeats no text.
        assert!(Error::from(caused).source().unwrap().source().is_none());
    }
}
