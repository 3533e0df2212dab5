//! Transitions between the steps of a login.

use alloc::boxed::Box;

use super::{Login, State, Watch};
use crate::login::push::{PushHost, PushLogin};
use crate::login::scan::{CheckScan, Scan};
use crate::login::{Credentials, GetUuid, InitSession};
use crate::retry::{Lane, Retry};
use crate::time::Wait;
use crate::{Device, Error, Interrupt, Timestamp, Uuid};

/// The number of times that a code is renewed before the login fails: `docs/protocol.md` §3.3.
const RENEWALS: u32 = 5;

impl Login {
    pub(super) fn start(&mut self, device: &mut Device) -> Result<(), Interrupt> {
        // The previous attempt made no progress; only a successful login ends the back-off.
        device.backoff(Lane::Login).idle();
        device.backoff(Lane::Login).restart();
        device.reopen();
        self.renewals = 0;
        // The push login is tried only once. Any later attempt, even after an error, uses a code.
        let pushes = core::mem::take(&mut self.pushes) || self.no_code;
        match device.last_uin().filter(|_| pushes) {
            Some(uin) => {
                self.push(uin, PushHost::Api);
                Ok(())
            }
            None => self.get_code(device),
        }
    }

    /// Starts a push login on the phone of an account. Only transport failures are retried, because
    /// any other error means that the service does not recognise the device.
    pub(super) fn push(&mut self, uin: i64, host: PushHost) {
        let push = Retry::new(PushLogin::new(uin, host), Lane::Login);
        let push = push.give_up_on(|error| !matches!(error, Error::Transport(_)));
        self.state = State::Pushing(push, host);
    }

    /// Gets a code, if one may be shown.
    pub(super) fn get_code(&mut self, device: &mut Device) -> Result<(), Interrupt> {
        if self.no_code {
            self.state = State::Start;
            return Err(Error::NotConfirmed.into());
        }
        device.backoff(Lane::Login).restart();
        self.state = State::GettingCode(Retry::new(GetUuid::new(), Lane::Login));
        Ok(())
    }

    /// Waits for the phone to scan a code, or to answer a prompt.
    pub(super) fn watch(&mut self, device: &mut Device, uuid: Uuid, prompt: Option<Wait>) {
        device.backoff(Lane::Login).progress();
        let scan = Retry::long_poll(CheckScan::new(uuid), Lane::Login, || Scan::Pending);
        self.state = State::Watching(Watch { scanned: false, prompt }, scan);
    }

    /// Replaces a code by another, up to [`RENEWALS`] times, or a prompt by the first code.
    pub(super) fn replace(&mut self, device: &mut Device) -> Result<(), Interrupt> {
        match &self.state {
            State::Watching(Watch { prompt: Some(_), .. }, _) => self.get_code(device),
            _ => self.renew(device),
        }
    }

    /// Gets another code, up to [`RENEWALS`] times. If no code may be shown, starts another push
    /// login, on the current host.
    pub(super) fn renew(&mut self, device: &mut Device) -> Result<(), Interrupt> {
        if self.renewals >= RENEWALS {
            self.state = State::Start;
            return Err(Error::NotConfirmed.into());
        }
        self.renewals += 1;
        match device.last_uin().filter(|_| self.no_code) {
            Some(uin) => {
                self.push(uin, PushHost::Api);
                Ok(())
            }
            None => self.get_code(device),
        }
    }

    pub(super) fn open(&mut self, credentials: Credentials) {
        let init = Retry::new(InitSession::new(credentials.clone()), Lane::Login);
        self.state = State::Opening { credentials, again: false, init: Box::new(init) };
    }
}

impl Watch {
    /// Returns whether the prompt was not answered in time.
    pub(super) fn is_expired(&mut self, now: Timestamp) -> bool {
        self.prompt.as_mut().is_some_and(|wait| wait.left(now).is_zero())
    }
}
