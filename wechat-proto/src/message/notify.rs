//! `POST /cgi-bin/mmwebwx-bin/webwxstatusnotify`
//!
//! Notifies the account's phone that this client read, opened or left a chat (`docs/protocol.md`
//! §4.2).

use super::StatusCode;
use crate::flow::Response;
use crate::wire::envelope;
use crate::wire::fields::{Fields as _, Object};
use crate::wire::query::Url;
use crate::{Body, Endpoint, Error, Session, Timestamp, UserName};

const ENDPOINT: &str = "webwxstatusnotify";

/// A request that notifies the account's phone that this client read, opened or left a chat.
#[derive(Clone, Debug)]
pub struct NotifyPhone {
    code: StatusCode,
    chat: UserName,
}

impl NotifyPhone {
    /// Returns the notice `READED`: the chat was read here. The phone removes its unread mark.
    pub const fn mark_read(chat: UserName) -> Self {
        Self { code: StatusCode::READ, chat }
    }

    /// Returns the notice `ENTER_SESSION`: the chat was opened here.
    pub const fn enter_chat(chat: UserName) -> Self {
        Self { code: StatusCode::ENTERED, chat }
    }

    /// Returns the notice `QUIT_SESSION`: the chat was left here.
    pub const fn leave_chat(chat: UserName) -> Self {
        Self { code: StatusCode::LEFT, chat }
    }
}

impl Endpoint for NotifyPhone {
    type State = Session;
    type Output = ();

    fn request(&mut self, session: &mut Session, now: Timestamp) -> http::Request<Body> {
        request(session, self.code, &self.chat, now)
    }

    /// # Errors
    ///
    /// - The error for the reply's [`Ret`](crate::error::Ret).
    /// - [`Error::Status`] for an HTTP status of 500 or above.
    /// - [`Error::Malformed`] for any other response.
    fn parse(&self, response: &Response) -> Result<(), Error> {
        parse(response)
    }
}

/// Builds the request of any notice from the account.
pub(crate) fn request(
    session: &mut Session,
    code: StatusCode,
    to: &UserName,
    now: Timestamp,
) -> http::Request<Body> {
    Url::api(ENDPOINT).post_base(session, now, |session, base_request| {
        Object
            .with("BaseRequest", base_request)
            .with("Code", code)
            .with("FromUserName", &session.me.user_name)
            .with("ToUserName", to)
            // The current time in milliseconds. Only this request has a number here.
            .with("ClientMsgId", now.as_millis())
            .json()
    })
}

/// Parses the reply to any notice.
pub(crate) fn parse(response: &Response) -> Result<(), Error> {
    envelope::confirm(ENDPOINT, response)
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::testing::{json_of, malformed, rendered, reply, session};

    #[test]
    fn request_has_exact_form() {
        let send = NotifyPhone::mark_read("@@9e1c".parse().unwrap());
        insta::assert_snapshot!(rendered(send, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxstatusnotify?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e356902031041503"},"Code":1,"FromUserName":"@09ed9af3","ToUserName":"@@9e1c","ClientMsgId":1476606163580}
        "#);
    }

    /// `docs/protocol.md` §4.2: the codes of the table.
    #[test]
    fn each_notice_has_its_code() {
        let mut session = session();
        let peer: UserName = "@13fb".parse().unwrap();
        let me = session.me.user_name.clone();
        for (sent, code, to) in [
            (json_of(NotifyPhone::mark_read(peer.clone()), &mut session), 1, &peer),
            (json_of(NotifyPhone::enter_chat(peer.clone()), &mut session), 2, &peer),
            (json_of(crate::login::Announce::new(), &mut session), 3, &me),
            (json_of(NotifyPhone::leave_chat(peer.clone()), &mut session), 5, &peer),
        ] {
            assert_eq!(sent["Code"], code);
            assert_eq!(sent["FromUserName"], me.as_str());
            assert_eq!(sent["ToUserName"], to.as_str());
        }
    }

    #[test]
    fn replies_are_parsed() {
        parse(&reply(r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"1525762281689643050"}"#))
            .unwrap();
        malformed(&NotifyPhone::mark_read(UserName::file_helper()), &[]);
    }
}
