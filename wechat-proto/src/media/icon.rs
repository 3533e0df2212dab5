//! `GET /cgi-bin/mmwebwx-bin/webwxgeticon`
//!
//! Gets the picture of a person (`docs/protocol.md` §5.4).

use alloc::boxed::Box;

use super::head::{self, HEAD, Head, Wanted};
use crate::contact::Contact;
use crate::flow::{Response, Want};
use crate::wire::query::{Accept, Url};
use crate::{Body, Endpoint, Error, MsgId, Session, Timestamp, UserName};

pub(super) const ENDPOINT: &str = "webwxgeticon";

/// A request that gets the picture of a person or an official account.
///
/// A contact's record also contains the path of its picture:
/// [`GetContactPicture`](super::GetContactPicture).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GetIcon {
    user_name: UserName,
    seq: u64,
    message: Option<MsgId>,
    room: Option<Box<str>>,
    big: bool,
}

impl GetIcon {
    /// Returns a request for the picture of a contact, an official account, or the account itself.
    pub const fn new(user_name: UserName) -> Self {
        Self { user_name, seq: 0, message: None, room: None, big: false }
    }

    /// Returns a request for the picture of a member of a room. The member need not be a
    /// contact.
    pub fn of_member(room: &Contact, user_name: UserName) -> Self {
        // The room's other name if known, else its own. The former comes from the service and is
        // not validated.
        let known = 1..=UserName::MAX;
        let id = &room.encry_chat_room_id;
        let id = if known.contains(&id.len()) { id.clone() } else { room.user_name.clone().into() };
        Self { room: Some(id), ..Self::new(user_name) }
    }

    /// Returns a request for the picture of a stranger in a message: the sender of a friend request,
    /// or the person on a card (`MsgType` 37 and 42).
    pub fn of_stranger(message: &MsgId, user_name: UserName) -> Self {
        Self { message: Some(message.clone()), ..Self::new(user_name) }
    }

    /// Selects a version of the picture: the `seq` of a `HeadImgUrl`. The default 0 is the current
    /// one.
    #[must_use]
    pub const fn seq(mut self, seq: u64) -> Self {
        self.seq = seq;
        self
    }

    /// Selects the large size.
    #[must_use]
    pub const fn big(mut self) -> Self {
        self.big = true;
        self
    }
}

impl Endpoint for GetIcon {
    type State = Session;
    type Output = Head;

    const WANT: Want = HEAD;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let Self { user_name, seq, message, room, big } = self;
        Url::api(ENDPOINT)
            .with("seq", seq)
            .with("username", user_name)
            .with("skey", session.auth.skey.expose())
            .with_some("msgid", message.as_ref().map(super::number))
            .with_some("chatroomid", room.as_ref())
            .with_some("type", big.then_some("big"))
            .accept(Accept::Image)
            .get(&mut session.device, now)
    }

    /// # Errors
    ///
    /// - [`Error::EmptyMedia`] if the response announces no bytes.
    /// - [`Error::Status`] for any HTTP status but 200, 204 and 206.
    /// - [`Error::Malformed`] if the response is text, HTML or JSON, or covers only a part of the
    ///   picture.
    fn parse(&self, response: &Response) -> Result<Head, Error> {
        head::read(ENDPOINT, Wanted::Picture, response)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString as _};

    use super::*;
    use crate::testing::{contact, http_of, rendered, session};

    fn room(id: &str) -> Contact {
        contact(&alloc::format!(r#"{{"UserName":"@@9e1c","EncryChatRoomId":"{id}"}}"#))
    }

    fn name() -> UserName {
        "@c1d8".parse().unwrap()
    }

    fn query(icon: GetIcon) -> String {
        let http = http_of(icon, &mut session());
        let query = http.uri().query().unwrap().to_string();
        query.replace("%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e", "SKEY")
    }

    #[test]
    fn request_is_built() {
        let download = GetIcon::new(name()).seq(640_318_772);
        insta::assert_snapshot!(rendered(download, &mut session()), @"
        GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgeticon?seq=640318772&username=%40c1d8&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e
        accept: image/webp,image/apng,image/*,*/*;q=0.8
        ");
    }

    #[test]
    fn each_kind_of_icon_has_its_query() {
        let base = "seq=0&username=%40c1d8&skey=SKEY";
        for (icon, more) in [
            (GetIcon::new(name()), ""),
            (GetIcon::new(name()).big(), "&type=big"),
            (GetIcon::of_member(&room("@e1"), name()), "&chatroomid=%40e1"),
            // The room's id is unknown or not valid.
            (GetIcon::of_member(&room(""), name()), "&chatroomid=%40%409e1c"),
            (GetIcon::of_member(&room(&"x".repeat(5000)), name()), "&chatroomid=%40%409e1c"),
            (GetIcon::of_stranger(&MsgId::from("12"), name()).big(), "&msgid=12&type=big"),
        ] {
            assert_eq!(query(icon), alloc::format!("{base}{more}"));
        }
    }
}
