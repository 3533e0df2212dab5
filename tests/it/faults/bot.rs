//! A program as users write them: it repeats what may be repeated, logs in again when it was
//! logged out, and keeps a ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use wechat_proto::contact::Contacts;
use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{Fetch, LocalFile, Upload, UploadProgress, Uploaded};
use wechat_proto::sync::Inbox;
use wechat_proto::{
    Account, Call, ClientMsgId, Device, Error, Flow, Message, Session, Timestamp, UserName,
};
use wechat_simulator::World;

use super::line::Line;

/// The program.
#[derive(Debug)]
pub(crate) struct Bot {
    pub(crate) line: Line,
    pub(crate) account: Account,
    inbox: Inbox,
    /// The numbers of what the simulator's people wrote, in order.
    pub(crate) written: Vec<String>,
    pub(crate) heard: Vec<Message>,
    /// What it was told that went wrong.
    pub(crate) errors: Vec<Error>,
    /// How often it asked each endpoint that changes something.
    pub(crate) asked: BTreeMap<String, usize>,
    /// How often it logged in.
    pub(crate) logins: usize,
}

/// How often it repeats one thing before it calls it hopeless.
const PATIENCE: usize = 8;

impl Bot {
    /// Logs in with a code.
    pub(crate) fn new(mut line: Line) -> Self {
        let mut errors = Vec::new();
        let account = log_in(&mut line, &mut errors, Login::new(), &mut Device::new());
        Self {
            line,
            account,
            inbox: Inbox::new(),
            written: Vec::new(),
            heard: Vec::new(),
            errors,
            asked: BTreeMap::new(),
            logins: 1,
        }
    }

    /// Another that goes on from here, in a world of its own. Not before the first message was
    /// asked for.
    pub(crate) fn twin(&self) -> Self {
        assert!(self.heard.is_empty() && self.written.is_empty(), "its inbox has begun");
        Self {
            line: self.line.twin(),
            account: self.account.clone(),
            inbox: Inbox::new(),
            written: Vec::new(),
            heard: Vec::new(),
            errors: self.errors.clone(),
            asked: self.asked.clone(),
            logins: self.logins,
        }
    }

    /// Logs in again: by the phone that knows the device.
    pub(crate) fn back(&mut self) {
        let mut device = self.account.session().clone().into_device();
        self.account = log_in(&mut self.line, &mut self.errors, Login::again(), &mut device);
        self.inbox = Inbox::new();
        self.logins += 1;
    }

    /// Something happens in the world; numbers of messages are noted.
    pub(crate) fn happens(&mut self, what: impl FnOnce(&mut World) -> Vec<String>) {
        let written = what(&mut self.line.simulator.world());
        self.written.extend(written);
    }

    /// Loads its contacts.
    pub(crate) fn contacts(&mut self) {
        for _ in 0..PATIENCE {
            let mut contacts = Contacts::new();
            for _ in 0..PATIENCE {
                match self.line.run(&mut contacts, &mut self.account, &[]) {
                    Ok(()) => return,
                    Err(error) => {
                        let over = matches!(error, Error::LoggedOut { .. });
                        self.errors.push(error);
                        if over {
                            self.back();
                            break;
                        }
                    }
                }
            }
        }
        self.hopeless("no contacts");
    }

    /// Hears until everything written was heard.
    pub(crate) fn hear(&mut self) {
        for _ in 0..200 {
            let last = self.written.last();
            if last.is_none_or(|id| self.heard.iter().any(|message| message.id.as_str() == id)) {
                return;
            }
            match self.line.run(&mut self.inbox, &mut self.account, &[]) {
                Ok(message) => self.heard.push(message),
                Err(error) => {
                    let over = matches!(error, Error::LoggedOut { .. });
                    self.errors.push(error);
                    if over {
                        self.back();
                    }
                }
            }
        }
        self.hopeless("not heard");
    }

    /// Goes on for so many steps in which nothing new comes.
    pub(crate) fn idle(&mut self, steps: usize) {
        for _ in 0..steps {
            if self.account.over().is_some() {
                return;
            }
            match self.line.step(&mut self.inbox, &mut self.account, &[]) {
                None => {}
                Some(Ok(message)) => self.heard.push(message),
                Some(Err(error)) => self.errors.push(error),
            }
        }
    }

    /// The message of this number.
    pub(crate) fn message(&self, id: &str) -> Message {
        self.heard.iter().find(|message| message.id.as_str() == id).expect("heard").clone()
    }

