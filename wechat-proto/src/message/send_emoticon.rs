//! `POST /cgi-bin/mmwebwx-bin/webwxsendemoticon`
//!
//! Sends an emoticon: a gif, or one that the service knows (`docs/protocol.md` §6.1, §6.2).

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::send::{self, Receipt, Scene};
use crate::call::Call;
use crate::error::{Error, Invalid};
use crate::flow::Response;
use crate::ids::{ClientMsgId, UserName};
use crate::media::Uploaded;
use crate::session::Session;
use crate::time::Timestamp;

const ENDPOINT: &str = "webwxsendemoticon";
const EMOTICON: u8 = 47;
/// `EMOJI_FLAG_GIF`
const GIF: u8 = 2;

/// An emoticon that the service knows, by its md5: `md5` in the XML of a received one.
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "Box<str>", into = "Box<str>")]
pub struct EmoticonMd5(Box<str>);

impl EmoticonMd5 {
    /// The md5 as it was written: 32 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for EmoticonMd5 {
    type Error = Invalid;

    fn try_from(text: Box<str>) -> Result<Self, Invalid> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Invalid { what: "the md5 of an emoticon", expected: "32 hex digits" });
        }
        Ok(Self(text))
    }
}

impl FromStr for EmoticonMd5 {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Box::<str>::from(text).try_into()
    }
}

impl From<EmoticonMd5> for Box<str> {
    fn from(md5: EmoticonMd5) -> Self {
        md5.0
    }
}

impl fmt::Display for EmoticonMd5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmoticonMd5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Sends an uploaded gif, under a new number; read by [`parse`].
///
/// This changes something: run it once, or see [`again`].
pub fn request(
    session: &mut Session,
    to: &UserName,
    gif: &Uploaded,
    now: Timestamp,
) -> Call<Receipt> {
    let id = session.next_client_msg_id(now);
    again(session, to, gif, id)
}

/// Sends an uploaded gif under a number of [`Session::next_client_msg_id`]; read by [`parse`].
///
/// See [`send_text::again`](super::send_text::again) on repetitions.
pub fn again(
    session: &mut Session,
    to: &UserName,
    gif: &Uploaded,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, None, Some(&gif.media_id), id, Scene::New)
}

/// Sends an emoticon that the service knows, under a new number; read by [`parse`].
pub fn known(
    session: &mut Session,
    to: &UserName,
    md5: &EmoticonMd5,
    now: Timestamp,
) -> Call<Receipt> {
    let id = session.next_client_msg_id(now);
    known_again(session, to, md5, id)
}

/// [`known`] under a number of [`Session::next_client_msg_id`], as [`again`] is [`request`].
pub fn known_again(
    session: &mut Session,
    to: &UserName,
    md5: &EmoticonMd5,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, Some(md5), None, id, Scene::New)
}

/// Passes an emoticon on.
pub(super) fn forward(
    session: &mut Session,
    to: &UserName,
    md5: &EmoticonMd5,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, Some(md5), None, id, Scene::Forwarded)
}

fn call(
    session: &mut Session,
    to: &UserName,
    md5: Option<&EmoticonMd5>,
    media_id: Option<&str>,
    id: ClientMsgId,
    scene: Scene,
) -> Call<Receipt> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Kind<'a> {
        #[serde(rename = "Type")]
        kind: u8,
        emoji_flag: u8,
        /// The service's spelling.
        #[serde(rename = "EMoticonMd5", skip_serializing_if = "Option::is_none")]
        md5: Option<&'a EmoticonMd5>,
        #[serde(skip_serializing_if = "Option::is_none")]
        media_id: Option<&'a str>,
    }
    let endpoint = send::Endpoint {
        path: "/cgi-bin/mmwebwx-bin/webwxsendemoticon",
        query: &[("fun", "sys")],
        parse,
    };
    let kind = Kind { kind: EMOTICON, emoji_flag: GIF, md5, media_id };
    send::call(session, &endpoint, to, id, scene, kind)
}

/// Reads the reply of any request of this module.
///
/// # Errors
///
/// What its `Ret` says (1204: the receiver is no contact); [`Error::Malformed`] if it is no such
/// reply.
pub fn parse(reply: &Response) -> Result<Receipt, Error> {
    send::receipt(ENDPOINT, reply)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use proptest::prelude::*;

    use super::*;
    use crate::media::MediaType;
    use crate::testing::{NOW, rendered, session, uploaded};

    #[test]
    fn asks_for_a_gif() {
        let mut session = session();
        let gif = uploaded(MediaType::Document, "wave.gif");
        let call = request(&mut session, &"@@9e1c".parse().unwrap(), &gif, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendemoticon?fun=sys&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 338

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":47,"EmojiFlag":2,"MediaId":"@crypt_6084141c_c73c046b","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn asks_for_a_known_one() {
        let mut session = session();
        let md5 = "a0c4153e43c3fd2e9a2fbb9be2f4de07".parse().unwrap();
        let call = known(&mut session, &"@@9e1c".parse().unwrap(), &md5, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendemoticon?fun=sys&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 350

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":47,"EmojiFlag":2,"EMoticonMd5":"a0c4153e43c3fd2e9a2fbb9be2f4de07","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn reads() {
        send::reads(ENDPOINT, parse);
    }

    #[test]
    fn an_md5_has_32_digits() {
        let good = "a0c4153e43c3fd2e9a2Fbb9be2f4de07";
        let md5: EmoticonMd5 = good.parse().unwrap();
        assert_eq!((md5.as_str(), md5.to_string().as_str()), (good, good));
        for bad in [
            "",
            "a0c4153e43c3fd2e9a2fbb9be2f4de0",
            "a0c4153e43c3fd2e9a2fbb9be2f4de075",
            "a0c4153e43c3fd2e9a2fbb9be2f4de0g",
            "44682e637b75a3f5d6747d61dbd23a\u{e9}",
        ] {
            assert!(bad.parse::<EmoticonMd5>().is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<EmoticonMd5>("\"x\"").is_err());
    }

    proptest! {
        #[test]
        fn an_md5_comes_back(text in "[0-9a-fA-F]{32}") {
            let md5: EmoticonMd5 = text.parse().unwrap();
            let call = known(&mut session(), &UserName::file_helper(), &md5, NOW);
            let sent: serde_json::Value =
                serde_json::from_str(&crate::testing::body(&call)).unwrap();
            prop_assert_eq!(sent["Msg"]["EMoticonMd5"].as_str(), Some(&*text));
        }
    }
}
