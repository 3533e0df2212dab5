//! `POST /cgi-bin/mmwebwx-bin/webwxoplog`
//!
//! Sets the remark of a contact: the account's own name for it (`docs/protocol.md` §11.1).

use alloc::boxed::Box;
use core::str::FromStr;
use core::time::Duration;

use super::oplog::{self, Change};
use crate::error::Invalid;
use crate::flow::Response;
use crate::text::text_type::text_type;
use crate::{Account, Body, Endpoint, Error, Timestamp, UserName};

/// A remark that the official page would accept; an empty one removes the old remark.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Remark(Box<str>);

impl Remark {
    /// The maximum length in UTF-16 code units. The official page truncates longer remarks.
    pub const MAX: usize = 18;

    /// Returns the remark as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Remark {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.encode_utf16().count() > Self::MAX {
            return Err(Invalid {
                what: "a remark",
                expected: "up to 18 characters (those above U+FFFF count twice)",
            });
        }
        Ok(Self(text.into()))
    }
}

/// A request that sets the remark of a contact.
///
/// **Success does not guarantee a change**: since 2023 the service has been seen to reply with 0
/// without changing the remark. If it does change, a later `webwxsync` contains the contact's
/// record.
#[derive(Clone, Debug)]
pub struct SetRemark {
    contact: UserName,
    remark: Remark,
}

impl SetRemark {
    /// Returns a request to set the remark of a contact; an empty one removes it.
    pub const fn new(contact: UserName, remark: Remark) -> Self {
        Self { contact, remark }
    }
}

impl Endpoint for SetRemark {
    type State = Account;
    type Output = ();

    const DEADLINE: Duration = oplog::DEADLINE;

    fn request(&mut self, account: &mut Account, now: Timestamp) -> http::Request<Body> {
        let remark = self.remark.as_str();
        oplog::request(&mut account.session, now, &self.contact, Change::Remark, remark)
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
        account.directory.set_remark(&self.contact, self.remark.as_str());
    }
}

text_type! { Remark: Display; }

#[cfg(test)]
mod tests {
    use super::*;

    use crate::testing::{account, contact, exchange, malformed, rendered, reply};

    #[test]
    fn request_is_built() {
        let contact = "@e2da".parse().unwrap();
        let remark = "张 <&\"三\">".parse().unwrap();
        insta::assert_snapshot!(rendered(SetRemark::new(contact, remark), &mut account()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxoplog?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"UserName":"@e2da","CmdId":2,"RemarkName":"张 <&\"三\">","BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    #[test]
    fn remark_length_is_limited() {
        for good in ["", "十八个字的备注十八个字的备注一二三四", "😄😄😄😄😄😄😄😄😄"]
        {
            assert_eq!(good.parse::<Remark>().unwrap().as_str(), good);
        }
        for bad in ["十八个字的备注十八个字的备注一二三四五", "😄😄😄😄😄😄😄😄😄a"]
        {
            assert!(bad.parse::<Remark>().is_err(), "{bad}");
        }
    }

    #[test]
    fn replies_are_parsed() {
        let endpoint = SetRemark::new("@a".parse().unwrap(), Remark::default());
        endpoint.parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""}}"#)).unwrap();
        malformed(&endpoint, &[]);
    }

    #[test]
    fn confirmed_remark_is_in_the_directory() {
        let mut account = account();
        account.learn([contact(r#"{"UserName":"@a","RemarkName":"old","RemarkPYQuanPin":"old"}"#)]);
        let name: UserName = "@a".parse().unwrap();
        let mut set = |remark: &str, body: &str| {
            let set = SetRemark::new(name.clone(), remark.parse().unwrap());
            let result = exchange(set, &mut account, body);
            let contact = account.directory().find(&name).unwrap().clone();
            (result.is_ok(), contact.remark_name, contact.remark_pinyin.full)
        };
        let (ok, refused) = (r#"{"BaseResponse":{"Ret":0}}"#, r#"{"BaseResponse":{"Ret":1}}"#);
        assert_eq!(set("new", refused), (false, "old".into(), "old".into()));
        assert_eq!(set("new", ok), (true, "new".into(), "".into()));
        assert_eq!(set("", ok), (true, "".into(), "".into()));
        let unknown = SetRemark::new("@unknown".parse().unwrap(), Remark::default());
        exchange(unknown, &mut account, ok).unwrap();
        assert_eq!(account.directory().len(), 1);
    }
}
