use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;

use super::*;
use crate::error::{Failure, Ret, Sent};
use crate::testing::{NOW, body, contact, message, name, session};

#[path = "pending_limit_tests.rs"]
mod limits;

/// The pending lookups and the directory of an account.
struct Fixture {
    pending: Pending,
    directory: Directory,
    session: Session,
    now: Timestamp,
    /// The names of the last request.
    requested: Vec<UserName>,
}

impl Fixture {
    fn new() -> Self {
        let directory = Directory::of("@me".parse().unwrap(), "me");
        let (pending, requested) = (Pending::default(), Vec::new());
        Self { pending, directory, session: session(), now: NOW, requested }
    }

    fn note(&mut self, fields: &str) {
        self.pending.note(&mut self.directory, &message(fields));
    }

    fn said(&mut self, from: &str, content: &str) {
        self.note(&format!(
            r#""FromUserName":"{from}","ToUserName":"@me","MsgType":1,"Content":"{content}""#
        ));
    }

    fn learn(&mut self, json: &str) {
        self.directory.merge(contact(json));
    }

    /// Returns the names of the next request.
    fn requested(&mut self) -> Vec<String> {
        let Some(mut lookup) = self.pending.lookup(&self.directory, self.now) else {
            self.requested.clear();
            return Vec::new();
        };
        self.requested.clone_from(&lookup.0.names);
        let body = body(&lookup.request(&mut self.session, self.now));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let names = body["List"].as_array().unwrap().iter();
        names.map(|item| item["UserName"].as_str().unwrap().to_string()).collect()
    }

    /// Answers the request, and advances the clock to the next one.
    fn answered(&mut self) {
        let lookup = Lookup(BatchGetContacts::new(&self.requested));
        self.pending.answered(&lookup, &self.directory, self.now);
        self.now = self.now.after(GAP);
    }

    fn fails(&mut self, error: &Error) {
        self.pending.failed(error, self.now);
    }

