//! The session: the state that a login creates.

pub(crate) mod acks;
pub(crate) mod changes;
pub(crate) mod journal;
mod positions;
mod shared_map;
mod stored;
mod version;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use self::acks::{Acks, Place};
pub use self::version::Version;
use crate::contact::Contact;
use crate::device::Device;
use crate::ids::{ClientMsgId, MsgId, UserName};
use crate::login::Credentials;
use crate::media::Md5Sum;
use crate::message::Message;
use crate::secret::Secret;
use crate::sync::{Batch, SyncKey};
use crate::time::Timestamp;
use crate::wire::envelope::{BaseRequest, Uin};

/// A login: credentials, the account, and the position in its messages.
///
/// This is the only state to persist. It is created by [`Login`](crate::login::Login), opened with
/// the cookies of a browser ([`Session::open`]), or loaded from storage ([`Session::from_json`]);
/// every request that needs a login takes one.
///
/// `Debug` shows no credentials or cookies. [`Session::to_json`] and `Serialize` include them:
/// anyone who reads the result can use the session. [`store`](crate::store) lists the requirements
/// of a store. `Serialize` is for a session within a value of your own, and has no checksum.
#[derive(Clone, Deserialize, Serialize)]
pub struct Session {
    #[serde(deserialize_with = "known_format")]
    format: u64,
    pub(crate) device: Device,
    pub(crate) auth: Credentials,
    pub(crate) me: Me,
    /// The key after the last fully acknowledged batch.
    pub(crate) sync_key: SyncKey,
    /// The key of `synccheck`; `None` until the first `webwxsync`. Until then, `sync_key` is used.
    pub(crate) sync_check_key: Option<SyncKey>,
    /// Shared by copies until one of them changes.
    #[serde(rename = "taken")]
    pub(crate) acks: Arc<Acks>,
    pub(crate) chat_set: Vec<UserName>,
    pub(crate) invite_start_count: u32,
    last_client_msg_id: ClientMsgId,
    /// The last id of an upload; 0 if the session was stored by an older version.
    #[serde(default)]
    last_client_media_id: u64,
    /// The number of copies made; absent if stored by older versions.
    #[serde(default, skip_serializing_if = "is_zero")]
    revision: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde requires")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The account itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Me {
    /// The `UserName`, which is valid for this login only.
    pub user_name: UserName,
    /// The nickname, with emoji as characters.
    pub nick_name: Box<str>,
    /// The avatar: a path on the API host, without the value of its `skey`.
    pub head_img_url: Box<str>,
    /// `Uin`: the number of the account, the same in every login.
    pub uin: i64,
    /// The signature text.
    pub signature: Box<str>,
    /// 1 male, 2 female, 0 unknown.
    pub sex: i64,
}

impl Session {
    pub(crate) fn new(device: Device, auth: Credentials, me: Me, sync_key: SyncKey) -> Self {
        Self {
            format: FORMAT,
            device,
            auth,
            me,
            sync_key,
            sync_check_key: None,
            acks: Arc::default(),
            chat_set: Vec::new(),
            invite_start_count: 40,
            last_client_msg_id: ClientMsgId::default(),
            last_client_media_id: 0,
            revision: 0,
        }
    }

    /// Returns a copy to be stored, whose [version](Session::version) is higher than those of earlier copies.
    pub fn snapshot(&mut self) -> Self {
        self.revision += 1;
        self.clone()
    }

    /// Returns the version of this copy. A store that several tasks write to keeps the version of the
    /// session that it stored last, and ignores a session with an older one.
    pub fn version(&self) -> Version {
        let login = [self.auth.sid.expose(), " ", self.me.user_name.as_str()].concat();
        Version::new(Md5Sum::of(login.as_bytes()), self.revision)
    }

    /// Returns whether any received message has not been acknowledged yet.
    pub fn has_pending(&self) -> bool {
        self.acks.has_pending()
    }

    /// Returns the account itself.
    pub const fn me(&self) -> &Me {
        &self.me
    }

    /// Returns the device that logged in.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// Returns the device for another login, with its cookies and the number of the account for
    /// [`Login::again`](crate::login::Login::again).
    pub fn into_device(mut self) -> Device {
        self.device.reopen();
        // Sessions stored by older versions have the number only here.
        self.device.remember(self.me.uin);
        self.device
    }

    /// Mixes fresh entropy into the generator, so that two copies of one stored session draw
    /// different values.
    pub fn mix_seed(&mut self, seed: [u8; 32]) {
        self.device.mix_seed(seed);
    }

    /// Acknowledges a message, so that it is not delivered again.
    ///
    /// Messages may be acknowledged in any order. The stored `SyncKey` advances past a batch when
    /// every message of it and of the batches before it is acknowledged. Until then, the service
    /// sends the batch again after the stored session is resumed. Acknowledged messages are then
    /// dropped by their id, of which the last 512 are stored, or by their position in the batch, if
    /// the service sends the same messages in the same order. A message without a usable id is
    /// identified by its place in the batch, which is not stored.
    ///
    /// An [`Inbox`](crate::sync::Inbox) acknowledges a message when it is polled for the next one,
    /// unless it is [`manual`](crate::sync::Inbox::manual). A bot that stores the session together
    /// with the effect of a message acknowledges the message on the copy that is stored.
    pub fn acknowledge(&mut self, message: &Message) {
        self.acknowledge_at(&message.id, message.place);
    }

