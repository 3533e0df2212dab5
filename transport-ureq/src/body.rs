//! Bodies: what is sent, and what is left of a reply.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use bytes::Buf as _;
use ureq::BodyReader;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Body, Error};

use crate::deadline;

/// A request's body on its way, and whether any of it was asked for.
pub(crate) struct Outgoing {
    body: Body,
    /// Until it is, the server cannot have acted on the request.
    pub(crate) asked: bool,
}

impl Outgoing {
    pub(crate) const fn new(body: Body) -> Self {
        Self { body, asked: false }
    }
}

impl Read for Outgoing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.asked = true;
        let amount = buffer.len().min(self.body.remaining());
        self.body.copy_to_slice(&mut buffer[..amount]);
        Ok(amount)
    }
}

/// The body of a reply of which the flow wanted the head only, to be read as it comes.
///
/// A read waits no longer than the flow allows for a silence. An error of reading holds a
/// [`wechat_proto::Error`]; a body shorter than announced is one.
#[must_use = "the body is read from it"]
pub struct Download {
    /// Nothing if there was no such reply.
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
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(reader) = &mut self.reader else { return Ok(0) };
        deadline::within(self.idle, || reader.read(buffer)).map_err(|error| {
            let failure = broken(error);
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

/// Why a body ended early.
pub(crate) fn broken(error: io::Error) -> Failure {
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
    fn says_whether_it_was_asked_for() {
        let body = Body::framed(
            Bytes::from_static(b"ab"),
            Bytes::from_static(b"cde"),
            Bytes::from_static(b"f"),
        );
        let mut outgoing = Outgoing::new(body);
        assert!(!outgoing.asked);
        let mut four = [0; 4];
        assert_eq!(outgoing.read(&mut four).unwrap(), 4);
        assert!(outgoing.asked);
        assert_eq!(&four, b"abcd");
        let mut rest = Vec::new();
        outgoing.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"ef");
    }
}
