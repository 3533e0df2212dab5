//! `POST /cgi-bin/mmwebwx-bin/webwxbatchgetcontact`
//!
//! Gets records by name: rooms with their members, strangers (`docs/protocol.md` §5.2).

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Contact;
use super::wire::WireContact;
use crate::endpoint::LISTS;
use crate::flow::{Response, Want};
use crate::wire::envelope::{self, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::lenient::List;
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Timestamp, UserName};

const ENDPOINT: &str = "webwxbatchgetcontact";

/// A request that gets the records of contacts, rooms or strangers by name.
///
/// The reply contains them in any order, and some may be missing.
#[derive(Clone, Debug)]
pub struct BatchGetContacts {
    pub(super) names: Vec<UserName>,
    /// The room whose members are requested.
    room: Option<Box<str>>,
}

impl BatchGetContacts {
    /// The maximum number of names in one request.
    pub const MOST: usize = 50;

    /// Returns a request for the first [`MOST`](Self::MOST) of these; for more, use
    /// `names.chunks(BatchGetContacts::MOST)`.
    pub fn new(names: &[UserName]) -> Self {
        Self { names: names.iter().take(Self::MOST).cloned().collect(), room: None }
    }

    /// Returns a request for the records of the first [`MOST`](Self::MOST) of these as members of
    /// `room`. They need not be contacts.
    pub fn members(room: &Contact, names: &[UserName]) -> Self {
        // The room's other name, if it is known (`docs/protocol.md` §5.2).
        let id = match &*room.encry_chat_room_id {
            "" => room.user_name.as_str(),
            id => id,
        };
        Self { room: Some(id.into()), ..Self::new(names) }
    }
}

impl Endpoint for BatchGetContacts {
    type State = Session;
    type Output = Vec<Contact>;

    const WANT: Want = LISTS;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        let (room, id) = match self.room.as_deref() {
            None => ("ChatRoomId", ""),
            Some(id) => ("EncryChatRoomId", id),
        };
        Url::api(ENDPOINT).with("type", "ex").with("r", now.as_millis()).post_base(
            session,
            now,
            |_, base_request| {
                let item = |name| Object.with("UserName", name).with(room, id);
                let list: Vec<_> = self.names.iter().map(item).collect();
                let body = Object.with("BaseRequest", base_request).with("Count", list.len());
                body.with("List", list).json()
            },
        )
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret), including [`Error::ServiceFailed`].
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Vec<Contact>, Error> {
        let wire: Wire = envelope::answer(ENDPOINT, response)?;
        Ok(wire.contacts.0)
    }
}

reply! {
    struct Wire {
        "ContactList" => contacts: List<WireContact>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{body, contact, http_of, malformed, rendered, reply, session};

    #[test]
    fn request_is_built() {
        let names = ["@@e2da", "@stranger"].map(|name| name.parse().unwrap());
        insta::assert_snapshot!(rendered(BatchGetContacts::new(&names), &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxbatchgetcontact?type=ex&r=1476606163580&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Count":2,"List":[{"UserName":"@@e2da","ChatRoomId":""},{"UserName":"@stranger","ChatRoomId":""}]}
        "#);
    }

    /// Uses the room's other name, or its own if that is unknown.
    #[test]
    fn members_request_names_the_room() {
        let names = ["@a", "@b"].map(|name| name.parse().unwrap());
        for (other, id) in [("@0c1f", "@0c1f"), ("", "@@e2da")] {
            let record = alloc::format!(r#"{{"UserName":"@@e2da","EncryChatRoomId":"{other}"}}"#);
            let endpoint = BatchGetContacts::members(&contact(&record), &names);
            let body = body(&http_of(endpoint, &mut session()));
            let list = alloc::format!(
                r#""Count":2,"List":[{{"UserName":"@a","EncryChatRoomId":"{id}"}},{{"UserName":"@b","EncryChatRoomId":"{id}"}}]}}"#
            );
            assert!(body.ends_with(&list), "{body}");
        }
    }

    #[test]
    fn request_has_fifty_names_at_most() {
        let names: Vec<UserName> =
            (0..60).map(|n| alloc::format!("@@{n}").parse().unwrap()).collect();
        let text = rendered(BatchGetContacts::new(&names), &mut session());
        assert!(text.contains("\"Count\":50,"), "{text}");
        assert!(text.contains("@@49\"") && !text.contains("@@50\""), "{text}");
    }

    #[test]
    fn replies_are_parsed() {
        let contacts = BatchGetContacts::new(&[]).parse(&reply(
            r#"{"BaseResponse":{"Ret":0},"Count":2,"ContactList":[{"UserName":"@@2","MemberList":[{"UserName":"@a","DisplayName":"d"}]},{"UserName":"@@1"}]}"#,
        ))
        .unwrap();
        let names: Vec<_> = contacts.iter().map(|contact| contact.user_name.as_str()).collect();
        assert_eq!(names, ["@@2", "@@1"]);
        malformed(&BatchGetContacts::new(&[]), &[]);
    }
}
