//! `POST /cgi-bin/mmwebwx-bin/webwxsendmsg`
//!
//! Sends a text (`docs/protocol.md` §6.1, §6.2).

use alloc::string::String;

use serde::Serialize;

use super::send::{self, Receipt, Scene};
use crate::call::Call;
use crate::error::Error;
use crate::flow::Response;
use crate::ids::{ClientMsgId, UserName};
use crate::session::Session;
use crate::time::Timestamp;
use crate::wire::xml::Xml;

const ENDPOINT: &str = "webwxsendmsg";
const TEXT: u8 = 1;
const LOCATION: u8 = 48;

/// Sends `text` to a person or a room, under a new number; read by [`parse`].
///
/// This changes something: run it once. Who wants to repeat it after [`Error::Unanswered`] draws
/// the number first, and uses [`again`] for each attempt:
///
/// ```
/// # use wechat_proto::{Call, Session, Timestamp, UserName, message::{Receipt, send_text}};
/// # fn attempt(session: &mut Session, now: Timestamp) -> Call<Receipt> {
/// let id = session.next_client_msg_id(now);
/// send_text::again(session, &UserName::file_helper(), "text", id)
/// # }
/// ```
pub fn request(session: &mut Session, to: &UserName, text: &str, now: Timestamp) -> Call<Receipt> {
    let id = session.next_client_msg_id(now);
    again(session, to, text, id)
}

/// Sends `text` under a number of [`Session::next_client_msg_id`]; read by [`parse`].
///
/// The official page repeats a send under the same number. Whether the service drops the second
/// one is not known: the receiver may see both.
pub fn again(session: &mut Session, to: &UserName, text: &str, id: ClientMsgId) -> Call<Receipt> {
    call(session, to, TEXT, text, None, id, Scene::New)
}

/// Sends `text` to a room and tells the service whom it mentions, under a new number; read by
/// [`parse`].
///
/// The text itself has to hold the names, as `@name` with U+2005 behind each; which name a member
/// goes by in a room is told in `docs/protocol.md` §9.5. The official page has the code that sends
/// the mentions, `MsgSource`, and never came to use it: **no phone is known to raise a notice for
/// them**. Without anyone mentioned, this is [`request`].
pub fn mention(
    session: &mut Session,
    room: &UserName,
    text: &str,
    whom: &[UserName],
    now: Timestamp,
) -> Call<Receipt> {
    let id = session.next_client_msg_id(now);
    mention_again(session, room, text, whom, id)
}

/// [`mention`] under a number of [`Session::next_client_msg_id`], as [`again`] is [`request`].
pub fn mention_again(
    session: &mut Session,
    room: &UserName,
    text: &str,
    whom: &[UserName],
    id: ClientMsgId,
) -> Call<Receipt> {
    let source = (!whom.is_empty()).then(|| msg_source(room, whom));
    call(session, room, TEXT, text, source.as_deref(), id, Scene::New)
}

/// Passes a text on.
pub(super) fn forward(
    session: &mut Session,
    to: &UserName,
    text: &str,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, TEXT, text, None, id, Scene::Forwarded)
}

/// Passes a place on: the XML that came with it.
pub(super) fn forward_location(
    session: &mut Session,
    to: &UserName,
    xml: &str,
    id: ClientMsgId,
) -> Call<Receipt> {
    call(session, to, LOCATION, xml, None, id, Scene::Forwarded)
}

fn call(
    session: &mut Session,
    to: &UserName,
    kind: u8,
    content: &str,
    msg_source: Option<&str>,
    id: ClientMsgId,
    scene: Scene,
) -> Call<Receipt> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Kind<'a> {
        #[serde(rename = "Type")]
        kind: u8,
        content: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        msg_source: Option<&'a str>,
    }
    let endpoint = send::Endpoint { path: "/cgi-bin/mmwebwx-bin/webwxsendmsg", query: &[], parse };
    send::call(session, &endpoint, to, id, scene, Kind { kind, content, msg_source })
}

