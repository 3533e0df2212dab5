//! The whole of a login, as a flow.
//!
//! ```text
//! Start ──► Asking ──uuid──► Watching ──confirmed──► Redeeming ──credentials──► Initialising
//!   ▲          ▲              │  ▲  │                    │                          │
//!   │          │   cancelled, │  └──┘ pending, scanned   │ another host             ▼
//!   │          └── expired ◄──┘                          │                     Announcing
//!   │                                                    │                          │
//!   └──────── refused, untrusted, expired 6 times ◄──────┴──────────────────────────┤
//!                                                                                   ▼
//!                                                                               LoggedIn
//! ```

use alloc::boxed::Box;
use core::mem;

use super::init::{self, Init};
use super::redeem::{self, Redeemed};
use super::scan::{self, Scan};
use super::{Credentials, Redirect, announce, uuid};
use crate::account::Account;
use crate::call::Call;
use crate::device::Device;
use crate::error::{Error, FailureKind, Sent};
use crate::flow::{Flow, Input, Interrupt};
use crate::ids::Uuid;
use crate::pace::Paces;
use crate::time::Timestamp;

/// What happens during a login.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress {
    /// Show this as a QR code ([`Uuid::url`]); it replaces one shown before.
    Code {
        /// The login's name.
        uuid: Uuid,
    },
    /// The phone scanned the code.
    Scanned {
        /// The account's picture as a `data:` URI, if it came along.
        avatar: Option<Box<str>>,
    },
    /// The phone scanned the code and declined. Another code follows.
    Cancelled,
    /// Done.
    LoggedIn(Box<Account>),
}

/// Logs a device in: shows a QR code, waits for the phone, opens the session.
///
/// Polled again after an output, it goes on to the next one; after [`Progress::LoggedIn`], with
/// another login. Requests that failed are made anew, as each has its own clock and `DeviceID`.
/// Passing failures are repeated, and
/// told from the third in a row on; polled again after one, the login goes on where it was. After
/// a refusal, or when the code was renewed five times, it starts again with a new code.
#[derive(Debug, Default)]
pub struct Login {
    state: State,
    /// Whether a request waits for its time: nothing that comes then is its reply.
    held: bool,
    /// Whether something useful led to the step under way.
    led: bool,
    renewals: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Asking(Call<Uuid>),
    Watching {
        uuid: Uuid,
        scanned: bool,
        call: Call<Scan>,
    },
    Redeeming(Call<Redeemed>),
    Initialising {
        credentials: Credentials,
        again: bool,
        call: Call<Init>,
    },
    Announcing {
        account: Box<Account>,
        call: Call<()>,
    },
}

/// How often a code is renewed before the login gives up: `docs/protocol.md` §3.3.
const RENEWALS: u32 = 5;

impl Login {
    /// A login by QR code.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Flow for Login {
    type State = Device;
    type Output = Progress;

