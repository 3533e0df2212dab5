//! `POST /cgi-bin/mmwebwx-bin/webwxsendemoticon`
//!
//! Sends an emoticon: a GIF, or an emoticon known to the service (`docs/protocol.md` §6.1, §6.2).

use super::EmoticonMd5;
use super::{Draft, EMOTICON, send};
use crate::ids::UserName;
use crate::media::Uploaded;
use crate::message::MsgType;

/// A request that sends an emoticon.
///
/// The request must not be retried automatically: see [`SendText`](super::SendText).
#[derive(Clone, Debug)]
pub struct SendEmoticon(pub(super) Draft);

impl SendEmoticon {
    /// Returns a request that sends an uploaded GIF to a person or a room.
    pub fn new(to: UserName, gif: &Uploaded) -> Self {
        let media_id = Some(gif.media_id.clone());
        Self(Draft { media_id, ..Draft::new(EMOTICON, MsgType::EMOTICON.0, to) })
    }

    /// Returns a request that sends an emoticon known to the service.
    pub fn known(to: UserName, md5: EmoticonMd5) -> Self {
        Self(Draft { md5: Some(md5), ..Draft::new(EMOTICON, MsgType::EMOTICON.0, to) })
    }
}

send!(SendEmoticon);

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use crate::media::MediaType;
    use crate::testing::{rendered, session, uploaded};

    #[test]
    fn gif_request_has_exact_form() {
        let gif = uploaded(MediaType::Document, "wave.gif");
        let send = SendEmoticon::new("@@9e1c".parse().unwrap(), &gif);
        insta::assert_snapshot!(rendered(send, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendemoticon?fun=sys&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":47,"EmojiFlag":2,"MediaId":"@crypt_6084141c_c73c046b","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn known_emoticon_request_has_exact_form() {
        let md5 = "a0c4153e43c3fd2e9a2fbb9be2f4de07".parse().unwrap();
        let send = SendEmoticon::known("@@9e1c".parse().unwrap(), md5);
        insta::assert_snapshot!(rendered(send, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendemoticon?fun=sys&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":47,"EmojiFlag":2,"EMoticonMd5":"a0c4153e43c3fd2e9a2fbb9be2f4de07","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn md5_requires_32_hex_digits() {
        let good = "a0c4153e43c3fd2e9a2Fbb9be2f4de07";
        let md5: EmoticonMd5 = good.parse().unwrap();
        assert_eq!((md5.as_str(), md5.to_string().as_str()), (good, good));
        for bad in [
            "", "a0c4153e43c3fd2e9a2fbb9be2f4de0", "a0c4153e43c3fd2e9a2fbb9be2f4de075",
            "a0c4153e43c3fd2e9a2fbb9be2f4de0g", "44682e637b75a3f5d6747d61dbd23a\u{e9}",
        ] {
            assert!(bad.parse::<EmoticonMd5>().is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<EmoticonMd5>("\"x\"").is_err());
    }
}
