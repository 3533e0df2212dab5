//! A session in use.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;
use wechat_proto::contact::{Contacts, Directory};
use wechat_proto::login::{Login, Progress};
use wechat_proto::media::{Upload, UploadProgress, Uploaded};
use wechat_proto::{Account, Call, Device, Error, Flow, Interrupt, Session, Timestamp};

use crate::body::Download;
use crate::drive::Host;
use crate::messages::Messages;
use crate::options::Options;
use crate::service::Exchange;
use crate::source::Source;

/// A session in use: for as many tasks as like.
///
/// Clones share the session and its connections. The session's lock is held while a flow thinks,
/// never while it waits.
///
/// # Cancellation
///
/// Every future may be dropped at any point, and breaks its exchange. The flow it ran is the
/// caller's and may be run again: it starts its step again, unless that could do harm twice.
///
/// - A call that only asks, or says the same when it is repeated (a remark, a chat that was read),
///   is made again.
/// - One that must not be made twice unseen (a send, a new room: [`Call`]) says
///   [`Error::Unanswered`] from then on and sends nothing, also where the future was dropped before
///   anything was sent: what became of the exchange is not known. Only a future that was never
///   polled has begun nothing. A send can be repeated under its own number, by the `again` of its
///   module.
/// - What takes several steps (messages, contacts, an upload) goes on with the step that was under
///   way; what came before it is not done again.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    account: Mutex<Account>,
    options: Options,
    service: Arc<dyn Exchange>,
    /// True once the messages end.
    bell: watch::Sender<bool>,
}

impl Client {
    /// Logs `device` in with a QR code, and gives the client of the new session.
    ///
    /// `progress` hears what to show: the code first. It waits until the phone has confirmed; a
    /// code that expires is renewed a few times.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped: the device keeps its cookies, the code shown is void, and what the
    /// phone did with it counts for nothing. Calling again starts with a new code.
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
    pub async fn login(
        device: &mut Device,
        options: Options,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Self::drive(Login::new(), device, options, progress).await
    }

    /// Logs `device` in again without a QR code, and gives the client of the new session: the
    /// phone of the account that it logged in last asks its owner.
    ///
    /// `progress` hears [`Progress::ConfirmOnPhone`] first. Where the service does not know the
    /// device any more, and where the owner declines or does not answer for five minutes, it goes
    /// on like [`Client::login`], with [`Progress::Code`]. The device is one that was logged in
    /// before, or a stored session's: [`Session::into_device`].
    ///
    /// # Cancellation
    ///
    /// As of [`Client::login`]: the question on the phone is void. Calling again asks again.
    ///
    /// # Errors
    ///
    /// Those of [`Client::login`].
    pub async fn login_again(
        device: &mut Device,
        options: Options,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        Self::drive(Login::again(), device, options, progress).await
    }

    async fn drive(
        mut login: Login,
        device: &mut Device,
        options: Options,
        mut progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        device.mix_seed(options.fresh_seed()?);
        let service = options.exchange()?;
        loop {
            let host = host(&*service, &options);
            let mut source = Bytes::new();
            let poll = |login: &mut Login, now| login.poll(device, now);
            match host.drive(&mut login, &mut source, poll).await?.0 {
                Progress::LoggedIn(account) => return Ok(Self::over(*account, service, options)),
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
        let service = options.exchange()?;
        Ok(Self::over(Account::from(session), service, options))
    }

    pub(crate) fn over(account: Account, service: Arc<dyn Exchange>, options: Options) -> Self {
        let (account, bell) = (Mutex::new(account), watch::Sender::new(false));
        Self { shared: Arc::new(Shared { account, options, service, bell }) }
    }

    /// Runs a flow up to its next output.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped and the flow run again: it goes on with the step that was under
    /// way, or says [`Error::Unanswered`], see [`Client`].
    ///
    /// # Errors
    ///
    /// What the flow says; [`Error::Source`] if it reads a source.
    pub async fn run<F>(&self, flow: &mut F) -> Result<F::Output, Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        self.run_with(flow, Bytes::new()).await
    }

    /// Runs a flow that reads a source (an upload) up to its next output.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped and the flow run again, with the same source: it goes on with the
    /// step that was under way, see [`Client`].
    ///
    /// # Errors
    ///
    /// What the flow says; [`Error::Source`] if the source fails.
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
        Ok(self.host().drive(flow, &mut source, poll).await?.0)
    }

