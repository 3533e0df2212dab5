//! A logged-in client.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;
use wechat_proto::contact::{Directory, LoadContacts};
use wechat_proto::flow::Want;
use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{Head, RetryEmpty, Upload, UploadProgress, Uploaded};
use wechat_proto::{
    Account, Call, ClientMsgId, Device, Endpoint, Error, Flow, Interrupt, Message, Session,
    Timestamp,
};

use crate::body::Download;
use crate::messages::Messages;
use crate::source::Source;
use crate::transport::Transport;

/// A logged-in client. Cheap to clone; safe to share between tasks and threads.
///
/// Clones share the session. The session lock is held only while a flow is polled, never across
/// I/O, and no function runs a caller's closure while it is held: progress callbacks and arguments
/// may use the client.
///
/// # Cancel safety
///
/// Every future may be dropped at any point, and breaks its exchange. The flow it ran is the
/// caller's and may be run again: it repeats the step that was under way, unless that could do the
/// same twice.
///
/// - A call that only asks, or is idempotent (a remark, a chat that was read), is made again.
/// - A call that must not be repeated (a send, a new room:
///   [`Repeat::Once`](wechat_proto::endpoint::Repeat::Once)) fails with [`Error::Unanswered`] from
///   then on and sends nothing, also if the future was dropped before anything was sent: the outcome
///   of the exchange is unknown. Only a future that was never polled has begun nothing. A send can be
///   repeated under its own number: keep the value, and call it by `&mut`.
/// - What takes several steps (messages, contacts, an upload) goes on with the step that was under
///   way; the steps before it are not repeated.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    account: Mutex<Account>,
    transport: Transport,
    /// True once the messages end.
    shutdown: watch::Sender<bool>,
}

impl Client {
    /// Returns a client of an account that is logged in. Nothing is sent.
    pub fn new(transport: &Transport, account: Account) -> Self {
        let (account, shutdown) = (Mutex::new(account), watch::Sender::new(false));
        Self { shared: Arc::new(Shared { account, transport: transport.clone(), shutdown }) }
    }

    /// Logs a device in with a QR code, and returns the client of the new session.
    ///
    /// `progress` reports what to show: the code first. Waits until the phone has confirmed; a
    /// code that expires is renewed a few times.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the device keeps its cookies and the code shown is void. Calling
    /// again starts with a new code.
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
    pub async fn login(
        transport: &Transport,
        device: &mut Device,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Self::log_in(Login::new(), transport, device, progress).await
    }

    /// Logs a device in again without a QR code, and returns the client of the new session: the
    /// phone of the account that it logged in last asks to confirm.
    ///
    /// `progress` reports [`Progress::ConfirmOnPhone`] first. If the service does not know the
    /// device any more, and if the question is declined or not answered for five minutes, it goes
    /// on like [`Client::login`], with [`Progress::Code`]. The device is one that was logged in
    /// before, or a stored session's: [`Session::into_device`].
    ///
    /// # Cancel safety
    ///
    /// As [`Client::login`]: the question on the phone is void. Calling again asks again.
    ///
    /// # Errors
    ///
    /// Those of [`Client::login`].
    pub async fn login_again(
        transport: &Transport,
        device: &mut Device,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Self::log_in(Login::again(), transport, device, progress).await
    }

