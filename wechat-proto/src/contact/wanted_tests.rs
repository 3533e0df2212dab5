use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;

use bytes::Buf as _;

use super::*;
use crate::error::{Failure, Ret, Sent};
use crate::testing::{NOW, contact, message, session};

/// What an account wants, and what it knows.
struct Desk {
    wanted: Wanted,
    directory: Directory,
    session: Session,
    now: Timestamp,
}

impl Desk {
    fn new() -> Self {
        let directory = Directory::of("@me".parse().unwrap());
        Self { wanted: Wanted::default(), directory, session: session(), now: NOW }
    }

    fn hear(&mut self, fields: &str) {
        self.wanted.hear(&mut self.directory, &message(fields));
    }

    fn said(&mut self, from: &str, content: &str) {
        self.hear(&format!(
            r#""FromUserName":"{from}","ToUserName":"@me","MsgType":1,"Content":"{content}""#
        ));
    }

    fn learn(&mut self, json: &str) {
        self.directory.merge(contact(json));
    }

    /// The names of the next request.
    fn asks(&mut self) -> Vec<String> {
        let Some(call) = self.wanted.request(&self.directory, &mut self.session, self.now) else {
            return Vec::new();
        };
        let mut body = call.http().body().clone();
        let length = body.len();
        let body: serde_json::Value = serde_json::from_slice(&body.copy_to_bytes(length)).unwrap();
        let names = body["List"].as_array().unwrap().iter();
        names.map(|item| item["UserName"].as_str().unwrap().to_string()).collect()
    }

    fn fails(&mut self, error: &Error) {
        self.wanted.failed(error, self.now);
    }

    /// How long nothing is asked, in seconds.
    fn silence(&mut self) -> u64 {
        let start = self.now;
        while self.asks().is_empty() {
            self.now = self.now.after(Duration::from_secs(1));
        }
        self.now.since(start).as_secs()
    }
}

fn refused() -> Error {
    Error::Refused { endpoint: "", ret: Ret(1), message: "".into() }
}

fn limited() -> Error {
    Error::Limited { endpoint: "", message: "".into() }
}

fn failure(kind: FailureKind) -> Error {
    Error::Transport(Failure::new(kind, Sent::Maybe))
}

