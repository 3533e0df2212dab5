//! The flow that opens a session, stored or new.
//!
//! ```text
//!              1100, 1101, 1102                    refused, declined, 5 minutes
//! stored session ──────────────► push login on the phone ────────────► QR code
//!       │  │                            │                                 │
//!       │  └─ dropped: fails            │                                 │
//!       ▼                               ▼                                 ▼
//!    Resumed                        LoggedIn                          LoggedIn
//! ```

use alloc::boxed::Box;
use core::mem;

use super::{Login, Progress};
use crate::error::{Ret, StorageFailure, StorageKind};
use crate::hosts::Role;
use crate::retry::{Lane, Retry};
use crate::sync::FetchBatch;
use crate::{Account, Device, Error, Flow, Input, Interrupt, Session, Timestamp};

/// The ways in which [`Open`] may obtain a session.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Resume {
    /// Only the stored session, without user interaction.
    StoredOnly,
    /// The stored session or, if it is closed, a push login on the phone. No code is shown.
    Push,
    /// Like `Push`, but with a QR code if the push login fails or no session is stored.
    #[default]
    Code,
}

/// A flow that opens a session: the stored one if the service still accepts it, or else a new one,
/// if [`Resume`] allows.
///
/// The stored session is checked with one `webwxsync`, whose messages the inbox delivers
/// ([`Account::take_arrived`]). Only 1100, 1101 and 1102 mean that the session is closed, and lead
/// to the next step ([`Progress::Closed`]). Failures of the network or the service are retried as in
/// any flow.
///
/// **A dropped session** ([`SessionEnded::is_drop`](crate::error::SessionEnded::is_drop)) always
/// fails with [`Error::LoggedOut`], regardless of [`Resume`]: the service does not allow this
/// account on the web, and repeated logins may get the account banned. To try again anyway, use
/// [`Login`], or remove the stored session. This also works across restarts if the session is stored
/// when it ends: [`Open::session`] here, and a client's session once its messages end with
/// `LoggedOut`. A login that is dropped before it completes marks the stored session as dropped too.
///
/// A stored session whose server is not the device's ([`Error::OtherServer`]) is not opened: if
/// either has hosts set by the caller, their API hosts must be equal, otherwise both must belong to
/// the device's entry.
///
/// If no session is stored, the caller's device logs in. Otherwise the device of the stored session
/// replaces it once that session is closed. The generator of the caller's device is mixed into that of
/// the stored session, so that a driver needs to mix random bytes into that device only.
/// Failures that end the flow are final: polling again returns the same error, or [`Error::InUse`]
/// after a session was returned.
#[derive(Debug)]
pub struct Open {
    state: State,
    resume: Resume,
    /// The stored session, while another login is in progress.
    former: Option<Box<Session>>,
}

#[derive(Debug)]
enum State {
    Stored(Option<Box<Session>>),
    Fetching(Box<Account>, Retry<FetchBatch>),
    LoggingIn(Login),
    /// The error, and the stored session if it is closed.
    Closed(Error, Option<Box<Session>>),
}

impl Open {
    /// Returns a flow that opens the stored session, or a new one.
    pub fn new(stored: Option<Session>, resume: Resume) -> Self {
        Self { state: State::Stored(stored.map(Box::new)), resume, former: None }
    }

