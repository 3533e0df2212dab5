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

/// What a flow is run with.
pub(crate) struct Host<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) clock: &'a Clock,
    pub(crate) deadline_cap: Duration,
    /// What ends its sleep early, if anything does.
    pub(crate) bell: Option<&'a Bell>,
}

impl Host<'_> {
    /// Runs a flow up to its next output. `poll` polls it once, and holds what locks it needs.
    ///
    /// Also gives what is left of the last reply, where the flow wanted its head only.
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
                    // A body that nobody took makes room for the next exchange.
                    rest = None;
                    let reply = exchange(self.agent, *request, self.deadline_cap);
                    let reply = reply.map(|(reply, body)| {
                        rest = body;
                        reply
                    });
                    flow.handle(Input::Reply(reply));
                }
                Err(Interrupt::Read(range)) => flow.handle(Input::Piece(piece(source, range))),
                Err(Interrupt::Sleep(time)) => match self.bell {
                    Some(bell) => bell.sleep(time),
                    None => thread::sleep(time),
                },
                Err(Interrupt::Fail(error)) => return Err(error),
                // Something that this version does not know.
                Err(_) => {
                    let failure = Failure::new(FailureKind::Unsendable, Sent::No);
                    return Err(Error::Transport(failure));
                }
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

/// Wakes whoever sleeps, once and for all.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    /// Rings; says whether this was the first time.
    pub(crate) fn ring(&self) -> bool {
        let before = mem::replace(&mut *self.lock(), true);
        self.heard.notify_all();
        !before
    }

    /// What `work` gives, done on a thread of its own; nothing if the bell rings first. The thread
    /// is then left to its end.
    pub(crate) fn unless_rung<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        /// Tells that the work is over, also when it panicked.
        struct Over(Arc<Bell>, Arc<AtomicBool>);
        impl Drop for Over {
            fn drop(&mut self) {
                self.1.store(true, Ordering::Release);
                // Under the lock, or it might be told between a look and a wait.
                let _guard = self.0.lock();
                self.0.heard.notify_all();
            }
        }
        let done = Arc::new(AtomicBool::new(false));
        let over = Over(Arc::clone(self), Arc::clone(&done));
        let thread = thread::Builder::new().spawn(move || {
            let _over = over;
            work()
        });
        let mut rung = self.lock();
        while !*rung && !done.load(Ordering::Acquire) {
            rung = self.heard.wait(rung).unwrap_or_else(PoisonError::into_inner);
        }
        let left_behind = *rung;
        // The thread needs the lock to end: a name that only hid the guard would keep it.
        drop(rung);
        if left_behind { None } else { thread.ok()?.join().ok() }
    }

    fn sleep(&self, time: Duration) {
        drop(self.heard.wait_timeout_while(self.lock(), time, |rung| !*rung));
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn drive(steps: &mut Steps, bell: Option<&Bell>) -> (Result<&'static str, Error>, usize) {
        let (agent, clock): (_, Clock) = (Agent::new_with_defaults(), Arc::new(Timestamp::default));
        let host = Host { agent: &agent, clock: &clock, deadline_cap: Duration::MAX, bell };
        let mut polls = 0;
        let result = host.drive(steps, &mut Cursor::new(b"0123456789"), |steps, now| {
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
    fn a_bell_ends_a_sleep() {
        let bell = Arc::new(Bell::default());
        let ringer = Arc::clone(&bell);
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            (ringer.ring(), ringer.ring())
        });
        let start = Instant::now();
        for _ in 0..2 {
            let steps = vec![Err(Interrupt::Sleep(Duration::from_secs(60))), Ok("woken")];
            assert!(drive(&mut Steps(steps, Vec::new()), Some(&bell)).0.is_ok());
        }
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(thread.join().unwrap(), (true, false));
    }

    #[test]
    fn a_bell_leaves_work_behind() {
        let bell = Arc::new(Bell::default());
        assert_eq!(bell.unless_rung(|| 7), Some(7));
        let panicking: Option<()> = bell.unless_rung(|| panic!("on purpose"));
        assert_eq!(panicking, None);
        let ringer = Arc::clone(&bell);
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            ringer.ring();
        });
        let start = Instant::now();
        for _ in 0..2 {
            assert_eq!(bell.unless_rung(|| thread::sleep(Duration::from_secs(60))), None);
        }
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    /// The work is over, and has not said so yet, when the one who asked for it looks.
    #[test]
    fn work_that_ends_at_once_is_not_waited_for_in_vain() {
        let (tell, told) = channel();
        for round in 0..8 {
            let bell = Arc::new(Bell::default());
            let (asking, tell) = (Arc::clone(&bell), tell.clone());
            let held = bell.lock();
            thread::spawn(move || {
                let work = || thread::sleep(Duration::from_millis(10));
                tell.send((round, asking.unless_rung(work))).unwrap();
            });
            // Both queue for the lock meanwhile, the one who asks before the work.
            thread::sleep(Duration::from_millis(50));
            drop(held);
            let ended = told.recv_timeout(Duration::from_secs(20));
            assert_eq!(ended.expect("each waits for the other"), (round, Some(())));
        }
    }
}