#[test]
fn asks_once_for_whoever_is_not_known() {
    let mut desk = Desk::new();
    desk.learn(r#"{"UserName":"@known","NickName":"k"}"#);
    for from in ["@known", "@new", "@new", "filehelper", "weixin", "newsapp", "@me", ""] {
        desk.said(from, "hi");
    }
    desk.said("@@room", "@a:<br/>hi");
    assert_eq!(desk.asks(), ["@@room", "@new"]);
    desk.wanted.answered();
    desk.said("@new", "still unknown");
    desk.said("@@room", "@a:<br/>hi");
    assert_eq!(desk.asks(), [""; 0]);
    // Deleted, it is somebody new.
    desk.wanted.forget(&"@new".parse().unwrap());
    desk.said("@new", "hi");
    assert_eq!(desk.asks(), ["@new"]);
}

#[test]
fn asks_for_a_room_whose_speaker_is_not_known() {
    let mut desk = Desk::new();
    // As in `webwxinit`: without names.
    desk.learn(r#"{"UserName":"@@r","MemberCount":9,"MemberList":[{"UserName":"@a"},{"UserName":"@b","NickName":"b"}]}"#);
    desk.learn(r#"{"UserName":"@friend","NickName":"f"}"#);
    for speaker in ["@b", "@friend", "@me"] {
        desk.said("@@r", &format!("{speaker}:<br/>hi"));
    }
    desk.said("@@r", "a notice of the room");
    assert_eq!(desk.asks(), [""; 0]);
    for speaker in ["@a", "@a", "@c"] {
        desk.said("@@r", &format!("{speaker}:<br/>hi"));
    }
    assert_eq!(desk.asks(), ["@@r"]);
    desk.wanted.answered();
    // Still without a name: the service does not tell.
    desk.said("@@r", "@a:<br/>hi");
    assert_eq!(desk.asks(), [""; 0]);
    desk.said("@@r", "@new:<br/>hi");
    assert_eq!(desk.asks(), ["@@r"]);
    // What is learnt elsewhere meanwhile need not be asked for.
    desk.learn(r#"{"UserName":"@@r","MemberList":[{"UserName":"@new","NickName":"n"}]}"#);
    assert_eq!(desk.asks(), [""; 0]);
}

/// `docs/protocol.md` §9.7.
#[test]
fn asks_for_the_chats_that_the_phone_lists() {
    let mut desk = Desk::new();
    desk.learn(r#"{"UserName":"@1"}"#);
    let names: Vec<_> = (100..190).map(|n| format!("@@{n}")).collect();
    desk.hear(&format!(
        r#""FromUserName":"@me","ToUserName":"@me","MsgType":51,"StatusNotifyCode":4,"StatusNotifyUserName":"filehelper,@1,@2,{}","Content":"""#,
        names.join(",")
    ));
    let first = desk.asks();
    assert_eq!((first.len(), first.first().map(String::as_str)), (50, Some("@2")));
    desk.wanted.answered();
    assert_eq!(desk.asks(), names[49..]);
}

/// Whoever is refused alone is not asked for again; the others are.
#[test]
fn one_that_cannot_be_told_does_not_stop_the_others() {
    let mut desk = Desk::new();
    (10..32).for_each(|n| desk.said(&format!("@{n}"), "hi"));
    let mut sizes = vec![];
    for _ in 0..60 {
        desk.now = desk.now.after(LONGEST);
        let asked = desk.asks();
        if asked.is_empty() {
            break;
        }
        sizes.push(asked.len());
        if asked.contains(&"@17".to_string()) {
            desk.fails(&refused());
        } else {
            desk.wanted.answered();
        }
    }
    assert_eq!(sizes, [22, 10, 5, 5, 1, 1, 1, 1, 1, 12]);
    desk.said("@17", "hi");
    desk.now = desk.now.after(LONGEST);
    assert_eq!(desk.asks(), [""; 0]);
}

/// Ever slower, and slowest where the service says that it is too much.
#[test]
fn failures_put_it_off() {
    let mut desk = Desk::new();
    desk.said("@1", "hi");
    desk.said("@2", "hi");
    for (error, silences) in [
        (failure(FailureKind::Closed), [5, 10, 20, 40]),
        (failure(FailureKind::Timeout), [5, 10, 20, 40]),
        (limited(), [60, 120, 240, 480]),
    ] {
        for silence in silences {
            desk.fails(&error);
            assert_eq!(desk.silence(), silence, "{error:?}");
        }
        desk.wanted.answered();
        desk.said(&format!("@{}", desk.now.as_secs()), "hi");
        desk.said(&format!("@0{}", desk.now.as_secs()), "hi");
    }
    (0..40).for_each(|_| desk.fails(&limited()));
    assert_eq!(desk.silence(), LONGEST.as_secs());
    // `docs/threats.md` C1: a clock that is set back.
    desk.fails(&limited());
    desk.now = Timestamp::from_secs(1);
    assert_eq!(desk.silence(), 0);
}

/// What took too long is asked for in smaller parts, and never given up for it.
#[test]
fn too_much_at_once_is_less_the_next_time() {
    let mut desk = Desk::new();
    (100..160).for_each(|n| desk.said(&format!("@{n}"), "hi"));
    let mut sizes = vec![];
    for _ in 0..5 {
        sizes.push(desk.asks().len());
        desk.fails(&failure(FailureKind::Timeout));
        desk.now = desk.now.after(LONGEST);
    }
    assert_eq!(sizes, [50, 10, 5, 1, 1]);
    assert_eq!(desk.asks(), ["@100"]);
}

/// `docs/threats.md` J7.
#[test]
fn what_it_keeps_is_bounded() {
    let mut desk = Desk::new();
    for n in 0..3 * MOST {
        desk.said(&format!("@{n}"), "hi");
    }
    assert_eq!(desk.wanted.batches.len(), MOST);
    assert!(desk.wanted.met.known.len() <= MOST && desk.wanted.met.order.len() <= MOST);
}
