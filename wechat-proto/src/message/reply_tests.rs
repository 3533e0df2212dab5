use alloc::format;
use alloc::string::{String, ToString as _};

use bytes::Buf as _;
use proptest::prelude::*;

use super::*;
use crate::contact::record::WireContact;
use crate::testing::{NOW, message, rendered, session};
use crate::wire::lenient::Lenient as _;

fn directory() -> Directory {
    let room = r#"{"UserName":"@@r","MemberList":[{"UserName":"@b","NickName":"阿梅","DisplayName":"梅 & <3"}]}"#;
    let mut directory = Directory::default();
    directory.merge(WireContact::read(room).take().unwrap());
    directory
}

fn said(from: &str, to: &str, content: &str) -> Message {
    message(&format!(
        r#""FromUserName":"{from}","ToUserName":"{to}","MsgType":1,"Content":"{content}""#
    ))
}

/// To whom a call sends, and what.
fn sent(call: &Call<Receipt>) -> (String, String) {
    let mut body = call.http().body().clone();
    let length = body.len();
    let body: serde_json::Value = serde_json::from_slice(&body.copy_to_bytes(length)).unwrap();
    let field = |name: &str| body["Msg"][name].as_str().unwrap().to_string();
    (field("ToUserName"), field("Content"))
}

#[test]
fn goes_where_the_message_came_from() {
    let mut session = session();
    for (from, to, content, answered) in [
        ("@a", "@me", "hi", "@a"),
        ("@@r", "@me", "@b:<br/>hi", "@@r"),
        ("@me", "@a", "note to them", "@a"),
        ("@me", "@@r", "note to all", "@@r"),
        ("", "filehelper", "note", "filehelper"),
    ] {
        let call = text(&mut session, &said(from, to, content), "x <&\">", NOW);
        assert_eq!(sent(&call), (answered.into(), "x <&\">".into()));
    }
}

#[test]
fn mentions_whoever_said_it() {
    let mut session = session();
    for (from, to, content, answer) in [
        ("@@r", "@me", "@b:<br/>hi", "@梅 & <3\u{2005}yes"),
        ("@@r", "@me", "@unknown:<br/>hi", "yes"),
        ("@@r", "@me", "a notice", "yes"),
        ("@me", "@@r", "@b hi", "yes"),
        ("@b", "@me", "hi", "yes"),
    ] {
        let call = mentioning(&mut session, &directory(), &said(from, to, content), "yes", NOW);
        assert_eq!(sent(&call).1, answer, "{content}");
    }
}

#[test]
fn is_a_text_like_any_other() {
    let (mut one, mut other) = (session(), session());
    let message = said("@@r", "@me", "@b:<br/>hi");
    let answer = text(&mut one, &message, "yes", NOW);
    let plain = send_text::request(&mut other, message.peer(), "yes", NOW);
    assert_eq!(rendered(answer, &mut one.device), rendered(plain, &mut other.device));
}

proptest! {
    #[test]
    fn any_text_comes_through(answer in any::<String>()) {
        let message = said("@@r", "@me", "@b:<br/>hi");
        let call = text(&mut session(), &message, &answer, NOW);
        prop_assert_eq!(sent(&call).1, answer.clone());
        let call = mentioning(&mut session(), &directory(), &message, &answer, NOW);
        prop_assert_eq!(sent(&call).1, format!("@梅 & <3\u{2005}{answer}"));
    }
}
