//! Why a stored session cannot be had, or not be stored.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use crate::error::Error;

/// Why a session could not be read from storage, or not be put there.
///
/// Its text names the place and shows nothing of what is stored.
#[derive(Clone)]
pub struct StorageFailure {
    /// What happened.
    pub kind: StorageKind,
    place: Option<Box<str>>,
    source: Option<Arc<dyn core::error::Error + Send + Sync>>,
}

impl StorageFailure {
    /// A failure that names no place and no cause.
    pub const fn new(kind: StorageKind) -> Self {
        Self { kind, place: None, source: None }
    }

    /// The same, with where the session is, or should be: a path, or the name of a record.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The same, with the error that caused it.
    ///
    /// It is reachable by [`core::error::Error::source`]; its text should not quote what is stored.
    #[must_use]
    pub fn because(mut self, source: impl core::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Where the session is, or should be, if the store said so.
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
            // Quoted: a path may hold anything.
            write!(f, " at {place:?}")?;
        }
        f.write_str(match kind {
            StorageKind::Missing => "",
            StorageKind::Damaged => " is damaged: empty, cut short or changed",
            StorageKind::Newer => " was written by a newer version of this library",
            StorageKind::Read => " could not be read",
            StorageKind::Write => " could not be written",
            StorageKind::Remove => " could not be removed",
            StorageKind::Lock => " could not be locked",
            StorageKind::Other => " could not be reached",
        })
    }
}

impl fmt::Debug for StorageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageFailure")
            .field("kind", &self.kind)
            .field("place", &self.place)
            .field("source", &self.source)
            .finish()
    }
}

impl core::error::Error for StorageFailure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<StorageFailure> for Error {
    fn from(failure: StorageFailure) -> Self {
        Self::Storage(failure)
    }
}

/// What kind of failure.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StorageKind {
    /// There is none, where one is needed.
    Missing,
    /// What is there is no session: it is empty, cut short, or was changed.
    Damaged,
    /// A newer version of this library wrote it. Nothing is wrong with it.
    Newer,
    /// The store failed to read it.
    Read,
    /// The store failed to write it. What was stored before is as it was, or the new session is
    /// there, whole.
    Write,
    /// The store failed to remove it.
    Remove,
    /// Whether somebody else uses it cannot be found out.
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

    #[test]
    fn says_where_and_what() {
        for (kind, text) in [
            (StorageKind::Missing, "no session is stored at \"/bot/a\\nb\""),
            (
                StorageKind::Damaged,
                "the stored session at \"/bot/a\\nb\" is damaged: empty, cut short or changed",
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
        // Nothing is said twice by whoever prints the chain of an error.
        assert!(Error::from(caused).source().unwrap().source().is_none());
    }
}
