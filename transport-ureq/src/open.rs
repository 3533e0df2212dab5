//! Logins, and opening a client from a session store.

use wechat_proto::login::{Credentials, Login, Open, Progress, Resume};
use wechat_proto::store::SessionStore;
use wechat_proto::{Account, Device, Error, Flow, Session};

use crate::Options;
use crate::client::Client;
use crate::transport::Transport;

impl Client {
    /// Resumes the stored session, or logs in, and returns a client that keeps the store.
    ///
    /// The stored session is verified with the service. If it is closed, a login follows, which is
    /// confirmed on the phone or uses a QR code, as far as [`Options::resume`] allows. `progress`
    /// receives each step. The client saves a new session before this returns, then after each
    /// acknowledged message ([`Options::save`]) and at the end.
    ///
    /// ```no_run
    /// use wechat_transport_ureq::{Client, FileStore, Options};
    ///
    /// # fn main() -> Result<(), wechat_proto::Error> {
    /// let store = FileStore::open("bot.session")?;
    /// let client = Client::open(store, Options::default(), |progress| println!("{progress}"))?;
    /// for message in client.messages() {
    ///     println!("{}", message?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::Transport`] if an option is invalid.
    /// - [`Error::OtherServer`] if the stored session belongs to a different server than the
    ///   [device](Options::device) of the options.
    /// - [`Error::LoggedOut`] if the session is closed and no login is allowed, or if the service
    ///   dropped it within a minute of its login: then every call fails until the stored session is
    ///   removed.
    /// - Those of [`Client::open_with`].
    pub fn open(
        mut store: impl SessionStore + Send + 'static,
        options: Options,
        progress: impl FnMut(&Progress),
    ) -> Result<Self, Error> {
        let (mut device, resume) = (options.new_device(), options.resume_limit());
        let transport = Transport::new(options)?;
        let client = Self::open_with(&transport, &mut store, resume, &mut device, progress)?;
        Ok(client.with_store(store))
    }

    /// Opens a client like [`Client::open`], but on a shared transport, with a store and a device
    /// that the caller keeps. Another attempt after a failure continues with the back-off and the
    /// cookies of the device.
    ///
    /// If the stored session is closed, `progress` receives [`Progress::Closed`] and then the steps of a
    /// login with the device of that session. If no session is stored, `device` logs in. A new session
    /// is stored before this returns; otherwise the store is not changed. If the stored session cannot
    /// be read, this fails without a login. Afterwards the caller stores the session, after handling
    /// each message and when the messages end; [`Client::with_store`] gives the store to the client.
    ///
    /// # Errors
    ///
    /// - [`Error::Storage`] if the store fails, and with
    ///   [`StorageKind::Missing`](wechat_proto::error::StorageKind::Missing) if no session is stored
    ///   and no code is allowed.
    /// - [`Error::OtherServer`] if the stored session belongs to a different server than the
    ///   device.
    /// - [`Error::LoggedOut`] if the session is closed and no login is allowed. If the session **was
    ///   dropped** seconds after its login, this is returned and stored regardless of `resume`; see
    ///   [`Open`](wechat_proto::login::Open).
    /// - Those of [`Client::login`].
    pub fn open_with(
        transport: &Transport,
        store: &mut (impl SessionStore + ?Sized),
        resume: Resume,
        device: &mut Device,
        progress: impl FnMut(&Progress),
    ) -> Result<Self, Error> {
        let mut open = Open::new(store.load()?, resume);
        match Self::log_in(&mut open, transport, device, progress) {
            Ok((client, true)) => store.save(&client.session()).map(|()| client),
            Ok((client, false)) => Ok(client),
            Err(error) => match open.session() {
                Some(session) => store.save(session).and(Err(error)),
                None => Err(error),
            },
        }
    }

