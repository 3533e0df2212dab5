//! One endpoint, run as a flow.

use alloc::boxed::Box;
use core::{fmt, mem};

use http::Uri;

use crate::endpoint::{Repeat, finish};
use crate::error::{Failure, Sent};
use crate::flow::whole;
use crate::flow::{Request, Response};
use crate::{Device, Endpoint, Error, Flow, Input, Interrupt, Timestamp};

/// One exchange of an endpoint, as a flow.
///
/// The request is built when it is sent, so it uses the newest cookies, `Skey` and clock.
///
/// A call of a [`Repeat::Safe`] endpoint may be run any number of times. A call of a
/// [`Repeat::Once`] endpoint sends its request once. Running it again fails with
/// [`Error::Unanswered`], even after its future was dropped, unless the request was never sent.
#[must_use = "a call does nothing until it is run"]
pub struct Call<E: Endpoint> {
    pub(crate) endpoint: E,
    state: State<E::Output>,
}

enum State<T> {
    Ready,
    /// The request is delayed by the rate limit of sends since this time.
    Paced(Timestamp),
    /// The request was sent. The URI determines which cookies the response may set.
    Awaiting(Uri),
    /// Boxed, because a flow holds several calls.
    Answered(Box<(Uri, Response, Result<T, Error>)>),
    Failed(Failure),
    /// The request may have been sent, and must not be sent again.
    Spent,
}

impl<E: Endpoint> Call<E> {
    /// Returns a call of an endpoint.
    pub const fn new(endpoint: E) -> Self {
        Self { endpoint, state: State::Ready }
    }

    /// Returns the endpoint.
    pub const fn endpoint(&self) -> &E {
        &self.endpoint
    }

    /// Returns whether the next poll sends a request.
    pub(crate) const fn is_due(&self) -> bool {
        matches!(self.state, State::Ready | State::Paced(_) | State::Awaiting(_))
    }

    /// Ignores the response to a request that was sent. Not for [`Repeat::Once`].
    pub(crate) fn abandon(&mut self) {
        self.state = State::Ready;
    }

    fn send(&mut self, state: &mut E::State, now: Timestamp) -> Interrupt {
        let http = self.endpoint.request(state, now);
        self.state = State::Awaiting(http.uri().clone());
        Interrupt::Send(Box::new(Request { http, deadline: E::DEADLINE, want: E::WANT }))
    }
}

impl<E: Endpoint> Flow for Call<E> {
    type State = E::State;
    type Output = E::Output;

    fn poll(&mut self, state: &mut E::State, now: Timestamp) -> Result<E::Output, Interrupt> {
        let once = E::REPEAT == Repeat::Once;
        let after = if once { State::Spent } else { State::Ready };
        match mem::replace(&mut self.state, after) {
            // A stopped clock does not prolong the wait.
            State::Paced(since) if now <= since => Err(self.send(state, now)),
            State::Ready | State::Paced(_) => {
                let wait = if once { AsMut::<Device>::as_mut(state).take_send(now) } else { None };
                let Some(wait) = wait else { return Err(self.send(state, now)) };
                self.state = State::Paced(now);
                Err(Interrupt::Sleep(wait))
            }
            // The exchange was cancelled, possibly after the request was sent.
            State::Awaiting(_) | State::Spent if once => {
                Err(Error::Unanswered { cause: None }.into())
            }
            State::Awaiting(_) | State::Spent => Err(self.send(state, now)),
            State::Answered(answer) => {
                let (uri, response, result) = *answer;
                Ok(finish(&mut self.endpoint, state, &uri, &response, result, now)?)
            }
            State::Failed(failure) => {
                if failure.sent == Sent::No {
                    self.state = State::Ready;
                }
                Err(self.endpoint.fail(state, failure).into())
            }
        }
    }

    fn handle(&mut self, input: Input) {
        if let (State::Awaiting(uri), Input::Reply(reply)) = (&mut self.state, input) {
            let uri = mem::take(uri);
            self.state = match reply.and_then(|response| whole::decoded(response, E::WANT)) {
                Ok(response) => {
                    let result = self.endpoint.parse(&response);
                    State::Answered(Box::new((uri, response, result)))
                }
                Err(failure) => State::Failed(failure),
            };
        }
    }
}

/// Shows only the state: requests contain credentials.
impl<E: Endpoint> fmt::Debug for Call<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Ready => "ready",
            State::Paced(_) => "paced",
            State::Awaiting(_) => "awaiting",
            State::Answered(..) => "answered",
            State::Failed(_) => "failed",
            State::Spent => "spent",
        };
        f.debug_struct("Call")
            .field("state", &state)
            .field("repeat", &E::REPEAT)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
