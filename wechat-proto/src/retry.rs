//! Retries of one endpoint, with back-off.

use core::fmt;

use crate::backoff::Pace;
pub use crate::backoff::{Backoff, Lane};
use crate::endpoint::Repeat;
use crate::error::{FailureKind, Sent};
use crate::{Call, Device, Endpoint, Error, Flow, Input, Interrupt, Timestamp};

/// A flow that runs one endpoint repeatedly, with the back-off of a [`Lane`].
///
/// Transient errors and refusals are retried silently and reported after three consecutive
/// failures. [`Error::Limited`], an untrusted certificate, a refused proxy authorisation and a
/// closed session are reported at once. Polling after an error continues. After an output, the
/// owning flow reports to [`Device::backoff`](crate::Device::backoff) whether it was useful.
///
/// Only endpoints that may be repeated can be retried:
///
/// ```compile_fail,E0080
/// use wechat_proto::UserName;
/// use wechat_proto::message::SendText;
/// use wechat_proto::retry::{Lane, Retry};
///
/// let _ = Retry::new(SendText::new(UserName::file_helper(), "hi"), Lane::Inbox);
/// ```
pub struct Retry<E: Endpoint> {
    call: Call<E>,
    lane: Lane,
    pub(crate) pace: Pace,
    /// Returns the output of a long poll whose deadline passed.
    quiet: Option<fn() -> E::Output>,
    /// The errors that are reported without a retry.
    gives_up: fn(&Error) -> bool,
    failures: u32,
}

impl<E: Endpoint> Retry<E> {
    /// Returns a flow that retries this endpoint.
    pub fn new(endpoint: E, lane: Lane) -> Self {
        const { assert!(matches!(E::REPEAT, Repeat::Safe), "this endpoint must not be repeated") };
        let call = Call::new(endpoint);
        Self { call, lane, pace: Pace::Step, quiet: None, gives_up: |_| false, failures: 0 }
    }

    /// Returns a flow that retries this long poll. If its deadline passes without news, its output
    /// is that of `quiet`.
    pub fn long_poll(endpoint: E, lane: Lane, quiet: fn() -> E::Output) -> Self {
        Self { quiet: Some(quiet), ..Self::new(endpoint, lane) }
    }

    /// Sets the errors that are reported at once, without a retry.
    #[must_use]
    pub fn give_up_on(mut self, errors: fn(&Error) -> bool) -> Self {
        self.gives_up = errors;
        self
    }

    /// Returns the endpoint.
    pub const fn endpoint(&self) -> &E {
        self.call.endpoint()
    }

    /// Returns whether the next poll sends a request, unless it has to wait.
    pub(crate) const fn is_due(&self) -> bool {
        self.call.is_due()
    }

    /// Returns whether the last exchange failed.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failures > 0
    }

    pub(crate) const fn paced(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    pub(crate) const fn endpoint_mut(&mut self) -> &mut E {
        &mut self.call.endpoint
    }

    /// Polls with the back-off of another device, which outlives the state.
    pub(crate) fn poll_with(
        &mut self,
        mut lent: Option<&mut Backoff>,
        state: &mut E::State,
        now: Timestamp,
    ) -> Result<E::Output, Interrupt> {
        loop {
            if self.call.is_due() {
                // A response that arrives during a delay is ignored.
                self.call.abandon();
                let backoff = choose(&mut lent, state, self.lane);
                if let Some(wait) = backoff.delay(self.pace, now) {
                    return Err(Interrupt::Sleep(wait));
                }
            }
            let error = match self.call.poll(state, now) {
                Ok(output) => {
                    self.failures = 0;
                    return Ok(output);
                }
                Err(Interrupt::Fail(error)) => error,
                Err(interrupt) => return Err(interrupt),
            };
            if let Some(quiet) = self.quiet
                && is_timeout(&error)
            {
                self.failures = 0;
                return Ok(quiet());
            }
            let gives_up = (self.gives_up)(&error);
            if !gives_up {
                choose(&mut lent, state, self.lane).failed(&error);
                self.failures = self.failures.saturating_add(1);
            }
            // Each attempt extends the limit.
            let is_limited = matches!(error, Error::Limited { .. });
            let is_reported = gives_up || is_limited || !error.is_retried();
            if is_reported || self.failures >= Backoff::MAX_FAILURES {
                return Err(error.into());
            }
        }
    }
}

fn choose<'a, S: AsMut<Device>>(
    lent: &'a mut Option<&mut Backoff>,
    state: &'a mut S,
    lane: Lane,
) -> &'a mut Backoff {
    match lent {
        Some(lent) => lent,
        None => state.as_mut().backoff(lane),
    }
}

impl<E: Endpoint> Flow for Retry<E> {
    type State = E::State;
    type Output = E::Output;

    fn poll(&mut self, state: &mut E::State, now: Timestamp) -> Result<Self::Output, Interrupt> {
        self.poll_with(None, state, now)
    }

    fn handle(&mut self, input: Input) {
        self.call.handle(input);
    }
}

/// Returns whether a request was sent and its deadline passed without a response.
fn is_timeout(error: &Error) -> bool {
    matches!(error, Error::Transport(failure)
        if failure.kind == FailureKind::Timeout && failure.sent == Sent::Maybe)
}

impl<E: Endpoint> fmt::Debug for Retry<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("call", &self.call)
            .field("lane", &self.lane)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
