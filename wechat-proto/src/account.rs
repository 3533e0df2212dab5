//! What the inbox works on.

use alloc::boxed::Box;

use crate::contact::wanted::Wanted;
use crate::contact::{Contact, Directory};
use crate::device::Device;
use crate::error::{Error, Ret};
use crate::ids::UserName;
use crate::login::Credentials;
use crate::login::init::Init;
use crate::session::Session;

/// A session and what is known of its contacts: what a client keeps behind its lock.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) session: Session,
    pub(crate) directory: Directory,
    /// Whom the inbox is to ask for.
    pub(crate) wanted: Wanted,
    init: Option<Box<Init>>,
    stopped: bool,
    /// The number of the newest inbox: an older one has been replaced.
    inboxes: u64,
}

impl Account {
    /// What a login opens: its first contacts known.
    pub(crate) fn opened(device: Device, credentials: Credentials, mut init: Init) -> Self {
        let mut directory = Directory::of(init.me.user_name.clone(), &init.me.nick_name);
        for contact in &init.contacts {
            directory.merge(contact.clone());
        }
        let mut wanted = Wanted::default();
        for name in &init.chat_set {
            wanted.name(&directory, name);
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
        let init = Some(Box::new(init));
        Self { session, directory, wanted, init, stopped: false, inboxes: 0 }
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
        self.session.device.over().or_else(|| self.stopped.then_some(Error::Stopped))
    }

    /// Takes records of contacts.
    pub(crate) fn learn(&mut self, contacts: impl IntoIterator<Item = Contact>) {
        for contact in contacts {
            self.directory.merge(contact);
        }
    }

    /// Takes records of rooms and members, which no capture shows: a member who is no contact does
    /// not become one, and who is not on a list has not left.
    pub(crate) fn correct(&mut self, contacts: impl IntoIterator<Item = Contact>) {
        for contact in contacts {
            if contact.is_room() || self.directory.find(&contact.user_name).is_some() {
                self.directory.merge_part(contact);
            }
        }
    }

    /// Somebody is no contact any more, a room was left.
    pub(crate) fn forget(&mut self, name: &UserName) {
        self.directory.remove(name);
        self.wanted.forget(name);
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
    /// For a session read from storage; nobody is known yet, and the inbox asks for those who write.
    fn from(session: Session) -> Self {
        let me = session.me();
        let directory = Directory::of(me.user_name.clone(), &me.nick_name);
        let wanted = Wanted::default();
        Self { session, directory, wanted, init: None, stopped: false, inboxes: 0 }
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
