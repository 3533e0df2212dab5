//! The login flow.
//!
//! ```text
//!   ┌─ if requested, and the account is known ───► Pushing ◄─┐ refused by the API host:
//!   │                                               │   │ └──┘ the login host
//!   │             refused by both ┌────────────────┘   └──uuid──┐
//!   │                             ▼                             ▼
//! Start ───────────────────► GettingCode ──uuid──► Watching ──confirmed──► Redeeming ──credentials─┐
//!   ▲                             ▲                │  ▲  │                   │                     │
//!   │                             │     cancelled, │  └──┘ pending, scanned  │ another host        │
//!   │                             ├──── expired ◄──┘                         │                     │
//!   │                             │     (a push: 5 minutes)                  │                     │
//!   │                             └──────────────────────────────────────────┘                     │
//!   │                                                                                              │
//!   │  refused, untrusted, malformed      LoggedIn ◄── Announcing ◄── Opening ◄────────────────────┘
//!   └─ expired 6 times
//! ```

mod steps;

use alloc::boxed::Box;
use core::mem;
use core::time::Duration;

use super::push::{PushHost, PushLogin};
use super::redeem::{RedeemTicket, Redeemed};
use super::scan::{CheckScan, Scan};
use super::{Announce, Credentials, GetUuid, InitSession, Progress};
use crate::hosts::Role;
use crate::retry::{Lane, Retry};
use crate::time::Wait;
use crate::{Account, Device, Error, Flow, Input, Interrupt, Timestamp};

/// A flow that logs a device in: shows a QR code, waits for the phone, opens the session and
/// announces it to the phone ([`Announce`]), except on the file-transfer page.
///
/// Polling after an output continues to the next one; after [`Progress::LoggedIn`], it starts
/// another login. Transient errors are retried silently and reported after three consecutive
/// failures; polling again continues. After a refusal, three failures of the login page, or five
/// renewals of the code, the login fails; polling again starts it again with a new code.
///
/// A push login ([`Login::again`]) falls back to a code, in the same flow, if it fails before the
/// phone confirms.
#[derive(Debug, Default)]
pub struct Login {
    state: State,
    /// Whether to try a push login before a code is shown.
    pushes: bool,
    /// Whether no code may be shown.
    no_code: bool,
    renewals: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Start,
    Pushing(Retry<PushLogin>, PushHost),
    GettingCode(Retry<GetUuid>),
    Watching(Watch, Retry<CheckScan>),
    Redeeming(Retry<RedeemTicket>),
    Opening {
        credentials: Credentials,
        /// Whether a previous reply had no key.
        again: bool,
        init: Box<Retry<InitSession>>,
    },
    /// The opened session, which the login owns until it is announced.
    Announcing(Box<Account>, Option<Retry<Announce>>),
}

/// The wait for the phone to scan a code, or to answer the prompt of a push login.
#[derive(Debug)]
struct Watch {
    scanned: bool,
    /// The remaining time of the prompt of a push login; `None` for a code.
    prompt: Option<Wait>,
}

/// The time limit for the prompt of a push login: `docs/protocol.md` §3.7.
const PROMPT: Duration = Duration::from_secs(300);

impl Login {
    /// Returns a login by QR code.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a push login of the account that the device logged in last ([`Device::last_uin`]):
    /// its phone prompts to confirm, and there is no code to scan ([`Progress::ConfirmOnPhone`]).
    ///
    /// The service must recognise the device by the cookies of that login. If it does not, if the
    /// prompt is declined or not answered for five minutes, or if no account is known, the login
    /// continues like [`Login::new`] with [`Progress::Code`].
    pub fn again() -> Self {
        Self { pushes: true, ..Self::default() }
    }

    /// Returns a login with the credentials of a browser, whose cookies the device has
    /// ([`Device::import_cookies`]). Polling again after it failed starts a login by QR code.
    pub fn with_credentials(credentials: Credentials) -> Self {
        let mut login = Self::default();
        login.open(credentials);
        login
    }

    /// Returns a push login that fails instead of falling back to a code: with [`Error::Refused`]
    /// if the service does not recognise the device, with [`Error::NotConfirmed`] if the prompt is
    /// declined or not answered, or if no account is known. Polling again starts a new push login.
    pub fn on_phone() -> Self {
        Self { no_code: true, ..Self::again() }
    }
}

impl Flow for Login {
    type State = Device;
    type Output = Progress;

