//! What a login yields.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::contact::Contact;
use crate::device::Device;
use crate::error::Error;
use crate::ids::{ClientMsgId, UserName};
use crate::login::Credentials;
use crate::message::Message;
use crate::secret::Secret;
use crate::stored;
use crate::sync::SyncKey;
use crate::taken::Taken;
use crate::time::Timestamp;
use crate::wire::envelope::{BaseRequest, Uin};

/// A login: credentials, who the account is, how far its messages were read.
///
/// The one thing to persist. It is made by [`Login`](crate::login::Login) or read from storage
/// ([`Session::from_json`]); every request that needs a login takes one.
///
/// `Debug` shows no credential and no cookie; [`Session::to_json`] (and `Serialize`) does: what it
/// gives can be used by whoever reads it. [`store`](crate::store) says what else a place to keep it
/// has to do. `Serialize` is for a session within a value of your own, and has no checksum.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    format: Format,
    pub(crate) device: Device,
    pub(crate) auth: Credentials,
    pub(crate) me: Me,
    pub(crate) sync_key: SyncKey,
    /// Unknown until the first `webwxsync`; the other key serves until then.
    pub(crate) sync_check_key: Option<SyncKey>,
    pub(crate) taken: Taken,
    pub(crate) chat_set: Vec<UserName>,
    pub(crate) invite_start_count: u32,
    last_client_msg_id: ClientMsgId,
    /// Not in what older versions stored.
    #[serde(default)]
    last_client_media_id: u64,
}

/// The account itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Me {
    /// Its name in this login.
    pub user_name: UserName,
    /// What it calls itself; emoji as characters.
    pub nick_name: Box<str>,
    /// Its picture: a path on the api host, without the value of its `skey`.
    pub head_img_url: Box<str>,
    /// Its number.
    pub uin: i64,
    /// What it says of itself.
    pub signature: Box<str>,
    /// 1 male, 2 female, 0 not said.
    pub sex: i64,
}

impl Session {
    pub(crate) fn new(device: Device, auth: Credentials, me: Me, sync_key: SyncKey) -> Self {
        Self {
            format: Format,
            device,
            auth,
            me,
            sync_key,
            sync_check_key: None,
            taken: Taken::default(),
            chat_set: Vec::new(),
            invite_start_count: 40,
            last_client_msg_id: ClientMsgId::default(),
            last_client_media_id: 0,
        }
    }

    /// Reads what [`Session::to_json`] wrote, by this version or an older one.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] if it is damaged, or was written by a newer version.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        stored::read(json)
    }

    /// The session as JSON with a checksum, and with its credentials: keep it as safe as a
    /// password.
    pub fn to_json(&self) -> String {
        stored::write(self)
    }

    /// The account itself.
    pub const fn me(&self) -> &Me {
        &self.me
    }

    /// The device that logged in.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// The device, for another login: it keeps its cookies, and remembers the account for
    /// [`Login::again`](crate::login::Login::again).
    pub fn into_device(mut self) -> Device {
        self.device.reopen();
        // Sessions that an older version stored have it here only.
        self.device.remember(self.me.uin);
        self.device
    }

    /// Mixes fresh entropy in, so that two copies of one stored session do not say the same.
    pub fn mix_seed(&mut self, seed: [u8; 32]) {
        self.device.mix_seed(seed);
    }

    /// Takes a message: it will not be given again.
    ///
    /// An inbox takes a message when it is asked for the next one. Who stores the session with the
    /// effect of a message, or after it, takes the message on the copy that is stored
    /// ([`Inbox`](crate::sync::Inbox) says what is seen again otherwise).
    pub fn take(&mut self, message: &Message) {
        self.taken.take(&message.id);
    }

    /// The chats that the login page lists first: persons, and rooms that may be in no address
    /// book.
    pub fn chat_set(&self) -> &[UserName] {
        &self.chat_set
    }

    /// From how many members on a room's newcomers are invited instead of added.
    pub const fn invite_start_count(&self) -> u32 {
        self.invite_start_count
    }

    /// A number for a message written at `now`, above all that this session gave.
    pub fn next_client_msg_id(&mut self, now: Timestamp) -> ClientMsgId {
        let id = ClientMsgId::mint(&mut self.device.rng, self.last_client_msg_id, now);
        self.last_client_msg_id = id;
        id
    }

    /// A number for an upload that begins at `now`: the clock's milliseconds, and above all that
    /// this session gave, or the pieces of two files would be taken for one file's.
    pub(crate) fn next_client_media_id(&mut self, now: Timestamp) -> u64 {
        let next = self.last_client_media_id.saturating_add(1);
        self.last_client_media_id = now.as_millis().max(next);
        self.last_client_media_id
    }

    /// Who asks, in all calls but `webwxinit`.
    pub(crate) fn base_request(&mut self) -> BaseRequest {
        self.auth.base_request(Uin::Number(self.me.uin), &mut self.device)
    }

    /// What `synccheck` asks with.
    pub(crate) fn sync_check_key(&self) -> &SyncKey {
        self.sync_check_key.as_ref().unwrap_or(&self.sync_key)
    }

    /// Takes the `SKey` of an answer, unless it is empty: `docs/protocol.md` §1.4.
    pub(crate) fn renew_skey(&mut self, skey: Secret) {
        if !skey.is_empty() {
            self.auth.skey = skey;
        }
    }
}

impl Me {
    /// The account as a contact's record tells it.
    pub(crate) fn of(contact: Contact, uin: i64) -> Self {
        Self {
            user_name: contact.user_name,
            nick_name: contact.nick_name,
            head_img_url: contact.head_img_url,
            uin,
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

/// Names, never values, for credentials.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("me", &self.me)
            .field("device", &self.device)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

/// The number that the fields themselves carry, from the time when they were all that was stored:
/// what stands around them today has its own (`stored`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Format;

impl Format {
    const NUMBER: u64 = 1;
}

impl Serialize for Format {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            _ => Err(serde::de::Error::custom("unknown format of a stored session")),
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
pub(crate) mod tests;
