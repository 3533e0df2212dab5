//! `POST /cgi-bin/mmwebwx-bin/webwxsendmsgimg`
//!
//! Sends a picture (`docs/protocol.md` §6.1, §6.2).

use serde::Serialize;

use super::send::{self, Receipt, Scene};
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::ids::{ClientMsgId, UserName};
use crate::media::Uploaded;
use crate::session::Session;
use crate::time::Timestamp;

const ENDPOINT: &str = "webwxsendmsgimg";
const IMAGE: u8 = 3;

/// Sends an uploaded picture, under a new number; read by [`parse`].
///
/// This changes something: run it once, or see [`again`].
pub fn request(
    session: &mut Session,
    to: &UserName,
    picture: &Uploaded,
    now: Timestamp,
) -> Call<Receipt> {
    let id = session.next_client_msg_id(now);
    again(session, to, picture, id)
}

/// Sends an uploaded picture under a number of [`Session::next_client_msg_id`]; read by [`parse`].
///
/// See [`send_text::again`](super::send_text::again) on repetitions.
pub fn again(
    session: &mut Session,
    to: &UserName,
    picture: &Uploaded,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, &picture.media_id, "", id, Scene::New)
}

/// Passes a picture on: the XML that it came as.
pub(super) fn forward(
    session: &mut Session,
    to: &UserName,
    xml: &str,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, "", xml, id, Scene::Forwarded)
}

fn call(
    session: &mut Session,
    to: &UserName,
    media_id: &str,
    content: &str,
    id: ClientMsgId,
    scene: Scene,
) -> Call<Receipt> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Kind<'a> {
        #[serde(rename = "Type")]
        kind: u8,
        media_id: &'a str,
        content: &'a str,
    }
    let endpoint =
        send::Endpoint { path: "/cgi-bin/mmwebwx-bin/webwxsendmsgimg", query: send::ASYNC, parse };
    send::call(session, &endpoint, to, id, scene, Kind { kind: IMAGE, media_id, content })
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
        let picture = uploaded(MediaType::Picture, "p.png");
        let call = request(&mut session, &"@@9e1c".parse().unwrap(), &picture, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsgimg?fun=async&f=json&lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 336

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":3,"MediaId":"@crypt_6084141c_c73c046b","Content":"","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn reads() {
        send::reads(ENDPOINT, parse);
    }
}
