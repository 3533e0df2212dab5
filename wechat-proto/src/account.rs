//! A session and its known contacts.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::mem;

use crate::contact::pending::{Lookup, Pending};
use crate::contact::{Change, Contact, Directory};
use crate::device::Device;
use crate::error::{Error, Ret};
use crate::ids::UserName;
use crate::login::{Credentials, Init};
use crate::message::{Kind, Message};
use crate::parts::{Arriving, PART, Parts};
use crate::session::Session;
use crate::sync::Batch;
use crate::text::brief;
use crate::time::Timestamp;

/// A session and its known contacts: the state that a client keeps behind its lock.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) session: Session,
    pub(crate) directory: Directory,
    /// The contacts that the inbox is to look up.
    pub(crate) pending: Pending,
    directory_limit: usize,
    init: Option<Box<Init>>,
    /// The batch received while the session was opened.
    arrived: Option<Box<Applied>>,
    stopped: bool,
    /// The number of the newest inbox, which replaced all older ones.
    inboxes: u64,
    /// The directory when changes were last noted; `None` before the first time.
    seen: Option<Directory>,
    /// Changes that were not returned as events yet.
    changes: VecDeque<Change>,
    /// Whether all contacts have been loaded.
    has_contacts: bool,
}

/// The effects of a batch, returned by [`Account::apply`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Applied {
    /// The messages that are new, each to be [acknowledged](Session::acknowledge).
    pub messages: Vec<Message>,
    /// The contacts and rooms that were added, changed or removed in the directory.
    pub contacts: BTreeSet<UserName>,
    /// Whether there is more to fetch at once. `false` if the key did not advance: fetching again
    /// would return the same batch.
    pub has_more: bool,
    /// Whether anything in the batch is new.
    pub(crate) is_useful: bool,
}

/// The default limit of the directory in bytes: `docs/threats.md` W3.
const DIRECTORY: usize = 128 << 20;

impl Account {
    /// Opens an account from the credentials of the login page and the reply to `webwxinit`.
    pub fn open(device: Device, credentials: Credentials, mut init: Init, now: Timestamp) -> Self {
        let session = Session::open(device, credentials, &init, now);
        let mut account = Self::from(session);
        account.learn(mem::take(&mut init.contacts));
        for name in &init.chat_set {
            account.pending.name(&account.directory, name);
        }
        account.init = Some(Box::new(init));
        account
    }

    /// Returns the session, which is the part of the account to store.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Returns the session mutably, to build requests on it.
    pub const fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Returns the known contacts.
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns the reply to `webwxinit` that opened the session, without its contacts, which are in
    /// the directory; `None` if the session was resumed.
    pub fn init(&self) -> Option<&Init> {
        self.init.as_deref()
    }

    /// Limits the memory for contacts to this number of bytes, by default 128 MB: see [`Directory`].
    pub fn limit_directory(&mut self, bytes: usize) {
        self.directory_limit = bytes;
        self.pending.evict(&mut self.directory, bytes);
    }

    /// Stops the inbox permanently: its next poll fails with [`Error::Stopped`]. Calls still work.
    pub const fn stop(&mut self) {
        self.stopped = true;
    }

    /// Returns why no more messages will arrive: the session is closed, or was stopped.
    ///
    /// An adapter checks this after each poll, to wake a waiting inbox.
    pub fn close_reason(&self) -> Option<Error> {
        self.session.device.close_reason().or_else(|| self.stopped.then_some(Error::Stopped))
    }

    /// Applies a batch that [`FetchBatch`](crate::sync::FetchBatch) returned, in the order of
    /// `docs/protocol.md` §7.2. Drops messages that are already
    /// acknowledged or pending.
    ///
    /// To find the detailed changes of contacts, compare the directory with an older copy
    /// ([`Directory::changes_since`]).
    pub fn apply(&mut self, batch: Batch) -> Applied {
        let mut arriving = self.begin(batch);
        while self.apply_part(&mut arriving) {}
        self.finish(arriving)
    }

