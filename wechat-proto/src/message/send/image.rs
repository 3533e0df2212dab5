//! `POST /cgi-bin/mmwebwx-bin/webwxsendmsgimg`
//!
//! Sends a picture (`docs/protocol.md` §6.1, §6.2).

use super::{Draft, IMAGE, send};
use crate::ids::UserName;
use crate::media::Uploaded;
use crate::message::MsgType;

/// A request that sends an uploaded picture.
///
/// The request must not be retried automatically: see [`SendText`](super::SendText).
#[derive(Clone, Debug)]
pub struct SendImage(pub(super) Draft);

impl SendImage {
    /// Returns a request that sends this picture to a person or a room.
    pub fn new(to: UserName, picture: &Uploaded) -> Self {
        Self(Draft::new(IMAGE, MsgType::IMAGE.0, to).with_media(picture.media_id.clone(), ""))
    }
}

send!(SendImage);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaType;
    use crate::testing::{rendered, session, uploaded};

    #[test]
    fn request_has_exact_form() {
        let picture = uploaded(MediaType::Picture, "p.png");
        let send = SendImage::new("@@9e1c".parse().unwrap(), &picture);
        insta::assert_snapshot!(rendered(send, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsgimg?fun=async&f=json&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":3,"MediaId":"@crypt_6084141c_c73c046b","Content":"","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }
}
