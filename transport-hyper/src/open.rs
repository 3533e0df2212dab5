//! From a store to a session in use.

use bytes::Bytes;
use wechat_proto::login::{Open, Progress, Resume};
use wechat_proto::store::AsyncSessionStore;
use wechat_proto::{Device, Error, Flow as _};

use crate::client::{Client, host};
use crate::options::Options;

impl Client {
    /// Opens the session that is stored, or logs in as far as `resume` allows, and gives the
    /// client of that session.
    ///
    /// The service is asked about the stored session; where it is over, `progress` hears of it
    /// ([`Progress::Over`]), and of the login that follows, with the device of that session. Where
    /// none is stored, `device` logs in. A new session is stored before this returns, and what is
    /// stored is left alone otherwise. Where what is stored cannot be read, nobody is logged in.
    ///
    /// From then on the caller stores the session, whenever a message has had its effect, and when
    /// the messages end:
    ///
    /// ```no_run
    /// # async fn bot() -> Result<(), wechat_proto::Error> {
    /// use wechat_proto::login::Resume;
    /// use wechat_proto::store::AsyncSessionStore as _;
    /// use wechat_proto::{Device, Error};
    /// use wechat_transport_hyper::{Client, FileStore, Options};
    ///
    /// let (mut store, mut device) = (FileStore::open("bot.session").await?, Device::new());
    /// let options = Options::default();
    /// let client = Client::open(&mut store, Resume::Code, &mut device, options, |progress| {
    ///     println!("{progress:?}");
    /// });
    /// let client = client.await?;
    /// let mut messages = client.messages();
    /// while let Some(message) = messages.next().await {
    ///     if let Err(error @ Error::LoggedOut { .. }) = message {
    ///         store.save(&client.session()).await?;
    ///         return Err(error);
    ///     }
    ///     let message = message?;
    ///     println!("{message}");
    ///     let mut session = client.session();
    ///     session.take(&message);
    ///     store.save(&session).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancellation
    ///
    /// The future may be dropped: what is stored is as it was, or is the new session, or how the
    /// stored one ended. The code shown, and the question on the phone, are void.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the store fails, and with
    /// [`StorageKind::Missing`](wechat_proto::error::StorageKind::Missing) if nothing is stored and
    /// no code is allowed; [`Error::LoggedOut`] if the session is over and nothing else is allowed,
    /// or **was dropped** seconds after its login, whatever is allowed (see
    /// [`Open`](wechat_proto::login::Open); this is then stored); those of [`Client::login`].
    pub async fn open(
        store: &mut impl AsyncSessionStore,
        resume: Resume,
        device: &mut Device,
        options: Options,
        mut progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        let mut stored = store.load().await?;
        device.mix_seed(options.fresh_seed()?);
        if let Some(session) = &mut stored {
            session.mix_seed(options.fresh_seed()?);
        }
        let service = options.exchange()?;
        let mut open = Open::new(stored, resume);
        loop {
            let host = host(&*service, &options);
            let mut source = Bytes::new();
            let poll = |open: &mut Open, now| open.poll(device, now);
            match host.drive(&mut open, &mut source, poll).await.map(|(output, _)| output) {
                Ok(Progress::LoggedIn(account)) => {
                    store.save(account.session()).await?;
                    return Ok(Self::over(*account, service, options));
                }
                Ok(Progress::Resumed(account)) => {
                    return Ok(Self::over(*account, service, options));
                }
                Ok(other) => progress(other),
                Err(error) => {
                    if let Some(session) = open.session() {
                        store.save(session).await?;
                    }
                    return Err(error);
                }
            }
        }
    }
}
