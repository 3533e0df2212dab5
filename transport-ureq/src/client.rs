//! A logged-in client.

use std::fmt;
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wechat_proto::contact::{Directory, LoadContacts};
use wechat_proto::flow::Want;
use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{Head, RetryEmpty, Upload, UploadProgress, Uploaded};
use wechat_proto::sync::Inbox;
use wechat_proto::{
    Account, Call, ClientMsgId, Device, Endpoint, Error, Flow, Interrupt, Message, Session,
    Timestamp,
};
use wechat_transport::Offload;

use crate::body::Download;
use crate::drive::Shutdown;
use crate::messages::Messages;
use crate::transport::Transport;

/// A logged-in client. Cheap to clone; safe to share between threads.
///
/// Clones share the session and its connections. The session lock is held only while a flow is
/// polled, never across I/O or a caller's closure: progress callbacks and arguments may use the
/// client.
///
/// # Stopping
///
/// Only the messages can be stopped from outside ([`Client::stop`]). Every other function returns
/// with its response or at its deadline; a login returns when the phone has confirmed or the last
/// code has expired. An upload that is [run](Client::run_with) output by output can be suspended
/// between two outputs, and continues when it is run again.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    account: Mutex<Account>,
    transport: Transport,
    /// The connections of the messages. Shutting their agent down cancels a poll in progress.
    inbox: Transport,
    /// Signals the end of the messages, which ends a pause.
    shutdown: Shutdown,
}

impl Client {
    /// Returns a client for a logged-in account. Nothing is sent.
    pub fn new(transport: &Transport, account: Account) -> Self {
        let (account, shutdown) = (Mutex::new(account), Shutdown::default());
        let (transport, inbox) = (transport.clone(), transport.separate());
        Self { shared: Arc::new(Shared { account, transport, inbox, shutdown }) }
    }

