//! Reply bodies for a socket.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::{io, mem};

use bytes::Bytes;
use http::{Response, header};
use hyper::body::{Body, Frame, SizeHint};

/// A reply body. If it is shorter than the announced length, it breaks the connection at its end.
#[derive(Debug)]
pub(crate) struct Payload {
    bytes: Bytes,
    end: End,
}

#[derive(Debug, Eq, PartialEq)]
enum End {
    Complete,
    /// The body fails one poll after the last data, so that the data is written first.
    Truncated {
        flushed: bool,
    },
}

impl Payload {
    pub(crate) fn of(reply: Response<Bytes>) -> Response<Self> {
        let announced = reply.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        reply.map(|bytes| {
            let truncated = announced.is_some_and(|length: usize| length > bytes.len());
            let end = if truncated { End::Truncated { flushed: false } } else { End::Complete };
            Self { bytes, end }
        })
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let bytes = mem::take(&mut self.bytes);
        if !bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.end {
            End::Complete => Poll::Ready(None),
            End::Truncated { flushed: flushed @ false } => {
                *flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            // The error breaks the connection.
            End::Truncated { flushed: true } => {
                Poll::Ready(Some(Err(io::Error::other("the reply is truncated"))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && self.end == End::Complete
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Complete => SizeHint::with_exact(self.bytes.len() as u64),
            End::Truncated { .. } => SizeHint::default(),
        }
    }
}
