//! A typical user program: it repeats idempotent calls, logs in again when the session is closed,
//! and keeps a ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use wechat_proto::contact::{LoadContacts, Ticket};
use wechat_proto::endpoint::Numbered;
use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{Head, LocalFile, RetryEmpty, Upload, UploadProgress, Uploaded};
use wechat_proto::message::Kind;
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Call, Device, Endpoint, Error, Flow, Message, UserName};
use wechat_simulator::World;

use super::line::Line;
use crate::wire::name_of;

/// A user program that counts its calls and records its messages and errors.
#[derive(Debug)]
pub(crate) struct Bot {
    pub(crate) line: Line,
    pub(crate) account: Account,
    inbox: Inbox,
    /// The ids of the messages that were written to it, in order.
    pub(crate) written: Vec<String>,
    pub(crate) received: Vec<Message>,
    /// The errors reported to it.
    pub(crate) errors: Vec<Error>,
    /// The number of calls to each endpoint that changes something.
    pub(crate) calls: BTreeMap<String, usize>,
    /// The number of logins.
    pub(crate) logins: usize,
}

/// The number of attempts of a call before the test fails.
const ATTEMPTS: usize = 8;

impl Bot {
    /// Logs in with a QR code.
    pub(crate) fn new(mut line: Line) -> Self {
        let mut errors = Vec::new();
        let account = log_in(&mut line, &mut errors, Login::new(), &mut Device::new());
        Self {
            line,
            account,
            inbox: Inbox::new(),
            written: Vec::new(),
            received: Vec::new(),
            errors,
            calls: BTreeMap::new(),
            logins: 1,
        }
    }

    /// Returns a copy in its own world.
    ///
    /// # Panics
    ///
    /// If the inbox has started.
    pub(crate) fn fork(&self) -> Self {
        assert!(self.received.is_empty() && self.written.is_empty(), "the inbox has started");
        Self {
            line: self.line.fork(),
            account: self.account.clone(),
            inbox: Inbox::new(),
            written: Vec::new(),
            received: Vec::new(),
            errors: self.errors.clone(),
            calls: self.calls.clone(),
            logins: self.logins,
        }
    }

    /// Logs in again on the same device, without a QR code.
    pub(crate) fn log_in_again(&mut self) {
        let mut device = self.account.session().clone().into_device();
        self.account = log_in(&mut self.line, &mut self.errors, Login::again(), &mut device);
        self.inbox = Inbox::new();
        self.logins += 1;
    }

    /// Changes the world; the closure returns the ids of the messages that were written.
    pub(crate) fn change_world(&mut self, what: impl FnOnce(&mut World) -> Vec<String>) {
        let written = what(&mut self.line.simulator.world());
        self.written.extend(written);
    }

    /// Loads the contacts.
    pub(crate) fn contacts(&mut self) {
        for _ in 0..ATTEMPTS {
            let mut contacts = LoadContacts::new();
            for _ in 0..ATTEMPTS {
                match self.line.run(&mut contacts, &mut self.account, &[]) {
                    Ok(()) => return,
                    Err(error) => {
                        if self.record(error) {
                            break;
                        }
                    }
                }
            }
        }
        self.fail("no contacts");
    }

    /// Receives messages until the last one written has arrived.
    pub(crate) fn receive_all(&mut self) {
        for _ in 0..200 {
            let last = self.written.last();
            if last.is_none_or(|id| {
                self.received.iter().any(|message| message.id == id.as_str().into())
            }) {
                return;
            }
            match self.line.run(&mut self.inbox, &mut self.account, &[]) {
                Ok(message) => self.received.push(message),
                Err(error) => drop(self.record(error)),
            }
        }
        self.fail("messages missing");
    }

    /// Runs the inbox for a number of steps.
    pub(crate) fn idle(&mut self, steps: usize) {
        for _ in 0..steps {
            if self.account.close_reason().is_some() {
                return;
            }
            match self.line.step(&mut self.inbox, &mut self.account, &[]) {
                None => {}
                Some(Ok(message)) => self.received.push(message),
                Some(Err(error)) => self.errors.push(error),
            }
        }
    }

    /// Returns the received message with this id.
    pub(crate) fn message(&self, id: &str) -> Message {
        self.received
            .iter()
            .find(|message| message.id == id.into())
            .expect("message not received")
            .clone()
    }

    /// Returns the ticket of the received friend request with this id.
    pub(crate) fn ticket(&self, id: &str) -> Ticket {
        let Kind::FriendRequest(request) = self.message(id).kind else { panic!("no request") };
        request.info.ticket.expect("a ticket")
    }