/// Whom a text mentions, joined by commas, and where.
fn msg_source(room: &UserName, whom: &[UserName]) -> String {
    let mut xml = Xml::default().markup("<msgsource><atusername>");
    for (index, member) in whom.iter().enumerate() {
        if index > 0 {
            xml = xml.markup(",");
        }
        xml = xml.text(member);
    }
    xml.markup("</atusername><atchatroomname>")
        .text(room)
        .markup("</atchatroomname></msgsource>")
        .finish()
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
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{NOW, body, elements, rendered, session};

    #[test]
    fn asks() {
        let mut session = session();
        let to = "@@9e1c".parse().unwrap();
        let call = request(&mut session, &to, "啊 <&\"\\/> 😄\n", NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsg?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 318

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":1,"Content":"啊 <&\"\\/> 😄\n","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn goes_again_under_the_same_number() {
        let mut session = session();
        let to = "filehelper".parse().unwrap();
        let id = session.next_client_msg_id(NOW);
        let texts = [(); 2]
            .map(|()| rendered(again(&mut session, &to, "x", id), &mut session.device.clone()));
        for text in texts {
            assert!(
                text.contains(&alloc::format!("\"LocalID\":\"{id}\",\"ClientMsgId\":\"{id}\""))
            );
        }
        assert!(session.next_client_msg_id(NOW) > id);
    }

    #[test]
    fn reads() {
        send::reads(ENDPOINT, parse);
    }

    /// `docs/protocol.md` §1.3: what is escaped shows up in the chat as escapes.
    #[test]
    fn text_is_literal() {
        let mut session = session();
        let text = "你好 😄 <>&'/\u{2028}\u{2029}\u{7f}\u{200d}é";
        let call = request(&mut session, &UserName::file_helper(), text, NOW);
        assert!(body(&call).contains(&alloc::format!("\"Content\":\"{text}\"")), "{}", body(&call));
        // Escaped is only what JSON has to.
        let call = request(&mut session, &UserName::file_helper(), "\"\\\n\t\0", NOW);
        assert!(body(&call).contains(r#""Content":"\"\\\n\t\u0000""#), "{}", body(&call));
    }

    #[test]
    fn mentions() {
        let mut session = session();
        let whom = ["@13fb", "@40dc"].map(|name| name.parse().unwrap());
        let room = "@@9e1c".parse().unwrap();
        let call = mention(&mut session, &room, "@Ada\u{2005}@Bob\u{2005}hi", &whom, NOW);
        insta::assert_snapshot!(rendered(call, &mut session.device), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsg?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z
        host: wx.qq.com
        user-agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
        accept: application/json, text/plain, */*
        accept-encoding: identity
        referer: https://wx.qq.com/?lang=zh_CN
        origin: https://wx.qq.com
        content-type: application/json;charset=UTF-8
        content-length: 428

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":1,"Content":"@Ada @Bob hi","MsgSource":"<msgsource><atusername>@13fb,@40dc</atusername><atchatroomname>@@9e1c</atchatroomname></msgsource>","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
        let id = session.next_client_msg_id(NOW);
        let bare = body(&mention_again(&mut session, &room, "x", &[], id));
        assert!(!bare.contains("MsgSource"));
        let plain = body(&again(&mut session, &room, "x", id));
        let end = |body: &str| body.split_once("\"Msg\"").unwrap().1.len();
        assert_eq!(end(&bare), end(&plain));
    }

    proptest! {
        /// A name may hold markup: it is still one of the names.
        #[test]
        fn mentions_come_back(
            whom in prop::collection::vec("(@|[<>&'\"/;\\]]|atusername|\\PC){1,20}", 1..5), room in "@@[<>&'\"a-z]{1,9}",
        ) {
            let whom: Vec<UserName> = whom.iter().filter_map(|name| name.parse().ok()).collect();
            prop_assume!(!whom.is_empty());
            let room: UserName = room.parse().unwrap();
            let call = mention(&mut session(), &room, "x", &whom, NOW);
            let sent: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
            let names: Vec<&str> = whom.iter().map(UserName::as_str).collect();
            let found = elements(sent["Msg"]["MsgSource"].as_str().unwrap());
            let expected = [
                ("msgsource", ""),
                ("msgsource/atusername", &names.join(",")),
                ("msgsource/atchatroomname", room.as_str()),
            ];
            prop_assert_eq!(found, expected.map(|(name, text)| (name.into(), text.into())));
        }

        #[test]
        fn text_comes_back(text in any::<String>()) {
            let call = request(&mut session(), &UserName::file_helper(), &text, NOW);
            let sent: serde_json::Value = serde_json::from_str(&body(&call)).unwrap();
            prop_assert_eq!(sent["Msg"]["Content"].as_str(), Some(&*text));
        }
    }
}