    /// Logs in with a QR code, and returns a client for the new session.
    ///
    /// `progress` receives each step, starting with the code to show. Blocks until the phone has
    /// confirmed. An expired code is renewed a few times.
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`] with [`Ret::ENVIRONMENT`](wechat_proto::error::Ret::ENVIRONMENT) (1203),
    ///   or with the text of a page, if this account may not log in on the web.
    /// - Any other error that ended the login.
    ///
    /// Calling again starts with a new code and continues the back-off of earlier failures. The
    /// device keeps its cookies in any case.
    ///
    /// If the service drops the account seconds after the login, [`Client::messages`] fails with
    /// [`Error::LoggedOut`] (1101 or 1102).
    pub fn login(
        transport: &Transport,
        device: &mut Device,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Ok(Self::log_in(&mut Login::new(), transport, device, progress)?.0)
    }

    /// Logs in again without a QR code, and returns a client for the new session. The phone of the
    /// device's last account asks for confirmation.
    ///
    /// `progress` receives [`Progress::ConfirmOnPhone`] first. If the service no longer recognises
    /// the device, or if the login is declined or not confirmed within five minutes, this falls
    /// back to [`Client::login`], with [`Progress::Code`]. The device must have been logged in
    /// before, or come from a stored session ([`Session::into_device`]).
    ///
    /// # Errors
    ///
    /// Those of [`Client::login`].
    pub fn login_again(
        transport: &Transport,
        device: &mut Device,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Ok(Self::log_in(&mut Login::again(), transport, device, progress)?.0)
    }

    /// Runs a flow that logs in, and returns the client and whether its session is new.
    pub(crate) fn log_in(
        flow: &mut impl Flow<State = Device, Output = Progress>,
        transport: &Transport,
        device: &mut Device,
        mut progress: impl FnMut(Progress),
    ) -> Result<(Self, bool), Error> {
        device.mix_seed(transport.options.new_seed()?);
        loop {
            match transport.run(flow, device)? {
                Progress::LoggedIn(account) => return Ok((Self::new(transport, *account), true)),
                Progress::Resumed(account) => return Ok((Self::new(transport, *account), false)),
                other => progress(other),
            }
        }
    }

    /// Resumes a stored session. Nothing is sent. Contacts are not stored in a session: until
    /// [`Client::contacts`], the directory only has authors of messages and mentioned contacts.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if the system has no entropy.
    pub fn resume(transport: &Transport, mut session: Session) -> Result<Self, Error> {
        session.mix_seed(transport.options.new_seed()?);
        Ok(Self::new(transport, Account::from(session)))
    }

    /// Calls an endpoint with a single exchange.
    ///
    /// Pass a send as `&mut` to be able to retry it under the same message id. For other endpoints
    /// that must not be repeated, [run](Client::run) a [`Call`] to keep it after a failure.
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
    /// Those of the endpoint; [`Error::Unanswered`] if it must not be repeated and its outcome is
    /// unknown.
    pub fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error>
    where
        Account: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use `download`") };
        self.run(&mut Call::new(endpoint))
    }

    /// Calls a download endpoint, and returns the head of the response and its streamed body. An
    /// empty response is retried twice.
    ///
    /// # Errors
    ///
    /// Those of the endpoint; [`Error::EmptyMedia`] if every response is empty.
    pub fn download<E: Endpoint<Output = Head>>(
        &self,
        endpoint: E,
    ) -> Result<(Head, Download), Error>
    where
        Account: AsMut<E::State>,
    {
        self.stream(&mut RetryEmpty::new(endpoint))
    }

    /// Runs a flow to its next output. The session is locked only while the flow is polled.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if it reads a source.
    pub fn run<F: Flow>(&self, flow: &mut F) -> Result<F::Output, Error>
    where
        Account: AsMut<F::State>,
    {
        self.run_with(flow, io::empty())
    }

    /// Runs a flow that reads a source (an upload) to its next output.
    ///
    /// The source is sought and read in pieces, twice from its beginning.
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if the source fails.
    pub fn run_with<F: Flow>(
        &self,
        flow: &mut F,
        mut source: impl Read + Seek,
    ) -> Result<F::Output, Error>
    where
        Account: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| self.poll(flow, now);
        Ok(self.shared.transport.drive(flow, &mut source, None, poll)?.0)
    }

    /// Runs a flow whose request has [`Want::Head`], and returns its output and the streamed body of
    /// the response.
    ///
    /// # Errors
    ///
    /// Those of the flow.
    pub fn stream<F: Flow>(&self, flow: &mut F) -> Result<(F::Output, Download), Error>
    where
        Account: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| self.poll(flow, now);
        let (output, rest) = self.shared.transport.drive(flow, &mut io::empty(), None, poll)?;
        Ok((output, rest.unwrap_or_else(Download::empty)))
    }

    /// Uploads a file, and returns the reference that a send needs.
    ///
    /// `source` is the file; it is sought and read in pieces of 512 KB, twice from its beginning.
    /// `progress` receives each step. After an error, calling again with the same upload resumes it.
    ///
    /// # Errors
    ///
    /// The error that ended the upload, see [`Upload`].
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

    /// Loads all contacts, and returns the directory.
    ///
    /// # Errors
    ///
    /// The error that ended loading. Contacts loaded so far stay in the directory; calling again
    /// starts from the beginning.
    pub fn contacts(&self) -> Result<Directory, Error> {
        self.run(&mut LoadContacts::new())?;
        Ok(self.directory())
    }

    /// Returns an iterator of incoming messages.
    ///
    /// Requesting the next message acknowledges the previous one, unless the messages are
    /// [`manual`](Messages::manual). A second call replaces the first: the older messages fail with
    /// [`Error::InUse`].
    pub fn messages(&self) -> Messages {
        Messages {
            client: self.clone(),
            inbox: Offload::new(Inbox::new()).stoppable(),
            ended: false,
        }
    }

    /// Acknowledges a message of [manual](Messages::manual) messages, so that it is not delivered
    /// again. See [`Session::acknowledge`].
    pub fn acknowledge(&self, message: &Message) {
        self.account().session_mut().acknowledge(message);
    }

    /// Returns a copy of the directory. Nothing is sent. The copy is cheap, and can be compared
    /// with an older one ([`Directory::changes_since`]).
    pub fn directory(&self) -> Directory {
        self.account().directory().clone()
    }

    /// Returns a copy of the current session, to be stored.
    pub fn session(&self) -> Session {
        self.account().session().clone()
    }

    /// Returns a new message id, with which this process or a later one can retry a send:
    /// [`SendText::with_id`](wechat_proto::message::SendText::with_id).
    pub fn next_client_msg_id(&self) -> ClientMsgId {
        let now = self.shared.transport.options.now();
        self.account().session_mut().next_client_msg_id(now)
    }

    /// Ends the messages, even during a long poll: they fail with [`Error::Stopped`].
    ///
    /// This is final for this client and its clones. Calls still work, and calls in progress are not
    /// affected. This function does not block, and may be called from any thread. The messages end in
    /// far less than half a second, whether they wait for a handshake, a response or the rest of one,
    /// a pause after failures or the parsing of a large response. A name lookup and a connection attempt in progress end first, at
    /// the latest after [`Options::connect_timeout`](crate::Options::connect_timeout) each.
    ///
    /// Messages that were received but not acknowledged are received again when the session is
    /// resumed.
    pub fn stop(&self) {
        self.account().stop();
        self.wake();
    }

    /// Waits for the next message, on separate connections: the end of the session or a stop cancels
    /// the wait.
    pub(crate) fn next_message(&self, flow: &mut Offload<Inbox>) -> Result<Message, Error> {
        let poll = |flow: &mut Offload<Inbox>, now| self.poll(flow, now);
        Ok(self.shared.inbox.drive(flow, &mut io::empty(), Some(&self.shared.shutdown), poll)?.0)
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        // Poisoning is ignored: a panicking flow leaves the account consistent.
        self.shared.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls a flow. Running flows lock the account only here.
    fn poll<F: Flow>(&self, flow: &mut F, now: Timestamp) -> Result<F::Output, Interrupt>
    where
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

    /// Wakes the inbox, so that it reports why it has ended.
    fn wake(&self) {
        if self.shared.shutdown.signal() {
            self.shared.inbox.agent.clone().shutdown();
        }
    }
}

/// Omits the account.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.shared.transport.options;
        f.debug_struct("Client").field("options", options).finish_non_exhaustive()
    }
}
