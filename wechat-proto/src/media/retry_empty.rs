//! Retries of empty downloads.

use core::time::Duration;

use super::head::Head;
use crate::endpoint::Repeat;
use crate::flow::Want;
use crate::time::Wait;
use crate::{Call, Endpoint, Error, Flow, Input, Interrupt, Timestamp};

/// A flow that runs a download endpoint, and retries it while the service returns no bytes.
///
/// The service is known to do so temporarily (`docs/protocol.md` §8). There are three attempts,
/// with pauses of 0.5 and 2 seconds; then the flow fails with [`Error::EmptyMedia`]. An empty
/// download is never a success.
///
/// The output is the [`Head`] of the response. The driver has the bytes that follow; the adapters'
/// `Client::download` returns both. If polled again after completion, the flow sends a new request.
#[derive(Debug)]
#[must_use = "a download does nothing until it is run"]
pub struct RetryEmpty<E: Endpoint> {
    call: Call<E>,
    /// The number of empty responses so far.
    empty: usize,
    /// The pause before the next request.
    pause: Option<Wait>,
}

/// The pauses after empty responses.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

impl<E: Endpoint<Output = Head>> RetryEmpty<E> {
    /// Returns a download of this endpoint, which must be one with [`Want::Head`].
    pub const fn new(endpoint: E) -> Self {
        const {
            assert!(
                matches!((E::REPEAT, E::WANT), (Repeat::Safe, Want::Head { .. })),
                "this endpoint is not a download"
            );
        };
        Self { call: Call::new(endpoint), empty: 0, pause: None }
    }
}

impl<E: Endpoint<Output = Head>> Flow for RetryEmpty<E> {
    type State = E::State;
    type Output = Head;

    fn poll(&mut self, state: &mut E::State, now: Timestamp) -> Result<Head, Interrupt> {
        if let Some(pause) = &mut self.pause {
            let left = pause.sleep(now);
            if !left.is_zero() {
                return Err(Interrupt::Sleep(left));
            }
            self.pause = None;
        }
        let result = self.call.poll(state, now);
        match result {
            Err(Interrupt::Fail(Error::EmptyMedia { .. })) => {
                if let Some(pause) = PAUSES.get(self.empty) {
                    self.empty += 1;
                    self.pause = Some(Wait::new(*pause, now));
                    return Err(Interrupt::Sleep(*pause));
                }
                self.empty = 0;
            }
            Ok(_) | Err(Interrupt::Fail(_)) => self.empty = 0,
            Err(_) => {}
        }
        result
    }

    fn handle(&mut self, input: Input) {
        self.call.handle(input);
    }
}

#[cfg(test)]
#[path = "retry_empty_tests.rs"]
mod tests;
