//! The loop that runs a flow.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{mem, thread};

use bytes::Bytes;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Error, Flow, Input, Interrupt, Timestamp};
use wechat_transport::Log;

use crate::download::Download;
use crate::exchange::exchange;
use crate::transport::Transport;

impl Transport {
    /// Runs a flow to its next output. `poll` polls it once and acquires the necessary locks. The
    /// shutdown signal ends pauses early.
    ///
    /// Also returns the body of the last response under [`Want::Head`](wechat_proto::flow::Want::Head).
    pub(crate) fn drive<F: Flow>(
        &self,
        flow: &mut F,
        source: &mut (impl Read + Seek),
        shutdown: Option<&Shutdown>,
        mut poll: impl FnMut(&mut F, Timestamp) -> Result<F::Output, Interrupt>,
    ) -> Result<(F::Output, Option<Download>), Error> {
        let mut rest = None;
        loop {
            match poll(flow, self.options.now()) {
                Ok(output) => return Ok((output, rest)),
                Err(Interrupt::Send(request)) => {
                    // Drop an unread body before the next exchange.
                    rest = None;
                    let log = Log::start(&request, &self.options);
                    let reply = exchange(&self.agent, *request, &self.options);
                    log.end(reply.as_ref().map(|(reply, _)| reply));
                    let reply = reply.map(|(reply, body)| {
                        rest = body;
                        reply
                    });
                    flow.handle(Input::Reply(reply));
                }
                Err(Interrupt::Read(range)) => flow.handle(Input::Piece(piece(source, range))),
                Err(Interrupt::Sleep(time)) => match shutdown {
                    Some(shutdown) => shutdown.sleep(time),
                    None => thread::sleep(time),
                },
                Err(Interrupt::Fail(error)) => return Err(error),
            }
        }
    }
}

/// Reads a range of a source, or fewer bytes if the source ends.
fn piece(source: &mut (impl Read + Seek), range: Range<u64>) -> Result<Bytes, Failure> {
    let mut read = || -> io::Result<Bytes> {
        source.seek(SeekFrom::Start(range.start))?;
        let length = range.end.saturating_sub(range.start);
        // Allocates at most 1 MB in advance, regardless of the range.
        let mut bytes = Vec::with_capacity(length.min(1 << 20) as usize);
        source.take(length).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    };
    read().map_err(|error| Failure::new(FailureKind::Source, Sent::No).because(error))
}

/// A shutdown signal, sent once.
#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    signalled: Mutex<bool>,
    changed: Condvar,
}

impl Shutdown {
    /// Sends the signal; returns whether this was the first time.
    pub(crate) fn signal(&self) -> bool {
        let before = mem::replace(&mut *self.lock(), true);
        self.changed.notify_all();
        !before
    }

    fn sleep(&self, time: Duration) {
        drop(self.changed.wait_timeout_while(self.lock(), time, |signalled| !*signalled));
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.signalled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Checks that the buffer has exactly the length of the piece, without reallocation.
    #[test]
    fn a_piece_is_read_into_one_buffer() {
        let mut file = Cursor::new(vec![7; 600_000]);
        for (range, length) in
            [(0..524_288, 524_288), (524_288..600_001, 75_712), (599_999..600_001, 1)]
        {
            let bytes = piece(&mut file, range.clone()).unwrap();
            assert_eq!(bytes.len(), length);
            let room = bytes.try_into_mut().unwrap().capacity() as u64;
            assert_eq!(room, range.end - range.start);
        }
    }
}
