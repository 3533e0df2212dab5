//! `POST /cgi-bin/mmwebwx-bin/webwxoplog`
//!
//! Pins a chat to the top of the list, or takes it down (`docs/protocol.md` §11.1).

use super::Contact;
use super::oplog::{self, Change};
use crate::call::Call;
use crate::session::Session;

pub use super::oplog::parse;

/// Pins a chat, or with `pinned` false takes it down; read by [`parse`].
///
/// The request carries the contact's remark: without it, the service takes the remark away. So
/// give the record as it is now, from the [`Directory`](super::Directory).
/// A remark that was taken away on the phone stays in the directory, where nothing empty erases: a
/// pin after that gives it back.
pub fn request(session: &mut Session, contact: &Contact, pinned: bool) -> Call<()> {
    oplog::call(session, &contact.user_name, Change::Pin(pinned), &contact.remark_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::record::WireContact;
    use crate::testing::{body, rendered, session};
    use crate::wire::lenient::Lenient as _;

    #[test]
    fn asks() {
        let mut session = session();
        let contact = WireContact::read(r#"{"UserName":"@e2da","RemarkName":"老 &quot;张&quot;"}"#);
        let contact = contact.take().unwrap();
        let call = request(&mut session, &contact, true);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxoplog?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 209

        {"UserName":"@e2da","CmdId":3,"OP":1,"RemarkName":"老 \"张\"","BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"}}
        "#);
        let down = request(&mut session, &contact, false);
        assert!(body(&down).contains(r#""CmdId":3,"OP":0,"RemarkName":"老 \"张\"","#));
    }
}