    /// Returns the stored session after it was closed and no login was allowed, or after the
    /// following login was dropped. Store it, so that the next start fails as well.
    pub fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Closed(_, session) => session.as_deref(),
            _ => None,
        }
    }

    /// Ends the flow permanently.
    fn close(&mut self, error: Error, session: Option<Box<Session>>) -> Interrupt {
        self.state = State::Closed(error.clone(), session);
        error.into()
    }

    /// Returns the allowed login; `known` is whether the account of the device is known.
    fn login(&self, known: bool) -> Option<Login> {
        match self.resume {
            Resume::StoredOnly => None,
            Resume::Push => known.then(Login::on_phone),
            Resume::Code => Some(Login::again()),
        }
    }

    /// Continues with the next step after the stored session was closed.
    fn leave(
        &mut self,
        session: Box<Session>,
        ret: Ret,
        device: &mut Device,
    ) -> Result<Progress, Interrupt> {
        let ended = session.device.session_ended();
        let dropped = ended.is_some_and(|ended| ended.is_drop());
        // A device stored by an older version does not have the number of its account.
        let known = session.device.last_uin().is_some() || session.me().uin != 0;
        let Some(login) = self.login(known).filter(|_| !dropped) else {
            let error = Error::LoggedOut { ret, ended, message: "".into() };
            return Err(self.close(error, Some(session)));
        };
        self.former = Some(session.clone());
        device.adopt(session.into_device());
        self.state = State::LoggingIn(login);
        Ok(Progress::Closed { ret, ended })
    }
}

impl Flow for Open {
    type State = Device;
    type Output = Progress;

    fn poll(&mut self, device: &mut Device, now: Timestamp) -> Result<Progress, Interrupt> {
        loop {
            match mem::replace(&mut self.state, State::Closed(Error::InUse, None)) {
                State::Stored(None) => match self.login(device.last_uin().is_some()) {
                    Some(login) => self.state = State::LoggingIn(login),
                    None => {
                        let missing = StorageFailure::new(StorageKind::Missing);
                        return Err(self.close(missing.into(), None));
                    }
                },
                State::Stored(Some(session))
                    if !session.device.hosts.suit(&device.hosts, device.entry.families()) =>
                {
                    let api = |device: &Device| device.hosts.origin(Role::Api).as_str().into();
                    let (stored, expected) = (api(&session.device), api(device));
                    return Err(self.close(Error::OtherServer { stored, expected }, None));
                }
                State::Stored(Some(mut session)) => {
                    session.device.rng.mix_drawn(&mut device.rng);
                    if let Some(ret) = session.device.closed() {
                        return self.leave(session, ret, device);
                    }
                    let fetch = Retry::new(FetchBatch::new(), Lane::Login);
                    self.state = State::Fetching(Box::new(Account::from(*session)), fetch);
                }
                State::Fetching(mut account, mut fetch) => {
                    let lent = Some(device.backoff(Lane::Login));
                    match fetch.poll_with(lent, &mut account.session, now) {
                        Ok(batch) => {
                            let arrived = account.apply(batch);
                            account.keep_arrived(arrived);
                            device.backoff(Lane::Login).useful();
                            return Ok(Progress::Resumed(account));
                        }
                        Err(Interrupt::Fail(Error::LoggedOut { ret, .. })) => {
                            device.backoff(Lane::Login).progress();
                            device.backoff(Lane::Login).restart();
                            return self.leave(Box::new(account.session), ret, device);
                        }
                        Err(interrupt) => {
                            self.state = State::Fetching(account, fetch);
                            return Err(interrupt);
                        }
                    }
                }
                State::LoggingIn(mut login) => {
                    let result = login.poll(device, now);
                    match &result {
                        Ok(Progress::LoggedIn(_)) => {}
                        // The login was dropped. The stored session is marked as dropped, because
                        // a program that is restarted repeatedly would log in each time.
                        Err(Interrupt::Fail(error @ Error::LoggedOut { ret, .. })) => {
                            let mut former = self.former.take();
                            if let Some(session) = &mut former {
                                session.device.drop_session(*ret, now);
                            }
                            return Err(self.close(error.clone(), former));
                        }
                        _ => self.state = State::LoggingIn(login),
                    }
                    return result;
                }
                State::Closed(error, session) => return Err(self.close(error, session)),
            }
        }
    }

    fn handle(&mut self, input: Input) {
        match &mut self.state {
            State::Fetching(_, fetch) => fetch.handle(input),
            State::LoggingIn(login) => login.handle(input),
            State::Stored(_) | State::Closed(..) => {}
        }
    }
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
