//! Connections that are read in pieces.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};

/// A connection that returns at most [`PIECE`] bytes for each read.
///
/// hyper doubles the read buffer of a connection when a read fills it, and keeps the larger one. One
/// list of contacts would cost each account up to 64 KB. A long head is not affected: it extends the
/// buffer in any case.
pub(crate) struct Pieces<T>(Take<TokioIo<T>>);

/// One byte less than hyper's initial buffer.
const PIECE: u64 = (8 << 10) - 1;

impl<T: hyper::rt::Read> Pieces<T> {
    pub(crate) fn of(connection: T) -> TokioIo<Self> {
        TokioIo::new(Self(TokioIo::new(connection).take(PIECE)))
    }
}

impl<T: hyper::rt::Read + Unpin> AsyncRead for Pieces<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.set_limit(PIECE);
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<T: hyper::rt::Read + hyper::rt::Write + Unpin> AsyncWrite for Pieces<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.0.get_mut()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.get_ref().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.0.get_mut()).poll_shutdown(context)
    }
}

impl<T: hyper::rt::Read + Connection> Connection for Pieces<T> {
    fn connected(&self) -> Connected {
        self.0.get_ref().inner().connected()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    #[tokio::test]
    async fn reads_are_limited() {
        let (mut peer, stream) = duplex(64 << 10);
        let mut pieces: Pieces<TokioIo<DuplexStream>> =
            Pieces(TokioIo::new(TokioIo::new(stream)).take(PIECE));
        let sent: Vec<u8> = (0..40_000).map(|n| n as u8).collect();
        peer.write_all(&sent).await.unwrap();
        peer.shutdown().await.unwrap();
        let (mut received, mut lengths, mut buffer) = (Vec::<u8>::new(), Vec::new(), [0; 64 << 10]);
        loop {
            let length = pieces.read(&mut buffer).await.unwrap();
            if length == 0 {
                break;
            }
            lengths.push(length);
            received.extend(&buffer[..length]);
        }
        assert_eq!(lengths, [8191, 8191, 8191, 8191, 7236]);
        assert_eq!(received, sent);
        pieces.write_all(&sent).await.unwrap();
        drop(pieces);
        let mut written = Vec::new();
        peer.read_to_end(&mut written).await.unwrap();
        assert_eq!(written, sent);
    }
}
