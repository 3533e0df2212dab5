use alloc::format;
use alloc::string::{String, ToString as _};

use super::*;
use crate::testing::{directory, json_of, message, rendered, session};

fn said(from: &str, to: &str, content: &str) -> Message {
    message(&format!(
        r#""FromUserName":"{from}","ToUserName":"{to}","MsgType":1,"Content":"{content}""#
    ))
}

/// Returns the receiver and the text of a send.
fn sent(send: SendText) -> (String, String) {
    let body = json_of(send, &mut session());
    let field = |name: &str| body["Msg"][name].as_str().unwrap().to_string();
    (field("ToUserName"), field("Content"))
}

#[test]
fn reply_goes_to_the_chat_of_the_message() {
    for (from, to, content, answered) in [
        ("@a", "@me", "hi", "@a"),
        ("@@r", "@me", "@b:<br/>hi", "@@r"),
        ("@me", "@a", "note to them", "@a"),
        ("@me", "@@r", "note to all", "@@r"),
        ("", "filehelper", "note", "filehelper"),
    ] {
        let reply = SendText::reply(&said(from, to, content), "x <&\">");
        assert_eq!(sent(reply), (answered.into(), "x <&\">".into()));
    }
}

#[test]
fn mention_reply_names_the_author() {
    let room = r#"{"UserName":"@@r","MemberList":[{"UserName":"@b","NickName":"阿梅","DisplayName":"梅 & <3"}]}"#;
    let directory = directory(&[room]);
    for (from, to, content, answer) in [
        ("@@r", "@me", "@b:<br/>hi", "@梅 & <3\u{2005}yes"),
        ("@@r", "@me", "@unknown:<br/>hi", "yes"),
        ("@@r", "@me", "a notice", "yes"),
        ("@me", "@@r", "@b hi", "yes"),
        ("@b", "@me", "hi", "yes"),
    ] {
        let reply = SendText::mention_reply(&said(from, to, content), &directory, "yes");
        assert_eq!(sent(reply).1, answer, "{content}");
    }
}

#[test]
fn reply_is_a_plain_text() {
    let message = said("@@r", "@me", "@b:<br/>hi");
    let reply = SendText::reply(&message, "yes");
    let plain = SendText::new(message.peer().clone(), "yes");
    assert_eq!(rendered(reply, &mut session()), rendered(plain, &mut session()));
}