    /// Calls an endpoint that may be repeated, until it succeeds.
    pub(crate) fn call<E: Endpoint + Clone>(&mut self, endpoint: E) -> E::Output
    where
        Account: AsMut<E::State>,
    {
        for _ in 0..ATTEMPTS {
            match self.run(&mut Call::new(endpoint.clone())) {
                Ok(output) => return output,
                Err(error) => {
                    assert!(
                        !matches!(error, Error::Unanswered { .. }),
                        "the endpoint is idempotent"
                    );
                    self.recover(error);
                }
            }
        }
        self.fail("no answer");
    }

    /// Calls an endpoint that must not be repeated and has no id. Repeats it if the service refused
    /// or nothing was sent; returns `None` if the outcome is unknown.
    pub(crate) fn call_once<E: Endpoint + Clone>(&mut self, endpoint: E) -> Option<E::Output>
    where
        Account: AsMut<E::State>,
    {
        for _ in 0..ATTEMPTS {
            self.note(endpoint.clone());
            match self.run(&mut Call::new(endpoint.clone())) {
                Ok(output) => return Some(output),
                Err(error) if is_open(&error) => {
                    self.errors.push(error);
                    return None;
                }
                Err(error) => drop(self.recover(error)),
            }
        }
        self.fail("no answer");
    }

    /// Sends a message, repeated with its id until it is confirmed.
    pub(crate) fn send<E: Numbered + Clone>(&mut self, mut send: E) -> E::Output
    where
        Account: AsMut<E::State>,
    {
        for _ in 0..ATTEMPTS {
            self.note(send.clone());
            match self.run(&mut Call::new(&mut send)) {
                Ok(output) => return output,
                Err(error) => drop(self.recover(error)),
            }
        }
        self.fail("not sent");
    }

    /// Uploads a file.
    pub(crate) fn upload(&mut self, name: &str, bytes: &[u8]) -> Uploaded {
        let file = LocalFile::new(name, bytes.len() as u64).unwrap();
        for _ in 0..3 {
            let mut upload = Upload::new(UserName::file_helper(), file.clone());
            for _ in 0..ATTEMPTS {
                match self.line.run(&mut upload, self.account.as_mut(), bytes) {
                    Ok(UploadProgress::Done(uploaded)) => return uploaded,
                    Ok(_) => {}
                    Err(error) => {
                        if self.recover(error) {
                            break;
                        }
                    }
                }
            }
        }
        self.fail("not uploaded");
    }

    /// Downloads a body.
    pub(crate) fn download<E: Endpoint<Output = Head> + Clone>(&mut self, endpoint: E) -> Bytes
    where
        Account: AsMut<E::State>,
    {
        for _ in 0..ATTEMPTS {
            let begun = self.run(&mut RetryEmpty::new(endpoint.clone()));
            match begun.and_then(|_| self.line.rest()) {
                Ok(bytes) => return bytes,
                Err(error) => drop(self.recover(error)),
            }
            // A download does not detect a closed session, because it reads only the head of the
            // response. The inbox, which another thread would run, detects it.
            self.idle(6);
            if self.account.close_reason().is_some() {
                self.log_in_again();
            }
        }
        self.fail("not downloaded");
    }

    /// Runs a flow to its next output, once.
    pub(crate) fn run<F>(&mut self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.line.run(flow, self.account.as_mut(), &[])
    }

    fn fail(&self, what: &str) -> ! {
        let violations = self.line.simulator.world().violations().to_vec();
        panic!("{what}: {:?}, {violations:#?}", self.errors);
    }

    /// Records an error. Logs in again and returns true if the session is closed.
    fn record(&mut self, error: Error) -> bool {
        let is_closed = matches!(error, Error::LoggedOut { .. });
        self.errors.push(error);
        if is_closed {
            self.log_in_again();
        }
        is_closed
    }

    /// Prepares for a repetition: logs in again and returns true, or waits.
    pub(crate) fn recover(&mut self, error: Error) -> bool {
        let is_closed = self.record(error);
        if !is_closed {
            self.line.simulator.world().advance(Duration::from_secs(2));
        }
        is_closed
    }

    /// Counts a call that changes something.
    fn note<E: Endpoint>(&mut self, endpoint: E)
    where
        Account: AsMut<E::State>,
    {
        let endpoint = name_of(endpoint, self.account.clone(), self.line.now());
        *self.calls.entry(endpoint).or_default() += 1;
    }
}

/// Returns whether the outcome of a change is unknown.
pub(crate) const fn is_open(error: &Error) -> bool {
    matches!(error, Error::Unanswered { .. })
}

fn log_in(
    line: &mut Line,
    errors: &mut Vec<Error>,
    mut login: Login,
    device: &mut Device,
) -> Account {
    device.mix_seed([line.requests as u8; 32]);
    for _ in 0..30 {
        match line.run(&mut login, device, &[]) {
            Ok(Progress::LoggedIn(account)) => return *account,
            Ok(_) => {}
            Err(error) => errors.push(error),
        }
    }
    panic!("no login: {errors:?}, {:?}", line.simulator.world().violations());
}
