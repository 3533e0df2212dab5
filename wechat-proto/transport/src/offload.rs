//! Parsing of large replies on another thread.

use std::panic::resume_unwind;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wechat_proto::{Account, Error, Flow, Input, Interrupt, Timestamp};

/// A flow whose large replies are parsed on a separate thread while the driver sleeps, so that
/// parsing blocks neither an async runtime nor a stop.
#[derive(Debug)]
#[must_use = "a flow makes no progress until it is run"]
pub struct Offload<F> {
    /// `None` while a reply is parsed.
    flow: Option<F>,
    parsing: Option<JoinHandle<F>>,
    stoppable: bool,
}

/// The length of a reply, in bytes, from which it is parsed on another thread. In release builds, a
/// malformed reply of this length takes up to 16 ms, a regular one less than a millisecond.
const LARGE: usize = 256 << 10;
/// The time between two checks whether the reply is parsed.
const CHECK: Duration = Duration::from_millis(5);

impl<F> Offload<F> {
    /// Wraps a flow, whose large replies will be parsed on another thread.
    pub const fn new(flow: F) -> Self {
        Self { flow: Some(flow), parsing: None, stoppable: false }
    }

    /// Lets [`Account::stop`] end the flow with [`Error::Stopped`] while a reply is parsed. That
    /// reply is lost.
    pub const fn stoppable(mut self) -> Self {
        self.stoppable = true;
        self
    }

    /// Changes the flow, unless a reply is being parsed.
    pub fn map(mut self, change: impl FnOnce(F) -> F) -> Self {
        self.flow = self.flow.map(change);
        self
    }

    /// Returns the flow, unless a reply is being parsed.
    pub const fn flow_mut(&mut self) -> Option<&mut F> {
        self.flow.as_mut()
    }
}

impl<F: Flow<State = Account> + Send + 'static> Flow for Offload<F> {
    type State = Account;
    type Output = F::Output;

    fn poll(&mut self, account: &mut Account, now: Timestamp) -> Result<F::Output, Interrupt> {
        match self.parsing.take() {
            Some(parsing) if !parsing.is_finished() => {
                self.parsing = Some(parsing);
                return match account.close_reason() {
                    Some(Error::Stopped) if self.stoppable => Err(Error::Stopped.into()),
                    _ => Err(Interrupt::Sleep(CHECK)),
                };
            }
            Some(parsing) => self.flow = Some(parsing.join().unwrap_or_else(|p| resume_unwind(p))),
            None => {}
        }
        self.flow.as_mut().expect("set unless a reply is being parsed").poll(account, now)
    }

    fn handle(&mut self, input: Input) {
        let is_large = matches!(&input, Input::Reply(Ok(reply)) if reply.body().len() >= LARGE);
        match self.flow.take() {
            Some(mut flow) if is_large => {
                self.parsing = Some(thread::spawn(move || {
                    flow.handle(input);
                    flow
                }));
            }
            flow => {
                self.flow = flow;
                if let Some(flow) = &mut self.flow {
                    flow.handle(input);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use wechat_proto::Session;
    use wechat_proto::flow::Response;

    use super::*;

    const SAMPLE: &str = include_str!("../../src/session/samples/session-1-first.json");

    /// A flow that takes a reply once it is allowed to, and returns its length.
    struct Slow(Receiver<()>, usize);

    impl Flow for Slow {
        type State = Account;
        type Output = usize;

        fn poll(&mut self, _: &mut Account, _: Timestamp) -> Result<usize, Interrupt> {
            Ok(self.1)
        }

        fn handle(&mut self, input: Input) {
            let Input::Reply(Ok(reply)) = input else { panic!("{input:?}") };
            self.0.recv().unwrap();
            self.1 = reply.body().len();
        }
    }

    #[test]
    fn large_replies_are_parsed_on_another_thread() {
        let mut account = Account::from(Session::from_json(SAMPLE).unwrap());
        let reply = |length| Input::Reply(Ok(Response::new(vec![0; length].into())));
        for stoppable in [false, true] {
            let (allow, allowed) = channel();
            let mut flow = Offload::new(Slow(allowed, 0));
            flow.stoppable = stoppable;
            allow.send(()).unwrap();
            flow.handle(reply(LARGE - 1));
            assert_eq!(flow.poll(&mut account, Timestamp::default()).unwrap(), LARGE - 1);
            flow.handle(reply(LARGE));
            // An unexpected reply is ignored.
            flow.handle(reply(1));
            let result = flow.poll(&mut account, Timestamp::default());
            assert!(matches!(result, Err(Interrupt::Sleep(CHECK))), "{result:?}");
            account.stop();
            let result = flow.poll(&mut account, Timestamp::default());
            let stops = matches!(result, Err(Interrupt::Fail(Error::Stopped)));
            assert_eq!(stops, stoppable, "{result:?}");
            allow.send(()).unwrap();
            let length = loop {
                match flow.poll(&mut account, Timestamp::default()) {
                    Ok(length) => break length,
                    Err(_) => thread::sleep(CHECK),
                }
            };
            assert_eq!(length, LARGE);
            account = Account::from(Session::from_json(SAMPLE).unwrap());
        }
    }
}
