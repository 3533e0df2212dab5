//! A logged-in client.

use std::fmt;
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ureq::Agent;
use wechat_proto::contact::{Directory, LoadContacts};
use wechat_proto::flow::Want;
use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{Head, RetryEmpty, Upload, UploadProgress, Uploaded};
use wechat_proto::{
    Account, Call, ClientMsgId, Device, Endpoint, Error, Flow, Interrupt, Message, Session,
    Timestamp,
};

use crate::body::Download;
use crate::drive::Shutdown;
use crate::messages::Messages;
use crate::transport::Transport;

/// A logged-in client. Cheap to clone; safe to share between threads.
///
/// Clones share the session and its connections. The session lock is held only while a flow is
/// polled, never across I/O, and no function runs a caller's closure while it is held: progress
/// callbacks and arguments may use the client.
///
/// # Stopping
///
/// Only the messages can be stopped from outside ([`Client::stop`]): every other function returns
/// with its response, or at its deadline; a login, when the phone has confirmed or no code is
/// renewed any more. An upload that is [run](Client::run_with) output by output can be left between
/// two outputs, and goes on when it is run again.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    account: Mutex<Account>,
    transport: Transport,
    /// For the messages: shut down when they end, which breaks a poll under way.
    inbox: Agent,
    /// Signals their end: ends what of a poll cannot be shut down, and their pauses.
    shutdown: Arc<Shutdown>,
}

impl Client {
    /// Returns a client of an account that is logged in. Nothing is sent.
    pub fn new(transport: &Transport, account: Account) -> Self {
        let shutdown = Arc::default();
        let inbox = transport.separate(&shutdown);
        let (account, transport) = (Mutex::new(account), transport.clone());
        Self { shared: Arc::new(Shared { account, transport, inbox, shutdown }) }
    }

    /// Logs a device in with a QR code, and returns the client of the new session.
    ///
    /// `progress` reports what to show: the code first. Blocks until the phone has confirmed; a
    /// code that expires is renewed a few times.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`Ret::ENVIRONMENT`](wechat_proto::error::Ret::ENVIRONMENT) (1203),
    /// or with the text of a page, if this account may not log in on the web; what else ended the
    /// login. Calling again starts with a new code, with the back-off of the failures before. The
    /// device keeps its cookies in any case.
    ///
    /// An account that the service drops seconds after its login is reported by
    /// [`Client::messages`]: [`Error::LoggedOut`] with 1101 or 1102.
    pub fn login(
        transport: &Transport,
        device: &mut Device,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Self::log_in(Login::new(), transport, device, progress)
    }

    /// Logs a device in again without a QR code, and returns the client of the new session: the
    /// phone of the account that it logged in last asks to confirm.
    ///
    /// `progress` reports [`Progress::ConfirmOnPhone`] first. If the service does not know the
    /// device any more, and if the question is declined or not answered for five minutes, it goes
    /// on like [`Client::login`], with [`Progress::Code`]. The device is one that was logged in
    /// before, or a stored session's: [`Session::into_device`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::login`].
    pub fn login_again(
        transport: &Transport,
        device: &mut Device,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Self::log_in(Login::again(), transport, device, progress)
    }

    fn log_in(
        mut login: Login,
        transport: &Transport,
        device: &mut Device,
        mut progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        device.mix_seed(transport.options().fresh_seed()?);
        loop {
            match transport.run(&mut login, device)? {
                Progress::LoggedIn(account) => return Ok(Self::new(transport, *account)),
                other => progress(other),
            }
        }
    }

    /// Resumes a stored session; nothing is sent. Contacts are not stored with it: until
    /// [`Client::contacts`], only those are known who write, or are mentioned.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if the system has no entropy.
    pub fn resume(transport: &Transport, mut session: Session) -> Result<Self, Error> {
        session.mix_seed(transport.options().fresh_seed()?);
        Ok(Self::new(transport, Account::from(session)))
    }

