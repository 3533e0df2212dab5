//! `GET /cgi-bin/mmwebwx-bin/webwxgetcontact`
//!
//! Gets the address book page by page: persons, official accounts, saved rooms
//! (`docs/protocol.md` §5.1).

use alloc::vec::Vec;

use super::Contact;
use super::wire::WireContact;
use crate::endpoint::LISTS;
use crate::flow::{Response, Want};
use crate::hosts::Role;
use crate::wire::envelope::{self, reply};
use crate::wire::lenient::List;
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Timestamp};

const ENDPOINT: &str = "webwxgetcontact";

/// A page of the address book.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ContactPage {
    /// The contacts of the page.
    pub contacts: Vec<Contact>,
    /// `Seq`: the start of the next page; 0 on the last page.
    pub next: i64,
}

/// A request that gets a page of the address book.
///
/// The result is not added to a directory; [`Account::learn`](crate::Account::learn) does that.
#[derive(Clone, Debug, Default)]
pub struct GetContacts {
    seq: i64,
}

impl GetContacts {
    /// Returns a request for the first page.
    pub const fn new() -> Self {
        Self::from_seq(0)
    }

    /// Returns a request for the page at `seq`, the [`ContactPage::next`] of the previous page.
    pub const fn from_seq(seq: i64) -> Self {
        Self { seq }
    }
}

impl Endpoint for GetContacts {
    type State = Session;
    type Output = ContactPage;

    const WANT: Want = LISTS;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        Url::new(Role::Api, "/cgi-bin/mmwebwx-bin/webwxgetcontact")
            .with("lang", session.device.lang.as_str())
            .with("pass_ticket", session.auth.pass_ticket.expose())
            .with("r", now.as_millis())
            .with("seq", self.seq)
            .with("skey", session.auth.skey.expose())
            .get(&mut session.device, now)
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret), including [`Error::ServiceFailed`].
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<ContactPage, Error> {
        let wire: Wire = envelope::answer(ENDPOINT, response)?;
        Ok(ContactPage { contacts: wire.members.0, next: wire.seq })
    }
}

reply! {
    struct Wire {
        "MemberList" => members: List<WireContact>,
        "Seq" => seq: i64,
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::testing::{malformed, rendered, reply, session};

    #[test]
    fn request_is_built() {
        insta::assert_snapshot!(rendered(GetContacts::new(), &mut session()), @"GET https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxgetcontact?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z&r=1476606163580&seq=0&skey=%40crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e");
    }

    #[test]
    fn replies_are_parsed() {
        let page = GetContacts::new().parse(&reply(
            r#"{"BaseResponse":{"Ret":0},"MemberCount":4000000000,"MemberList":[{"UserName":"@a","NickName":"A"},5,{"UserName":""}],"Seq":637275253}"#,
        ))
        .unwrap();
        assert_eq!((page.contacts.len(), page.next), (1, 637_275_253));
        let last =
            GetContacts::new().parse(&reply(r#"{"BaseResponse":{"Ret":0},"Seq":"0"}"#)).unwrap();
        assert_eq!(last, ContactPage { contacts: Vec::new(), next: 0 });
        // Threats J2 and J6: the value is not a list, or a number that the first pass rejects.
        for list in ["7", "\"\"", "null", "{\"UserName\":\"@a\"}", "true", "-1", "0.5"] {
            let body = format!("{{\"BaseResponse\":{{\"Ret\":0}},\"MemberList\":{list}}}");
            assert_eq!(GetContacts::new().parse(&reply(&body)).unwrap(), last, "{list}");
        }
        let malformed_fields = GetContacts::new().parse(&reply(
            r#"{"BaseResponse":{"Ret":0},"MemberList":[{"UserName":"@a","Sex":1e400},{"UserName":"@b","HeadImgUrl":7}]}"#,
        ))
        .unwrap();
        assert_eq!(malformed_fields.contacts.len(), 2);
        malformed(&GetContacts::new(), &["{\"MemberList\":[]}"]);
    }

    /// Threats J4, J6: malformed JSON in one contact or member does not affect the others.
    #[test]
    fn malformed_contact_does_not_affect_the_others() {
        for (value, name) in [
            (r#""a\qb""#, "a\\qb"),
            (r#""say "hi", twice""#, "say \"hi\", twice"),
            (r#""a"},{"b""#, "a\"},{\"b"),
            (r#""a"}]}""#, "a\"}]}"),
            (r#""\ud83d""#, "\u{fffd}"),
            ("'a'", "a"),
            ("007", "7"),
            ("NaN", ""),
            ("@", ""),
            ("{'a':1}", ""),
        ] {
            for poisoned in 0..3 {
                let member = |id: i32| {
                    let name = if id == poisoned { value } else { "\"n\"" };
                    format!(r#"{{"Uin":0,"UserName":"@{id}","NickName":{name},"KeyWord":""}}"#)
                };
                let list = [0, 1, 2].map(member).join("\n,");
                let room = format!(
                    r#"{{"Uin":0,"UserName":"@@r","NickName":{value},"MemberList":[{list}],"City":"c"}}"#
                );
                let body = format!(
                    r#"{{"BaseResponse":{{"Ret":0}},"MemberCount":4,"MemberList":[{room},{list}],"Seq":7}}"#
                );
                let page = GetContacts::new().parse(&reply(&body)).expect(&body);
                assert_eq!((page.contacts.len(), page.next), (4, 7), "{body}");
                let expected = |index| if index == poisoned { name } else { "n" };
                for (contact, index) in page.contacts.iter().skip(1).zip(0..) {
                    assert_eq!(&*contact.nick_name, expected(index), "{body}");
                }
                let room = &page.contacts[0];
                assert_eq!((&*room.nick_name, &*room.city), (name, "c"), "{body}");
                assert_eq!(room.members.len(), 3, "{body}");
                for (member, index) in room.members.iter().zip(0..) {
                    assert_eq!(&*member.nick_name, expected(index), "{body}");
                }
            }
        }
    }
}
