//! Reply bodies for a socket.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::{fmt, mem};

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
    Whole,
    /// Breaks one poll after the last data, so that the data is written first.
    Torn {
        flushed: bool,
    },
}

/// The error that breaks the connection.
#[derive(Debug)]
pub(crate) struct Torn;

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("torn")
    }
}

impl std::error::Error for Torn {}

impl Payload {
    pub(crate) fn of(reply: Response<Bytes>) -> Response<Self> {
        let announced = reply.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        reply.map(|bytes| {
            let torn = announced.is_some_and(|length: usize| length > bytes.len());
            let end = if torn { End::Torn { flushed: false } } else { End::Whole };
            Self { bytes, end }
        })
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Torn;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Torn>>> {
        let bytes = mem::take(&mut self.bytes);
        if !bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.end {
            End::Whole => Poll::Ready(None),
            End::Torn { flushed: flushed @ false } => {
                *flushed = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Torn { flushed: true } => Poll::Ready(Some(Err(Torn))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && self.end == End::Whole
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Whole => SizeHint::with_exact(self.bytes.len() as u64),
            End::Torn { .. } => SizeHint::default(),
        }
    }
}
