//! `POST /cgi-bin/mmwebwx-bin/webwxoplog`
//!
//! Pins a chat to the top of the list, or unpins it (`docs/protocol.md` §11.1).

use alloc::boxed::Box;
use core::time::Duration;

use super::Contact;
use super::oplog::{self, Change};
use crate::flow::Response;
use crate::{Account, Body, Endpoint, Error, Timestamp, UserName};

/// A request that pins a chat to the top of the list, or unpins it.
///
/// The request contains the contact's remark: without it, the service removes the remark. It is
/// taken from the directory if that contains the contact, else from the record given here. A remark
/// that was removed on the phone stays in the directory, where empty fields do not erase values, so
/// a later pin restores it.
#[derive(Clone, Debug)]
pub struct PinChat {
    contact: UserName,
    /// The remark of the given record.
    remark: Box<str>,
    pinned: bool,
}

impl PinChat {
    /// Returns a request to pin the chat with a contact or room, or to unpin it if `pinned` is
    /// false.
    pub fn new(contact: &Contact, pinned: bool) -> Self {
        Self { contact: contact.user_name.clone(), remark: contact.remark_name.clone(), pinned }
    }
}

impl Endpoint for PinChat {
    type State = Account;
    type Output = ();

    const DEADLINE: Duration = oplog::DEADLINE;

    fn request(&mut self, account: &mut Account, now: Timestamp) -> http::Request<Body> {
        let known = account.directory.find(&self.contact);
        let remark = known.map_or(&self.remark, |contact| &contact.remark_name);
        let change = Change::Pin(self.pinned);
        oplog::request(&mut account.session, now, &self.contact, change, remark)
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret).
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<(), Error> {
        oplog::parse(response)
    }

    fn apply(&mut self, (): &(), account: &mut Account, _: Timestamp) {
        account.directory.set_pinned(&self.contact, self.pinned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::{ContactFlag, SetRemark};
    use crate::testing::{account, body, contact, exchange, http_of, rendered};

    #[test]
    fn request_is_built() {
        let contact = contact(r#"{"UserName":"@e2da","RemarkName":"老 &quot;张&quot;"}"#);
        let pin = PinChat::new(&contact, true);
        insta::assert_snapshot!(rendered(pin, &mut account()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxoplog?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"UserName":"@e2da","CmdId":3,"OP":1,"RemarkName":"老 \"张\"","BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
        let unpin = http_of(PinChat::new(&contact, false), &mut account());
        assert!(body(&unpin).contains(r#""CmdId":3,"OP":0,"RemarkName":"老 \"张\"","#));
    }

    /// Without the field, the service removes the remark.
    #[test]
    fn pin_carries_the_remark_that_was_set_before() {
        let mut account = account();
        // The caller holds this record, which is older than the directory's.
        let before = contact(r#"{"UserName":"@a","ContactFlag":3,"RemarkName":"old"}"#);
        account.learn([before.clone()]);
        let ok = r#"{"BaseResponse":{"Ret":0}}"#;
        for remark in ["new", ""] {
            let set = SetRemark::new(before.user_name.clone(), remark.parse().unwrap());
            exchange(set, &mut account, ok).unwrap();
            for (pinned, flag) in [(true, 3 | 2048), (false, 3)] {
                let pin = PinChat::new(&before, pinned);
                let body = body(&http_of(pin.clone(), &mut account));
                exchange(pin, &mut account, ok).unwrap();
                assert!(body.contains(&alloc::format!(r#""RemarkName":"{remark}""#)), "{body}");
                let contact = account.directory().find(&before.user_name).unwrap();
                let flag = ContactFlag(flag);
                assert_eq!((contact.contact_flag, &*contact.remark_name), (flag, remark));
            }
        }
    }

    #[test]
    fn refused_pin_changes_nothing() {
        let mut account = account();
        let contact = contact(r#"{"UserName":"@a","ContactFlag":3}"#);
        account.learn([contact.clone()]);
        let pin = PinChat::new(&contact, true);
        assert!(exchange(pin, &mut account, r#"{"BaseResponse":{"Ret":1}}"#).is_err());
        assert_eq!(account.directory().find(&contact.user_name), Some(&contact));
    }
}
