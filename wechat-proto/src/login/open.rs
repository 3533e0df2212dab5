//! From a stored session to one that can be used, as a flow.
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
use crate::call::Call;
use crate::device::Device;
use crate::error::{Error, Ret, StorageFailure, StorageKind};
use crate::flow::{Flow, Input, Interrupt};
use crate::session::Session;
use crate::sync::fetch::{self, Batch};
use crate::time::Timestamp;

/// How far [`Open`] may go to have a session.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Resume {
    /// The stored session or none: nobody is there to confirm anything.
    StoredOnly,
    /// Where that is over, the phone asks its owner to confirm a login. No code is shown.
    Push,
    /// Where that leads nowhere, and where no session is stored, a QR code.
    #[default]
    Code,
}

/// Opens a session: the stored one if the service still holds it, else another, as far as
/// [`Resume`] allows.
///
/// The service is asked once about the stored session, with a `webwxsync` whose messages are left
/// for the inbox. Only 1100, 1101 and 1102 say that it is over, and lead to the next rung
/// ([`Progress::Over`]); a network or a service that fails does not, and is asked again as in any
/// flow.
///
/// **A session that was dropped** ([`SessionEnded::is_drop`](crate::error::SessionEnded::is_drop))
/// ends it with [`Error::LoggedOut`], whatever is allowed: the service has just said that it does
/// not want this account on the web, and logging in again and again is what gets accounts banned.
/// Whoever wants to try again says so with [`Login`], or removes what is stored. This holds over
/// restarts where the session is stored when it ends: [`Open::session`] here, and a client's
/// session once its messages end with `LoggedOut`. A login that is dropped before it is done drops
/// the stored session too.
///
/// The lent device is the one that logs in where no session is stored; with a stored session, it
/// becomes that session's once it is over. An end is final: polled again, it says the same; after a
/// session was handed out, [`Error::InUse`].
#[derive(Debug)]
pub struct Open {
    state: State,
    resume: Resume,
    /// The stored session, while another login is under way.
    former: Option<Box<Session>>,
    /// Whether a request waits for its time: nothing that comes then is its reply.
    held: bool,
}

#[derive(Debug)]
enum State {
    Stored(Option<Box<Session>>),
    Asking {
        account: Box<Account>,
        call: Call<Batch>,
    },
    LoggingIn(Login),
    /// The session that is over, if it was the stored one.
    Over(Error, Option<Box<Session>>),
}

impl Open {
    /// Opens what is stored, or another session.
    pub fn new(stored: Option<Session>, resume: Resume) -> Self {
        Self { state: State::Stored(stored.map(Box::new)), resume, former: None, held: false }
    }

    /// The stored session, once it is over and nothing else was allowed, or once the login that was
    /// to follow was dropped: to be stored, so that the next start knows.
    pub fn session(&self) -> Option<&Session> {
        match &self.state {
            State::Over(_, session) => session.as_deref(),
            _ => None,
        }
    }

    /// The end, for good.
    fn end(&mut self, error: Error, session: Option<Box<Session>>) -> Interrupt {
        self.state = State::Over(error.clone(), session);
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

    /// The stored session is over: what comes next.
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
            return Err(self.end(Error::LoggedOut { ret, ended }, Some(session)));
        };
        let paces = mem::take(&mut device.paces);
        self.former = Some(session.clone());
        *device = session.into_device();
        device.paces = paces;
        self.state = State::LoggingIn(login);
        Ok(Progress::Over { ret, ended })
    }
}

impl Flow for Open {
    type State = Device;
    type Output = Progress;

    fn poll(&mut self, device: &mut Device, now: Timestamp) -> Result<Progress, Interrupt> {
        loop {
            match mem::replace(&mut self.state, State::Over(Error::InUse, None)) {
                State::Stored(None) => match self.login(device.last_uin().is_some()) {
                    Some(login) => self.state = State::LoggingIn(login),
                    None => {
                        let missing = StorageFailure::new(StorageKind::Missing);
                        return Err(self.end(missing.into(), None));
                    }
                },
                State::Stored(Some(mut session)) => {
                    if let Some(ret) = session.device.ended() {
                        return self.leave(session, ret, device);
                    }
                    let call = fetch::request(&mut session, now);
                    let account = Box::new(Account::from(*session));
                    self.state = State::Asking { account, call };
                }
                State::Asking { mut account, mut call } => {
                    match call.poll(&mut account.session.device, now) {
                        Ok(batch) => {
                            // Its messages come again: the key that it was asked with stays.
                            account.session.renew_skey(batch.skey);
                            device.paces.login.clear();
                            return Ok(Progress::Resumed(account));
                        }
                        Err(Interrupt::Fail(Error::LoggedOut { ret, .. })) => {
                            device.paces.login.answered();
                            return self.leave(Box::new(account.session), ret, device);
                        }
                        Err(interrupt) => {
                            if let Interrupt::Fail(_) = interrupt {
                                call = fetch::request(&mut account.session, now);
                            }
                            self.state = State::Asking { account, call };
                            let pace = &mut device.paces.login;
                            pace.settle(interrupt, now, &mut self.held)?;
                        }
                    }
                }
                State::LoggingIn(mut login) => {
                    let result = login.poll(device, now);
                    match &result {
                        Ok(Progress::LoggedIn(_)) => {}
                        // Dropped before it began. The stored session takes its fate, or a program
                        // that is started again and again would log in each time.
                        Err(Interrupt::Fail(error @ Error::LoggedOut { ret, .. })) => {
                            let mut former = self.former.take();
                            if let Some(session) = &mut former {
                                session.device.fall(*ret, now);
                            }
                            return Err(self.end(error.clone(), former));
                        }
                        _ => self.state = State::LoggingIn(login),
                    }
                    return result;
                }
                State::Over(error, session) => return Err(self.end(error, session)),
            }
        }
    }

    fn handle(&mut self, input: Input) {
        match &mut self.state {
            State::Asking { call, .. } if !self.held => call.handle(input),
            State::LoggingIn(login) => login.handle(input),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