    async fn log_in(
        mut login: Login,
        transport: &Transport,
        device: &mut Device,
        mut progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        device.mix_seed(transport.options().fresh_seed()?);
        loop {
            match transport.run(&mut login, device).await? {
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
    /// # use wechat_transport_hyper::Client;
    /// async fn greet(client: &Client, message: &Message) -> Result<(), Error> {
    ///     let name = client.directory().author_name(message);
    ///     client.call(SendText::reply(message, format!("hello {name}"))).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, whether the call was made is unknown; calling again makes another
    /// one.
    ///
    /// # Errors
    ///
    /// Those of the endpoint; [`Error::Unanswered`] if it must not be repeated and has no reply.
    pub async fn call<E>(&self, endpoint: E) -> Result<E::Output, Error>
    where
        E: Endpoint,
        Account: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use `download`") };
        self.run(&mut Call::new(endpoint)).await
    }

    /// Calls a download endpoint, and returns the head of the response and the body, to be read as
    /// it arrives. A response without any bytes is retried twice.
    ///
    /// # Errors
    ///
    /// Those of the endpoint; [`Error::EmptyMedia`] if there are no bytes.
    pub async fn download<E>(&self, endpoint: E) -> Result<(Head, Download), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        self.stream(&mut RetryEmpty::new(endpoint)).await
    }

    /// Runs a flow to its next output. The session is locked while the flow is polled.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the flow may be run again: it goes on with the step that was under
    /// way, or fails with [`Error::Unanswered`], see [`Client`].
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if it reads a source.
    pub async fn run<F>(&self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.run_with(flow, Bytes::new()).await
    }

    /// Runs a flow that reads a source (an upload) to its next output.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the flow may be run again, with the same source: it goes on with
    /// the step that was under way, see [`Client`].
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if the source fails.
    pub async fn run_with<F>(
        &self,
        flow: &mut F,
        mut source: impl Source,
    ) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| self.poll(flow, now);
        Ok(self.shared.transport.driver(None).drive(flow, &mut source, poll).await?.0)
    }

    /// Runs a flow that wants the head of its response only, and returns the body, to be read as it
    /// arrives.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the flow may be run again: it asks again. A [`Download`] that was
    /// dropped is lost, and the flow run again fetches it from its beginning.
    ///
    /// # Errors
    ///
    /// Those of the flow.
    pub async fn stream<F>(&self, flow: &mut F) -> Result<(F::Output, Download), Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.shared.transport.stream_with(flow, |flow, now| self.poll(flow, now)).await
    }

    /// Uploads a file, and returns what a send names.
    ///
    /// `source` is the file: read 512 KB at a time, from its beginning twice. `progress` reports how
    /// far it is. The upload stays the caller's: after an error, calling again with it goes on where
    /// it was.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, calling again with the same upload and source goes on where it
    /// was. The piece that was under way is sent again, those that the service took are not.
    ///
    /// # Errors
    ///
    /// What ended the upload, see [`Upload`].
    pub async fn upload(
        &self,
        upload: &mut Upload,
        mut source: impl Source,
        mut progress: impl FnMut(&UploadProgress),
    ) -> Result<Uploaded, Error> {
        loop {
            let output = self.run_with(upload, &mut source).await?;
            progress(&output);
            if let UploadProgress::Done(uploaded) = output {
                return Ok(uploaded);
            }
        }
    }

    /// Loads all contacts, and returns those that are known.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the contacts loaded before are known; calling again starts again.
    ///
    /// # Errors
    ///
    /// What ended the load. The contacts loaded before are known; calling again starts again.
    pub async fn contacts(&self) -> Result<Directory, Error> {
        self.run(&mut LoadContacts::new()).await?;
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
    /// does not wait, and may be called from any thread. Whatever the messages wait for ends in far
    /// less than half a second: a name lookup, a connection, a handshake, a poll with or without a
    /// part of its response, a pause after failures. The messages have to be polled to report it.
    ///
    /// Messages that were received and not acknowledged are not lost: they are received again when
    /// the session is resumed.
    pub fn stop(&self) {
        self.account().stop();
        self.wake();
    }

    /// Runs a flow that ends with the session or a stop, wherever it waits.
    pub(crate) async fn run_inbox<F>(&self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let driver = self.shared.transport.driver(Some(self.shared.shutdown.subscribe()));
        let poll = |flow: &mut F, now| self.poll(flow, now);
        Ok(driver.drive(flow, &mut Bytes::new(), poll).await?.0)
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
        self.shared.shutdown.send_if_modified(|given| !std::mem::replace(given, true));
    }
}

/// Shows nothing of the account.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.shared.transport.options();
        f.debug_struct("Client").field("options", options).finish_non_exhaustive()
    }
}
