//! The loop that runs a flow.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{mem, thread};

use bytes::Bytes;
use ureq::Agent;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::{Error, Flow, Input, Interrupt, Timestamp};

use crate::body::Download;
use crate::exchange::exchange;
use crate::options::Clock;

/// Runs flows on one agent.
pub(crate) struct Driver<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) clock: &'a Clock,
    pub(crate) deadline_cap: Duration,
    /// Ends its pauses early.
    pub(crate) shutdown: Option<&'a Shutdown>,
}

impl Driver<'_> {
    /// Runs a flow to its next output. `poll` polls it once, and takes the locks it needs.
    ///
    /// Also returns the body of the last response, if the flow wanted its head only.
    pub(crate) fn drive<F: Flow>(
        &self,
        flow: &mut F,
        source: &mut (impl Read + Seek),
        mut poll: impl FnMut(&mut F, Timestamp) -> Result<F::Output, Interrupt>,
    ) -> Result<(F::Output, Option<Download>), Error> {
        let mut rest = None;
        loop {
            match poll(flow, (self.clock)()) {
                Ok(output) => return Ok((output, rest)),
                Err(Interrupt::Send(request)) => {
                    // A body that was not read is dropped before the next exchange.
                    rest = None;
                    let reply = exchange(self.agent, *request, self.deadline_cap);
                    let reply = reply.map(|(reply, body)| {
                        rest = body;
                        reply
                    });
                    flow.handle(Input::Reply(reply));
                }
                Err(Interrupt::Read(range)) => flow.handle(Input::Piece(piece(source, range))),
                Err(Interrupt::Sleep(time)) => match self.shutdown {
                    Some(shutdown) => shutdown.sleep(time),
                    None => thread::sleep(time),
                },
                Err(Interrupt::Fail(error)) => return Err(error),
            }
        }
    }
}

/// Reads these bytes of a source, or fewer if it ends.
fn piece(source: &mut (impl Read + Seek), range: Range<u64>) -> Result<Bytes, Failure> {
    let mut read = || -> io::Result<Bytes> {
        source.seek(SeekFrom::Start(range.start))?;
        let length = range.end.saturating_sub(range.start);
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(ROOM));
        source.take(length).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    };
    read().map_err(|error| Failure::new(FailureKind::Source, Sent::No).because(error))
}

/// The most room made for a piece before any of it was read.
const ROOM: usize = 1 << 20;

/// A shutdown signal, given once.
#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    given: Mutex<bool>,
    changed: Condvar,
}

impl Shutdown {
    /// Gives the signal; returns whether this was the first time.
    pub(crate) fn signal(&self) -> bool {
        let before = mem::replace(&mut *self.lock(), true);
        self.changed.notify_all();
        !before
    }

