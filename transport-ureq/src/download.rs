//! Bodies of replies.

use std::fmt;
use std::io::{self, Read, Write};

use ureq::BodyReader;
use wechat_proto::Error;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::media::{Head, Tally};

use crate::failure::body_failure;

/// A streamed body of a reply, to be read as it arrives or [copied](Download::copy_to) to a writer.
///
/// A read fails if no data arrives within the idle timeout of the flow, or if the body is shorter
/// than announced. Read errors contain a [`wechat_proto::Error`].
#[must_use = "the body is not downloaded unless it is read or copied"]
pub struct Download(pub(crate) BodyReader<'static>);

impl Download {
    /// Returns the body of a flow that had no streamed reply.
    pub(crate) fn empty() -> Self {
        Self(ureq::Body::builder().data("").into_reader())
    }

    /// Writes the body of `head` to `writer`, flushes it, and returns the number of bytes.
    ///
    /// The bytes are written as they arrive, a buffer at a time; `progress` receives the total after
    /// each. [`Head::length`] is the length that the response announces. The file is
    /// complete only when this function succeeds: write to a temporary file and rename it. A
    /// response with neither a length nor chunks does not show whether it was truncated
    /// ([`Head::length`] is `None` then); the service announces the length of each picture and file.
    ///
    /// ```no_run
    /// use std::fs;
    /// use std::path::Path;
    ///
    /// use wechat_proto::media::GetFile;
    /// use wechat_proto::{Error, Message};
    /// use wechat_transport_ureq::Client;
    ///
    /// /// Saves the file of a message in a folder.
    /// fn save(client: &Client, message: &Message, folder: &Path) -> Result<(), Error> {
    ///     let Some(file) = GetFile::of(message) else { return Ok(()) };
    ///     // Safe to join: always one component.
    ///     let path = folder.join(file.file_name().as_str());
    ///     let (head, body) = client.download(file)?;
    ///     let mut file = fs::File::create_new(path).expect("a new file");
    ///     let limit = 200 << 20;
    ///     let size = body.copy_to(&head, &mut file, limit, |bytes| {
    ///         println!("{bytes} of {:?}", head.length);
    ///     })?;
    ///     println!("{size} bytes");
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`] if there are more than `limit` bytes. No more than `limit` are written,
    ///   and none if the head announces more.
    /// - [`Error::Transport`] if the body is truncated ([`Truncated`](FailureKind::Truncated)), or if
    ///   no data arrives within the idle timeout of the flow.
    /// - [`Error::EmptyMedia`] if the body is empty.
    /// - [`Error::Sink`] if the writer fails.
    pub fn copy_to(
        mut self,
        head: &Head,
        writer: &mut (impl Write + ?Sized),
        limit: u64,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, Error> {
        let mut tally = Tally::new(head, limit)?;
        let mut buffer = vec![0; 16 << 10];
        loop {
            let read = self.0.read(&mut buffer).map_err(stream_error)?;
            if read == 0 {
                break;
            }
            let so_far = tally.add(read)?;
            writer.write_all(&buffer[..read]).map_err(sink_failure)?;
            progress(so_far);
        }
        writer.flush().map_err(sink_failure)?;
        tally.end()
    }
}

fn sink_failure(error: io::Error) -> Error {
    Error::Sink(Failure::new(FailureKind::Sink, Sent::Maybe).because(error))
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| io::Error::other(stream_error(error)))
    }
}

fn stream_error(error: io::Error) -> Error {
    Error::Transport(body_failure(error))
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Download")
    }
}
