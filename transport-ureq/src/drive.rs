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
    /// Ends pauses early.
    pub(crate) shutdown: Option<&'a Shutdown>,
}

impl Driver<'_> {
    /// Runs a flow to its next output. `poll` polls it once and acquires the necessary locks.
    ///
    /// Also returns the body of the last response under [`Want::Head`](wechat_proto::flow::Want::Head).
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
                    // Drop an unread body before the next exchange.
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

/// Reads a range of a source, or fewer bytes if the source ends.
fn piece(source: &mut (impl Read + Seek), range: Range<u64>) -> Result<Bytes, Failure> {
    let mut read = || -> io::Result<Bytes> {
        source.seek(SeekFrom::Start(range.start))?;
        let length = range.end.saturating_sub(range.start);
        let mut bytes =
            Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(MAX_ALLOCATION));
        source.take(length).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    };
    read().map_err(|error| Failure::new(FailureKind::Source, Sent::No).because(error))
}

/// The maximum buffer allocated for a piece before reading it.
const MAX_ALLOCATION: usize = 1 << 20;

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

    /// Runs `work` on a new thread; returns `None` if the signal is sent first. The thread then
    /// finishes in the background.
    pub(crate) fn unless_signalled<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        /// Reports that the work is done, even if it panics.
        struct Done(Arc<Shutdown>, Arc<AtomicBool>);
        impl Drop for Done {
            fn drop(&mut self) {
                self.1.store(true, Ordering::Release);
                // Hold the lock, or the notification may come between a check and a wait.
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
        let mut signalled = self.lock();
        while !*signalled && !done.load(Ordering::Acquire) {
            signalled = self.changed.wait(signalled).unwrap_or_else(PoisonError::into_inner);
        }
        let abandoned = *signalled;
        // The thread needs the lock to finish, so drop the guard before joining it; shadowing it would
        // keep the lock.
        drop(signalled);
        if abandoned { None } else { thread.ok()?.join().ok() }
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
    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    /// A flow that returns one of these steps for each poll.
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
    fn interrupts_are_served_one_at_a_time() {
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

    /// A piece is read into one buffer of exactly its length, without reallocation.
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
    fn failure_ends_the_run() {
        let mut steps = Steps(vec![Err(Interrupt::Fail(Error::Stopped)), Ok("again")], Vec::new());
        assert!(matches!(drive(&mut steps, None), (Err(Error::Stopped), 1)));
        assert!(matches!(drive(&mut steps, None), (Ok("again"), 1)));
    }

    #[test]
    fn shutdown_ends_sleep() {
        let shutdown = Arc::new(Shutdown::default());
        let signaller = Arc::clone(&shutdown);
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            (signaller.signal(), signaller.signal())
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
    fn shutdown_abandons_unfinished_work() {
        let shutdown = Arc::new(Shutdown::default());
        assert_eq!(shutdown.unless_signalled(|| 7), Some(7));
        let panicking: Option<()> = shutdown.unless_signalled(|| panic!("on purpose"));
        assert_eq!(panicking, None);
        let signaller = Arc::clone(&shutdown);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            signaller.signal();
        });
        let start = Instant::now();
        for _ in 0..2 {
            assert_eq!(shutdown.unless_signalled(|| thread::sleep(Duration::from_secs(60))), None);
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    /// The work has finished but not yet reported it when the caller checks.
    #[test]
    fn caller_does_not_deadlock_with_finishing_work() {
        let (sender, receiver) = channel();
        for round in 0..8 {
            let shutdown = Arc::new(Shutdown::default());
            let (caller, sender) = (Arc::clone(&shutdown), sender.clone());
            let held = shutdown.lock();
            thread::spawn(move || {
                let work = || thread::sleep(Duration::from_millis(10));
                sender.send((round, caller.unless_signalled(work))).unwrap();
            });
            // Meanwhile both wait for the lock, the caller before the work.
            thread::sleep(Duration::from_millis(50));
            drop(held);
            let ended = receiver.recv_timeout(Duration::from_secs(20));
            assert_eq!(ended.expect("no deadlock"), (round, Some(())));
        }
    }
}
