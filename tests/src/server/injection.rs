//! Faults that a server injects into exchanges.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::lock::lock;

/// The part of an exchange in which the server cuts the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serve", derive(serde::Deserialize, utoipa::ToSchema))]
#[cfg_attr(feature = "serve", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Cut {
    /// The connection ends in the middle of the request's body. The world does not receive the request.
    Request,
    /// The connection ends before the reply. The world has handled the request.
    Reply,
}

/// The effect of an injected fault.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Cuts the connection.
    Cut(Cut),
    /// Handles the request only after this real time.
    Delay(Duration),
    /// Answers with this code and text, in the form of the endpoint's own refusals. The call has no effect.
    Refuse {
        /// The value of `BaseResponse.Ret`.
        ret: i64,
        /// The value of `BaseResponse.ErrMsg`.
        message: String,
    },
    /// Answers with exactly this reply. The call has no effect.
    Reply(Response<Bytes>),
    /// Answers as usual, but stores something else: the last byte of an uploaded file is changed, and the last
    /// member named in `webwxcreatechatroom` or `webwxupdatechatroom` does not join or leave. A test uses this
    /// to prove that it detects such a change.
    Alter,
}

/// A fault, and the exchanges in which a [`Server`](crate::Server) injects it. Default: the next one only.
#[derive(Clone, Debug)]
pub struct Injection {
    pub(crate) endpoint: String,
    pub(crate) effect: Effect,
    pub(crate) after: usize,
    pub(crate) times: Option<usize>,
}

impl Injection {
    /// Creates a fault for the next exchange of an endpoint, such as `webwxsendmsg`.
    pub fn new(endpoint: &str, effect: Effect) -> Self {
        Self { endpoint: endpoint.to_owned(), effect, after: 0, times: Some(1) }
    }

    /// Leaves the next `count` exchanges intact.
    #[must_use]
    pub const fn after(mut self, count: usize) -> Self {
        self.after = count;
        self
    }

    /// Injects the fault into `count` exchanges; `None` means into all of them.
    #[must_use]
    pub const fn times(mut self, count: Option<usize>) -> Self {
        self.times = count;
        self
    }
}

/// The pending faults, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Injections(Mutex<Vec<Injection>>);

impl Injections {
    pub(crate) fn add(&self, injection: Injection) {
        self.lock().push(injection);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Injection>> {
        lock(&self.0)
    }

    /// Counts an exchange of an endpoint, and returns the effect of the first fault that is due.
    pub(crate) fn next(&self, endpoint: &str) -> Option<Effect> {
        let mut effect = None;
        self.lock().retain_mut(|injection| {
            if injection.endpoint != endpoint {
                return true;
            }
            if injection.after > 0 {
                injection.after -= 1;
                return true;
            }
            if effect.is_none() && injection.times != Some(0) {
                effect = Some(injection.effect.clone());
                injection.times = injection.times.map(|times| times - 1);
            }
            injection.times != Some(0)
        });
        effect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_occur_in_the_chosen_exchanges() {
        let refuse = |ret| Effect::Refuse { ret, message: String::new() };
        let next = |all: &Injections| match all.next("a") {
            Some(Effect::Refuse { ret, .. }) => ret,
            _ => 0,
        };
        let new = || Injection::new("a", refuse(1));
        for (label, injections, expected) in [
            ("once", vec![new()], [1, 0, 0, 0]),
            ("twice", vec![new().times(Some(2))], [1, 1, 0, 0]),
            ("always", vec![new().times(None)], [1, 1, 1, 1]),
            ("never", vec![new().times(Some(0))], [0, 0, 0, 0]),
            ("after two", vec![new().after(2)], [0, 0, 1, 0]),
            ("in order", vec![new(), Injection::new("a", refuse(2))], [1, 2, 0, 0]),
            (
                "counted together",
                vec![new().times(None), Injection::new("a", refuse(2)).after(1)],
                [1, 1, 1, 1],
            ),
            ("another endpoint", vec![Injection::new("b", refuse(1))], [0, 0, 0, 0]),
        ] {
            let all = Injections(Mutex::new(injections));
            assert_eq!([(); 4].map(|()| next(&all)), expected, "{label}");
        }
    }
}
