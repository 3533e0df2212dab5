//! Bodies of replies.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use wechat_proto::Error;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::media::{Head, Tally};

use crate::failure::body_failure;
use crate::{BoxError, Timer};

/// The body of a reply.
pub(crate) type Incoming = UnsyncBoxBody<Bytes, BoxError>;

/// A streamed body of a reply, to be read as it arrives or [copied](Download::copy_to) to a writer.
#[must_use = "the body is not downloaded unless it is read or copied"]
pub struct Download {
    /// Empty once it has ended.
    pub(crate) body: Incoming,
    /// Whether the head delimits the body; otherwise it ends with the connection.
    pub(crate) delimited: bool,
    /// The maximum time between two reads.
    pub(crate) idle: Duration,
    pub(crate) timer: Timer,
}

impl Download {
    pub(crate) fn empty(timer: &Timer) -> Self {
        let (body, timer) = (Incoming::default(), Timer::clone(timer));
        Self { body, delimited: true, idle: Duration::ZERO, timer }
    }

    /// Returns the next bytes, or `None` at the end. Ignores trailers.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(frame) = self.body.frame().await {
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(bytes)) => return Ok(Some(bytes)),
                Ok(Err(_)) => {}
                Err(error) => return body_failure(error, self.delimited).map_or(Ok(None), Err),
            }
        }
        Ok(None)
    }

    /// Returns the next bytes, or `None` at the end.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no byte is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if the body is truncated, or if no data arrives within the idle timeout of
    /// the flow. Later calls return `None`.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let silence = self.timer.sleep(self.idle);
        let next = tokio::select! {
            biased;
            next = self.next() => next,
            () = silence => Err(Failure::new(FailureKind::Timeout, Sent::Maybe)),
        };
        if !matches!(next, Ok(Some(_))) {
            self.body = Incoming::default();
        }
        next.map_err(Error::Transport)
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
    /// use std::path::Path;
    ///
    /// use wechat_proto::media::GetFile;
    /// use wechat_proto::{Error, Message};
    /// use wechat_transport_hyper::Client;
    ///
    /// /// Saves the file of a message in a folder.
    /// async fn save(client: &Client, message: &Message, folder: &Path) -> Result<(), Error> {
    ///     let Some(file) = GetFile::of(message) else { return Ok(()) };
    ///     // Safe to join: always one component.
    ///     let path = folder.join(file.file_name().as_str());
    ///     let (head, body) = client.download(file).await?;
    ///     let mut file = tokio::fs::File::create_new(path).await.expect("a new file");
    ///     let limit = 200 << 20;
    ///     let size = body.copy_to(&head, &mut file, limit, |bytes| {
    ///         println!("{bytes} of {:?}", head.length);
    ///     });
    ///     println!("{} bytes", size.await?);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the writing, and the rest of the body is lost. The writer has the
    /// bytes that were reported to `progress`, and possibly a part of one buffer more. Another
    /// download starts from the beginning.
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`] if there are more than `limit` bytes. No more than `limit` are written,
    ///   and none if the head announces more.
    /// - [`Error::Transport`] if the body is truncated ([`Truncated`](FailureKind::Truncated)), or if
    ///   no data arrives within the idle timeout of the flow.
    /// - [`Error::EmptyMedia`] if the body is empty.
    /// - [`Error::Sink`] if the writer fails.
    pub async fn copy_to(
        mut self,
        head: &Head,
        writer: &mut (impl AsyncWrite + Unpin + ?Sized),
        limit: u64,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, Error> {
        let sink_failure =
            |error| Error::Sink(Failure::new(FailureKind::Sink, Sent::Maybe).because(error));
        let mut tally = Tally::new(head, limit)?;
        while let Some(chunk) = self.chunk().await? {
            let so_far = tally.add(chunk.len())?;
            writer.write_all(&chunk).await.map_err(sink_failure)?;
            progress(so_far);
        }
        writer.flush().await.map_err(sink_failure)?;
        tally.end()
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("idle", &self.idle).finish_non_exhaustive()
    }
}
