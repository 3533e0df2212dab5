//! Sources of uploads.

use std::future::{Future, ready};
use std::io;
use std::ops::Range;

use bytes::Bytes;

/// A source that a flow reads: the file of an upload.
///
/// It is read in pieces, twice from its beginning, and must return the same bytes each time.
/// [`Bytes`] implements it. For a file, read the range with the file API of your runtime:
///
/// ```
/// use std::io::{self, Read as _, Seek as _, SeekFrom};
/// use std::ops::Range;
/// use wechat_transport_hyper::{Bytes, Source};
///
/// struct File(std::fs::File);
///
/// impl Source for File {
///     async fn read(&mut self, range: Range<u64>) -> io::Result<Bytes> {
///         // Fast for local files; use a blocking thread for slow file systems.
///         self.0.seek(SeekFrom::Start(range.start))?;
///         let length = range.end - range.start;
///         let mut bytes = Vec::with_capacity(length as usize);
///         (&self.0).take(length).read_to_end(&mut bytes)?;
///         Ok(bytes.into())
///     }
/// }
/// ```
pub trait Source: Send {
    /// Reads the bytes of `range`, or fewer if the source ends earlier.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped; if the flow continues, it reads the same range again.
    ///
    /// # Errors
    ///
    /// Any error of reading; the flow fails with [`Error::Source`](wechat_proto::Error::Source).
    fn read(&mut self, range: Range<u64>) -> impl Future<Output = io::Result<Bytes>> + Send;
}

impl<S: Source + ?Sized> Source for &mut S {
    fn read(&mut self, range: Range<u64>) -> impl Future<Output = io::Result<Bytes>> + Send {
        (**self).read(range)
    }
}

impl Source for Bytes {
    fn read(&mut self, range: Range<u64>) -> impl Future<Output = io::Result<Bytes>> + Send {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.len());
        let (start, end) = (place(range.start), place(range.end));
        ready(Ok(self.slice(start..end.max(start))))
    }
}
