//! What the inbox works on.

use alloc::boxed::Box;

use crate::contact::Directory;
use crate::device::Device;
use crate::error::{Error, Ret};
use crate::login::Credentials;
use crate::login::init::Init;
use crate::session::Session;

/// A session and what is known of its contacts: what a client keeps behind its lock.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) session: Session,
    pub(crate) directory: Directory,
    init: Option<Box<Init>>,
    stopped: bool,
    /// The number of the newest inbox: an older one has been replaced.
    inboxes: u64,
}

impl Account {
    /// What a login opens: its first contacts known.
    pub(crate) fn opened(device: Device, credentials: Credentials, mut init: Init) -> Self {
        let mut directory = Directory::default();
        for contact in &init.contacts {
            directory.merge(contact.clone());
        }
        if init.me.uin == 0 {
            // The login page knows it: `docs/protocol.md` §1.7.
            init.me.uin = credentials.uin.expose().parse().unwrap_or(0);
        }
        let (me, key) = (init.me.clone(), init.sync_key.clone());
        let mut session = Session::new(device, credentials, me, key);
        session.renew_skey(core::mem::take(&mut init.skey));
        session.chat_set.clone_from(&init.chat_set);
        session.invite_start_count = init.invite_start_count;
        Self { session, directory, init: Some(Box::new(init)), stopped: false, inboxes: 0 }
    }

    /// The session, to be stored.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The session, for requests.
    pub const fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Who is known.
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// What the service said at the beginning of the session; nothing if it was resumed.
    pub fn init(&self) -> Option<&Init> {
        self.init.as_deref()
    }

    /// Ends its inbox, for good: its next poll says [`Error::Stopped`]. Calls still work.
    pub const fn stop(&mut self) {
        self.stopped = true;
    }

    /// Why nothing more will be heard, if so: the session is over, or was stopped.
    ///
    /// A driver compares this after each poll, and wakes an inbox that waits when it appears.
    pub fn over(&self) -> Option<Error> {
        match self.session.device.ended() {
            Some(ret) => Some(Error::LoggedOut { ret }),
            None => self.stopped.then_some(Error::Stopped),
        }
    }

    /// A number for a new inbox, which retires the one before.
    pub(crate) const fn open_inbox(&mut self) -> u64 {
        self.inboxes += 1;
        self.inboxes
    }

    /// Whether the inbox of this number is still the one.
    pub(crate) const fn is_newest_inbox(&self, number: u64) -> bool {
        self.inboxes == number
    }

    /// Whether the session ended by its own logout.
    pub fn has_left(&self) -> bool {
        self.session.device.ended() == Some(Ret::OK)
    }
}

impl From<Session> for Account {
    /// For a session read from storage; nobody is known yet.
    fn from(session: Session) -> Self {
        Self { session, directory: Directory::default(), init: None, stopped: false, inboxes: 0 }
    }
}

impl AsMut<Self> for Account {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

impl AsMut<Session> for Account {
    fn as_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl AsMut<Device> for Account {
    fn as_mut(&mut self) -> &mut Device {
        &mut self.session.device
    }
}
