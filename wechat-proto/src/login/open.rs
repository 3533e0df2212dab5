//! From a stored session to an open one, as a flow.
//!
//! ```text
//!              1100, 1101, 1102                    refused, declined, 5 minutes
//! stored session ──────────────► question on the phone ──────────────► QR code
//!       │  │                            │                                 │
//!       │  └─ dropped: the end          │                                 │
//!       ▼                               ▼                                 ▼
//!    Resumed                        LoggedIn                          LoggedIn
//! ```

use alloc::boxed::Box;
use core::mem;

use super::{Login, Progress};
use crate::account::Account;
use crate::device::Device;
use crate::error::{Error, Ret, StorageFailure, StorageKind};
use crate::flow::{Flow, Input, Interrupt};
use crate::retry::{Answer, Lane, Retry};
use crate::session::Session;
use crate::sync::FetchBatch;
use crate::time::Timestamp;

/// How far [`Open`] may go to get a session.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Resume {
    /// The stored session or none: nobody is there to confirm anything.
    StoredOnly,
    /// If that is closed, the phone asks to confirm a login. No code is shown.
    Push,
    /// If that fails, and if no session is stored, a QR code.
    #[default]
    Code,
}

/// Opens a session: the stored one if the service still holds it, else another, as far as
/// [`Resume`] allows.
///
/// The service is asked about the stored session with one `webwxsync`, whose messages the inbox
/// delivers ([`Account::take_arrived`]). Only 1100, 1101 and 1102 say that it is closed, and lead to
/// the next step ([`Progress::Over`]); a network or a service that fails does not, and is retried as
/// in any flow.
///
/// **A session that was dropped** ([`SessionEnded::is_drop`](crate::error::SessionEnded::is_drop))
/// ends it with [`Error::LoggedOut`], whatever is allowed: the service has just said that this
/// account may not use the web, and logging in again and again is what gets accounts banned. To try
/// again anyway, use [`Login`], or remove what is stored. This holds over restarts if the session is
/// stored when it ends: [`Open::session`] here, and a client's session once its messages end with
/// `LoggedOut`. A login that is dropped before it is done drops the stored session too.
///
/// The lent device is the one that logs in if no session is stored; with a stored session, it
/// becomes that session's once it is closed. An end is final: polled again, it fails with the same
/// error; after a session was returned, with [`Error::InUse`].
#[derive(Debug)]
pub struct Open {
    state: State,
    resume: Resume,
    /// The stored session, while another login is under way.
    former: Option<Box<Session>>,
}

#[derive(Debug)]
enum State {
    Stored(Option<Box<Session>>),
    Fetching(Box<Account>, Retry<FetchBatch>),
    LoggingIn(Login),
    /// The session that is closed, if it was the stored one.
    Closed(Error, Option<Box<Session>>),
}

impl Open {
    /// Opens what is stored, or another session.
    pub fn new(stored: Option<Session>, resume: Resume) -> Self {
        Self { state: State::Stored(stored.map(Box::new)), resume, former: None }
    }

    /// Returns the stored session, once it is closed and nothing else was allowed, or once the
    /// login that was to follow was dropped: to be stored, so that the next start knows.
    pub fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Closed(_, session) => session.as_deref(),
            _ => None,
        }
    }

    /// Ends for good.
    fn close(&mut self, error: Error, session: Option<Box<Session>>) -> Interrupt {
        self.state = State::Closed(error.clone(), session);
        error.into()
    }

    /// The login that is allowed, for a device whose account is known or not.
    fn login(&self, known: bool) -> Option<Login> {
        match self.resume {
            Resume::StoredOnly => None,
            Resume::Push => known.then(Login::on_phone),
            Resume::Code => Some(Login::again()),
        }
    }

    /// The stored session is closed: goes on to the next step.
    fn leave(
        &mut self,
        session: Box<Session>,
        ret: Ret,
        device: &mut Device,
    ) -> Result<Progress, Interrupt> {
        let ended = session.device.session_ended();
        let dropped = ended.is_some_and(|ended| ended.is_drop());
        // The session knows it where its device does not: an older version stored it.
        let known = session.device.last_uin().is_some() || session.me().uin != 0;
        let Some(login) = self.login(known).filter(|_| !dropped) else {
            return Err(self.close(Error::LoggedOut { ret, ended }, Some(session)));
        };
        self.former = Some(session.clone());
        device.adopt(session.into_device());
        self.state = State::LoggingIn(login);
        Ok(Progress::Over { ret, ended })
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
                State::Stored(Some(session)) => {
                    if let Some(ret) = session.device.closed() {
                        return self.leave(session, ret, device);
                    }
                    let fetch = Retry::new(FetchBatch::new(), Lane::Login);
                    self.state = State::Fetching(Box::new(Account::from(*session)), fetch);
                }
                State::Fetching(mut account, mut fetch) => {
                    let lent = Some(device.backoff(Lane::Login));
                    match fetch.poll_with(lent, &mut account.session, now) {
                        Ok(Answer::Reply(batch)) => {
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
                        Ok(Answer::Quiet) => self.state = State::Fetching(account, fetch),
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
                        // Dropped before it began. The stored session ends with it, or a program
                        // that is started again and again would log in each time.
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
