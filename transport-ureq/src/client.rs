//! A session in use.

use std::fmt;
use std::io::{self, Read, Seek};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ureq::config::{AutoHeaderValue, Config};
use ureq::{Agent, Proxy, ProxyProtocol};
use wechat_proto::contact::{Contacts, Directory};
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{Upload, UploadProgress, Uploaded};
use wechat_proto::{Account, Call, Device, Error, Flow, Interrupt, Session, Timestamp};

use crate::body::Download;
use crate::connect::Connector;
use crate::drive::{Bell, Host};
use crate::messages::Messages;
use crate::options::Options;
use crate::resolve::Cache;
use crate::tls;

/// A session in use: for as many threads as like.
///
/// Clones share the session and its connections. The session's lock is held while a flow thinks,
/// never while it waits.
///
/// # Stopping
///
/// Nothing but the messages can be stopped from outside ([`Client::stop`]): every other function
/// returns with its reply, or at its time limit; a login, when the phone has confirmed or no code is
/// renewed any more. An upload can be left between two of its outputs by whoever
/// [runs](Client::run_with) it output by output, and goes on when it is run again.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    account: Mutex<Account>,
    options: Options,
    /// For everything but the messages.
    agent: Agent,
    /// For the messages: shut down when they end, which breaks a poll under way.
    inbox: Agent,
    /// Rung when they end: ends what of a poll cannot be shut down, and their pauses.
    bell: Arc<Bell>,
}

impl Client {
    /// Logs `device` in with a QR code, and gives the client of the new session.
    ///
    /// `progress` hears what to show: the code first. It blocks until the phone has confirmed; a
    /// code that expires is renewed a few times.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with [`Ret::ENVIRONMENT`](wechat_proto::error::Ret::ENVIRONMENT) (1203)
    /// and the service's own text if this account may not log in on the web; what else ended the
    /// login. Calling again starts with a new code, at the pace that the failures before allow.
    /// The device keeps its cookies in any case.
    ///
    /// An account that the service drops seconds after its login hears of it from
    /// [`Client::messages`]: [`Error::LoggedOut`] with 1101 or 1102.
    pub fn login(
        device: &mut Device,
        options: Options,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Self::drive(Login::new(), device, options, progress)
    }

    /// Logs `device` in again without a QR code, and gives the client of the new session: the
    /// phone of the account that it logged in last asks its owner.
    ///
    /// `progress` hears [`Progress::ConfirmOnPhone`] first. Where the service does not know the
    /// device any more, and where the owner declines or does not answer for five minutes, it goes
    /// on like [`Client::login`], with [`Progress::Code`]. The device is one that was logged in
    /// before, or a stored session's: [`Session::into_device`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::login`].
    pub fn login_again(
        device: &mut Device,
        options: Options,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Self::drive(Login::again(), device, options, progress)
    }

    fn drive(
        mut login: Login,
        device: &mut Device,
        options: Options,
        mut progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        device.mix_seed(options.fresh_seed()?);
        let agents = agents(&options)?;
        let host = host(&agents.calls, &options);
        loop {
            let mut source = io::empty();
            match host.drive(&mut login, &mut source, |login, now| login.poll(device, now))?.0 {
                Progress::LoggedIn(account) => return Ok(Self::over(*account, agents, options)),
                other => progress(other),
            }
        }
    }

    /// Goes on with a stored session; nothing is sent. Contacts are not stored with it: until
    /// [`Client::contacts`], only those are known who write, or are written of.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if the options cannot be used (a root certificate that is none) or
    /// the system has no entropy.
    pub fn resume(mut session: Session, options: Options) -> Result<Self, Error> {
        session.mix_seed(options.fresh_seed()?);
        let agents = agents(&options)?;
        Ok(Self::over(Account::from(session), agents, options))
    }

    pub(crate) fn over(account: Account, agents: Agents, options: Options) -> Self {
        let (account, Agents { calls: agent, inbox, bell }) = (Mutex::new(account), agents);
        Self { shared: Arc::new(Shared { account, options, agent, inbox, bell }) }
    }

    /// Runs a flow up to its next output.
    ///
    /// # Errors
    ///
    /// What the flow says; [`Error::Source`] if it reads a source.
    pub fn run<F>(&self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.run_with(flow, io::empty())
    }

