//! `POST /cgi-bin/mmwebwx-bin/webwxstatusnotify`
//!
//! Tells the phone that this client is there. The phone answers with its recent chats, in a
//! message of type 51 (`docs/protocol.md` §4.2). What else it is told stands in
//! [`message::notify`](crate::message::notify).

use core::time::Duration;

use crate::call::Call;
use crate::message::notify::{self, Code};
use crate::session::Session;
use crate::time::Timestamp;

pub use crate::message::notify::parse;

/// Tells the phone; read by [`parse`].
///
/// `INITED`, from the account to itself, once.
pub fn request(session: &mut Session, now: Timestamp) -> Call<()> {
    let me = session.me.user_name.clone();
    // The session is open, and waits.
    notify::tell(session, Code::Inited, &me, now).deadline(Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, rendered, session};

    #[test]
    fn asks() {
        let mut session = session();
        let call = request(&mut session, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatusnotify?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 235

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Code":3,"FromUserName":"@09ed9af3","ToUserName":"@09ed9af3","ClientMsgId":1476606163580}
        "#);
    }
}