    /// Calls an endpoint: one exchange.
    ///
    /// To keep a numbered send for a repetition, pass `&mut`. To keep another call that must not be
    /// repeated, [run](Client::run) a [`Call`].
    ///
    /// ```no_run
    /// # use wechat_proto::{Error, Message, message::SendText};
    /// # use wechat_transport_ureq::Client;
    /// fn greet(client: &Client, message: &Message) -> Result<(), Error> {
    ///     let name = client.directory().author_name(message);
    ///     client.call(SendText::reply(message, format!("hello {name}")))?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the endpoint; [`Error::Unanswered`] if it must not be repeated and has no reply.
    pub fn call<E>(&self, endpoint: E) -> Result<E::Output, Error>
    where
        E: Endpoint,
        Account: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use `download`") };
        self.run(&mut Call::new(endpoint))
    }

    /// Calls a download endpoint, and returns the head of the response and the body, to be read as
    /// it arrives. A response without any bytes is retried twice.
    ///
    /// # Errors
    ///
    /// Those of the endpoint; [`Error::EmptyMedia`] if there are no bytes.
    pub fn download<E>(&self, endpoint: E) -> Result<(Head, Download), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        self.stream(&mut RetryEmpty::new(endpoint))
    }

    /// Runs a flow to its next output. The session is locked while the flow is polled.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if it reads a source.
    pub fn run<F>(&self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.run_with(flow, io::empty())
    }

    /// Runs a flow that reads a source (an upload) to its next output.
    ///
    /// The source is sought and read piece by piece, from its beginning twice.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if the source fails.
    pub fn run_with<F>(
        &self,
        flow: &mut F,
        mut source: impl Read + Seek,
    ) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| self.poll(flow, now);
        Ok(self.shared.transport.driver().drive(flow, &mut source, poll)?.0)
    }

    /// Runs a flow that wants the head of its response only, and returns the body, to be read as it
    /// arrives.
    ///
    /// # Errors
    ///
    /// Those of the flow.
    pub fn stream<F>(&self, flow: &mut F) -> Result<(F::Output, Download), Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.shared.transport.stream_with(flow, |flow, now| self.poll(flow, now))
    }

    /// Uploads a file, and returns what a send names.
    ///
    /// `source` is the file: sought and read 512 KB at a time, from its beginning twice. `progress`
    /// reports how far it is. The upload stays the caller's: after an error, calling again with it
    /// goes on where it was.
    ///
    /// # Errors
    ///
    /// What ended the upload, see [`Upload`].
    pub fn upload(
        &self,
        upload: &mut Upload,
        mut source: impl Read + Seek,
        mut progress: impl FnMut(&UploadProgress),
    ) -> Result<Uploaded, Error> {
        loop {
            let output = self.run_with(upload, &mut source)?;
            progress(&output);
            if let UploadProgress::Done(uploaded) = output {
                return Ok(uploaded);
            }
        }
    }

    /// Loads all contacts, and returns those that are known.
    ///
    /// # Errors
    ///
    /// What ended the load. The contacts loaded before are known; calling again starts again.
    pub fn contacts(&self) -> Result<Directory, Error> {
        self.run(&mut LoadContacts::new())?;
        Ok(self.directory())
    }

    /// Returns the messages, as they arrive.
    ///
    /// A message is acknowledged when the next one is asked for, unless the messages are
    /// [`manual`](Messages::manual). A second call replaces the first: the older messages fail with
    /// [`Error::InUse`].
    pub fn messages(&self) -> Messages {
        Messages::new(self.clone())
    }

    /// Acknowledges a message of [manual](Messages::manual) messages: it will not be delivered
    /// again. See [`Session::acknowledge`].
    pub fn acknowledge(&self, message: &Message) {
        self.account().session_mut().acknowledge(message);
    }

    /// Returns the contacts that are known now; nothing is sent. A copy costs a few pointers, and
    /// shows what changed since an older one ([`Directory::changes_since`]).
    pub fn directory(&self) -> Directory {
        self.account().directory().clone()
    }

    /// Returns the session as it is now, to be stored.
    pub fn session(&self) -> Session {
        self.account().session().clone()
    }

    /// Returns a number for a send that is to be repeated under it, by this process or the next:
    /// [`SendText::with_id`](wechat_proto::message::SendText::with_id).
    pub fn next_client_msg_id(&self) -> ClientMsgId {
        let now = self.shared.transport.now();
        self.account().session_mut().next_client_msg_id(now)
    }

    /// Ends the messages, also during a long poll: they fail with [`Error::Stopped`].
    ///
    /// Final for this client and its clones; calls still work, and none under way is touched. It
    /// does not block, and may be called from any thread. Whatever the messages wait for ends in
    /// far less than half a second: a name lookup, a connection, a handshake, a poll with or without
    /// a part of its response, a pause after failures. (A lookup and a connection that the system is
    /// busy with are left to a thread, which ends at their time limit.)
    ///
    /// Messages that were received and not acknowledged are not lost: they are received again when
    /// the session is resumed.
    pub fn stop(&self) {
        self.account().stop();
        self.wake();
    }

    /// Runs a flow on the connections of the messages.
    pub(crate) fn run_inbox<F>(&self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let Shared { transport, inbox, shutdown, .. } = &*self.shared;
        let driver = transport.driver_on(inbox, Some(shutdown));
        Ok(driver.drive(flow, &mut io::empty(), |flow, now| self.poll(flow, now))?.0)
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        // Poisoning is ignored: a flow that panics leaves an account that is consistent.
        self.shared.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one place where the account is locked while a flow runs.
    fn poll<F>(&self, flow: &mut F, now: Timestamp) -> Result<F::Output, Interrupt>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let mut account = self.account();
        let result = flow.poll(account.as_mut(), now);
        let closed = account.close_reason().is_some();
        drop(account);
        if closed {
            self.wake();
        }
        result
    }

    /// Wakes the inbox, to report why no more messages arrive.
    fn wake(&self) {
        if self.shared.shutdown.signal() {
            self.shared.inbox.clone().shutdown();
        }
    }
}

/// Shows nothing of the account.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.shared.transport.options();
        f.debug_struct("Client").field("options", options).finish_non_exhaustive()
    }
}
