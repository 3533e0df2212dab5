//! `POST /cgi-bin/mmwebwx-bin/webwxsync`
//!
//! Fetches the news since a key: messages, changed contacts, a changed profile
//! (`docs/protocol.md` §7.2).

use alloc::boxed::Box;

use super::batch::{Batch, Messages, Profile};
use super::key::WireKey;
use crate::body::Body;
use crate::contact::wire::{WireContact, picture};
use crate::endpoint::{Endpoint, LISTS};
use crate::error::Error;
use crate::flow::{Response, Want};
use crate::ids::UserName;
use crate::message::{Raw, WireMessage};
use crate::session::Session;
use crate::text::{Text, decode};
use crate::time::Timestamp;
use crate::wire::envelope::{self, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::lenient::{Buff, List};
use crate::wire::object::object;
use crate::wire::query::Url;

const ENDPOINT: &str = "webwxsync";

/// A request that fetches the news since the session's key.
///
/// A confirmed batch is recorded in the session: the next request starts after it, and the stored
/// key advances when its messages are acknowledged ([`Session::acknowledge`]). Apply the batch with
/// [`Account::apply`](crate::Account::apply) or [`Session::apply`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FetchBatch {
    /// The account of the request.
    me: Option<UserName>,
}

impl FetchBatch {
    /// Returns a request for the next batch.
    pub const fn new() -> Self {
        Self { me: None }
    }
}

impl Endpoint for FetchBatch {
    type State = Session;
    type Output = Batch;

    const WANT: Want = LISTS;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        self.me = Some(session.me.user_name.clone());
        Url::api(ENDPOINT)
            .with("sid", session.auth.sid.expose())
            .with("skey", session.auth.skey.expose())
            .post_base(session, now, |session, base_request| {
                Object
                    .with("BaseRequest", base_request)
                    .with("SyncKey", session.next_sync_key().body())
                    .with("rr", now.inverted())
                    .json()
            })
    }

    /// Parses the batch.
    ///
    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret), including [`Error::ServiceFailed`].
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Batch, Error> {
        let wire: Wire = envelope::parse(ENDPOINT, response)?;
        envelope::check(ENDPOINT, &wire.base).map_err(envelope::question)?;
        Ok(Batch {
            // The messages are parsed here because an adapter locks the account during `apply`:
            // `docs/threats.md` B4.
            messages: match &self.me {
                Some(me) => Messages::Parsed(WireMessage::take_all(wire.messages, me)),
                None => Messages::Raw(wire.messages),
            },
            changed: wire.changed.0,
            changed_members: wire.changed_members.0,
            removed: wire.removed.0,
            profile: wire.profile.take(),
            sync_key: wire.sync_key.take(),
            sync_check_key: wire.sync_check_key.take(),
            // Ignores an skey that is not a valid header value.
            skey: wire.skey.parse().unwrap_or_default(),
            has_more: wire.continue_flag != 0,
        })
    }

    fn apply(&mut self, batch: &Batch, session: &mut Session, _now: Timestamp) {
        session.renew_skey(batch.skey.clone());
        session.park(batch);
    }
}

reply! {
    struct Wire {
        "AddMsgList" => messages: List<Raw>,
        "ModContactList" => changed: List<WireContact>,
        "DelContactList" => removed: List<Gone>,
        "ModChatRoomMemberList" => changed_members: List<WireContact>,
        "Profile" => profile: WireProfile,
        "ContinueFlag" => continue_flag: i64,
        "SyncKey" => sync_key: WireKey,
        "SKey" => skey: Text,
        "SyncCheckKey" => sync_check_key: WireKey,
    }
}

object! {
    struct Gone listed as UserName {
        "UserName" => user_name: Text,
    }
}

impl Gone {
    fn take(self) -> Option<UserName> {
        self.user_name.parse().ok()
    }
}

object! {
    struct WireProfile {
        "BitFlag" => bit_flag: i64,
        "NickName" => nick_name: Buff,
        "HeadImgUpdateFlag" => head_img_update_flag: i64,
        "HeadImgUrl" => head_img_url: Text,
    }
}

impl WireProfile {
    /// The `BitFlag` of a changed profile. The picture has its own flag in addition.
    const CHANGED: i64 = 190;

    fn take(self) -> Option<Profile> {
        let some = |text: Box<str>| (!text.is_empty()).then_some(text);
        (self.bit_flag == Self::CHANGED).then(|| Profile {
            nick_name: some(decode(self.nick_name.buff)),
            head_img_url: some(picture(&self.head_img_url))
                .filter(|_| self.head_img_update_flag != 0),
        })
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