    /// Uploads a file to its end, and gives what a send names.
    ///
    /// `source` is the file: read 512 KB at a time, from its beginning twice. `progress` hears how far
    /// it is. The upload stays the caller's: after a failure, calling again with it goes on where it
    /// was.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped: calling again with the same upload and source goes on where it
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

    /// Runs a flow that wants the head of its reply only, and hands the body over, to be read as
    /// it comes.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped and the flow run again: it asks again. A [`Download`] that was
    /// dropped is lost, and the flow run again fetches it from its beginning.
    ///
    /// # Errors
    ///
    /// What the flow says.
    pub async fn download<F>(&self, flow: &mut F) -> Result<(F::Output, Download), Error>
    where
        F: Flow,
        Account: AsMut<F::State>,
    {
        let poll = |flow: &mut F, now| self.poll(flow, now);
        let (output, rest) = self.host().drive(flow, &mut Bytes::new(), poll).await?;
        let options = &self.shared.options;
        let empty = || Download::new(None, options.deadline_cap, options.alarm.clone());
        Ok((output, rest.unwrap_or_else(empty)))
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
    /// # Cancellation
    ///
    /// The future may be dropped: whether the call was made, once, is then unknown; calling again
    /// makes another one. For a call that changes something, [`build`](Client::build) it first and
    /// [`run`](Client::run) it, or keep the number of what it sends.
    ///
    /// # Errors
    ///
    /// What the call says.
    pub async fn call<T>(
        &self,
        build: impl FnOnce(&mut Session, Timestamp) -> Call<T>,
    ) -> Result<T, Error> {
        let mut call = self.build(build);
        self.run(&mut call).await
    }

    /// Loads all contacts, and gives everybody who is known.
    ///
    /// # Cancellation
    ///
    /// The future may be dropped: what came before is known to the session; calling again starts
    /// again.
    ///
    /// # Errors
    ///
    /// What ended the load. What came before is known to the session; asking again starts again.
    pub async fn contacts(&self) -> Result<Directory, Error> {
        self.run(&mut Contacts::new()).await?;
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
    /// does not wait, and may be called from any thread. Whatever the messages wait for ends at
    /// once, in far less than half a second: looking a name up, connecting, the handshake, a poll
    /// of which nothing came or a part of its reply, a pause after failures. Somebody has to poll
    /// the messages for them to hear of it.
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
        let host = Host { bell: Some(self.shared.bell.subscribe()), ..self.host() };
        let poll = |flow: &mut F, now| self.poll(flow, now);
        Ok(host.drive(flow, &mut Bytes::new(), poll).await?.0)
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        // Whoever panicked did so in a flow; the account is as good as it was.
        self.shared.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn host(&self) -> Host<'_> {
        host(&*self.shared.service, &self.shared.options)
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
        self.shared.bell.send_if_modified(|rung| !std::mem::replace(rung, true));
    }
}

pub(crate) fn host<'a>(service: &'a dyn Exchange, options: &'a Options) -> Host<'a> {
    let Options { clock, alarm, deadline_cap, .. } = options;
    Host { service, clock, alarm, deadline_cap: *deadline_cap, bell: None }
}

/// Names nobody and shows nothing.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    fn is_sent<T: Send>(_: fn() -> T) {}

    /// What runs on one thread can run on another: for `spawn`.
    #[test]
    fn everything_can_be_spawned() {
        is_shared::<Client>();
        is_shared::<Options>();
        is_sent(|| -> Messages { unreachable!() });
        is_sent(|| -> Download { unreachable!() });
        fn futures(client: &'static Client, device: &'static mut Device) {
            fn spawned(_: impl Future + Send + 'static) {}
            spawned(Client::login(device, Options::default(), |_| {}));
            spawned(async move {
                let mut store = crate::FileStore::open("a").await.unwrap();
                let (mut device, options) = (Device::new(), Options::default());
                let resume = wechat_proto::login::Resume::StoredOnly;
                Client::open(&mut store, resume, &mut device, options, |_| {}).await
            });
            spawned(async move { client.run(&mut Contacts::new()).await });
            spawned(async move { client.download(&mut Contacts::new()).await });
            spawned(client.contacts());
            spawned(async move {
                let file = wechat_proto::media::LocalFile::new("a", 1).unwrap();
                let mut upload = Upload::new(wechat_proto::UserName::file_helper(), file);
                client.upload(&mut upload, Bytes::new(), |_| {}).await
            });
            spawned(client.call(wechat_proto::login::logout::request));
            spawned(async move { client.messages().next().await });
        }
        let _: fn(&'static Client, &'static mut Device) = futures;
    }
}
