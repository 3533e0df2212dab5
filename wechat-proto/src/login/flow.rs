//! The whole of a login, as a flow.
//!
//! ```text
//!   ┌─ first, if asked for, and the account known ─► Pushing ◄─┐ refused by the api host:
//!   │                                                 │   │ └──┘ the login host
//!   │             refused by both ┌──────────────────┘   └──uuid──┐
//!   │                             ▼                               ▼
//! Start ─────────────────────► Asking ──uuid──► Watching ──confirmed──► Redeeming ──credentials─┐
//!   ▲                             ▲              │  ▲  │                    │                   │
//!   │                             │   cancelled, │  └──┘ pending, scanned   │ another host      │
//!   │                             ├── expired ◄──┘                          │                   │
//!   │                             │   (a push: 5 minutes)                   │                   │
//!   │                             └─────────────────────────────────────────┘                   │
//!   │                                                                                           │
//!   │  refused, untrusted,                      LoggedIn ◄── Announcing ◄── Initialising ◄──────┘
//!   └─ expired 6 times
//! ```

mod steps;

use alloc::boxed::Box;
use core::mem;
use core::time::Duration;

use super::init::{self, Init};
use super::push::Host;
use super::redeem::Redeemed;
use super::scan::{self, Scan};
use super::{Credentials, Progress, uuid};
use crate::account::Account;
use crate::call::Call;
use crate::device::Device;
use crate::error::{Error, FailureKind, Sent};
use crate::flow::{Flow, Input, Interrupt};
use crate::hosts::Role;
use crate::ids::Uuid;
use crate::pace::Paces;
use crate::time::{Timestamp, Wait};

