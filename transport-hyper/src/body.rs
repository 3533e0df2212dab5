//! Bodies of requests and replies.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::io::AsyncWrite;
use wechat_proto::Error;
use wechat_proto::body::Body;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::media::{Head, Tally};

use crate::BoxError;
use crate::failure::body_failure;
use crate::timer::{Alarm, unless};

/// The body of a request for a service: one frame of known length, or none.
#[derive(Debug)]
pub struct RequestBody {
    body: Option<Body>,
    state: BodyState,
}

/// Whether a service has taken the body of a request; until then, the server cannot have acted on
/// the request. `None` without a body.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyState(Option<Arc<AtomicU8>>);

/// The service has not requested the body.
const UNREAD: u8 = 0;
const READ: u8 = 1;
/// The body is no longer available.
const REVOKED: u8 = 2;

impl BodyState {
    /// Returns this body as one whose state is tracked here.
    pub(crate) fn track(&mut self, body: Body) -> RequestBody {
        let body = Some(body).filter(|body| !body.is_empty());
        self.0 = body.as_ref().map(|_| Arc::default());
        RequestBody { body, state: self.clone() }
    }

    /// Revokes the body, and returns whether it was already read. Atomic, because the connection may
    /// be polled on another thread.
    pub(crate) fn revoke(&self) -> bool {
        self.0.as_ref().is_some_and(|state| !transition(state, REVOKED))
    }
}

/// Leaves [`UNREAD`], and returns whether the state is `new`. The state changes only once.
fn transition(state: &AtomicU8, new: u8) -> bool {
    let before = state.compare_exchange(UNREAD, new, Ordering::AcqRel, Ordering::Acquire);
    before.map_or_else(|before| before == new, |_| true)
}

impl http_body::Body for RequestBody {
    type Data = Body;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Body>, Infallible>>> {
        if self.state.0.as_ref().is_some_and(|state| !transition(state, READ)) {
            // The exchange has ended, and its connection is being closed.
            return Poll::Pending;
        }
        Poll::Ready(self.body.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.body.as_ref().map_or(0, |body| body.len() as u64))
    }
}

/// The body of a reply.
pub(crate) struct Incoming {
    body: UnsyncBoxBody<Bytes, BoxError>,
    /// Whether the head delimits the body; otherwise it ends with the connection.
    delimited: bool,
    /// The rest of the announced length, checked because a custom service may not do so.
    left: Option<u64>,
}

impl Incoming {
    pub(crate) const fn new(
        body: UnsyncBoxBody<Bytes, BoxError>,
        delimited: bool,
        left: Option<u64>,
    ) -> Self {
        Self { body, delimited, left }
    }

    /// Returns the next bytes, or `None` at the end. Ignores trailers.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        loop {
            let Some(frame) = self.body.frame().await else {
                let short = self.left.take().is_some_and(|left| left > 0);
                return short.then(|| Err(Failure::new(FailureKind::Truncated, Sent::Maybe)));
            };
            match frame {
                Ok(frame) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.left = self.left.map(|left| left.saturating_sub(bytes.len() as u64));
                        return Some(Ok(bytes));
                    }
                }
                Err(error) => return body_failure(error, self.delimited).map(Err),
            }
        }
    }
}

/// A streamed body of a reply, to be read as it arrives or [copied](Download::copy_to) to a writer.
#[must_use = "the body is not read until it is used"]
pub struct Download {
    /// `None` if the flow had no streamed reply, or the body has ended.
    body: Option<Incoming>,
    idle: Duration,
    alarm: Alarm,
}

impl Download {
    pub(crate) const fn new(body: Option<Incoming>, idle: Duration, alarm: Alarm) -> Self {
        Self { body, idle, alarm }
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
        let Some(body) = &mut self.body else { return Ok(None) };
        let mut silence = self.alarm.after(self.idle);
        let result = match unless(&mut silence, body.next()).await {
            None => Err(Failure::new(FailureKind::Timeout, Sent::Maybe)),
            Some(next) => next.transpose(),
        };
        if !matches!(result, Ok(Some(_))) {
            self.body = None;
        }
        result.map_err(Error::Transport)
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
    /// use wechat_proto::media::{GetFile, ReceivedFile};
    /// use wechat_proto::{Error, Message};
    /// use wechat_transport_hyper::Client;
    ///
    /// /// Saves the file of a message in a folder.
    /// async fn save(client: &Client, message: &Message, folder: &Path) -> Result<(), Error> {
    ///     let Some(received) = ReceivedFile::of(message) else { return Ok(()) };
    ///     // Safe to join: always one component.
    ///     let path = folder.join(received.file_name().as_str());
    ///     let (head, body) = client.download(GetFile::new(received)).await?;
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
        let mut tally = Tally::new(head, limit)?;
        while let Some(chunk) = self.chunk().await? {
            if chunk.is_empty() {
                continue;
            }
            let so_far = tally.add(chunk.len())?;
            write_all(writer, &chunk).await.map_err(sink_failure)?;
            progress(so_far);
        }
        poll_fn(|context| Pin::new(&mut *writer).poll_flush(context))
            .await
            .map_err(sink_failure)?;
        tally.end()
    }
}

async fn write_all(
    writer: &mut (impl AsyncWrite + Unpin + ?Sized),
    mut bytes: &[u8],
) -> io::Result<()> {
    while !bytes.is_empty() {
        let write = poll_fn(|context| Pin::new(&mut *writer).poll_write(context, bytes));
        let written = match write.await {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        bytes = &bytes[written..];
    }
    Ok(())
}

fn sink_failure(error: io::Error) -> Error {
    Error::Sink(Failure::new(FailureKind::Sink, Sent::Maybe).because(error))
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("idle", &self.idle).finish_non_exhaustive()
    }
}
