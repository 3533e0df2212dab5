//! A logged-in client.

use std::fmt;
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, PoisonError};

use wechat_proto::contact::{Directory, LoadContacts};
use wechat_proto::flow::Want;
use wechat_proto::media::{Head, RetryEmpty, Upload, UploadProgress, Uploaded};
use wechat_proto::store::{SavePolicy, SessionStore};
use wechat_proto::sync::{self, Step};
use wechat_proto::{
    Account, Call, ClientMsgId, Endpoint, Error, Event, Flow, Interrupt, Message, Session,
    Timestamp,
};
use wechat_transport::{Offload, SharedAccount};

use crate::download::Download;
use crate::drive::Shutdown;
use crate::transport::Transport;

/// A client of a logged-in account. It is cheap to clone, and can be shared between threads.
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
    pub(crate) shared: Arc<Shared>,
    /// The store that the client keeps.
    store: Option<Arc<Mutex<dyn SessionStore + Send>>>,
}

pub(crate) struct Shared {
    pub(crate) account: SharedAccount,
    transport: Transport,
    /// The connections of the messages. Shutting their agent down cancels a poll in progress.
    inbox: Transport,
    /// Signals the end of the messages, which ends a pause.
    shutdown: Shutdown,
}

impl Client {
    /// Returns a client for a logged-in account. No request is sent.
    pub fn new(transport: &Transport, account: Account) -> Self {
        let account = SharedAccount::new(account, &transport.options);
        let shutdown = Shutdown::default();
        let (transport, inbox) = (transport.clone(), transport.separate());
        Self { shared: Arc::new(Shared { account, transport, inbox, shutdown }), store: None }
    }

    /// Keeps a store, in which this client and its later clones save the session: see
    /// [`Options::save`](crate::Options::save). Nothing is saved yet.
    #[must_use]
    pub fn with_store(self, store: impl SessionStore + Send + 'static) -> Self {
        Self { store: Some(Arc::new(Mutex::new(store))), ..self }
    }

    /// Saves the session in the store that the client keeps. Does nothing without one.
    ///
    /// Saves are ordered: an older state never replaces a newer one. The session is not locked
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`SessionStore::save`]; none if the client keeps no store.
    pub fn save_session(&self) -> Result<(), Error> {
        let Some(store) = &self.store else { return Ok(()) };
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        store.save(&self.session())
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
    /// - Those of the endpoint's [`parse`](Endpoint::parse).
    /// - [`Error::Transport`] if the exchange fails.
    /// - [`Error::Unanswered`] if the endpoint must not be repeated and the outcome is unknown.
    pub fn call<E: Endpoint>(&self, endpoint: E) -> Result<E::Output, Error>
    where
        Account: AsMut<E::State>,
    {
        const { assert!(matches!(E::WANT, Want::Whole { .. }), "use `download`") };
        self.run(&mut Call::new(endpoint))
    }

    /// Calls a download endpoint, and returns the head of the response and its streamed body. A
    /// response that announces an empty body is retried twice.
    ///
    /// # Errors
    ///
    /// - Those of the endpoint's [`parse`](Endpoint::parse).
    /// - [`Error::Transport`] if the exchange fails.
    /// - [`Error::EmptyMedia`] if every response announces an empty body.
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

    /// Runs an upload, or another flow that reads a source, to its next output.
    ///
    /// The source is read in pieces, twice from its beginning.
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
    /// `source` is the file. It is read in pieces of 512 KB, twice from its beginning. `progress`
    /// receives each step. After an error, calling again with the same upload resumes it.
    ///
    /// # Errors
    ///
    /// - [`Error::EmptyFile`] if the file is empty, [`Error::TooLarge`] if it is above its limit.
    /// - [`Error::Source`] if the source fails, or changes while it is read.
    /// - A transient error after three consecutive failures, and any other error of a request at
    ///   once: see [`Upload`].
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
    /// A transient error after three consecutive failures, and any other error that ends the flow:
    /// see [`LoadContacts`]. Contacts loaded so far stay in the directory; calling again starts from
    /// the beginning.
    pub fn contacts(&self) -> Result<Directory, Error> {
        self.run(&mut LoadContacts::new())?;
        Ok(self.directory())
    }

    /// Acknowledges a message of [manual](crate::Events::manual) events, so that it is not delivered again
    /// ([`Session::acknowledge`]), and saves the session if the [`SavePolicy`] requires it.
    ///
    /// # Errors
    ///
    /// Those of [`Client::save_session`]. The message is acknowledged in any case.
    pub fn acknowledge(&self, message: &Message) -> Result<(), Error> {
        let is_due = self.shared.account.acknowledge(message, self.save_policy());
        if is_due { self.save_session() } else { Ok(()) }
    }

    /// Returns a copy of the directory. No request is sent. The copy is cheap, and can be compared
    /// with an older one ([`Directory::changes_since`]).
    pub fn directory(&self) -> Directory {
        self.shared.account.lock().directory().clone()
    }

    /// Returns a copy of the current session, for storage.
    pub fn session(&self) -> Session {
        self.shared.account.lock().session_mut().snapshot()
    }

    /// Returns a new message id, with which this process or a later one can retry a send:
    /// [`SendText::with_id`](wechat_proto::message::SendText::with_id).
    pub fn next_client_msg_id(&self) -> ClientMsgId {
        let now = self.shared.transport.options.now();
        self.shared.account.lock().session_mut().next_client_msg_id(now)
    }

    /// Ends the messages, even during a long poll: they fail with [`Error::Stopped`].
    ///
    /// This is final for this client and its clones. Calls still work, and calls in progress are
    /// not affected. This function does not block, and may be called from any thread. The messages
    /// end in far less than half a second, even if they wait for a handshake, a response or the
    /// rest of one, a pause after failures or the parsing of a large response. A name lookup or a
    /// connection attempt in progress is completed first, at the latest after
    /// [`Options::connect_timeout`](crate::Options::connect_timeout) each.
    ///
    /// Messages that were received but not acknowledged are received again when the session is
    /// resumed.
    pub fn stop(&self) {
        self.shared.account.lock().stop();
        self.wake();
    }

    /// Waits for the next event, on separate connections: the end of the session or a stop cancels
    /// the wait.
    pub(crate) fn next_event(&self, flow: &mut Offload<sync::Events>) -> Result<Event, Error> {
        loop {
            let poll = |flow: &mut Offload<sync::Events>, now| self.poll(flow, now);
            let shutdown = Some(&self.shared.shutdown);
            match self.shared.inbox.drive(flow, &mut io::empty(), shutdown, poll)?.0 {
                Step::Event(event) => return Ok(event),
                Step::Save => {
                    if let (Err(error), Some(flow)) = (self.save_session(), flow.flow_mut()) {
                        flow.not_saved(error);
                    }
                }
            }
        }
    }

    /// Returns when the session is saved. Without a store, it is never saved.
    pub(crate) fn save_policy(&self) -> SavePolicy {
        let policy = self.shared.transport.options.save_policy();
        self.store.as_ref().map_or(SavePolicy::Manual, |_| policy)
    }

    fn poll<F: Flow>(&self, flow: &mut F, now: Timestamp) -> Result<F::Output, Interrupt>
    where
        Account: AsMut<F::State>,
    {
        self.shared.account.poll(flow, now, || self.wake())
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
