//! `POST /cgi-bin/mmwebwx-bin/webwxoplog`
//!
//! Gives a contact a remark: the name under which the account keeps it (`docs/protocol.md` §11.1).

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use super::oplog::{self, Change};
use crate::call::Call;
use crate::error::Invalid;
use crate::ids::UserName;
use crate::session::Session;

pub use super::oplog::parse;

/// A remark as the page takes it; empty to take an old one away.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Remark(Box<str>);

impl Remark {
    /// The longest, in UTF-16 units, as the page counts: it cuts what is longer.
    pub const MAX: usize = 18;

    /// The remark as text.
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
                expected: "up to 18 characters (one outside of Unicode's first plane counts twice)",
            });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Gives a contact a remark; read by [`parse`].
///
/// **Success is no proof**: since 2023 the service has been seen to answer 0 and to change
/// nothing. Where it does, the contact's changed record comes with a later `webwxsync`.
pub fn request(session: &mut Session, contact: &UserName, remark: &Remark) -> Call<()> {
    oplog::call(session, contact, Change::Remark, remark.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{body, rendered, session};

    #[test]
    fn asks() {
        let mut session = session();
        let contact = "@e2da".parse().unwrap();
        let call = request(&mut session, &contact, &"张 <&\"三\">".parse().unwrap());
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxoplog?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 205

        {"UserName":"@e2da","CmdId":2,"RemarkName":"张 <&\"三\">","BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
    }

    #[test]
    fn is_as_long_as_the_page_takes_it() {
        for good in ["", "十八个字的备注十八个字的备注一二三四", "😄😄😄😄😄😄😄😄😄"]
        {
            assert_eq!(good.parse::<Remark>().unwrap().as_str(), good);
        }
        for bad in ["十八个字的备注十八个字的备注一二三四五", "😄😄😄😄😄😄😄😄😄a"]
        {
            assert!(bad.parse::<Remark>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_remark_arrives_as_it_is(text in "\\PC{0,9}") {
            let contact = UserName::file_helper();
            let call = request(&mut session(), &contact, &text.parse().unwrap());
            let body: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
            prop_assert_eq!(&body["RemarkName"], &text);
            prop_assert_eq!(body.as_object().unwrap().len(), 4);
        }
    }
}
