//! `POST /cgi-bin/mmwebwx-bin/webwxrevokemsg`
//!
//! Revokes a message (`docs/protocol.md` §6.5).

use alloc::boxed::Box;
use alloc::string::ToString as _;

use super::Receipt;
use crate::endpoint::Repeat;
use crate::flow::Response;
use crate::wire::envelope::{self, readable, reply};
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Text, Timestamp};

const ENDPOINT: &str = "webwxrevokemsg";

/// The result of revoking a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Revocation {
    /// The service's explanation of revoking, in the account's language; may be empty.
    pub introduction: Box<str>,
    /// The text that replaces the message in the chat; may be empty.
    pub wording: Box<str>,
}

/// A request that revokes a message that was sent to a person or a room.
///
/// The service accepts it for **two minutes** after the message, and refuses it later
/// ([`Error::Refused`]). A message that the account sent from another device can be revoked by its
/// id ([`Receipt::of`]).
///
/// The request must not be repeated: [`Repeat::Once`].
#[derive(Clone, Debug)]
pub struct RevokeMessage {
    sent: Receipt,
}

impl RevokeMessage {
    /// Returns a request that revokes the message of this receipt.
    pub fn new(sent: &Receipt) -> Self {
        Self { sent: sent.clone() }
    }
}

impl Endpoint for RevokeMessage {
    type State = Session;
    type Output = Revocation;

    const REPEAT: Repeat = Repeat::Once;

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        // Without a client id, the official page repeats the service's id.
        let Receipt { to, client_msg_id, msg_id } = &self.sent;
        let client_msg_id = client_msg_id.map_or_else(|| msg_id.to_string(), |own| own.to_string());
        Url::api(ENDPOINT).post_base(session, now, |_, base_request| {
            Object
                .with("BaseRequest", base_request)
                .with("SvrMsgId", msg_id)
                .with("ToUserName", to)
                .with("ClientMsgId", client_msg_id)
                .json()
        })
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret).
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<Revocation, Error> {
        let wire: Wire = envelope::open(ENDPOINT, response)?;
        // Both may be encoded twice: `docs/shapes.md`.
        Ok(Revocation {
            introduction: readable(&wire.introduction).into(),
            wording: readable(&wire.sys_wording).into(),
        })
    }
}

reply! {
    struct Wire {
        "Introduction" => introduction: Text,
        "SysWording" => sys_wording: Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MsgId, UserName};

    use crate::testing::{json_of, malformed, rendered, reply, session};

    fn sent() -> Receipt {
        Receipt {
            to: "@@9e1c".parse().unwrap(),
            msg_id: MsgId::from("4527210051674039705"),
            client_msg_id: "14766146756340722".parse().ok(),
        }
    }

    #[test]
    fn request_has_exact_form() {
        let send = RevokeMessage::new(&sent());
        insta::assert_snapshot!(rendered(send, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxrevokemsg?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"SvrMsgId":"4527210051674039705","ToUserName":"@@9e1c","ClientMsgId":"14766146756340722"}
        "#);
    }

    #[test]
    fn id_of_a_message_of_another_device_is_sent_twice() {
        let receipt = Receipt::of(UserName::file_helper(), MsgId::from("4527210051674039705"));
        let revoke = RevokeMessage::new(&receipt);
        let sent = json_of(revoke, &mut session());
        assert_eq!(sent["SvrMsgId"], "4527210051674039705");
        assert_eq!(sent["ClientMsgId"], "4527210051674039705");
    }

    #[test]
    fn replies_are_parsed() {
        let parse = |reply: &Response| RevokeMessage::new(&sent()).parse(reply);
        let read = |introduction: &str, wording: &str| {
            parse(&reply(&alloc::format!(
                r#"{{"BaseResponse":{{"Ret":0,"ErrMsg":""}},"Introduction":"{introduction}","SysWording":"{wording}"}}"#
            )))
            .unwrap()
        };
        let plain = read("你可以撤回2分钟内发送的消息", "已撤回");
        assert_eq!(&*plain.introduction, "你可以撤回2分钟内发送的消息");
        assert_eq!(&*plain.wording, "已撤回");
        // `docs/shapes.md`: the texts may be encoded twice.
        let twice = read("ä½\u{a0}å¥½", "å·²æ\u{2019}¤å\u{203a}ž");
        assert_eq!((&*twice.introduction, &*twice.wording), ("你好", "已撤回"));
        let bare = parse(&reply(r#"{"BaseResponse":{"Ret":0}}"#)).unwrap();
        assert_eq!(bare, Revocation { introduction: "".into(), wording: "".into() });

        malformed(&RevokeMessage::new(&sent()), &[]);
    }
}
