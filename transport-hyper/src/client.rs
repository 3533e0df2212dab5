//! A logged-in client.

use std::fmt;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncSeek, empty};
use tokio::sync::Notify;
use wechat_proto::contact::{Directory, LoadContacts};
use wechat_proto::flow::Want;
use wechat_proto::media::{Head, RetryEmpty, Upload, UploadProgress, Uploaded};
use wechat_proto::store::{AsyncSessionStore, SavePolicy, SaveSession};
use wechat_proto::sync::{self, Step};
use wechat_proto::{
    Account, Call, ClientMsgId, Endpoint, Error, Event, Flow, Interrupt, Message, Session,
    Timestamp,
};
use wechat_transport::{Offload, SharedAccount};

use crate::download::Download;
use crate::transport::Transport;

/// A client of a logged-in account. It is cheap to clone, and can be shared between tasks and
/// threads.
///
/// Clones share the session. The session lock is held only while a flow is polled, never across I/O
/// or a caller's closure: progress callbacks and arguments may use the client.
///
/// # Cancel safety
///
/// Every future may be dropped at any point, which cancels its exchange. The caller can run the flow
/// again: it repeats the step that was in progress, unless the step might then take effect twice.
///
/// - A query or an idempotent call (setting a remark, marking a chat as read) is repeated.
/// - A call that must not be repeated (a send, a new room:
///   [`Repeat::Once`](wechat_proto::endpoint::Repeat::Once)) fails with [`Error::Unanswered`] and
///   sends nothing more, because the outcome of the exchange is unknown. This applies even if the
///   future was dropped before anything was sent, unless it was never polled. If the reply had
///   arrived, its outcome is returned. A send can be retried
///   under the same message id: keep the value, and pass it as `&mut`.
/// - A flow with several steps (messages, contacts, an upload) continues with the step that was in
///   progress; earlier steps are not repeated.
#[derive(Clone)]
pub struct Client {
    pub(crate) account: Arc<SharedAccount>,
    pub(crate) transport: Transport,
    /// Signals the end of the messages.
    shutdown: Arc<Notify>,
    /// The store that the client keeps.
    store: Option<Arc<tokio::sync::Mutex<dyn SaveSession>>>,
}

impl Client {
    /// Returns a client for a logged-in account. No request is sent.
    pub fn new(transport: &Transport, account: Account) -> Self {
        let account = Arc::new(SharedAccount::new(account, &transport.inner.options));
        let transport = transport.clone();
        Self { account, transport, shutdown: Arc::default(), store: None }
    }

    /// Keeps a store, in which this client and its later clones save the session: see
    /// [`Options::save`](crate::Options::save). Nothing is saved yet.
    #[must_use]
    pub fn with_store(self, store: impl AsyncSessionStore + 'static) -> Self {
        Self { store: Some(Arc::new(tokio::sync::Mutex::new(store))), ..self }
    }