    fn poll(&mut self, device: &mut Device, now: Timestamp) -> Result<Progress, Interrupt> {
        loop {
            if let State::Watching(watch, scan) = &mut self.state
                && scan.is_due()
                && watch.is_expired(now)
            {
                self.get_code(device)?;
            }
            match &mut self.state {
                State::Start => self.start(device)?,
                State::Pushing(push, host) => match push.poll(device, now) {
                    Ok(uuid) => {
                        self.watch(device, uuid.clone(), Some(Wait::new(PROMPT, now)));
                        return Ok(Progress::ConfirmOnPhone { uuid });
                    }
                    Err(Interrupt::Fail(error)) => {
                        let [api, login] =
                            [Role::Api, Role::Login].map(|role| device.hosts().origin(role));
                        let other = *host == PushHost::Api && api != login;
                        if !matches!(error, Error::Transport(_)) {
                            device.backoff(Lane::Login).progress();
                            device.backoff(Lane::Login).restart();
                        }
                        match device.last_uin().filter(|_| other) {
                            Some(uin) => self.push(uin, PushHost::Login),
                            None if self.no_code => {
                                self.state = State::Start;
                                return Err(error.into());
                            }
                            None => self.get_code(device)?,
                        }
                    }
                    Err(interrupt) => return Err(interrupt),
                },
                State::GettingCode(code) => {
                    let uuid = code.poll(device, now)?;
                    self.watch(device, uuid.clone(), None);
                    return Ok(Progress::Code { uuid });
                }
                State::Watching(watch, scan) => match scan.poll(device, now) {
                    Ok(Scan::Scanned { avatar }) if !watch.scanned => {
                        watch.scanned = true;
                        device.backoff(Lane::Login).progress();
                        return Ok(Progress::Scanned { avatar });
                    }
                    Ok(Scan::Pending | Scan::Scanned { .. }) => {
                        device.backoff(Lane::Login).quiet(now);
                    }
                    Ok(Scan::Confirmed { redirect }) => {
                        device.backoff(Lane::Login).progress();
                        // If the redirect is untrusted, the login starts again with a new code.
                        self.state = State::Start;
                        let ticket = Retry::new(device.enter(redirect)?, Lane::Login);
                        self.state = State::Redeeming(ticket.give_up_on(is_refused));
                    }
                    Ok(end @ (Scan::Cancelled | Scan::Expired)) => {
                        device.backoff(Lane::Login).idle();
                        self.replace(device)?;
                        if end == Scan::Cancelled {
                            return Ok(Progress::Cancelled);
                        }
                    }
                    Err(Interrupt::Fail(error)) if !error.is_retried() => {
                        self.state = State::Start;
                        return Err(error.into());
                    }
                    Err(interrupt) => return Err(interrupt),
                },
                State::Redeeming(ticket) => match ticket.poll(device, now) {
                    Ok(Redeemed::Credentials(credentials)) => {
                        device.backoff(Lane::Login).progress();
                        self.open(credentials);
                    }
                    Ok(Redeemed::Elsewhere(redirect)) => {
                        device.backoff(Lane::Login).idle();
                        self.state = State::Start;
                        device.enter(redirect)?;
                        self.renew(device)?;
                    }
                    // A ticket is valid for one reply, with three attempts to get it:
                    // `docs/protocol.md` §3.4.
                    Err(interrupt @ Interrupt::Fail(_)) => {
                        self.state = State::Start;
                        return Err(interrupt);
                    }
                    Err(interrupt) => return Err(interrupt),
                },
                State::Opening { credentials, again, init } => match init.poll(device, now) {
                    // The request is repeated once, as in other clients: `docs/protocol.md` §4.1.
                    Ok(opened) if opened.sync_key.is_empty() && !*again => {
                        device.backoff(Lane::Login).idle();
                        *again = true;
                    }
                    Ok(opened) => {
                        device.backoff(Lane::Login).progress();
                        let account =
                            Account::open(device.rested(), credentials.clone(), opened, now);
                        // The file-transfer page sends no notice: `docs/protocol.md` §15.
                        let announce = (!device.entry.is_file_helper())
                            .then(|| Retry::new(Announce::new(), Lane::Login).give_up_on(|_| true));
                        self.state = State::Announcing(Box::new(account), announce);
                    }
                    // After three refusals, the credentials are useless.
                    Err(Interrupt::Fail(error)) if is_refused(&error) || !error.is_retried() => {
                        self.state = State::Start;
                        return Err(error.into());
                    }
                    Err(interrupt) => return Err(interrupt),
                },
                State::Announcing(account, announce) => {
                    let lent = Some(device.backoff(Lane::Login));
                    let session = &mut account.session;
                    match announce.as_mut().map(|notice| notice.poll_with(lent, session, now)) {
                        Some(Err(Interrupt::Fail(error @ Error::LoggedOut { .. }))) => {
                            device.adopt(account.session.device.clone());
                            self.state = State::Start;
                            return Err(error.into());
                        }
                        // A failure is ignored, because the phone then only lists its chats later.
                        None | Some(Ok(_) | Err(Interrupt::Fail(_))) => {}
                        Some(Err(interrupt)) => return Err(interrupt),
                    }
                    device.backoff(Lane::Login).useful();
                    device.adopt(account.session.device.clone());
                    if let State::Announcing(account, _) = mem::take(&mut self.state) {
                        return Ok(Progress::LoggedIn(account));
                    }
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        match &mut self.state {
            State::Start => {}
            State::Pushing(push, _) => push.handle(input),
            State::GettingCode(code) => code.handle(input),
            State::Watching(_, scan) => scan.handle(input),
            State::Redeeming(ticket) => ticket.handle(input),
            State::Opening { init, .. } => init.handle(input),
            State::Announcing(_, Some(announce)) => announce.handle(input),
            State::Announcing(_, None) => {}
        }
    }
}

const fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Refused { .. })
}

#[cfg(test)]
#[path = "flow_tests.rs"]
pub(super) mod tests;
