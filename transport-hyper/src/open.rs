//! Opening a client from a session store.

use wechat_proto::login::{Open, Progress, Resume};
use wechat_proto::store::AsyncSessionStore;
use wechat_proto::{Device, Error};

use crate::client::Client;
use crate::transport::Transport;

impl Client {
    /// Resumes the stored session, or logs in as far as `resume` allows, and returns a client for
    /// the session.
    ///
    /// The stored session is verified with the service. If it is closed, `progress` receives
    /// [`Progress::Over`] and then the steps of a login with the device of that session. If no session
    /// is stored, `device` logs in. A new session is stored before this returns; otherwise the store
    /// is not changed. If the stored session cannot be read, this fails without a login.
    ///
    /// Afterwards the caller stores the session, after handling each message and when the messages
    /// end:
    ///
    /// ```no_run
    /// # async fn bot() -> Result<(), wechat_proto::Error> {
    /// use wechat_proto::login::Resume;
    /// use wechat_proto::store::AsyncSessionStore as _;
    /// use wechat_proto::{Device, Error};
    /// use wechat_transport_hyper::{Client, FileStore, Options, Transport};
    ///
    /// let (mut store, mut device) = (FileStore::open("bot.session").await?, Device::new());
    /// let transport = Transport::new(Options::default())?;
    /// let client = Client::open(&transport, &mut store, Resume::Code, &mut device, |progress| {
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
    ///     session.acknowledge(&message);
    ///     store.save(&session).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the store contains the old session, the new session, or the end of
    /// the old one. A code or a confirmation on the phone becomes invalid.
    ///
    /// # Errors
    ///
    /// - [`Error::Storage`] if the store fails, and with
    ///   [`StorageKind::Missing`](wechat_proto::error::StorageKind::Missing) if no session is stored
    ///   and no code is allowed.
    /// - [`Error::LoggedOut`] if the session is closed and no login is allowed. If the session **was
    ///   dropped** seconds after its login, this is returned and stored regardless of `resume`; see
    ///   [`Open`](wechat_proto::login::Open).
    /// - Those of [`Client::login`].
    pub async fn open(
        transport: &Transport,
        store: &mut impl AsyncSessionStore,
        resume: Resume,
        device: &mut Device,
        progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        let mut stored = store.load().await?;
        if let Some(session) = &mut stored {
            session.mix_seed(transport.options.new_seed()?);
        }
        let mut open = Open::new(stored, resume);
        match Self::log_in(&mut open, transport, device, progress).await {
            Ok((client, true)) => store.save(&client.session()).await.map(|()| client),
            Ok((client, false)) => Ok(client),
            Err(error) => match open.session() {
                Some(session) => store.save(session).await.and(Err(error)),
                None => Err(error),
            },
        }
    }
}