    fn poll(&mut self, device: &mut Device, now: Timestamp) -> Result<Progress, Interrupt> {
        loop {
            match mem::take(&mut self.state) {
                State::Start => {
                    // Whatever led here led nowhere; only a login that is done clears it.
                    device.paces.login.strike();
                    device.reopen();
                    self.renewals = 0;
                    self.led = false;
                    self.state = State::Asking(uuid::request(device, now));
                }
                State::Asking(mut call) => match call.poll(device, now) {
                    Ok(uuid) => {
                        self.led = true;
                        device.paces.login.answered();
                        self.watch(device, uuid.clone(), None, now);
                        return Ok(Progress::Code { uuid });
                    }
                    Err(interrupt) => {
                        if let Interrupt::Fail(_) = interrupt {
                            call = uuid::request(device, now);
                        }
                        self.keep(device, interrupt, now, State::Asking(call))?;
                    }
                },
                State::Watching { uuid, scanned, mut call } => match call.poll(device, now) {
                    Ok(Scan::Pending) => {
                        self.led = false;
                        device.paces.login.quiet(now);
                        self.watch(device, uuid, Some(scanned), now);
                    }
                    Ok(Scan::Scanned { avatar }) => {
                        self.watch(device, uuid, Some(true), now);
                        if !scanned {
                            self.led = true;
                            device.paces.login.answered();
                            return Ok(Progress::Scanned { avatar });
                        }
                        self.led = false;
                        device.paces.login.quiet(now);
                    }
                    Ok(Scan::Confirmed { redirect }) => {
                        self.led = true;
                        device.paces.login.answered();
                        self.redeem(device, &redirect, now)?;
                    }
                    Ok(Scan::Cancelled) => {
                        device.paces.login.strike();
                        self.renew(device, now)?;
                        return Ok(Progress::Cancelled);
                    }
                    Ok(Scan::Expired) => {
                        device.paces.login.strike();
                        self.renew(device, now)?;
                    }
                    // Nothing came in this round; where the server took its time, nothing is wrong.
                    Err(Interrupt::Fail(Error::Transport(failure)))
                        if failure.kind == FailureKind::Timeout && failure.sent == Sent::Maybe =>
                    {
                        self.led = false;
                        device.paces.login.quiet(now);
                        self.watch(device, uuid, Some(scanned), now);
                    }
                    Err(interrupt) => {
                        if let Interrupt::Fail(_) = interrupt {
                            call = scan::request(device, &uuid, false, now);
                        }
                        self.keep(device, interrupt, now, State::Watching { uuid, scanned, call })?;
                    }
                },
                State::Redeeming(mut call) => match call.poll(device, now) {
                    Ok(Redeemed::Credentials(credentials)) => {
                        self.led = true;
                        device.paces.login.answered();
                        self.initialise(device, credentials, false, now);
                    }
                    Ok(Redeemed::Elsewhere(redirect)) => {
                        device.paces.login.strike();
                        redirect.enter(device).map_err(Interrupt::Fail)?;
                        self.renew(device, now)?;
                    }
                    // A ticket is good for one answer: after a refusal only a new code helps.
                    Err(Interrupt::Fail(error @ Error::Refused { .. })) => return Err(error.into()),
                    // Three attempts: `docs/protocol.md` §3.4. A page that is still no XML then
                    // is what this login gets.
                    Err(Interrupt::Fail(error @ Error::Malformed { .. })) => {
                        self.attempt(device, error, State::Redeeming(call))?;
                    }
                    Err(interrupt) => self.keep(device, interrupt, now, State::Redeeming(call))?,
                },
                State::Initialising { credentials, again, mut call } => {
                    match call.poll(device, now) {
                        // Once more, as other clients do: `docs/protocol.md` §4.1.
                        Ok(init) if init.sync_key.is_empty() && !again => {
                            device.paces.login.strike();
                            self.initialise(device, credentials, true, now);
                        }
                        Ok(init) => {
                            self.led = true;
                            device.paces.login.answered();
                            self.announce(device, credentials, init, now);
                        }
                        // The service may have failed only once; refused three times, these
                        // credentials open nothing.
                        Err(Interrupt::Fail(error @ Error::Refused { .. })) => {
                            let call = init::request(device, &credentials, now);
                            let state = State::Initialising { credentials, again, call };
                            self.attempt(device, error, state)?;
                        }
                        Err(interrupt) => {
                            if let Interrupt::Fail(_) = interrupt {
                                call = init::request(device, &credentials, now);
                            }
                            let state = State::Initialising { credentials, again, call };
                            self.keep(device, interrupt, now, state)?;
                        }
                    }
                }
                State::Announcing { mut account, mut call } => {
                    let result = call.poll(&mut account.session.device, now);
                    let paces = mem::take(&mut device.paces);
                    device.clone_from(&account.session.device);
                    device.paces = paces;
                    match result {
                        Err(Interrupt::Fail(error @ Error::LoggedOut { .. })) => {
                            return Err(error.into());
                        }
                        // One attempt: the session works without, the phone only lists its chats
                        // later.
                        Ok(()) | Err(Interrupt::Fail(_)) => {
                            device.paces.login.clear();
                            // What slowed another session down is over.
                            account.session.device.paces = Paces::default();
                            return Ok(Progress::LoggedIn(account));
                        }
                        Err(interrupt) => {
                            let state = State::Announcing { account, call };
                            self.keep(device, interrupt, now, state)?;
                        }
                    }
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        if self.held {
            return;
        }
        match &mut self.state {
            State::Start => {}
            State::Asking(call) => call.handle(input),
            State::Watching { call, .. } => call.handle(input),
            State::Redeeming(call) => call.handle(input),
            State::Initialising { call, .. } => call.handle(input),
            State::Announcing { call, .. } => call.handle(input),
        }
    }
}

impl Login {
    /// Stays in `state`, unless what its call says is an error that ends it. An error that passes
    /// is told only where it does not pass.
    fn keep(
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
        if self.led {
            pace.settle_step(interrupt, now, &mut self.held)
        } else {
            pace.settle(interrupt, now, &mut self.held)
        }
    }

    /// Stays in `state` for another attempt, unless the error is told: then a new code follows.
    fn attempt(
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

    /// Watches what the phone does with a code: `scanned` is nothing for a new one.
    fn watch(&mut self, device: &Device, uuid: Uuid, scanned: Option<bool>, now: Timestamp) {
        let call = scan::request(device, &uuid, scanned.is_none(), now);
        self.state = State::Watching { uuid, scanned: scanned.unwrap_or(false), call };
    }

    /// Asks for another code, so many times.
    fn renew(&mut self, device: &Device, now: Timestamp) -> Result<(), Interrupt> {
        if self.renewals >= RENEWALS {
            return Err(Error::Expired.into());
        }
        self.renewals += 1;
        self.led = false;
        self.state = State::Asking(uuid::request(device, now));
        Ok(())
    }

    fn redeem(
        &mut self,
        device: &mut Device,
        redirect: &Redirect,
        now: Timestamp,
    ) -> Result<(), Interrupt> {
        self.state = State::Redeeming(redeem::request(device, redirect, now)?);
        Ok(())
    }

    fn initialise(
        &mut self,
        device: &mut Device,
        credentials: Credentials,
        again: bool,
        now: Timestamp,
    ) {
        let call = init::request(device, &credentials, now);
        self.state = State::Initialising { credentials, again, call };
    }

    fn announce(&mut self, device: &Device, credentials: Credentials, init: Init, now: Timestamp) {
        let mut account = Box::new(Account::opened(device.clone(), credentials, init));
        let call = announce::request(&mut account.session, now);
        self.state = State::Announcing { account, call };
    }
}

#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