    pub(crate) fn acknowledge_at(&mut self, id: &MsgId, place: Option<Place>) {
        self.acks_mut().acknowledge(id, place);
        self.advance();
    }

    /// Applies a batch of `webwxsync` without its contacts, and returns its new messages, each to be
    /// [acknowledged](Session::acknowledge). [`Account::apply`](crate::Account::apply) applies the
    /// contacts as well.
    pub fn apply(&mut self, batch: Batch) -> Vec<Message> {
        self.deliver(batch).0
    }

    /// Returns the chats that the login page lists first: persons, and rooms that may be missing
    /// from the contact list.
    pub fn chat_set(&self) -> &[UserName] {
        &self.chat_set
    }

    /// Returns the minimum number of members of a room to which new members are invited instead of
    /// added.
    pub const fn invite_start_count(&self) -> u32 {
        self.invite_start_count
    }

    /// Returns an id for a message written at `now`, above all earlier ids of this session.
    pub fn next_client_msg_id(&mut self, now: Timestamp) -> ClientMsgId {
        let id = ClientMsgId::mint(&mut self.device.rng, self.last_client_msg_id, now);
        self.last_client_msg_id = id;
        id
    }

    /// Returns an id for an upload that begins at `now`: the clock's milliseconds, but above all
    /// earlier ids of this session, because the service joins pieces with the same id.
    pub(crate) fn next_client_media_id(&mut self, now: Timestamp) -> u64 {
        let next = self.last_client_media_id.saturating_add(1);
        self.last_client_media_id = now.as_millis().max(next);
        self.last_client_media_id
    }

    /// Returns a new `DeviceID`.
    pub(crate) fn device_id(&mut self) -> String {
        self.device.rng.device_id()
    }

    /// Returns the `BaseRequest` of all requests except `webwxinit`.
    pub(crate) fn base_request<'a>(&'a self, device_id: &'a str) -> BaseRequest<'a> {
        self.auth.base_request(Uin::Number(self.me.uin), device_id)
    }

    /// Returns the key of the next `webwxsync`, after all received batches.
    pub(crate) fn next_sync_key(&self) -> &SyncKey {
        self.acks.parked_key().unwrap_or(&self.sync_key)
    }

    /// Returns the key of the next `synccheck`.
    pub(crate) fn next_check_key(&self) -> &SyncKey {
        let stored = self.sync_check_key.as_ref();
        self.acks.parked_check_key().or(stored).unwrap_or_else(|| self.next_sync_key())
    }

    /// Records the keys of a batch until its messages are acknowledged.
    pub(crate) fn park(&mut self, batch: &Batch) {
        let key = batch.sync_key.clone().filter(|key| key != self.next_sync_key());
        self.acks_mut().park(key, batch.sync_check_key.clone());
    }

    /// Returns the new messages of the last received batch, and whether its key is new. The
    /// messages are pending until they are acknowledged.
    pub(crate) fn deliver(&mut self, batch: Batch) -> (Vec<Message>, bool) {
        let mut messages = batch.messages(&self.me.user_name);
        let moved = self.acks_mut().deliver(&mut messages);
        self.advance();
        (messages, moved)
    }

    /// Drops received but unacknowledged messages, which will be received again.
    pub(crate) fn rewind(&mut self) {
        self.acks_mut().rewind();
    }

    pub(crate) fn acks_mut(&mut self) -> &mut Acks {
        Arc::make_mut(&mut self.acks)
    }

    /// Advances the keys past the fully acknowledged batches.
    fn advance(&mut self) {
        while let Some(keys) = self.acks_mut().next_done() {
            // A key without counters does not replace another: `docs/protocol.md` §7.2.
            if let Some(key) = keys.sync_key {
                self.sync_key = key;
            }
            if let Some(key) = keys.sync_check_key {
                self.sync_check_key = Some(key);
            }
        }
    }

    /// Stores the `SKey` of a reply, unless it is empty: `docs/protocol.md` §1.4.
    pub(crate) fn renew_skey(&mut self, skey: Secret) {
        if !skey.is_empty() {
            self.auth.skey = skey;
        }
    }
}

impl Me {
    /// Returns the account described by a contact record.
    pub(crate) fn of(contact: Contact) -> Self {
        Self {
            user_name: contact.user_name,
            nick_name: contact.nick_name,
            head_img_url: contact.head_img_url,
            uin: contact.uin,
            signature: contact.signature,
            sex: contact.sex,
        }
    }
}

impl AsMut<Self> for Session {
    fn as_mut(&mut self) -> &mut Self {
        self
    }
}

impl AsMut<Device> for Session {
    fn as_mut(&mut self) -> &mut Device {
        &mut self.device
    }
}

/// Shows no values of credentials.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("me", &self.me)
            .field("device", &self.device)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

/// The number of the first storage format, which is one of the session's fields. Newer formats have
/// their numbers outside of the fields (`stored`).
const FORMAT: u64 = 1;

fn known_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        FORMAT => Ok(FORMAT),
        _ => Err(D::Error::custom("unknown format of a stored session")),
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
pub(crate) mod tests;
