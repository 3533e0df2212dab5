//! From a store to a logged-in client.

use wechat_proto::login::{Open, Progress, Resume};
use wechat_proto::store::AsyncSessionStore;
use wechat_proto::{Device, Error};

use crate::client::Client;
use crate::transport::Transport;

impl Client {
    /// Opens the session that is stored, or logs in as far as `resume` allows, and returns the
    /// client of that session.
    ///
    /// The service is asked about the stored session; if that is closed, `progress` reports it
    /// ([`Progress::Over`]), and the login that follows, with the device of that session. If none is
    /// stored, `device` logs in. A new session is stored before this returns, and the store is not
    /// touched otherwise. If what is stored cannot be read, no login is made.
    ///
    /// From then on the caller stores the session, whenever a message has had its effect, and when
    /// the messages end:
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
    /// If the future is dropped, what is stored is as it was, or is the new session, or how the
    /// stored one ended. The code shown, and the question on the phone, are void.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if the store fails, and with
    /// [`StorageKind::Missing`](wechat_proto::error::StorageKind::Missing) if nothing is stored and
    /// no code is allowed; [`Error::LoggedOut`] if the session is closed and nothing else is allowed,
    /// or **was dropped** seconds after its login, whatever is allowed (see
    /// [`Open`](wechat_proto::login::Open); this is then stored); those of [`Client::login`].
    pub async fn open(
        transport: &Transport,
        store: &mut impl AsyncSessionStore,
        resume: Resume,
        device: &mut Device,
        mut progress: impl FnMut(Progress),
    ) -> Result<Self, Error> {
        let mut stored = store.load().await?;
        let options = transport.options();
        device.mix_seed(options.fresh_seed()?);
        if let Some(session) = &mut stored {
            session.mix_seed(options.fresh_seed()?);
        }
        let mut open = Open::new(stored, resume);
        loop {
            match transport.run(&mut open, device).await {
                Ok(Progress::LoggedIn(account)) => {
                    store.save(account.session()).await?;
                    return Ok(Self::new(transport, *account));
                }
                Ok(Progress::Resumed(account)) => return Ok(Self::new(transport, *account)),
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