    /// Applies a batch without its changed contacts and messages.
    pub(crate) fn begin(&mut self, batch: Batch) -> Arriving {
        let mut arriving = Arriving::new(batch);
        if let Some(profile) = arriving.batch.profile.take() {
            if let Some(name) = profile.nick_name {
                self.directory.rename_me(&name);
                self.session.me.nick_name = brief(name);
            }
            if let Some(picture) = profile.head_img_url {
                self.session.me.head_img_url = brief(picture);
            }
        }
        for name in &arriving.removed {
            self.forget(name);
        }
        arriving
    }

    /// Applies the next changed contacts of a batch. Returns whether there are more.
    pub(crate) fn apply_part(&mut self, arriving: &mut Arriving) -> bool {
        let Arriving { changed, changed_members, contacts, .. } = arriving;
        let mut left = PART;
        let mut name = |contact: &Contact| {
            contacts.insert(contact.user_name.clone());
        };
        self.learn(changed.take(&mut left).inspect(&mut name));
        self.correct(changed_members.take(&mut left).inspect(&mut name));
        !arriving.changed.is_empty() || !arriving.changed_members.is_empty()
    }

    /// Applies the messages of a batch.
    pub(crate) fn finish(&mut self, arriving: Arriving) -> Applied {
        let Arriving { batch, has_changes, removed, contacts, .. } = arriving;
        let has_more = batch.has_more;
        let (messages, moved) = self.session.deliver(batch);
        for message in &messages {
            // The last message of a room that was left must not trigger a lookup.
            let peer = message.peer();
            if self.directory.find(peer).is_some() || !removed.contains(peer) {
                self.pending.note(&mut self.directory, message);
            }
        }
        // The phone sends its list of chats on each login, which is not activity of a user.
        if messages.iter().any(|message| !matches!(message.kind, Kind::Status(_))) {
            self.session.device.note_message();
        }
        // Like a change, a message without an id may be a repetition.
        let fresh = messages.iter().any(|message| message.id.is_usable());
        let changes = has_changes || messages.iter().any(|message| !message.id.is_usable());
        Applied {
            messages,
            contacts,
            has_more: has_more && moved,
            is_useful: fresh || changes && moved,
        }
    }

    /// Adds or updates contacts in the directory, from the records of a contact list or a lookup.
    /// [`Directory`] documents how a record is merged into an older one.
    pub fn learn(&mut self, contacts: impl IntoIterator<Item = Contact>) {
        self.merge(contacts, Directory::merge);
    }

    /// Applies `ModChatRoomMemberList`, of which no capture is known. Members that are not contacts
    /// are not added, and members that are not listed are not removed.
    fn correct(&mut self, contacts: impl IntoIterator<Item = Contact>) {
        self.merge(contacts, |directory, contact| {
            if contact.is_room() || directory.find(&contact.user_name).is_some() {
                directory.merge_part(contact);
            }
        });
    }

    fn merge(
        &mut self,
        contacts: impl IntoIterator<Item = Contact>,
        merge: fn(&mut Directory, Contact),
    ) {
        for contact in contacts {
            let unsaved = (!contact.is_saved()).then(|| contact.user_name.clone());
            merge(&mut self.directory, contact);
            if let Some(name) = unsaved {
                self.pending.touch(&self.directory, &name);
            }
        }
        self.pending.evict(&mut self.directory, self.directory_limit);
    }

    /// Removes a contact, or a room that was left.
    pub(crate) fn forget(&mut self, name: &UserName) {
        self.directory.remove(name);
        self.pending.forget(name);
    }

    /// Applies the reply to a lookup.
    pub(crate) fn looked_up(&mut self, lookup: &Lookup, contacts: Vec<Contact>, now: Timestamp) {
        self.learn(contacts);
        self.pending.answered(lookup, &self.directory, now);
    }

    /// Stores the batch received while the session was opened.
    pub(crate) fn keep_arrived(&mut self, arrived: Applied) {
        self.arrived = Some(Box::new(arrived));
    }