    /// Returns the time until the next request, in seconds.
    fn pause(&mut self) -> u64 {
        let start = self.now;
        while self.requested().is_empty() {
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
fn unknown_sender_is_looked_up_once() {
    let mut fixture = Fixture::new();
    fixture.learn(r#"{"UserName":"@known","NickName":"k"}"#);
    for from in ["@known", "@new", "@new", "filehelper", "weixin", "newsapp", "@me", ""] {
        fixture.said(from, "hi");
    }
    fixture.said("@@room", "@a:<br/>hi");
    assert_eq!(fixture.requested(), ["@@room", "@new"]);
    fixture.answered();
    fixture.said("@new", "still unknown");
    fixture.said("@@room", "@a:<br/>hi");
    assert_eq!(fixture.requested(), [""; 0]);
    // A deleted contact counts as unknown again.
    fixture.pending.forget(&name("@new"));
    fixture.said("@new", "hi");
    assert_eq!(fixture.requested(), ["@new"]);
}

/// Only the room's list has the names of its members: it is looked up once, on the first message.
#[test]
fn members_are_looked_up_on_first_message_of_a_room() {
    for room in [
        // The list has no members, members without names, or not all members, as in
        // `webwxgetcontact` and `webwxinit`.
        r#"{"UserName":"@@r","MemberCount":2}"#,
        r#"{"UserName":"@@r","MemberCount":2,"MemberList":[{"UserName":"@a"},{"UserName":"@b"}]}"#,
        r#"{"UserName":"@@r","MemberCount":9,"MemberList":[{"UserName":"@b","NickName":"b"}]}"#,
    ] {
        let mut fixture = Fixture::new();
        fixture.learn(room);
        fixture.learn(r#"{"UserName":"@friend","NickName":"f"}"#);
        assert_eq!(fixture.requested(), [""; 0], "no message yet");
        for said in ["a notice of the room", "@b:<br/>hi", "@friend:<br/>hi", "@me:<br/>hi"] {
            fixture.said("@@r", said);
        }
        assert_eq!(fixture.requested(), ["@@r"]);
        fixture.answered();
        // The service sent no members: the room is not looked up again.
        fixture.said("@@r", "@friend:<br/>hi");
        assert_eq!(fixture.requested(), [""; 0]);
    }
    let mut fixture = Fixture::new();
    fixture.learn(WHOLE);
    fixture.said("@@r", "a notice of the room");
    assert_eq!(fixture.requested(), [""; 0]);
}

const WHOLE: &str =
    r#"{"UserName":"@@r","MemberCount":1,"MemberList":[{"UserName":"@a","NickName":"a"}]}"#;

#[test]
fn room_with_unknown_speaker_is_looked_up() {
    let mut fixture = Fixture::new();
    fixture.learn(WHOLE);
    fixture.learn(r#"{"UserName":"@friend","NickName":"f"}"#);
    for speaker in ["@a", "@friend", "@me"] {
        fixture.said("@@r", &format!("{speaker}:<br/>hi"));
    }
    assert_eq!(fixture.requested(), [""; 0]);
    for speaker in ["@b", "@b", "@c"] {
        fixture.said("@@r", &format!("{speaker}:<br/>hi"));
    }
    assert_eq!(fixture.requested(), ["@@r"]);
    // Another record has the speakers, so the lookup is dropped.
    fixture.learn(r#"{"UserName":"@@r","MemberList":[{"UserName":"@a","NickName":"a"},{"UserName":"@b","NickName":"b"},{"UserName":"@c","NickName":"c"}]}"#);
    assert_eq!(fixture.requested(), [""; 0]);
}

/// Lookups end if they do not find the speakers (incomplete lists, permanent ids as speakers):
/// otherwise a room with hundreds of members would be looked up hundreds of times.
#[test]
fn room_lookups_end_if_speakers_stay_unknown() {
    let mut fixture = Fixture::new();
    fixture.learn(WHOLE);
    let mut requested = 0;
    for n in 0..40 {
        fixture.said("@@r", &format!("wxid_{n}:<br/>hi"));
        requested += fixture.requested().len();
        fixture.answered();
    }
    assert_eq!(requested, 3);
    // The count restarts after the room was left and joined again.
    fixture.pending.forget(&name("@@r"));
    fixture.said("@@r", "wxid_50:<br/>hi");
    assert_eq!(fixture.requested(), ["@@r"]);
    fixture.learn(r#"{"UserName":"@@r","MemberCount":2,"MemberList":[{"UserName":"@a","NickName":"a"},{"UserName":"wxid_50","NickName":"x"}]}"#);
    fixture.answered();
    assert_eq!(fixture.pending.fruitless.len(), 0, "the speaker was found");
}

/// A contact that is deleted before the request is not looked up, and so not added again.
#[test]
fn deleted_contact_is_not_looked_up() {
    let mut fixture = Fixture::new();
    fixture.said("@x", "hi");
    fixture.said("@y", "hi");
    fixture.pending.forget(&name("@x"));
    assert_eq!(fixture.requested(), ["@y"]);
}

/// `docs/protocol.md` §9.7.
#[test]
fn chats_listed_by_the_phone_are_looked_up() {
    let mut fixture = Fixture::new();
    fixture.learn(r#"{"UserName":"@1"}"#);
    let names: Vec<_> = (100..190).map(|n| format!("@@{n}")).collect();
    fixture.note(&format!(
        r#""FromUserName":"@me","ToUserName":"@me","MsgType":51,"StatusNotifyCode":4,"StatusNotifyUserName":"filehelper,@1,@2,{}","Content":"""#,
        names.join(",")
    ));
    let first = fixture.requested();
    assert_eq!((first.len(), first.first().map(String::as_str)), (50, Some("@2")));
    fixture.answered();
    assert_eq!(fixture.requested(), names[49..]);
}

/// A name that is refused alone is not looked up again; the others are.
#[test]
fn refused_name_does_not_block_the_others() {
    let mut fixture = Fixture::new();
    (10..32).for_each(|n| fixture.said(&format!("@{n}"), "hi"));
    let mut sizes = vec![];
    for _ in 0..60 {
        fixture.now = fixture.now.after(LONGEST);
        let requested = fixture.requested();
        if requested.is_empty() {
            break;
        }
        sizes.push(requested.len());
        if requested.contains(&"@17".to_string()) {
            fixture.fails(&refused());
        } else {
            fixture.answered();
        }
    }
    assert_eq!(sizes, [22, 10, 5, 5, 1, 1, 1, 1, 1, 12]);
    fixture.said("@17", "hi");
    fixture.now = fixture.now.after(LONGEST);
    assert_eq!(fixture.requested(), [""; 0]);
}

/// The pause doubles with each failure, and is longest after a rate limit.
#[test]
fn failures_delay_the_next_lookup() {
    let mut fixture = Fixture::new();
    fixture.said("@1", "hi");
    fixture.said("@2", "hi");
    for (error, pauses) in [
        (failure(FailureKind::Closed), [5, 10, 20, 40]),
        (failure(FailureKind::Timeout), [5, 10, 20, 40]),
        (limited(), [60, 120, 240, 480]),
    ] {
        for pause in pauses {
            fixture.fails(&error);
            assert_eq!(fixture.pause(), pause, "{error:?}");
        }
        fixture.answered();
        fixture.said(&format!("@{}", fixture.now.as_secs()), "hi");
        fixture.said(&format!("@0{}", fixture.now.as_secs()), "hi");
    }
    (0..40).for_each(|_| fixture.fails(&limited()));
    assert_eq!(fixture.pause(), LONGEST.as_secs());
    // Threat C1: a clock that is set back does not extend the pause.
    fixture.fails(&limited());
    fixture.now = Timestamp::from_secs(1);
    assert_eq!(fixture.pause(), LONGEST.as_secs());
}

/// A batch that timed out, or failed three times, is looked up in smaller batches.
#[test]
fn batches_shrink_after_failures() {
    for (kind, expected) in
        [(FailureKind::Timeout, [50, 10, 5, 1]), (FailureKind::Closed, [50, 50, 50, 10])]
    {
        let mut fixture = Fixture::new();
        (100..160).for_each(|n| fixture.said(&format!("@{n}"), "hi"));
        let mut sizes = vec![];
        for _ in 0..4 {
            sizes.push(fixture.requested().len());
            fixture.fails(&failure(kind));
            fixture.now = fixture.now.after(LONGEST);
        }
        assert_eq!(sizes, expected);
        if kind == FailureKind::Timeout {
            // The name that failed alone is moved behind the others.
            assert_eq!(fixture.requested(), ["@101"]);
        }
    }
}

/// A name on which the service fails does not block the others, regardless of the failure, and is
/// given up finally.
#[test]
fn failing_name_does_not_block_the_others() {
    let system = || Error::ServiceFailed { endpoint: "", ret: Ret(-1), message: "".into() };
    let html = || Error::Malformed { endpoint: "", expected: "", found: "".into() };
    for error in [failure(FailureKind::Timeout), failure(FailureKind::Closed), system(), html()] {
        let mut fixture = Fixture::new();
        (100..160).for_each(|n| fixture.said(&format!("@{n}"), "hi"));
        let mut answered = vec![];
        let mut requests = 0;
        loop {
            let requested = fixture.requested();
            if requested.is_empty() {
                break;
            }
            requests += 1;
            assert!(requests < 60, "{error:?}: {requested:?}");
            if requested.contains(&"@107".to_string()) {
                fixture.fails(&error);
            } else {
                answered.extend(requested);
                fixture.answered();
            }
            fixture.now = fixture.now.after(LONGEST);
        }
        assert_eq!(answered.len(), 59, "{error:?}");
    }
}

/// `docs/protocol.md` §5.2.
#[test]
fn batches_are_separated_by_a_pause() {
    let mut fixture = Fixture::new();
    (100..180).for_each(|n| fixture.said(&format!("@{n}"), "hi"));
    assert_eq!(fixture.requested().len(), 50);
    let requested = fixture.now;
    fixture.answered();
    fixture.now = requested;
    assert_eq!(fixture.pause(), GAP.as_secs());
    assert_eq!(fixture.requested().len(), 30);
    // Another request of this kind failed: only a rate limit delays the lookup.
    fixture.pending.slow(&failure(FailureKind::Closed), fixture.now);
    assert_eq!(fixture.requested().len(), 30);
    fixture.pending.slow(&limited(), fixture.now);
    assert_eq!(fixture.pause(), 60);
}

/// Threat C1: a clock that is set back does not extend a pause.
#[test]
fn clock_set_back_does_not_extend_pause() {
    let mut fixture = Fixture::new();
    fixture.said("@a", "hi");
    assert_eq!(fixture.requested(), ["@a"]);
    fixture.fails(&limited());
    let (start, mut slept) = (fixture.now, 0);
    while fixture.requested().is_empty() {
        fixture.now = fixture.now.after(Duration::from_secs(60));
        slept += 60;
        // The clock is set back to the start every ten minutes.
        if slept % 600 == 0 {
            fixture.now = start;
        }
        assert!(slept <= LONGEST.as_secs() + 600, "{slept}");
    }
}
