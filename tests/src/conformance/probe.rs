//! The flow that a transport runs in a check.

use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use wechat_proto::error::Failure;
use wechat_proto::flow::{Request, Response};
use wechat_proto::{Device, Error, Flow, Input, Interrupt, Timestamp};

use super::Deviation;

/// A [`Flow`] that runs the steps of a check and observes its driver.
#[derive(Debug)]
pub struct Probe {
    steps: VecDeque<Step>,
    /// The time at which the pending interrupt was first returned, by the system's and by the driver's clock.
    served: Option<(Instant, Timestamp)>,
    polls: usize,
    pub(super) replies: Vec<Result<Response, Failure>>,
    pub(super) pieces: Vec<Result<Bytes, Failure>>,
    /// The driver's first fault.
    pub(super) fault: Option<Deviation>,
    /// The device of the first poll, as it would be stored.
    pub(super) device: Option<Value>,
    pub(super) done: bool,
}

/// A step of a probe.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Box<Request>),
    Read(Range<u64>),
    Sleep(Duration),
    Fail,
}

/// The number of polls allowed during a sleep. Early polls are harmless; more of them are a busy loop.
const EARLY: usize = 100;

impl Probe {
    pub(super) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            served: None,
            polls: 0,
            replies: Vec::new(),
            pieces: Vec::new(),
            fault: None,
            device: None,
            done: false,
        }
    }

    fn complain(&mut self, expected: impl Into<String>, found: impl Into<String>) {
        self.fault.get_or_insert_with(|| Deviation::new(expected, found));
    }
}

impl Flow for Probe {
    type State = Device;
    type Output = ();

    fn poll(&mut self, device: &mut Device, now: Timestamp) -> Result<(), Interrupt> {
        self.device.get_or_insert_with(|| json!(device));
        if let (Some((since, then)), Some(step)) = (self.served, self.steps.front().cloned()) {
            match step {
                Step::Sleep(time) if since.elapsed() < time => {
                    self.polls += 1;
                    if self.polls > EARLY {
                        self.complain(
                            format!("no polls during a sleep of {time:?}"),
                            format!("more than {EARLY} polls"),
                        );
                        self.steps.clear();
                    }
                }
                Step::Sleep(time) => {
                    // A clock may be coarse or adjusted, but it must advance.
                    if now <= then {
                        self.complain(
                            format!("a clock that advances during a sleep of {time:?}"),
                            "the same time",
                        );
                    }
                    self.steps.pop_front();
                    self.served = None;
                }
                Step::Send(_) | Step::Read(_) => {
                    self.complain("no poll before the interrupt is served", "a poll");
                    self.steps.clear();
                }
                Step::Fail => {
                    self.steps.pop_front();
                    self.served = None;
                }
            }
        }
        let Some(step) = self.steps.front().cloned() else {
            self.done = true;
            return Ok(());
        };
        self.served.get_or_insert_with(|| (Instant::now(), now));
        Err(match step {
            Step::Send(request) => Interrupt::Send(request),
            Step::Read(range) => Interrupt::Read(range),
            Step::Sleep(time) => Interrupt::Sleep(time),
            Step::Fail => Interrupt::Fail(Error::Stopped),
        })
    }

    fn handle(&mut self, input: Input) {
        let waiting = self.served.take().and_then(|_| self.steps.pop_front());
        match (waiting, input) {
            (Some(Step::Send(_)), Input::Reply(reply)) => self.replies.push(reply),
            (Some(Step::Read(_)), Input::Piece(piece)) => self.pieces.push(piece),
            (waiting, input) => {
                self.complain(format!("an input for {waiting:?}"), format!("{input:?}"));
                self.steps.clear();
            }
        }
    }
}

/// A source for a flow to read: an in-memory file, or one that fails.
#[derive(Clone, Debug)]
pub struct Source {
    bytes: Option<&'static [u8]>,
    at: u64,
}

impl Source {
    pub(super) const fn holding(bytes: &'static [u8]) -> Self {
        Self { bytes: Some(bytes), at: 0 }
    }

    pub(super) const fn failing() -> Self {
        Self { bytes: None, at: 0 }
    }

    /// Returns the bytes of `range`, or fewer if the source ends before.
    fn range(&self, range: Range<u64>) -> io::Result<Bytes> {
        let bytes = self.bytes.ok_or_else(gone)?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        let (start, end) = (place(range.start), place(range.end));
        Ok(Bytes::from_static(&bytes[start..end.max(start)]))
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = buffer.len() as u64;
        let bytes = self.range(self.at..self.at.saturating_add(amount))?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}

impl Seek for Source {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let end = self.bytes.map_or(0, <[u8]>::len) as u64;
        let at = match position {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let amount = self.read(buffer.initialize_unfilled())?;
        buffer.advance(amount);
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for Source {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.seek(position).map(drop)
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.at))
    }
}

fn gone() -> io::Error {
    io::Error::other("the disk is gone")
}
