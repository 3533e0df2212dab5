//! Bodies of requests and replies.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

use bytes::Buf as _;
use ureq::BodyReader;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::media::{Head, Tally};
use wechat_proto::{Body, Error};

use crate::deadline;

/// The body of a request, which records whether ureq has read any of it.
pub(crate) struct Outgoing {
    body: Body,
    /// While false, the server cannot have acted on the request.
    pub(crate) started: bool,
}

impl Outgoing {
    pub(crate) const fn new(body: Body) -> Self {
        Self { body, started: false }
    }
}

impl Read for Outgoing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.started = true;
        let amount = buffer.len().min(self.body.remaining());
        self.body.copy_to_slice(&mut buffer[..amount]);
        Ok(amount)
    }
}

/// A streamed body of a reply, to be read as it arrives or [copied](Download::copy_to) to a writer.
///
/// A read fails if no data arrives within the idle timeout of the flow, or if the body is shorter
/// than announced. Read errors contain a [`wechat_proto::Error`].
#[must_use = "the body is not read until it is used"]
pub struct Download {
    /// `None` if the flow had no streamed reply.
    reader: Option<BodyReader<'static>>,
    idle: Duration,
}

impl Download {
    pub(crate) const fn new(reader: BodyReader<'static>, idle: Duration) -> Self {
        Self { reader: Some(reader), idle }
    }

    pub(crate) const fn empty() -> Self {
        Self { reader: None, idle: Duration::ZERO }
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
    /// use wechat_proto::media::{GetFile, ReceivedFile};
    /// use wechat_proto::{Error, Message};
    /// use wechat_transport_ureq::Client;
    ///
    /// /// Saves the file of a message in a folder.
    /// fn save(client: &Client, message: &Message, folder: &Path) -> Result<(), Error> {
    ///     let Some(received) = ReceivedFile::of(message) else { return Ok(()) };
    ///     // Safe to join: always one component.
    ///     let path = folder.join(received.file_name().as_str());
    ///     let (head, body) = client.download(GetFile::new(received))?;
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
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = self.chunk(&mut buffer).map_err(Error::Transport)?;
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

    /// Reads the next available bytes of the body; returns 0 at its end.
    fn chunk(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let Some(reader) = &mut self.reader else { return Ok(0) };
        loop {
            match deadline::within(self.idle, || reader.read(buffer)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(body_failure),
            }
        }
    }
}

/// The size of the copy buffer.
const CHUNK: usize = 16 << 10;

fn sink_failure(error: io::Error) -> Error {
    Error::Sink(Failure::new(FailureKind::Sink, Sent::Maybe).because(error))
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.chunk(buffer).map_err(|failure| {
            let kind = match failure.kind {
                FailureKind::Timeout => io::ErrorKind::TimedOut,
                FailureKind::Truncated => io::ErrorKind::UnexpectedEof,
                _ => io::ErrorKind::InvalidData,
            };
            io::Error::new(kind, Error::Transport(failure))
        })
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("idle", &self.idle).finish_non_exhaustive()
    }
}

/// Returns the failure of a body that ended early.
pub(crate) fn body_failure(error: io::Error) -> Failure {
    match ureq::Error::from(error) {
        ureq::Error::Timeout(_) => Failure::new(FailureKind::Timeout, Sent::Maybe),
        ureq::Error::Protocol(_) => Failure::new(FailureKind::Protocol, Sent::Maybe),
        ureq::Error::Io(source) => {
            Failure::new(FailureKind::Truncated, Sent::Maybe).because(source)
        }
        _ => Failure::new(FailureKind::Truncated, Sent::Maybe),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn outgoing_body_records_its_first_read() {
        let body = Body::framed(
            Bytes::from_static(b"ab"),
            Bytes::from_static(b"cde"),
            Bytes::from_static(b"f"),
        );
        let mut outgoing = Outgoing::new(body);
        assert!(!outgoing.started);
        let mut four = [0; 4];
        assert_eq!(outgoing.read(&mut four).unwrap(), 4);
        assert!(outgoing.started);
        assert_eq!(&four, b"abcd");
        let mut rest = Vec::new();
        outgoing.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"ef");
    }
}
