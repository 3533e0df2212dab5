//! Bodies: what is sent, and what is left of a reply.

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
use crate::failure::broken;
use crate::timer::{Alarm, unless};

/// The body of a request, as a service gets it: one frame of known length, or none.
#[derive(Debug)]
pub struct RequestBody {
    body: Option<Body>,
    asked: Asked,
}

/// Whether any of a body was asked for: until it is, the server cannot have acted on the request.
/// Of no body, nothing is to be known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Option<Arc<AtomicU8>>);

/// Nobody has asked for the body.
const UNASKED: u8 = 0;
const ASKED: u8 = 1;
/// Nobody will get it any more.
const REVOKED: u8 = 2;

impl Asked {
    /// This body, watched.
    pub(crate) fn of(&mut self, body: Body) -> RequestBody {
        let body = Some(body).filter(|body| !body.is_empty());
        self.0 = body.as_ref().map(|_| Arc::default());
        RequestBody { body, asked: self.clone() }
    }

    /// Gives up a request: says whether its body was asked for, and if not, nobody gets it from now
    /// on. Whoever runs the connection may be on another thread, and about to ask.
    pub(crate) fn give_up(&self) -> bool {
        self.0.as_ref().is_some_and(|asked| !turns(asked, REVOKED))
    }
}

/// Whether it is in this state now: it leaves [`UNASKED`] once.
fn turns(asked: &AtomicU8, state: u8) -> bool {
    let before = asked.compare_exchange(UNASKED, state, Ordering::AcqRel, Ordering::Acquire);
    before.map_or_else(|before| before == state, |_| true)
}

impl http_body::Body for RequestBody {
    type Data = Body;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Body>, Infallible>>> {
        if self.asked.0.as_ref().is_some_and(|asked| !turns(asked, ASKED)) {
            // The exchange has ended, and with it the connection.
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
    /// Whether the head says where it ends; else it ends with the connection.
    delimited: bool,
    /// How much of its announced length is still to come: a service of the caller's may not check.
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

    /// The next bytes, or nothing at the end. Trailers are dropped.
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
                Err(error) => return broken(error, self.delimited).map(Err),
            }
        }
    }
}

/// The body of a reply of which the flow wanted the head only, to be read as it comes, or to be
/// [copied](Download::copy_to) to a file.
#[must_use = "the body is read from it"]
pub struct Download {
    /// Nothing if there was no such reply, or it has ended.
    body: Option<Incoming>,
    idle: Duration,
    alarm: Alarm,
}

impl Download {
    pub(crate) const fn new(body: Option<Incoming>, idle: Duration, alarm: Alarm) -> Self {
        Self { body, idle, alarm }
    }

    /// The next bytes, or nothing at the end. Waits no longer than the flow allows for a silence.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped; no byte is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if the body breaks off, is shorter than announced, or stays silent
    /// for too long. Nothing comes after an error.
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
    /// The bytes are written as they arrive, a buffer at a time; `progress` receives the count so
    /// far after each. [`Head::length`] is the length that the response announces. The file is
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
    /// /// Puts the file of a message into a folder.
    /// async fn keep(client: &Client, message: &Message, folder: &Path) -> Result<(), Error> {
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
    /// - [`Error::Transport`] if the body is truncated ([`Truncated`](FailureKind::Truncated)) or
    ///   silent for too long.
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
            write_all(writer, &chunk).await.map_err(unwritten)?;
            progress(so_far);
        }
        poll_fn(|context| Pin::new(&mut *writer).poll_flush(context)).await.map_err(unwritten)?;
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

fn unwritten(error: io::Error) -> Error {
    Error::Sink(Failure::new(FailureKind::Sink, Sent::Maybe).because(error))
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("idle", &self.idle).finish_non_exhaustive()
    }
}