    /// A call that only asks: repeated until it is answered.
    pub(crate) fn ask<T>(
        &mut self,
        mut build: impl FnMut(&mut Session, Timestamp) -> Call<T>,
    ) -> T {
        for _ in 0..PATIENCE {
            let mut call = build(self.account.session_mut(), self.line.now());
            match self.run(&mut call) {
                Ok(output) => return output,
                Err(error) => {
                    assert!(!matches!(error, Error::Unanswered(_)), "it changes nothing");
                    self.recover(error);
                }
            }
        }
        self.hopeless("no answer");
    }

    /// A call that changes something and has no number: repeated where the service said no, and
    /// where it cannot have heard. `None` where nobody knows what became of it.
    pub(crate) fn change<T>(
        &mut self,
        mut build: impl FnMut(&mut Session, Timestamp) -> Call<T>,
    ) -> Option<T> {
        for _ in 0..PATIENCE {
            let mut call = build(self.account.session_mut(), self.line.now());
            self.note(&call);
            match self.run(&mut call) {
                Ok(output) => return Some(output),
                Err(error) if is_open(&error) => {
                    self.errors.push(error);
                    return None;
                }
                Err(error) => self.recover(error),
            }
        }
        self.hopeless("no answer");
    }

    /// A send: repeated under one number until it is answered.
    pub(crate) fn send<T>(
        &mut self,
        mut build: impl FnMut(&mut Session, ClientMsgId) -> Call<T>,
    ) -> T {
        let id = self.account.session_mut().next_client_msg_id(self.line.now());
        for _ in 0..PATIENCE {
            let mut call = build(self.account.session_mut(), id);
            self.note(&call);
            match self.run(&mut call) {
                Ok(output) => return output,
                Err(error) => self.recover(error),
            }
        }
        self.hopeless("not sent");
    }

    /// Uploads a file.
    pub(crate) fn upload(&mut self, name: &str, bytes: &[u8]) -> Uploaded {
        let file = LocalFile::new(name, bytes.len() as u64).unwrap();
        for _ in 0..3 {
            let mut upload = Upload::new(UserName::file_helper(), file.clone());
            for _ in 0..PATIENCE {
                match self.line.run(&mut upload, self.account.as_mut(), bytes) {
                    Ok(UploadProgress::Done(uploaded)) => return uploaded,
                    Ok(_) => {}
                    Err(error) => {
                        let over = matches!(error, Error::LoggedOut { .. });
                        self.recover(error);
                        if over {
                            break;
                        }
                    }
                }
            }
        }
        self.hopeless("not uploaded");
    }

    /// Downloads something.
    pub(crate) fn download(&mut self, build: impl Fn(&Session) -> Fetch) -> Bytes {
        for _ in 0..PATIENCE {
            let mut fetch = build(self.account.session());
            let begun = self.run(&mut fetch);
            match begun.and_then(|_| self.line.rest()) {
                Ok(bytes) => return bytes,
                Err(error) => self.recover(error),
            }
            // Of a session that is over, only the head of a reply that says so is looked at: the
            // inbox, which another thread would run, hears of it.
            self.idle(6);
            if self.account.over().is_some() {
                self.back();
            }
        }
        self.hopeless("not downloaded");
    }

    /// Runs a flow to its next output, once.
    pub(crate) fn run<F>(&mut self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.line.run(flow, self.account.as_mut(), &[])
    }

    fn hopeless(&self, what: &str) -> ! {
        let violations = self.line.simulator.world().violations().to_vec();
        panic!("{what}: {:?}, {violations:#?}", self.errors);
    }

    /// What it does before it tries once more.
    pub(crate) fn recover(&mut self, error: Error) {
        let over = matches!(error, Error::LoggedOut { .. });
        self.errors.push(error);
        if over {
            self.back();
        } else {
            self.line.simulator.world().advance(Duration::from_secs(2));
        }
    }

    /// Notes that it asks for a change.
    pub(crate) fn note<T>(&mut self, call: &Call<T>) {
        let path = call.http().uri().path();
        let endpoint = path.rsplit('/').next().unwrap_or_default();
        *self.asked.entry(endpoint.to_owned()).or_default() += 1;
    }
}

/// Whether nobody knows if a change took place: no reply, or none of the service's own.
pub(crate) const fn is_open(error: &Error) -> bool {
    matches!(error, Error::Unanswered(_) | Error::Malformed { .. } | Error::Status { .. })
}

fn log_in(
    line: &mut Line,
    errors: &mut Vec<Error>,
    mut login: Login,
    device: &mut Device,
) -> Account {
    device.mix_seed([line.asked as u8; 32]);
    for _ in 0..30 {
        match line.run(&mut login, device, &[]) {
            Ok(Progress::LoggedIn(account)) => return *account,
            Ok(_) => {}
            Err(error) => errors.push(error),
        }
    }
    panic!("no login: {errors:?}, {:?}", line.simulator.world().violations());
}
