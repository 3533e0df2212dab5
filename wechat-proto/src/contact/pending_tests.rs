use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;

use super::*;
use crate::error::{Failure, Ret, Sent};
use crate::testing::{NOW, body, contact, message, session};

/// What an account wants, and what it knows.
struct Desk {
    pending: Pending,
    directory: Directory,
    session: Session,
    now: Timestamp,
}

impl Desk {
    fn new() -> Self {
        let directory = Directory::of("@me".parse().unwrap(), "me");
        Self { pending: Pending::default(), directory, session: session(), now: NOW }
    }

    fn hear(&mut self, fields: &str) {
        self.pending.note(&mut self.directory, &message(fields));
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
        let Some(mut lookup) = self.pending.lookup(&self.directory, self.now) else {
            return Vec::new();
        };
        let body = body(&lookup.request(&mut self.session, self.now));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let names = body["List"].as_array().unwrap().iter();
        names.map(|item| item["UserName"].as_str().unwrap().to_string()).collect()
    }

    /// The request was answered; time goes by until the next.
    fn answered(&mut self) {
        self.pending.answered(&self.directory, self.now);
        self.now = self.now.after(GAP);
    }

    fn fails(&mut self, error: &Error) {
        self.pending.failed(error, self.now);
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
    desk.answered();
    desk.said("@new", "still unknown");
    desk.said("@@room", "@a:<br/>hi");
    assert_eq!(desk.asks(), [""; 0]);
    // Deleted, it is somebody new.
    desk.pending.forget(&"@new".parse().unwrap());
    desk.said("@new", "hi");
    assert_eq!(desk.asks(), ["@new"]);
}

/// Names in a room are nowhere else than on its list: it is asked for when it is heard, once.
#[test]
fn asks_for_the_members_of_a_room_that_is_heard() {
    for room in [
        // As in `webwxgetcontact`, and as in `webwxinit`: without members, without names, in part.
        r#"{"UserName":"@@r","MemberCount":2}"#,
        r#"{"UserName":"@@r","MemberCount":2,"MemberList":[{"UserName":"@a"},{"UserName":"@b"}]}"#,
        r#"{"UserName":"@@r","MemberCount":9,"MemberList":[{"UserName":"@b","NickName":"b"}]}"#,
    ] {
        let mut desk = Desk::new();
        desk.learn(room);
        desk.learn(r#"{"UserName":"@friend","NickName":"f"}"#);
        assert_eq!(desk.asks(), [""; 0], "it was not heard");
        for said in ["a notice of the room", "@b:<br/>hi", "@friend:<br/>hi", "@me:<br/>hi"] {
            desk.said("@@r", said);
        }
        assert_eq!(desk.asks(), ["@@r"]);
        desk.answered();
        // It stays as it is: the service does not tell.
        desk.said("@@r", "@friend:<br/>hi");
        assert_eq!(desk.asks(), [""; 0]);
    }
    let mut desk = Desk::new();
    desk.learn(WHOLE);
    desk.said("@@r", "a notice of the room");
    assert_eq!(desk.asks(), [""; 0]);
}

const WHOLE: &str =
    r#"{"UserName":"@@r","MemberCount":1,"MemberList":[{"UserName":"@a","NickName":"a"}]}"#;

#[test]
fn asks_for_a_room_whose_speaker_is_not_known() {
    let mut desk = Desk::new();
    desk.learn(WHOLE);
    desk.learn(r#"{"UserName":"@friend","NickName":"f"}"#);
    for speaker in ["@a", "@friend", "@me"] {
        desk.said("@@r", &format!("{speaker}:<br/>hi"));
    }
    assert_eq!(desk.asks(), [""; 0]);
    for speaker in ["@b", "@b", "@c"] {
        desk.said("@@r", &format!("{speaker}:<br/>hi"));
    }
    assert_eq!(desk.asks(), ["@@r"]);
    // What is learnt elsewhere meanwhile need not be asked for.
    desk.learn(r#"{"UserName":"@@r","MemberList":[{"UserName":"@a","NickName":"a"},{"UserName":"@b","NickName":"b"},{"UserName":"@c","NickName":"c"}]}"#);
    assert_eq!(desk.asks(), [""; 0]);
}

/// Where that does not help (short lists, permanent ids as speakers), it ends: a room of hundreds
/// would be asked for hundreds of times.
#[test]
fn asks_in_vain_a_few_times_only() {
    let mut desk = Desk::new();
    desk.learn(WHOLE);
    let mut asked = 0;
    for n in 0..40 {
        desk.said("@@r", &format!("wxid_{n}:<br/>hi"));
        asked += desk.asks().len();
        desk.answered();
    }
    assert_eq!(asked, 3);
    // Left and met again, it is another matter.
    desk.pending.forget(&"@@r".parse().unwrap());
    desk.said("@@r", "wxid_50:<br/>hi");
    assert_eq!(desk.asks(), ["@@r"]);
    desk.learn(r#"{"UserName":"@@r","MemberCount":2,"MemberList":[{"UserName":"@a","NickName":"a"},{"UserName":"wxid_50","NickName":"x"}]}"#);
    desk.answered();
    assert_eq!(desk.pending.vain.len(), 0, "it was not in vain");
}

/// Whoever is deleted while the request waits is not asked for, nor added again by it.
#[test]
fn asks_for_nobody_who_is_gone() {
    let mut desk = Desk::new();
    desk.said("@x", "hi");
    desk.said("@y", "hi");
    desk.pending.forget(&"@x".parse().unwrap());
    assert_eq!(desk.asks(), ["@y"]);
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
    desk.answered();
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
            desk.answered();
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
        desk.answered();
        desk.said(&format!("@{}", desk.now.as_secs()), "hi");
        desk.said(&format!("@0{}", desk.now.as_secs()), "hi");
    }
    (0..40).for_each(|_| desk.fails(&limited()));
    assert_eq!(desk.silence(), LONGEST.as_secs());
    // Threat C1: a clock that is set back makes it no longer.
    desk.fails(&limited());
    desk.now = Timestamp::from_secs(1);
    assert_eq!(desk.silence(), LONGEST.as_secs());
}

/// What took too long is asked for in smaller parts.
#[test]
fn too_much_at_once_is_less_the_next_time() {
    let mut desk = Desk::new();
    (100..160).for_each(|n| desk.said(&format!("@{n}"), "hi"));
    let mut sizes = vec![];
    for _ in 0..4 {
        sizes.push(desk.asks().len());
        desk.fails(&failure(FailureKind::Timeout));
        desk.now = desk.now.after(LONGEST);
    }
    assert_eq!(sizes, [50, 10, 5, 1]);
    // The one that was alone waits behind the others.
    assert_eq!(desk.asks(), ["@101"]);
}

/// One name at which the service fails does not keep the others from being asked for, whatever
/// the failure is, and is given up at last.
#[test]
fn one_name_does_not_block_the_others() {
    let system = || Error::ServiceFailed { endpoint: "", ret: Ret(-1), message: "".into() };
    let html = || Error::Malformed { endpoint: "", expected: "", found: "".into() };
    for error in [failure(FailureKind::Timeout), failure(FailureKind::Closed), system(), html()] {
        let mut desk = Desk::new();
        (100..160).for_each(|n| desk.said(&format!("@{n}"), "hi"));
        let mut answered = vec![];
        let mut requests = 0;
        loop {
            let asked = desk.asks();
            if asked.is_empty() {
                break;
            }
            requests += 1;
            assert!(requests < 60, "{error:?}: {asked:?}");
            if asked.contains(&"@107".to_string()) {
                desk.fails(&error);
            } else {
                answered.extend(asked);
                desk.answered();
            }
            desk.now = desk.now.after(LONGEST);
        }
        assert_eq!(answered.len(), 59, "{error:?}");
    }
}

/// Not faster than the service bears: `docs/protocol.md` §5.2.
#[test]
fn leaves_a_gap_between_two_batches() {
    let mut desk = Desk::new();
    (100..180).for_each(|n| desk.said(&format!("@{n}"), "hi"));
    assert_eq!(desk.asks().len(), 50);
    desk.pending.answered(&desk.directory, desk.now);
    assert_eq!(desk.silence(), GAP.as_secs());
    assert_eq!(desk.asks().len(), 30);
    // Somebody else was told that it was too much.
    desk.pending.slow(&failure(FailureKind::Closed), desk.now);
    assert_eq!(desk.asks().len(), 30);
    desk.pending.slow(&limited(), desk.now);
    assert_eq!(desk.silence(), 60);
}

/// Threat J7.
#[test]
fn what_it_keeps_is_bounded() {
    let mut desk = Desk::new();
    for n in 0..3 * MOST {
        desk.said(&format!("@{n}"), "hi");
    }
    assert_eq!(desk.pending.batches.len(), MOST);
    assert!(desk.pending.met.known.len() <= MOST && desk.pending.met.order.len() <= MOST);
}

/// Threat J7: whoever was asked for long ago makes room, and is asked for again when heard again. Those
/// in the address book stay.
#[test]
fn guests_make_room_for_others() {
    let mut desk = Desk::new();
    let meet = |desk: &mut Desk, name: &str, flag: u32| {
        desk.said(name, "hi");
        assert_eq!(desk.asks(), [name]);
        desk.learn(&format!(r#"{{"UserName":"{name}","NickName":"n","ContactFlag":{flag}}}"#));
        desk.answered();
        let names = [name.parse().unwrap()];
        desk.pending.keep(&mut desk.directory, names.into());
    };
    meet(&mut desk, "@friend", 3);
    meet(&mut desk, "@first", 0);
    for n in 1..GUESTS {
        meet(&mut desk, &format!("@guest{n}"), 0);
    }
    let knows = |desk: &Desk, name: &str| desk.directory.find(&name.parse().unwrap()).is_some();
    assert!(knows(&desk, "@first"));
    for n in 0..10 {
        meet(&mut desk, &format!("@later{n}"), 0);
    }
    assert!(knows(&desk, "@friend"));
    assert!(!knows(&desk, "@first") && !knows(&desk, "@guest9") && knows(&desk, "@guest10"));
    assert_eq!(desk.directory.len(), GUESTS + 1);
    meet(&mut desk, "@first", 0);
    assert!(knows(&desk, "@first"));
    // Who became a contact meanwhile is no guest any more.
    desk.learn(r#"{"UserName":"@guest12","ContactFlag":3}"#);
    for n in 10..20 {
        meet(&mut desk, &format!("@later{n}"), 0);
    }
    assert!(knows(&desk, "@guest12") && !knows(&desk, "@guest13"));
}

/// Threat C1: a clock that is set back makes no pause longer.
#[test]
fn a_clock_that_is_set_back_stretches_no_pause() {
    let mut desk = Desk::new();
    desk.said("@a", "hi");
    assert_eq!(desk.asks(), ["@a"]);
    desk.fails(&limited());
    let (start, mut slept) = (desk.now, 0);
    while desk.asks().is_empty() {
        desk.now = desk.now.after(Duration::from_secs(60));
        slept += 60;
        // Nine minutes in ten are taken back.
        if slept % 600 == 0 {
            desk.now = start;
        }
        assert!(slept <= LONGEST.as_secs() + 600, "{slept}");
    }
}
