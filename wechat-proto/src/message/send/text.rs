//! `POST /cgi-bin/mmwebwx-bin/webwxsendmsg`
//!
//! Sends a text (`docs/protocol.md` §6.1, §6.2).

use alloc::boxed::Box;
use alloc::string::String;

use super::{Draft, TEXT, send};
use crate::contact::Directory;
use crate::ids::UserName;
use crate::message::{Message, MsgType, mention};
use crate::wire::xml::Xml;

/// A request that sends a text to a person or a room.
///
/// The request must not be retried automatically: [`Repeat::Once`](crate::endpoint::Repeat::Once).
/// If the same value is used again after a failure, it repeats the message with the same id, as the
/// official page does ([`Numbered`](crate::endpoint::Numbered)).
#[derive(Clone, Debug)]
pub struct SendText(pub(super) Draft);

impl SendText {
    /// Returns a request that sends this text.
    pub fn new(to: UserName, text: impl Into<Box<str>>) -> Self {
        Self(Draft::new(TEXT, MsgType::TEXT.0, to).with_content(text))
    }

    /// Returns a request that replies to a message: it sends a text to the message's chat, which
    /// is with a person or a room. A reply to a message that this account sent from its phone goes to the
    /// receiver of that message.
    ///
    /// The web cannot quote (`docs/protocol.md` §6.2).
    pub fn reply(message: &Message, text: impl Into<Box<str>>) -> Self {
        Self::new(message.peer().clone(), text)
    }

    /// Returns a [reply](SendText::reply) that mentions the author of a message in a room
    /// ([`mention::text`]). Without a name for the author in the directory, the reply has no mention.
    pub fn mention_reply(
        message: &Message,
        directory: &Directory,
        text: impl Into<Box<str>>,
    ) -> Self {
        let text = text.into();
        match mention::name_of_author(directory, message) {
            Some(name) => Self::reply(message, mention::text(name, &text)),
            None => Self::reply(message, text),
        }
    }

    /// Sets the members of a room that the text mentions, in the field `MsgSource`.
    ///
    /// The text itself must contain the names, as `@name` followed by U+2005; `docs/protocol.md` §9.5
    /// describes which name a member has in a room. The official page contains code that sends
    /// `MsgSource` but never uses it: **no phone is known to show a notification for it**.
    #[must_use]
    pub fn with_mentions(mut self, members: &[UserName]) -> Self {
        let source = (!members.is_empty()).then(|| msg_source(&self.0.to, members).into());
        self.0.msg_source = source;
        self
    }
}

send!(SendText);

/// Returns the `MsgSource`: the mentioned members, joined by commas, and their room.
fn msg_source(room: &UserName, members: &[UserName]) -> String {
    let mut xml = Xml::default().markup("<msgsource><atusername>");
    for (index, member) in members.iter().enumerate() {
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

#[cfg(test)]
#[path = "reply_tests.rs"]
mod reply_tests;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::endpoint::Endpoint as _;
    use crate::testing::xml::elements;
    use crate::testing::{NOW, body, http_of, json_of, rendered, reply, session};

    #[test]
    fn request_has_exact_form() {
        let send = SendText::new("@@9e1c".parse().unwrap(), "啊 <&\"\\/> 😄\n");
        insta::assert_snapshot!(rendered(send, &mut session()), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsg?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":1,"Content":"啊 <&\"\\/> 😄\n","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
    }

    #[test]
    fn id_is_kept_until_a_reply() {
        let mut session = session();
        let id = session.next_client_msg_id(NOW);
        let mut send = SendText::new(UserName::file_helper(), "x").with_id(id);
        for _ in 0..2 {
            let sent = body(&http_of(&mut send, &mut session));
            assert!(
                sent.contains(&alloc::format!("\"LocalID\":\"{id}\",\"ClientMsgId\":\"{id}\""))
            );
        }
        assert_eq!(send.id(), Some(id));
        assert!(session.next_client_msg_id(NOW) > id);
        let receipt = reply(r#"{"BaseResponse":{"Ret":0}}"#);
        send.receive(&mut session, &http::Uri::default(), &receipt, NOW).unwrap();
        assert_eq!(send.id(), None);
    }

    #[test]
    fn mentions_have_exact_form() {
        let mut session = session();
        let whom = ["@13fb", "@40dc"].map(|name| name.parse().unwrap());
        let room: UserName = "@@9e1c".parse().unwrap();
        let send = SendText::new(room.clone(), "@Ada\u{2005}@Bob\u{2005}hi").with_mentions(&whom);
        insta::assert_snapshot!(rendered(send, &mut session), @r#"
        POST https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxsendmsg?lang=zh_CN&pass_ticket=xYZ2UYgVCw0xSwWT%252FlQGCIMDn9LHCGnnKxo6%252B8ZXXt5Z

        {"BaseRequest":{"Uin":566148615,"Sid":"kByRoJSUlD7S2pif","Skey":"@crypt_cec4ff9f_77fec3e104e41c7d299ac54dc801d51e","DeviceID":"e070477665621255"},"Msg":{"Type":1,"Content":"@Ada @Bob hi","MsgSource":"<msgsource><atusername>@13fb,@40dc</atusername><atchatroomname>@@9e1c</atchatroomname></msgsource>","FromUserName":"@09ed9af3","ToUserName":"@@9e1c","LocalID":"14766061635800503","ClientMsgId":"14766061635800503"},"Scene":0}
        "#);
        let id = session.next_client_msg_id(NOW);
        let plain = SendText::new(room, "x").with_id(id);
        let bare = body(&http_of(plain.clone().with_mentions(&[]), &mut session));
        assert!(!bare.contains("MsgSource"));
        let plain = body(&http_of(plain, &mut session));
        let end = |body: &str| body.split_once("\"Msg\"").unwrap().1.len();
        assert_eq!(end(&bare), end(&plain));
    }

    proptest! {
        /// Names that contain markup are escaped.
        #[test]
        fn any_mentions_are_escaped(
            whom in prop::collection::vec("(@|[<>&'\"/;\\]]|atusername|\\PC){1,20}", 1..5), room in "@@[<>&'\"a-z]{1,9}",
        ) {
            let whom: Vec<UserName> = whom.iter().filter_map(|name| name.parse().ok()).collect();
            prop_assume!(!whom.is_empty());
            let room: UserName = room.parse().unwrap();
            let send = SendText::new(room.clone(), "x").with_mentions(&whom);
            let sent = json_of(send, &mut session());
            let names: Vec<&str> = whom.iter().map(UserName::as_str).collect();
            let found = elements(sent["Msg"]["MsgSource"].as_str().unwrap());
            let expected = [
                ("msgsource", ""),
                ("msgsource/atusername", &names.join(",")),
                ("msgsource/atchatroomname", room.as_str()),
            ];
            prop_assert_eq!(found, expected.map(|(name, text)| (name.into(), text.into())));
        }
    }
}