    /// Takes the batch received while a stored session was opened. An
    /// [`Inbox`](crate::sync::Inbox) delivers it; a loop without an inbox must handle it before it fetches another batch.
    pub fn take_arrived(&mut self) -> Option<Applied> {
        self.arrived.take().map(|arrived| *arrived)
    }

    /// Returns whether all contacts have been loaded ([`LoadContacts`](crate::contact::LoadContacts)).
    pub const fn has_contacts(&self) -> bool {
        self.has_contacts
    }

    /// Records that all contacts have been loaded.
    pub(crate) const fn set_has_contacts(&mut self) {
        self.has_contacts = true;
    }

    /// Adds the next loaded contacts, and returns whether there are more. The contacts of the first
    /// load are not reported as changes, since they are new to this process only.
    pub(crate) fn load_part(&mut self, contacts: &mut Parts) -> bool {
        let is_first = !self.has_contacts && self.seen.is_some();
        if is_first {
            self.note_changes();
            // Drops the old copy first, because a shared directory would be copied.
            self.seen = None;
        }
        let mut left = PART;
        self.learn(contacts.take(&mut left));
        if is_first {
            self.seen = Some(self.directory.clone());
        }
        !contacts.is_empty()
    }

    /// Notes the changes of the directory since the last call, for [`Account::next_change`].
    pub(crate) fn note_changes(&mut self) {
        let Some(seen) = &self.seen else {
            self.seen = Some(self.directory.clone());
            return;
        };
        let changes = self.directory.changes_since(seen);
        if !changes.is_empty() {
            let counts = |contact: &Contact| contact.is_saved() || contact.is_room();
            let has_contacts = self.has_contacts;
            self.changes.extend(changes.into_iter().filter(|change| match change {
                Change::Added { contact } => has_contacts && counts(contact),
                Change::Removed { contact } => counts(contact),
                _ => true,
            }));
            self.seen = Some(self.directory.clone());
        }
    }

    /// Takes the next noted change.
    pub(crate) fn next_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// Returns a number for a new inbox, and its first batch. The new inbox replaces the previous
    /// one, whose unacknowledged messages are received again.
    pub(crate) fn open_inbox(&mut self) -> (u64, Option<Applied>) {
        let arrived = self.take_arrived();
        if arrived.is_none() {
            self.session.rewind();
        }
        self.inboxes += 1;
        (self.inboxes, arrived)
    }

    /// Returns whether the inbox of this number is the newest one.
    pub(crate) const fn is_newest_inbox(&self, number: u64) -> bool {
        self.inboxes == number
    }

    /// Returns whether the session was closed by its own logout.
    pub fn has_logged_out(&self) -> bool {
        self.session.device.closed() == Some(Ret::OK)
    }
}

impl From<Session> for Account {
    /// Resumes a stored session. No contacts are known yet; the inbox looks up the senders of
    /// messages.
    fn from(session: Session) -> Self {
        let me = session.me();
        let directory = Directory::of(me.user_name.clone(), &me.nick_name);
        Self {
            session,
            directory,
            pending: Pending::default(),
            directory_limit: DIRECTORY,
            init: None,
            arrived: None,
            stopped: false,
            inboxes: 0,
            seen: None,
            changes: VecDeque::new(),
            has_contacts: false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Endpoint as _;
    use crate::login::InitSession;
    use crate::testing::reply;

    #[test]
    fn contacts_of_the_login_are_kept_once() {
        let credentials = Credentials::new("7", "sid", "skey", "").unwrap();
        let init = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"},"ContactList":[{"UserName":"@a"}]}"#;
        let init = InitSession::new(credentials.clone()).parse(&reply(init)).unwrap();
        assert_eq!(init.contacts.len(), 1);
        let account = Account::open(Device::new(), credentials, init, Timestamp::default());
        assert!(account.directory().find(&"@a".parse().unwrap()).is_some());
        assert!(account.init().unwrap().contacts.is_empty());
    }
}
