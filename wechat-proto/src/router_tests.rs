//! Conditions of handlers, and their reports.

use alloc::string::ToString as _;

use super::*;
use crate::error::Error;
use crate::testing::{account, contact, message, said_by, session};

fn directory() -> Directory {
    let mut account = account();
    account.learn([
        contact(r#"{"UserName":"@a","NickName":"Ada","RemarkName":"阿达"}"#),
        contact(
            r#"{"UserName":"@@r","NickName":"Walks","MemberCount":3,"MemberList":[
            {"UserName":"@a","NickName":"Ada"},{"UserName":"@b","NickName":"Bo","DisplayName":"Bob"},
            {"UserName":"@09ed9af3","NickName":"Zhang San"}]}"#,
        ),
    ]);
    account.directory().clone()
}

fn said(from: &str, content: &str) -> Message {
    said_by(from, 1, content)
}

fn rest(when: &When, message: &Message) -> Option<String> {
    when.matches(message, &directory(), session().me())
}

#[test]
fn reports_are_lines_for_a_log() {
    let message = said("@a", "/help");
    let failed = Report::Failed(&message, &Error::InUse);
    let events = [Event::Message(message.clone()), Event::Recovered, Event::Closed(Error::Stopped)];
    let [first, second, third] = events.each_ref().map(|event| Report::Event(event).to_string());
    let expected = alloc::format!(r#"the handler of "/help" failed: {}"#, Error::InUse);
    assert_eq!(failed.to_string(), expected);
    assert_eq!([first, second], ["message: /help", "the service replies again"]);
    assert!(third.starts_with("ended: "), "{third}");
}

#[test]
fn status_messages_are_not_empty_lines() {
    let status = message(r#""FromUserName":"@me","MsgType":51,"StatusNotifyCode":4"#);
    let line = Report::Event(&Event::Message(status)).to_string();
    assert_eq!(line, "status message of the phone");
}

#[test]
fn first_matching_handler_is_chosen() {
    let mut router = Router::new()
        .on(When::command("/help"), "help")
        .on(When::mentioned(), "mention")
        .on(When::text("good *morning*").from("阿达"), "morning")
        .on(When::text("ping").in_private_chats(), "private")
        .on(When::text("ping").in_rooms(), "room")
        .on(When::any().in_chat("walks").from("bob"), "bob")
        .on(When::kind(|kind| matches!(kind, Kind::Image(_))), "image")
        .on(When::text("*"), "text");
    for (message, handler, rest) in [
        (said("@a", "/help"), "help", ""),
        (said("@a", " /HELP  me  please "), "help", "me  please"),
        (said("@a", "/helpless"), "text", "/helpless"),
        (said("@@r", "@b:<br/>@Zhang San\u{2005}/help x"), "help", "x"),
        (said("@@r", "@b:<br/>@Zhang San\u{2005}hi"), "mention", "hi"),
        (said("@a", "Good  MORNING, all"), "morning", "Good  MORNING, all"),
        (said("@b", "good morning"), "text", "good morning"),
        (said("@b", "ping"), "private", "ping"),
        (said("@@r", "@b:<br/>ping"), "room", "ping"),
        (said("@@r", "@b:<br/>hi"), "bob", "hi"),
        (said("@@r", "@a:<br/>hi"), "text", "hi"),
    ] {
        let (found, text) = router.find(&message, &directory(), session().me()).unwrap();
        assert_eq!((*found, &*text), (handler, rest), "{message:?}");
    }
    let image = said_by("@a", 3, "<msg><img/></msg>");
    let (found, text) = router.find(&image, &directory(), session().me()).unwrap();
    assert_eq!((*found, &*text), ("image", ""));
    let card = said_by("@a", 42, "x");
    assert!(router.find(&card, &directory(), session().me()).is_none());
}

#[test]
fn own_messages_match_only_with_or_own() {
    let own = message(r#""FromUserName":"@me","ToUserName":"@a","MsgType":1,"Content":"hi""#);
    assert!(own.is_outgoing());
    assert_eq!(rest(&When::any(), &own), None);
    assert_eq!(rest(&When::any().or_own().in_chat("Ada"), &own).as_deref(), Some("hi"));
}

#[test]
fn asterisks_match_any_text() {
    for (pattern, text, fits) in [
        ("ping", "Ping", true),
        ("ping", "pings", false),
        ("*", "", true),
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("a*c", "ac", true),
        ("ab*bc", "abc", false),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "acb", false),
        ("**a**", "xay", true),
    ] {
        let found = rest(&When::text(pattern), &said("@a", text)).is_some();
        assert_eq!(found, fits, "{pattern} {text}");
    }
}

#[test]
fn tasks_of_a_chat_run_in_order() {
    let (a, b): (UserName, UserName) = ("@a".parse().unwrap(), "@b".parse().unwrap());
    let mut turns = Turns::new(4);
    assert_eq!(turns.add(a.clone(), 1), Some(1));
    assert_eq!(turns.add(a.clone(), 2), None);
    assert_eq!(turns.add(b.clone(), 3), Some(3));
    assert!(turns.has_room());
    assert_eq!(turns.add(a.clone(), 4), None);
    assert!(!turns.has_room());
    assert_eq!(turns.end(&b), None);
    assert!(turns.has_room());
    assert_eq!([turns.end(&a), turns.end(&a), turns.end(&a)], [Some(2), Some(4), None]);
    assert_eq!(turns.add(a, 5), Some(5));
}