    /// Runs `work` on a thread of its own; returns `None` if the signal comes first. The thread then
    /// ends by itself.
    pub(crate) fn unless_given<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        /// Reports that the work is done, also when it panicked.
        struct Done(Arc<Shutdown>, Arc<AtomicBool>);
        impl Drop for Done {
            fn drop(&mut self) {
                self.1.store(true, Ordering::Release);
                // Under the lock, or it might be signalled between a look and a wait.
                let _guard = self.0.lock();
                self.0.changed.notify_all();
            }
        }
        let done = Arc::new(AtomicBool::new(false));
        let guard = Done(Arc::clone(self), Arc::clone(&done));
        let thread = thread::Builder::new().spawn(move || {
            let _done = guard;
            work()
        });
        let mut given = self.lock();
        while !*given && !done.load(Ordering::Acquire) {
            given = self.changed.wait(given).unwrap_or_else(PoisonError::into_inner);
        }
        let left_behind = *given;
        // The thread needs the lock to end: a name that only hid the guard would keep it.
        drop(given);
        if left_behind { None } else { thread.ok()?.join().ok() }
    }

    fn sleep(&self, time: Duration) {
        drop(self.changed.wait_timeout_while(self.lock(), time, |given| !*given));
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    /// Goes through these steps, one a poll.
    struct Steps(Vec<Result<&'static str, Interrupt>>, Vec<Input>);

    impl Flow for Steps {
        type State = ();
        type Output = &'static str;

        fn poll(&mut self, (): &mut (), _: Timestamp) -> Result<&'static str, Interrupt> {
            self.0.remove(0)
        }

        fn handle(&mut self, input: Input) {
            self.1.push(input);
        }
    }

    fn drive(
        steps: &mut Steps,
        shutdown: Option<&Shutdown>,
    ) -> (Result<&'static str, Error>, usize) {
        let (agent, clock): (_, Clock) = (Agent::new_with_defaults(), Arc::new(Timestamp::default));
        let driver = Driver { agent: &agent, clock: &clock, deadline_cap: Duration::MAX, shutdown };
        let mut polls = 0;
        let result = driver.drive(steps, &mut Cursor::new(b"0123456789"), |steps, now| {
            polls += 1;
            steps.poll(&mut (), now)
        });
        (result.map(|(output, _)| output), polls)
    }

    #[test]
    fn serves_one_interrupt_at_a_time() {
        let steps = vec![
            Err(Interrupt::Sleep(Duration::from_millis(30))),
            Err(Interrupt::Read(2..5)),
            Err(Interrupt::Read(8..99)),
            Ok("done"),
        ];
        let (mut steps, start) = (Steps(steps, Vec::new()), Instant::now());
        let (result, polls) = drive(&mut steps, None);
        assert!(matches!(result, Ok("done")));
        assert_eq!(polls, 4);
        assert!(start.elapsed() >= Duration::from_millis(30));
        let pieces: Vec<_> = steps.1.iter().map(|input| format!("{input:?}")).collect();
        assert_eq!(pieces, ["Piece(3 bytes)", "Piece(2 bytes)"]);
    }

    /// One buffer of its length, which becomes the piece: read to its end, or to the source's.
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

    #[test]
    fn a_failure_ends_it() {
        let mut steps = Steps(vec![Err(Interrupt::Fail(Error::Stopped)), Ok("again")], Vec::new());
        assert!(matches!(drive(&mut steps, None), (Err(Error::Stopped), 1)));
        assert!(matches!(drive(&mut steps, None), (Ok("again"), 1)));
    }

    #[test]
    fn a_shutdown_ends_a_sleep() {
        let shutdown = Arc::new(Shutdown::default());
        let ringer = Arc::clone(&shutdown);
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            (ringer.signal(), ringer.signal())
        });
        let start = Instant::now();
        for _ in 0..2 {
            let steps = vec![Err(Interrupt::Sleep(Duration::from_secs(60))), Ok("woken")];
            assert!(drive(&mut Steps(steps, Vec::new()), Some(&shutdown)).0.is_ok());
        }
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(thread.join().unwrap(), (true, false));
    }

    #[test]
    fn a_shutdown_leaves_work_behind() {
        let shutdown = Arc::new(Shutdown::default());
        assert_eq!(shutdown.unless_given(|| 7), Some(7));
        let panicking: Option<()> = shutdown.unless_given(|| panic!("on purpose"));
        assert_eq!(panicking, None);
        let ringer = Arc::clone(&shutdown);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            ringer.signal();
        });
        let start = Instant::now();
        for _ in 0..2 {
            assert_eq!(shutdown.unless_given(|| thread::sleep(Duration::from_secs(60))), None);
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    /// The work is over, and has not said so yet, when the one who asked for it looks.
    #[test]
    fn work_that_ends_at_once_is_not_waited_for_in_vain() {
        let (tell, told) = channel();
        for round in 0..8 {
            let shutdown = Arc::new(Shutdown::default());
            let (asking, tell) = (Arc::clone(&shutdown), tell.clone());
            let held = shutdown.lock();
            thread::spawn(move || {
                let work = || thread::sleep(Duration::from_millis(10));
                tell.send((round, asking.unless_given(work))).unwrap();
            });
            // Both queue for the lock meanwhile, the one who asks before the work.
            thread::sleep(Duration::from_millis(50));
            drop(held);
            let ended = told.recv_timeout(Duration::from_secs(20));
            assert_eq!(ended.expect("each waits for the other"), (round, Some(())));
        }
    }
}
