//! From one step of a login to the next.

use alloc::boxed::Box;

use super::{Login, State, Watch};
use crate::account::Account;
use crate::device::Device;
use crate::error::Error;
use crate::flow::Interrupt;
use crate::login::init::{self, Init};
use crate::login::push::{self, Host};
use crate::login::{Credentials, Redirect, announce, redeem, scan, uuid};
use crate::time::Timestamp;

/// How often a code is renewed before the login gives up: `docs/protocol.md` §3.3.
const RENEWALS: u32 = 5;

impl Login {
    /// Stays in `state`, unless what its call says is an error that ends it. An error that passes
    /// is told only where it does not pass.
    pub(super) fn keep(
        &mut self,
        device: &mut Device,
        interrupt: Interrupt,
        now: Timestamp,
        state: State,
    ) -> Result<(), Interrupt> {
        if !matches!(&interrupt, Interrupt::Fail(error) if !error.passes()) {
            self.state = state;
        }
        let pace = &mut device.paces.login;
        // Fewer where a long wait has cleared them.
        self.lifted = self.lifted.min(pace.strikes());
        pace.settle_step(interrupt, now, &mut self.held, self.lifted)
    }

    /// A step succeeded: what comes next is as fast as if nothing had failed before. Only a new
    /// code, with which a circle would begin, is not.
    pub(super) fn lift(&mut self, device: &mut Device) {
        let pace = &mut device.paces.login;
        pace.answered();
        self.lifted = pace.strikes();
    }

    /// Stays in `state` for another attempt, unless the error is told: then a new code follows.
    pub(super) fn attempt(
        &mut self,
        device: &mut Device,
        error: Error,
        state: State,
    ) -> Result<(), Interrupt> {
        if device.paces.login.failed(&error) {
            return Err(error.into());
        }
        self.state = state;
        Ok(())
    }

    /// Asks the phone of an account.
    pub(super) fn push(&mut self, device: &Device, uin: i64, host: Host) {
        self.state = State::Pushing { uin, host, call: push::request(device, uin, host) };
    }

    /// Asks for a code, if one may be shown.
    pub(super) fn ask(&mut self, device: &Device, now: Timestamp) -> Result<(), Interrupt> {
        if self.no_code {
            return Err(Error::Expired.into());
        }
        self.lifted = 0;
        self.state = State::Asking(uuid::request(device, now));
        Ok(())
    }

    /// Watches what the phone does with a code, or a question; `first` says that it is new.
    pub(super) fn watch(&mut self, device: &Device, watch: Watch, first: bool, now: Timestamp) {
        let call = scan::request(device, &watch.uuid, first, now);
        self.state = State::Watching { watch, call };
    }

    /// The same for another round, unless the phone had its time: then for a code.
    pub(super) fn watch_on(
        &mut self,
        device: &Device,
        mut watch: Watch,
        now: Timestamp,
    ) -> Result<(), Interrupt> {
        if watch.is_over(now) {
            return self.ask(device, now);
        }
        self.watch(device, watch, false, now);
        Ok(())
    }

    /// Gives up a code for another, so many times; a question for the first code.
    pub(super) fn replace(
        &mut self,
        device: &Device,
        watch: &Watch,
        now: Timestamp,
    ) -> Result<(), Interrupt> {
        if watch.pushed.is_some() {
            return self.ask(device, now);
        }
        self.renew(device, now)
    }

    /// Asks for another code, so many times; where none may be shown, the phone, at another host.
    pub(super) fn renew(&mut self, device: &Device, now: Timestamp) -> Result<(), Interrupt> {
        if self.renewals >= RENEWALS {
            return Err(Error::Expired.into());
        }
        self.renewals += 1;
        if let Some(uin) = device.last_uin().filter(|_| self.no_code) {
            self.push(device, uin, Host::Api);
            return Ok(());
        }
        self.ask(device, now)
    }

    pub(super) fn redeem(
        &mut self,
        device: &mut Device,
        redirect: &Redirect,
        now: Timestamp,
    ) -> Result<(), Interrupt> {
        self.state = State::Redeeming(redeem::request(device, redirect, now)?);
        Ok(())
    }

    pub(super) fn initialise(
        &mut self,
        device: &mut Device,
        credentials: Credentials,
        again: bool,
        now: Timestamp,
    ) {
        let call = init::request(device, &credentials, now);
        self.state = State::Initialising { credentials, again, call };
    }

    pub(super) fn announce(
        &mut self,
        device: &Device,
        credentials: Credentials,
        init: Init,
        now: Timestamp,
    ) {
        let mut account = Box::new(Account::opened(device.clone(), credentials, init));
        let uin = account.session.me().uin;
        account.session.device.remember(uin);
        account.session.device.begin(now);
        let call = announce::request(&mut account.session, now);
        self.state = State::Announcing { account, call };
    }
}

impl Watch {
    /// Whether the phone had its time to answer.
    pub(super) fn is_over(&mut self, now: Timestamp) -> bool {
        self.pushed.as_mut().is_some_and(|wait| wait.left(now).is_zero())
    }
}