    /// Saves the session in the store that the client keeps. Does nothing without one.
    ///
    /// Saves are ordered: an older state never replaces a newer one. The session is not locked
    /// meanwhile.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the session may or may not be saved.
    ///
    /// # Errors
    ///
    /// Those of [`AsyncSessionStore::save`]; none if the client keeps no store.
    pub async fn save_session(&self) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        let mut store = store.lock().await;
        let session = self.session();
        store.save(&session).await
    }

    /// Calls an endpoint with a single exchange.
    ///
    /// Pass a send as `&mut` to be able to retry it under the same message id. For other endpoints
    /// that must not be repeated, [run](Client::run) a [`Call`] to keep it after a failure.
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
    /// If the future is dropped, it is unknown whether the call took effect; calling again makes
    /// another call.
    ///
    /// # Errors
    ///
    /// - Those of the endpoint's [`parse`](Endpoint::parse).
    /// - [`Error::Transport`] if the exchange fails.
    /// - [`Error::Unanswered`] if the endpoint must not be repeated and the outcome is unknown.
    pub async fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error>
    where
        Account: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use `download`") };
        self.run(&mut Call::new(endpoint)).await
    }

    /// Calls a download endpoint, and returns the head of the response and its streamed body. A
    /// response that announces an empty body is retried twice.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the response is lost. Calling again sends a new request.
    ///
    /// # Errors
    ///
    /// - Those of the endpoint's [`parse`](Endpoint::parse).
    /// - [`Error::Transport`] if the exchange fails.
    /// - [`Error::EmptyMedia`] if every response announces an empty body.
    pub async fn download<E>(&self, endpoint: E) -> Result<(Head, Download), Error>
    where
        E: Endpoint<Output = Head>,
        Account: AsMut<E::State>,
    {
        self.stream(&mut RetryEmpty::new(endpoint)).await
    }

    /// Runs a flow to its next output. The session is locked only while the flow is polled.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the flow may be run again: it continues with the step in progress or
    /// fails with [`Error::Unanswered`], see [`Client`].
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if it reads a source.
    pub async fn run<F: Flow>(&self, flow: &mut F) -> Result<F::Output, Error>
    where
        Account: AsMut<F::State>,
    {
        self.run_with(flow, empty()).await
    }

    /// Runs an upload, or another flow that reads a source, to its next output. See
    /// [`Client::upload`] for sources.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the flow may be run again with the same source: it continues with
    /// the step in progress, see [`Client`].
    ///
    /// # Errors
    ///
    /// Those of the flow; [`Error::Source`] if the source fails.
    pub async fn run_with<F: Flow>(
        &self,
        flow: &mut F,
        source: impl AsyncRead + AsyncSeek + Unpin + Send,
    ) -> Result<F::Output, Error>
    where
        Account: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| self.poll(flow, now);
        Ok(self.transport.drive(flow, source, &Notify::new(), poll).await?.0)
    }

    /// Runs a flow whose request has [`Want::Head`], and returns its output and the streamed body of
    /// the response.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the flow may be run again and repeats its request. If a [`Download`]
    /// is dropped, running the flow again fetches it from the beginning.
    ///
    /// # Errors
    ///
    /// Those of the flow.
    pub async fn stream<F: Flow>(&self, flow: &mut F) -> Result<(F::Output, Download), Error>
    where
        Account: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| self.poll(flow, now);
        self.transport.drive(flow, empty(), &Notify::new(), poll).await
    }

    /// Uploads a file, and returns the reference that a send needs.
    ///
    /// `source` is the file: a `tokio::fs::File` (`File::from_std` converts a `std::fs::File`), or bytes
    /// in memory in a [`Cursor`](std::io::Cursor). It is read in pieces of 512 KB, twice from its
    /// beginning, and must return the same bytes each time. `progress` receives each step. After an
    /// error, calling again with the same upload resumes it.
    ///
    /// ```no_run
    /// use std::fs::File;
    ///
    /// use wechat_proto::media::{LocalFile, Upload};
    /// use wechat_proto::message::SendUpload;
    /// use wechat_proto::{Error, UserName};
    /// use wechat_transport_hyper::Client;
    ///
    /// async fn send(client: &Client, to: UserName, name: &str, local: File) -> Result<(), Error> {
    ///     let size = local.metadata().map_or(0, |data| data.len());
    ///     let file = LocalFile::new(name, size).expect("a name without control characters");
    ///     let mut upload = Upload::new(to.clone(), file);
    ///     let local = tokio::fs::File::from_std(local);
    ///     let uploaded = client.upload(&mut upload, local, |step| println!("{step:?}")).await?;
    ///     client.call(SendUpload::new(to, &uploaded)).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, calling again with the same upload and source resumes it. The piece
    /// in progress is sent again; pieces that the service has accepted are not.
    ///
    /// # Errors
    ///
    /// - [`Error::EmptyFile`] if the file is empty, [`Error::TooLarge`] if it is above its limit.
    /// - [`Error::Source`] if the source fails, or changes while it is read.
    /// - A transient error after three consecutive failures, and any other error of a request at
    ///   once: see [`Upload`].
    pub async fn upload(
        &self,
        upload: &mut Upload,
        mut source: impl AsyncRead + AsyncSeek + Unpin + Send,
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

    /// Loads all contacts, and returns the directory.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, contacts loaded so far stay in the directory; calling again starts
    /// from the beginning.
    ///
    /// # Errors
    ///
    /// A transient error after three consecutive failures, and any other error that ends the flow:
    /// see [`LoadContacts`]. Contacts loaded so far stay in the directory; calling again starts from
    /// the beginning.
    pub async fn contacts(&self) -> Result<Directory, Error> {
        self.run(&mut Offload::new(LoadContacts::new())).await?;
        Ok(self.directory())
    }

    /// Acknowledges a message of [manual](crate::Events::manual) events, so that it is not delivered again
    /// ([`Session::acknowledge`]), and saves the session if the [`SavePolicy`] requires it.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after its first poll, the message is acknowledged, and the session may
    /// or may not be saved.
    ///
    /// # Errors
    ///
    /// Those of [`Client::save_session`]. The message is acknowledged in any case.
    pub async fn acknowledge(&self, message: &Message) -> Result<(), Error> {
        let is_due = self.account.acknowledge(message, self.save_policy());
        if is_due { self.save_session().await } else { Ok(()) }
    }

    /// Returns a copy of the directory. No request is sent. The copy is cheap, and can be compared
    /// with an older one ([`Directory::changes_since`]).
    pub fn directory(&self) -> Directory {
        self.account.lock().directory().clone()
    }

    /// Returns a copy of the current session, for storage.
    pub fn session(&self) -> Session {
        self.account.lock().session_mut().snapshot()
    }

    /// Returns a new message id, with which this process or a later one can retry a send:
    /// [`SendText::with_id`](wechat_proto::message::SendText::with_id).
    pub fn next_client_msg_id(&self) -> ClientMsgId {
        let now = self.transport.inner.options.now();
        self.account.lock().session_mut().next_client_msg_id(now)
    }

    /// Ends the messages, even during a long poll: they fail with [`Error::Stopped`].
    ///
    /// This is final for this client and its clones. Calls still work, and calls in progress are
    /// not affected. This function does not wait, and may be called from any thread. The messages,
    /// which must be polled, end in far less than half a second, even if they wait for a name
    /// lookup, a connection, a handshake, a response or the rest of one, the parsing of a large
    /// response, or a pause after failures.
    ///
    /// Messages that were received but not acknowledged are received again when the session is
    /// resumed.
    pub fn stop(&self) {
        self.account.lock().stop();
        self.shutdown.notify_waiters();
    }

    /// Waits for the next event: the end of the session or a stop cancels the wait.
    pub(crate) async fn next_event(
        &self,
        flow: &mut Offload<sync::Events>,
    ) -> Result<Event, Error> {
        loop {
            let poll = |flow: &mut Offload<sync::Events>, now| self.poll(flow, now);
            match self.transport.drive(flow, empty(), &self.shutdown, poll).await?.0 {
                Step::Event(event) => return Ok(event),
                Step::Save => {
                    // Boxed, because otherwise each wait for an event would include space for it.
                    let saved = Box::pin(self.save_session()).await;
                    if let (Err(error), Some(flow)) = (saved, flow.flow_mut()) {
                        flow.not_saved(error);
                    }
                }
            }
        }
    }

    /// Returns when the session is saved. Without a store, it is never saved.
    pub(crate) fn save_policy(&self) -> SavePolicy {
        let policy = self.transport.inner.options.save_policy();
        self.store.as_ref().map_or(SavePolicy::Manual, |_| policy)
    }

    fn poll<F: Flow>(&self, flow: &mut F, now: Timestamp) -> Result<F::Output, Interrupt>
    where
        Account: AsMut<F::State>,
    {
        self.account.poll(flow, now, || self.shutdown.notify_waiters())
    }
}

/// Omits the account.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("transport", &self.transport).finish_non_exhaustive()
    }
}