    /// Runs a flow that reads a source (an upload) up to its next output.
    ///
    /// The source is sought and read piece by piece, from its beginning twice.
    ///
    /// # Errors
    ///
    /// What the flow says; [`Error::Source`] if the source fails.
    pub fn run_with<F>(
        &self,
        flow: &mut F,
        mut source: impl Read + Seek,
    ) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let host = self.host(&self.shared.agent, None);
        Ok(host.drive(flow, &mut source, |flow, now| self.poll(flow, now))?.0)
    }

    /// Uploads a file to its end, and gives what a send names.
    ///
    /// `source` is the file: sought and read 512 KB at a time, from its beginning twice. `progress`
    /// hears how far it is. The upload stays the caller's: after a failure, calling again with it goes
    /// on where it was.
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

    /// Runs a flow that wants the head of its reply only, and hands the body over, to be read as
    /// it comes.
    ///
    /// # Errors
    ///
    /// What the flow says.
    pub fn download<F>(&self, flow: &mut F) -> Result<(F::Output, Download), Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let host = self.host(&self.shared.agent, None);
        let (output, rest) =
            host.drive(flow, &mut io::empty(), |flow, now| self.poll(flow, now))?;
        Ok((output, rest.unwrap_or_else(Download::empty)))
    }

    /// Builds something on the session: a flow to be run. `build` runs under the session's lock: it
    /// must not use the client.
    pub fn build<T>(&self, build: impl FnOnce(&mut Session, Timestamp) -> T) -> T {
        let now = (self.shared.options.clock)();
        build(self.account().session_mut(), now)
    }

    /// Builds a call on the session and makes it. `build` runs under the session's lock: it must not
    /// use the client.
    ///
    /// # Errors
    ///
    /// What the call says.
    pub fn call<T>(
        &self,
        build: impl FnOnce(&mut Session, Timestamp) -> Call<T>,
    ) -> Result<T, Error> {
        let mut call = self.build(build);
        self.run(&mut call)
    }

    /// Loads all contacts, and gives everybody who is known.
    ///
    /// # Errors
    ///
    /// What ended the load. What came before is known to the session; asking again starts again.
    pub fn contacts(&self) -> Result<Directory, Error> {
        self.run(&mut Contacts::new())?;
        Ok(self.directory())
    }

    /// The messages, as they come.
    ///
    /// A message is taken when the next one is asked for. A second call replaces the first:
    /// whoever reads the older one hears [`Error::InUse`].
    pub fn messages(&self) -> Messages {
        Messages::new(self.clone())
    }

    /// Everybody who is known now; nothing is sent. A copy costs a few pointers, and tells what
    /// changed since an older one ([`Directory::changes_since`]).
    pub fn directory(&self) -> Directory {
        self.account().directory().clone()
    }

    /// The session as it is now, to be stored.
    pub fn session(&self) -> Session {
        self.account().session().clone()
    }

    /// Ends the messages, also in the middle of a wait: they yield [`Error::Stopped`].
    ///
    /// Final for this client and its clones; calls still work, and none under way is touched. It
    /// does not block, and may be called from any thread. Whatever the messages wait for ends at
    /// once, in far less than half a second: looking a name up, connecting, the handshake, a poll
    /// of which nothing came or a part of its reply, a pause after failures. (A look-up and a
    /// connection that the system is at are left to a thread, which ends with their time limit.)
    ///
    /// # Stopping
    ///
    /// What was heard and not yet handed out is not lost: it comes again when the session is resumed.
    /// So does the message in hand, unless the next was asked for or it is taken on the stored session
    /// ([`Session::take`]).
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
        let host = self.host(&self.shared.inbox, Some(&self.shared.bell));
        Ok(host.drive(flow, &mut io::empty(), |flow, now| self.poll(flow, now))?.0)
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        // Whoever panicked did so in a flow; the account is as good as it was.
        self.shared.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn host<'a>(&'a self, agent: &'a Agent, bell: Option<&'a Bell>) -> Host<'a> {
        Host { bell, ..host(agent, &self.shared.options) }
    }

    /// The one place where the account is locked while a flow runs.
    fn poll<F>(&self, flow: &mut F, now: Timestamp) -> Result<F::Output, Interrupt>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let mut account = self.account();
        let result = flow.poll(account.as_mut(), now);
        let over = account.over().is_some();
        drop(account);
        if over {
            self.wake();
        }
        result
    }

    /// Nothing more will be heard: the inbox is to ask why.
    fn wake(&self) {
        if self.shared.bell.ring() {
            self.shared.inbox.clone().shutdown();
        }
    }
}

pub(crate) fn host<'a>(agent: &'a Agent, options: &'a Options) -> Host<'a> {
    Host { agent, clock: &options.clock, deadline_cap: options.deadline_cap, bell: None }
}

/// Names nobody and shows nothing.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

/// How long an unused connection is kept; the server may end it before.
const IDLE: Duration = Duration::from_secs(90);
/// ureq's buffers: a long poll holds a few of them.
const BUFFER: usize = 16 << 10;

/// Two agents that do what they are told and nothing else: for the messages, and for the rest.
pub(crate) struct Agents {
    pub(crate) calls: Agent,
    inbox: Agent,
    /// Ends whatever the inbox's is at.
    bell: Arc<Bell>,
}

pub(crate) fn agents(options: &Options) -> Result<Agents, Error> {
    let tls = tls::config(&options.roots).map_err(Error::Transport)?;
    let proxy = match &options.proxy {
        None => None,
        Some((host, port)) => {
            let proxy = Proxy::builder(ProxyProtocol::Http).host(host).port(*port).build();
            let invalid = |_| Error::Transport(Failure::new(FailureKind::Resolve, Sent::No));
            Some(proxy.map_err(invalid)?)
        }
    };
    let config = Config::builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent(AutoHeaderValue::None)
        .accept(AutoHeaderValue::None)
        .accept_encoding(AutoHeaderValue::None)
        .proxy(proxy)
        .timeout_connect(Some(options.connect_timeout))
        .timeout_resolve(Some(options.connect_timeout))
        .max_response_header_size(HEAD)
        .max_idle_age(IDLE)
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .build();
    let agent = |bell: Option<&Arc<Bell>>| {
        let names = Cache::new(options.names.clone(), bell.cloned());
        Agent::with_parts(config.clone(), Connector::new(Arc::clone(&tls), bell.cloned()), names)
    };
    let bell = Arc::default();
    Ok(Agents { calls: agent(None), inbox: agent(Some(&bell)), bell })
}

/// The longest head of a reply. It has to leave room in its buffer: ureq takes a full one for the
/// end of the connection.
const HEAD: usize = BUFFER - 1;