/// Logs a device in: shows a QR code, waits for the phone, opens the session.
///
/// Polled again after an output, it goes on to the next one; after [`Progress::LoggedIn`], with
/// another login. Requests that failed are made anew, as each has its own clock and `DeviceID`.
/// Passing failures are repeated, and
/// told from the third in a row on; polled again after one, the login goes on where it was. After
/// a refusal, or when the code was renewed five times, it starts again with a new code.
///
/// One that began without a code ([`Login::again`]) goes on with one, in the same flow, whatever
/// goes wrong before the phone confirms.
#[derive(Debug, Default)]
pub struct Login {
    state: State,
    /// Whether the phone is to be asked before a code is shown.
    pushes: bool,
    /// Whether no code is to be shown at all.
    no_code: bool,
    /// Whether a request waits for its time: nothing that comes then is its reply.
    held: bool,
    /// How many strikes there were when something useful led to the step under way: they do not
    /// slow it down.
    lifted: u32,
    renewals: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Pushing {
        uin: i64,
        host: Host,
        call: Call<Uuid>,
    },
    Asking(Call<Uuid>),
    Watching {
        watch: Watch,
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

/// A code that the phone is to scan, or a question that it asks.
#[derive(Clone, Debug)]
struct Watch {
    uuid: Uuid,
    scanned: bool,
    /// How long the phone goes on asking, where there is no code.
    pushed: Option<Wait>,
}

/// How long the phone may take to answer a question: `docs/protocol.md` §3.7.
const PUSHED: Duration = Duration::from_secs(300);

impl Login {
    /// A login by QR code.
    pub fn new() -> Self {
        Self::default()
    }

    /// A login of the account that the device logged in last ([`Device::last_uin`]): its phone
    /// asks its owner, and there is nothing to scan ([`Progress::ConfirmOnPhone`]).
    ///
    /// The service has to know the device, by the cookies of that login. Where it does not, where
    /// the owner declines or takes longer than five minutes, and where no account is known, it
    /// goes on like [`Login::new`] with [`Progress::Code`].
    pub fn again() -> Self {
        Self { pushes: true, ..Self::default() }
    }

    /// The same without a code: it fails where that would go on with one. With
    /// [`Error::Refused`] if the service does not know the device, with [`Error::Expired`] if the
    /// owner declines, takes too long, or no account is known. Polled again, it asks again.
    pub fn on_phone() -> Self {
        Self { no_code: true, ..Self::again() }
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
                    self.lifted = 0;
                    // Once: what comes after it, if only an error, comes with a code.
                    let pushes = mem::take(&mut self.pushes) || self.no_code;
                    match device.last_uin().filter(|_| pushes) {
                        Some(uin) => self.push(device, uin, Host::Api),
                        None => self.ask(device, now)?,
                    }
                }
                State::Pushing { uin, host, mut call } => match call.poll(device, now) {
                    Ok(uuid) => {
                        self.lift(device);
                        let watch = Watch {
                            uuid: uuid.clone(),
                            scanned: false,
                            pushed: Some(Wait::new(PUSHED, now)),
                        };
                        self.watch(device, watch, true, now);
                        return Ok(Progress::ConfirmOnPhone { uuid });
                    }
                    // A network that fails says nothing about the device; in the end, the code
                    // has the same to tell.
                    Err(Interrupt::Fail(error @ Error::Transport(_)))
                        if !device.paces.login.failed(&error) =>
                    {
                        self.push(device, uin, host);
                    }
                    Err(Interrupt::Fail(error)) => {
                        if !matches!(error, Error::Transport(_)) {
                            device.paces.login.answered();
                        }
                        let [api, login] =
                            [Role::Api, Role::Login].map(|role| device.hosts().origin(role));
                        if host == Host::Api && api != login {
                            self.push(device, uin, Host::Login);
                        } else if self.no_code {
                            return Err(error.into());
                        } else {
                            self.ask(device, now)?;
                        }
                    }
                    Err(interrupt) => {
                        self.keep(device, interrupt, now, State::Pushing { uin, host, call })?;
                    }
                },
                State::Asking(mut call) => match call.poll(device, now) {
                    Ok(uuid) => {
                        self.lift(device);
                        let watch = Watch { uuid: uuid.clone(), scanned: false, pushed: None };
                        self.watch(device, watch, true, now);
                        return Ok(Progress::Code { uuid });
                    }
                    Err(interrupt) => {
                        if let Interrupt::Fail(_) = interrupt {
                            call = uuid::request(device, now);
                        }
                        self.keep(device, interrupt, now, State::Asking(call))?;
                    }
                },
                State::Watching { mut watch, mut call } => match call.poll(device, now) {
                    Ok(Scan::Pending) => {
                        device.paces.login.quiet(now);
                        self.watch_on(device, watch, now)?;
                    }
                    Ok(Scan::Scanned { avatar }) => {
                        let told = watch.scanned;
                        self.watch_on(device, Watch { scanned: true, ..watch }, now)?;
                        if !told {
                            self.lift(device);
                            return Ok(Progress::Scanned { avatar });
                        }
                        device.paces.login.quiet(now);
                    }
                    Ok(Scan::Confirmed { redirect }) => {
                        self.lift(device);
                        self.redeem(device, &redirect, now)?;
                    }
                    Ok(Scan::Cancelled) => {
                        device.paces.login.strike();
                        self.replace(device, &watch, now)?;
                        return Ok(Progress::Cancelled);
                    }
                    Ok(Scan::Expired) => {
                        device.paces.login.strike();
                        self.replace(device, &watch, now)?;
                    }
                    // Nothing came in this round; where the server took its time, nothing is wrong.
                    Err(Interrupt::Fail(Error::Transport(failure)))
                        if failure.kind == FailureKind::Timeout && failure.sent == Sent::Maybe =>
                    {
                        device.paces.login.quiet(now);
                        self.watch_on(device, watch, now)?;
                    }
                    Err(interrupt) => {
                        if let Interrupt::Fail(error) = &interrupt {
                            if watch.is_over(now) {
                                device.paces.login.failed(error);
                                self.ask(device, now)?;
                                continue;
                            }
                            call = scan::request(device, &watch.uuid, false, now);
                        }
                        self.keep(device, interrupt, now, State::Watching { watch, call })?;
                    }
                },
                State::Redeeming(mut call) => match call.poll(device, now) {
                    Ok(Redeemed::Credentials(credentials)) => {
                        self.lift(device);
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
                            self.lift(device);
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
            State::Pushing { call, .. } | State::Asking(call) => call.handle(input),
            State::Watching { call, .. } => call.handle(input),
            State::Redeeming(call) => call.handle(input),
            State::Initialising { call, .. } => call.handle(input),
            State::Announcing { call, .. } => call.handle(input),
        }
    }
}

#[cfg(test)]
#[path = "flow_tests.rs"]
pub(super) mod tests;
