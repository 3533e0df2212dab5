//! The connections of a worker to the service.

use std::io;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use hyper_util::client::legacy::connect::{Connected, Connection as HyperConnection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::step::{say, step};

/// A connection that makes a step before the first byte of each request, and announces each request that has left.
///
/// It is never closed: the service might notice that before it has handled the last request.
pub(crate) struct Connection(ManuallyDrop<TcpStream>);

impl Connection {
    /// Connects to the host of a request.
    pub(crate) async fn new(uri: http::Uri) -> io::Result<TokioIo<Self>> {
        let host = uri.authority().expect("requests have absolute addresses").as_str();
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(TokioIo::new(Self(ManuallyDrop::new(stream))))
    }
}

/// Returns the endpoint of a path, such as `webwxsync`.
pub(crate) fn endpoint(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns the time in milliseconds.
pub(crate) fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

impl HyperConnection for Connection {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let head = String::from_utf8_lossy(bytes);
        let target = head.strip_prefix("GET ").or(head.strip_prefix("POST "));
        let endpoint = target.map(|target| endpoint(target.split(['?', ' ']).next().unwrap()));
        if let Some(endpoint) = endpoint {
            step(&format!("before the first byte of {endpoint}"));
        }
        let written = Pin::new(&mut *self.0).poll_write(context, bytes);
        if let (Some(endpoint), Poll::Ready(Ok(_))) = (endpoint, &written) {
            let user = head
                .split("wxuin=")
                .nth(1)
                .map_or("-", |rest| rest.split(['\r', ';']).next().unwrap());
            say(&format!("left {} {endpoint} of {user}", now()));
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
