//! `POST /cgi-bin/mmwebwx-bin/webwxsendvideomsg`
//!
//! Sends a video (`docs/protocol.md` §6.1, §6.2).

use serde::Serialize;

use super::send::{self, Receipt, Scene};
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::ids::{ClientMsgId, UserName};
use crate::media::Uploaded;
use crate::session::Session;
use crate::time::Timestamp;

const ENDPOINT: &str = "webwxsendvideomsg";

/// Which of two kinds a video is.
#[derive(Clone, Copy, Serialize)]
#[serde(into = "u8")]
pub(super) enum Length {
    /// Any video: 43.
    Any,
    /// One taken in the chat: 62. Only received ones are.
    Short,
}

impl From<Length> for u8 {
    fn from(length: Length) -> Self {
        match length {
            Length::Any => 43,
            Length::Short => 62,
        }
    }
}

/// Sends an uploaded video, under a new number; read by [`parse`].
///
/// This changes something: run it once, or see [`again`].
pub fn request(
    session: &mut Session,
    to: &UserName,
    video: &Uploaded,
    now: Timestamp,
) -> Call<Receipt> {
    let id = session.next_client_msg_id(now);
    again(session, to, video, id)
}

/// Sends an uploaded video under a number of [`Session::next_client_msg_id`]; read by [`parse`].
///
/// See [`send_text::again`](super::send_text::again) on repetitions.
pub fn again(
    session: &mut Session,
    to: &UserName,
    video: &Uploaded,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, Length::Any, &video.media_id, "", id, Scene::New)
}

/// Passes a video on: the XML that it came as.
pub(super) fn forward(
    session: &mut Session,
    to: &UserName,
    length: Length,
    xml: &str,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, length, "", xml, id, Scene::Forwarded)
}

fn call(
    session: &mut Session,
    to: &UserName,
    kind: Length,
    media_id: &str,
    content: &str,
    id: ClientMsgId,
    scene: Scene,
) -> Call<Receipt> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Kind<'a> {
        #[serde(rename = "Type")]
        kind: Length,
        media_id: &'a str,
        content: &'a str,
    }
    let endpoint = send::Endpoint {
        path: "/cgi-bin/mmwebwx-bin/webwxsendvideomsg",
        query: send::ASYNC,
        parse,
    };
    send::call(session, &endpoint, to, id, scene, Kind { kind, media_id, content })
}

/// Reads the reply of [`request`] and [`again`].
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
    use super::*;
    use crate::media::MediaType;
    use crate::testing::{NOW, rendered, session, uploaded};

    #[test]
    fn asks() {
        let mut session = session();
        let video = uploaded(MediaType::Video, "v.mp4");
        let call = request(&mut session, &"@@9e1c".parse().unwrap(), &video, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendvideomsg?fun=async&f=json&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 337

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":43,"MediaId":"@crypt_6084141c_c73c046b","Content":"","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn reads() {
        send::reads(ENDPOINT, parse);
    }
}
