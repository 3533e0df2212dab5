//! Counting the bytes of a download.

use super::head::Head;
use crate::error::{Error, Failure, FailureKind, Sent};

/// A counter that checks the bytes of a streamed download against the announced length and a limit.
///
/// The adapters' `Download::copy_to` uses one; so can your own loop:
///
/// ```
/// # use wechat_proto::{Error, media::{Head, Tally}};
/// # fn next() -> Option<Vec<u8>> { None }
/// fn collect(head: &Head) -> Result<Vec<u8>, Error> {
///     let mut tally = Tally::new(head, 20 << 20)?;
///     let mut bytes = Vec::new();
///     while let Some(chunk) = next() {
///         tally.add(chunk.len())?; // before the chunk is stored
///         bytes.extend(chunk);
///     }
///     tally.end()?;
///     Ok(bytes)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Tally {
    endpoint: &'static str,
    announced: Option<u64>,
    limit: u64,
    so_far: u64,
}

impl Tally {
    /// Returns a counter for a new body of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::TooLarge`] if the head announces more.
    pub const fn new(head: &Head, limit: u64) -> Result<Self, Error> {
        let announced = head.length;
        if let Some(size) = announced
            && size > limit
        {
            return Err(Error::TooLarge { size, limit });
        }
        Ok(Self { endpoint: head.endpoint, announced, limit, so_far: 0 })
    }

    /// Counts received bytes; returns the total so far. Call it before storing the bytes.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::TooLarge`] if the total exceeds the limit.
    pub fn add(&mut self, bytes: usize) -> Result<u64, Error> {
        self.so_far = self.so_far.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.so_far > self.limit {
            return Err(Error::TooLarge { size: self.so_far, limit: self.limit });
        }
        Ok(self.so_far)
    }

    /// Returns the number of bytes so far.
    pub const fn so_far(&self) -> u64 {
        self.so_far
    }

    /// Checks the total at the end of the body, and returns it.
    ///
    /// # Errors
    ///
    /// - [`Error::Transport`] with [`FailureKind::Truncated`] if there are fewer bytes than
    ///   announced. (A correct driver has reported this failure before.)
    /// - [`Error::EmptyMedia`] if there are none.
    pub const fn end(self) -> Result<u64, Error> {
        if let Some(announced) = self.announced
            && self.so_far < announced
        {
            return Err(Error::Transport(Failure::new(FailureKind::Truncated, Sent::Maybe)));
        }
        if self.so_far == 0 {
            return Err(Error::EmptyMedia { endpoint: self.endpoint });
        }
        Ok(self.so_far)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn head(length: Option<u64>) -> Head {
        Head { endpoint: "webwxtest", content_type: None, length, file_name: None }
    }

    fn count(length: Option<u64>, limit: u64, parts: &[usize]) -> Result<u64, Error> {
        let mut tally = Tally::new(&head(length), limit)?;
        for part in parts {
            tally.add(*part)?;
        }
        tally.end()
    }

    #[test]
    fn bytes_are_counted() {
        assert_eq!(count(Some(5), 5, &[2, 0, 3]).unwrap(), 5);
        assert_eq!(count(None, 5, &[5]).unwrap(), 5);
        assert_eq!(count(None, u64::MAX, &[1]).unwrap(), 1);
        let mut tally = Tally::new(&head(None), 10).unwrap();
        assert_eq!((tally.add(3).unwrap(), tally.add(4).unwrap(), tally.so_far()), (3, 7, 7));
    }

    #[test]
    fn bytes_above_the_limit_are_an_error() {
        // They are reported immediately if the head announces them, otherwise at the first byte
        // above the limit.
        for above in [Tally::new(&head(Some(6)), 5).map(drop), count(None, 5, &[3, 3]).map(drop)] {
            assert!(matches!(above, Err(Error::TooLarge { size: 6, limit: 5 })));
        }
        let above = count(None, u64::MAX - 1, &[usize::MAX, usize::MAX]);
        assert!(matches!(above, Err(Error::TooLarge { .. })));
    }

    #[test]
    fn truncated_and_empty_bodies_are_errors() {
        for (length, parts) in [(Some(5), &[4][..]), (Some(5), &[])] {
            match count(length, 10, parts) {
                Err(Error::Transport(failure)) => assert_eq!(failure.kind, FailureKind::Truncated),
                other => panic!("{other:?}"),
            }
        }
        let empty = count(None, 10, &[0, 0]);
        assert!(matches!(empty, Err(Error::EmptyMedia { endpoint: "webwxtest" })));
    }
}