    /// Logs in with a QR code, and returns a client for the new session.
    ///
    /// `progress` receives each step, starting with the code to show. Blocks until the phone has
    /// confirmed. An expired code is renewed a few times.
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`] with [`Ret::ENVIRONMENT`](wechat_proto::error::Ret::ENVIRONMENT) (1203),
    ///   or with the text of a page, if this account is not allowed to log in on the web.
    /// - [`Error::NotConfirmed`] if six codes in a row expired or were cancelled.
    /// - [`Error::Transport`] after three consecutive failures of the network, or if the system's random
    ///   number generator fails.
    /// - Any other error that ended the login: see [`Login`].
    ///
    /// Calling again starts with a new code and continues the back-off of earlier failures. The
    /// device keeps its cookies in any case.
    ///
    /// If the service drops the account seconds after the login, [`Client::messages`] fails with
    /// [`Error::LoggedOut`] (1101 or 1102).
    pub fn login(
        transport: &Transport,
        device: &mut Device,
        progress: impl FnMut(&Progress),
    ) -> Result<Self, Error> {
        Ok(Self::log_in(&mut Login::new(), transport, device, progress)?.0)
    }

    /// Logs in again without a QR code, and returns a client for the new session. The phone of the
    /// device's last account prompts for confirmation.
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
        progress: impl FnMut(&Progress),
    ) -> Result<Self, Error> {
        Ok(Self::log_in(&mut Login::again(), transport, device, progress)?.0)
    }

    /// Runs a flow that logs in, and returns the client and whether its session is new.
    fn log_in(
        flow: &mut impl Flow<State = Device, Output = Progress>,
        transport: &Transport,
        device: &mut Device,
        mut progress: impl FnMut(&Progress),
    ) -> Result<(Self, bool), Error> {
        device.mix_seed(transport.options.new_seed()?);
        loop {
            let step = transport.run(flow, device)?;
            progress(&step);
            match step {
                Progress::LoggedIn(account) => return Ok((Self::new(transport, *account), true)),
                Progress::Resumed(account) => return Ok((Self::new(transport, *account), false)),
                _ => {}
            }
        }
    }

    /// Resumes a stored session. No request is sent. Contacts are not stored in a session: until
    /// [`Client::contacts`], the directory only has authors of messages and mentioned contacts.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] if the system's random number generator fails.
    pub fn resume(transport: &Transport, mut session: Session) -> Result<Self, Error> {
        session.mix_seed(transport.options.new_seed()?);
        Ok(Self::new(transport, Account::from(session)))
    }

    /// Opens the session of a logged-in browser, and returns a client for it.
    ///
    /// `cookies` is the browser's `Cookie` header for the page, from which `credentials` are taken
    /// as well ([`Credentials::from_cookies`]). The device needs the hosts of the page that the
    /// browser shows. Add [`Client::with_store`] and [`Client::save_session`] to keep the session.
    ///
    /// ```no_run
    /// use wechat_proto::hosts::{Family, Hosts};
    /// use wechat_proto::login::Credentials;
    /// use wechat_proto::{Device, Error};
    /// use wechat_transport_ureq::{Client, FileStore, Options, Transport};
    ///
    /// # fn open() -> Result<(), Error> {
    /// let transport = Transport::new(Options::default())?;
    /// let mut device = Device::new().with_hosts(Hosts::new(Family::Wx2)); // wx2.qq.com
    /// let cookies = "wxuin=1234567; wxsid=…; webwx_data_ticket=…";
    /// let credentials = Credentials::from_cookies(cookies, "@crypt_…", "pass_ticket")?;
    /// let client = Client::import(&transport, &mut device, cookies, credentials)?;
    /// let client = client.with_store(FileStore::open("bot.session")?);
    /// client.save_session()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`] if the cookies are malformed.
    /// - [`Error::LoggedOut`] or [`Error::Refused`] if the browser's login has ended.
    /// - Those of [`Client::login`].
    pub fn import(
        transport: &Transport,
        device: &mut Device,
        cookies: &str,
        credentials: Credentials,
    ) -> Result<Self, Error> {
        device.import_cookies(cookies)?;
        let mut login = Login::with_credentials(credentials);
        Ok(Self::log_in(&mut login, transport, device, |_| {})?.0)
    }
}
