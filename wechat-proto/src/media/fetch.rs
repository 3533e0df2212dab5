//! A download, as a flow.

use core::time::Duration;

use super::head::Head;
use crate::body::Body;
use crate::call::Call;
use crate::device::Device;
use crate::error::Error;
use crate::flow::{Flow, Input, Interrupt, Response};
use crate::time::{Timestamp, Wait};

/// One download: asks, and gives the head of the reply. The bytes that follow stay with whoever
/// runs it: the adapters' `Client::download` hands them over.
///
/// Made by the `request` function of an endpoint. The service is known to answer with nothing in
/// it for a while (`docs/protocol.md` §8): such a reply is asked for again, three times in all, and
/// then is [`Error::EmptyMedia`]. Nothing at all is never a success.
///
/// It changes nothing: polled again after its end, of whatever kind, it asks anew.
#[derive(Debug)]
#[must_use = "a download does nothing until it is run"]
pub struct Fetch {
    pub(crate) call: Call<Head>,
    /// How often the service had nothing.
    empty: usize,
    /// What is left of the time that it is given to have something.
    rest: Option<Wait>,
}

/// The pauses after replies with nothing in them.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// The longest silence of a body: the service has the bytes, or has not.
const SILENCE: Duration = Duration::from_secs(30);

impl Fetch {
    pub(super) const fn new(
        http: http::Request<Body>,
        parse: fn(&Response) -> Result<Head, Error>,
    ) -> Self {
        Self { call: Call::again(http, parse).head(SILENCE), empty: 0, rest: None }
    }

    /// The request as it stands, before cookies are added to it.
    pub const fn http(&self) -> &http::Request<Body> {
        self.call.http()
    }
}

impl Flow for Fetch {
    type State = Device;
    type Output = Head;

    fn poll(&mut self, device: &mut Device, now: Timestamp) -> Result<Head, Interrupt> {
        if let Some(rest) = &mut self.rest {
            let left = rest.sleep(now);
            if !left.is_zero() {
                return Err(Interrupt::Sleep(left));
            }
            self.rest = None;
        }
        match self.call.poll(device, now) {
            Err(Interrupt::Fail(Error::EmptyMedia { endpoint })) => {
                let Some(pause) = PAUSES.get(self.empty) else {
                    self.empty = 0;
                    return Err(Error::EmptyMedia { endpoint }.into());
                };
                self.empty += 1;
                self.rest = Some(Wait::new(*pause, now));
                Err(Interrupt::Sleep(*pause))
            }
            Err(interrupt @ Interrupt::Fail(_)) => {
                self.empty = 0;
                Err(interrupt)
            }
            Ok(head) => {
                self.empty = 0;
                Ok(head)
            }
            Err(interrupt) => Err(interrupt),
        }
    }

    fn handle(&mut self, input: Input) {
        self.call.handle(input);
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
