//! What an upload reads.

use std::future::{Future, ready};
use std::io;
use std::ops::Range;

use bytes::Bytes;

/// What a flow reads: the file of an upload.
///
/// It is read piece by piece, from its beginning twice: it must give the same bytes each time.
/// [`Bytes`] is one. For a file, read the range on whatever your runtime reads files with:
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
///         // Local files are quick; give this to a blocking thread where they are not.
///         self.0.seek(SeekFrom::Start(range.start))?;
///         let length = range.end - range.start;
///         let mut bytes = Vec::with_capacity(length as usize);
///         (&self.0).take(length).read_to_end(&mut bytes)?;
///         Ok(bytes.into())
///     }
/// }
/// ```
pub trait Source: Send {
    /// The bytes of `range`, or fewer if the source ends before.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped; the same range is then asked for again, or none.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
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
