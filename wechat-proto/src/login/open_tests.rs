use alloc::collections::VecDeque;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::error::{Failure, FailureKind, Sent};
use crate::login::flow::tests::pushed::{PUSHED, UNKNOWN};
use crate::login::flow::tests::{
    CANCELLED, CODE, DONE, EXPIRED, INIT, PAGE, PENDING, REFUSED, confirmed,
};
use crate::sync::Inbox;
use crate::testing::{Host, NOW, reply, session};

const NEWS: &str = r#"{"BaseResponse":{"Ret":0},"AddMsgCount":1,"AddMsgList":[{"MsgId":"5","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"}],"SyncKey":{"Count":1,"List":[{"Key":1,"Val":9}]},"SKey":"@crypt_new"}"#;
const OVER: &str = r#"{"BaseResponse":{"Ret":1101}}"#;
const ANNOUNCED: [&str; 2] = [INIT, DONE];

/// An opening, the device that is lent, and the replies to come.
struct Stage {
    host: Host,
    open: Open,
    device: Device,
    replies: VecDeque<Input>,
}

/// A session that began so long ago.
fn since(seconds: u64) -> Session {
    let mut session = session();
    session.device.begin(Timestamp::from_millis(NOW.as_millis() - seconds * 1000));
    session
}

impl Stage {
    fn new<const N: usize>(
        stored: impl Into<Option<Session>>,
        resume: Resume,
        replies: [&str; N],
    ) -> Self {
        let replies = replies.map(|text| Input::Reply(Ok(reply(text)))).into();
        let open = Open::new(stored.into(), resume);
        Self { host: Host::new(), open, device: Device::new(), replies }
    }

    fn then<const N: usize>(mut self, replies: [&str; N]) -> Self {
        self.replies.extend(replies.map(|text| Input::Reply(Ok(reply(text)))));
        self
    }

    fn next(&mut self) -> Result<Progress, Error> {
        let replies = &mut self.replies;
        self.host.run(&mut self.open, &mut self.device, |_| {
            replies.pop_front().expect("no more requests than replies")
        })
    }

    /// What it tells, up to its end or a failure.
    fn told(&mut self) -> String {
        let mut told = Vec::new();
        loop {
            let (word, end) = match self.next() {
                Ok(Progress::Code { .. }) => ("code".to_string(), false),
                Ok(Progress::ConfirmOnPhone { .. }) => ("on phone".to_string(), false),
                Ok(Progress::Cancelled) => ("cancelled".to_string(), false),
                Ok(Progress::Over { ret, .. }) => (alloc::format!("over {}", ret.0), false),
                Ok(Progress::Resumed(_)) => ("resumed".to_string(), true),
                Ok(Progress::LoggedIn(_)) => ("logged in".to_string(), true),
                Err(error) => (error.to_string(), true),
                other => panic!("{other:?}"),
            };
            told.push(word);
            if end {
                assert!(self.replies.is_empty(), "{told:?}: {} replies left", self.replies.len());
                return told.join(", ");
            }
        }
    }

    fn asked(&self) -> Vec<&str> {
        self.host.paths.iter().filter_map(|path| path.rsplit('/').next()).collect()
    }
}

const ALL: [Resume; 3] = [Resume::StoredOnly, Resume::Push, Resume::Code];

/// The stored session is asked about once; what the answer holds is left for the inbox.
#[test]
fn a_good_session_is_resumed() {
    for resume in ALL {
        let mut stage = Stage::new(since(4), resume, [NEWS]);
        let Ok(Progress::Resumed(mut account)) = stage.next() else { panic!() };
        assert_eq!(stage.asked(), ["webwxsync"]);
        assert_eq!(account.session.sync_key, session().sync_key, "it did not move");
        assert_eq!(account.session.auth.skey.expose(), "@crypt_new");
        // The same again, this time to be heard.
        let message =
            stage.host.run(&mut Inbox::new(), &mut account, |_| Input::Reply(Ok(reply(NEWS))));
        assert_eq!(message.unwrap().text(), Some("hi"));
        assert!(matches!(stage.next(), Err(Error::InUse)), "it was handed out");
    }
}

/// Each rung, and each way down from it.
#[test]
fn each_rung_and_each_way_down() {
    let [init, done] = ANNOUNCED;
    let confirmed = &*confirmed("wx.qq.com");
    let expired = "nobody confirmed the login";
    let ended = "the session is closed: 1101 (session no longer valid), 99 s after the login and \
                 before any message";
    let refused = "webwxpushloginurl was refused with 1 (parameter error): device authinfo invalid";
    let rows: &[(Resume, &[&str], &str)] = &[
        (Resume::StoredOnly, &[OVER], ended),
        (
            Resume::Push,
            &[OVER, PUSHED, confirmed, PAGE, init, done],
            "over 1101, on phone, logged in",
        ),
        (Resume::Push, &[OVER, UNKNOWN, UNKNOWN], &alloc::format!("over 1101, {refused}")),
        (
            Resume::Push,
            &[OVER, UNKNOWN, PUSHED, confirmed, PAGE, init, done],
            "over 1101, on phone, logged in",
        ),
        (
            Resume::Push,
            &[OVER, PUSHED, CANCELLED],
            &alloc::format!("over 1101, on phone, {expired}"),
        ),
        (Resume::Push, &[OVER, PUSHED, EXPIRED], &alloc::format!("over 1101, on phone, {expired}")),
        (
            Resume::Push,
            &[OVER, PUSHED, confirmed, REFUSED],
            "over 1101, on phone, webwxnewloginpage was refused with 1203 (login not allowed on \
             the web): 为了你的帐号安全",
        ),
        (
            Resume::Code,
            &[OVER, PUSHED, confirmed, PAGE, init, done],
            "over 1101, on phone, logged in",
        ),
        (
            Resume::Code,
            &[OVER, UNKNOWN, UNKNOWN, CODE, confirmed, PAGE, init, done],
            "over 1101, code, logged in",
        ),
        (
            Resume::Code,
            &[OVER, PUSHED, CANCELLED, CODE, confirmed, PAGE, init, done],
            "over 1101, on phone, cancelled, code, logged in",
        ),
        (
            Resume::Code,
            &[OVER, PUSHED, EXPIRED, CODE, confirmed, PAGE, init, done],
            "over 1101, on phone, code, logged in",
        ),
    ];
    for (resume, replies, told) in rows {
        let mut stage = Stage::new(since(99), *resume, []);
        stage.replies.extend(replies.iter().map(|text| Input::Reply(Ok(reply(text)))));
        assert_eq!(stage.told(), *told, "{resume:?}");
        let code = stage.asked().contains(&"jslogin");
        assert!(!code || *resume == Resume::Code, "{resume:?}");
    }
}

#[test]
fn nothing_stored_is_a_code_or_nothing() {
    let [init, done] = ANNOUNCED;
    let confirmed = &*confirmed("wx.qq.com");
    for resume in [Resume::StoredOnly, Resume::Push] {
        let mut stage = Stage::new(None, resume, []);
        assert_eq!(stage.told(), "no session is stored");
        assert!(stage.open.session().is_none());
    }
    let mut stage = Stage::new(None, Resume::Code, [CODE, confirmed, PAGE, init, done]);
    assert_eq!(stage.told(), "code, logged in");
    // The lent device knows whom to ask.
    for resume in [Resume::Push, Resume::Code] {
        let mut stage = Stage::new(None, resume, [PUSHED, confirmed, PAGE, init, done]);
        stage.device.remember(752_650_838);
        assert_eq!(stage.told(), "on phone, logged in");
    }
    // A session whose account has no number: nobody to ask.
    let mut stored = since(99);
    stored.me.uin = 0;
    let mut stage = Stage::new(stored, Resume::Push, [OVER]);
    assert!(stage.told().starts_with("the session is closed: 1101"));
}

/// Five minutes without an answer.
#[test]
fn a_question_has_its_time() {
    for resume in [Resume::Push, Resume::Code] {
        let mut stage = Stage::new(since(99), resume, [OVER, PUSHED]);
        assert!(matches!(stage.next(), Ok(Progress::Over { .. })));
        assert!(matches!(stage.next(), Ok(Progress::ConfirmOnPhone { .. })));
        stage.host.now = stage.host.now.after(Duration::from_secs(301));
        let mut stage = stage.then([PENDING]);
        match (resume, stage.replies.len()) {
            (Resume::Push, _) => assert!(matches!(stage.next(), Err(Error::Expired))),
            _ => {
                stage = stage.then([CODE]);
                assert!(matches!(stage.next(), Ok(Progress::Code { .. })));
            }
        }
        // Asked again, it asks the phone again.
        if resume == Resume::Push {
            let mut stage = stage.then([PUSHED]);
            assert!(matches!(stage.next(), Ok(Progress::ConfirmOnPhone { .. })));
        }
    }
}

/// A session that was dropped is never answered with a login: whether this is known from what is
/// stored, or heard when it is asked about, and however often it is polled.
///
/// Threat S2.
#[test]
fn a_drop_is_the_end() {
    let mut stored = since(500);
    stored.device.begin(NOW);
    stored.device.close(Ret::COOKIE_INVALID, NOW.after(Duration::from_secs(5)));
    let stored = Session::from_json(&stored.to_json()).unwrap();
    for (session, replies) in [(stored, None), (since(30), Some(OVER))] {
        for resume in ALL {
            let mut stage = Stage::new(session.clone(), resume, []);
            stage.replies.extend(replies.map(|text| Input::Reply(Ok(reply(text)))));
            for _ in 0..5 {
                let Err(Error::LoggedOut { ended, .. }) = stage.next() else { panic!() };
                assert!(ended.unwrap().is_drop());
            }
            assert_eq!(stage.asked().len(), usize::from(replies.is_some()), "{resume:?}");
            // Stored, it is known the next time, whenever that is.
            let ended = stage.open.session().unwrap();
            let again = Session::from_json(&ended.to_json()).unwrap();
            let mut later = Stage::new(again, resume, []);
            later.host.now = NOW.after(Duration::from_secs(86_400));
            assert!(matches!(later.next(), Err(Error::LoggedOut { .. })));
            assert_eq!(later.host.requests.len(), 0);
        }
    }
}

/// What ends otherwise goes on: a logout on the phone, its own, and one of which nobody knows how
/// long it lasted.
#[test]
fn other_ends_lead_on() {
    for ret in ["1100", "1101", "1102"] {
        let over = OVER.replace("1101", ret);
        let soon = if ret == "1100" { 3 } else { 3600 };
        for stored in [since(soon), session()] {
            let mut stage = Stage::new(stored, Resume::Code, [&over, PUSHED]);
            let Ok(Progress::Over { ret: told, .. }) = stage.next() else { panic!("{ret}") };
            assert_eq!(told.0.to_string(), ret);
            assert!(matches!(stage.next(), Ok(Progress::ConfirmOnPhone { .. })));
            // The account of a first stored form is asked for, too.
            assert_eq!(stage.device.last_uin(), Some(566_148_615));
        }
    }
    let mut own = since(3);
    own.device.close(Ret::OK, NOW);
    let mut stage = Stage::new(own, Resume::Code, [PUSHED]);
    assert!(matches!(stage.next(), Ok(Progress::Over { ret: Ret::OK, .. })));
    assert!(matches!(stage.next(), Ok(Progress::ConfirmOnPhone { .. })));
}

/// A login that is dropped before it is done is not begun again, not by the next start either.
#[test]
fn a_login_that_is_dropped_is_the_end() {
    let confirmed = &*confirmed("wx.qq.com");
    for replies in [&[INIT, OVER][..], &[OVER]] {
        let mut stage = Stage::new(since(99), Resume::Code, [OVER, PUSHED, confirmed, PAGE]);
        stage.replies.extend(replies.iter().map(|text| Input::Reply(Ok(reply(text)))));
        assert!(stage.told().contains("on phone, the session is closed: 1101"));
        let asked = stage.host.requests.len();
        for _ in 0..3 {
            assert!(matches!(stage.next(), Err(Error::LoggedOut { .. })));
        }
        assert_eq!(stage.host.requests.len(), asked);
        let stored = stage.open.session().expect("to be stored").to_json();
        let stored = Session::from_json(&stored).unwrap();
        let mut next = Stage::new(stored, Resume::Code, []);
        let error = next.next().unwrap_err();
        assert!(matches!(&error, Error::LoggedOut { ended: Some(ended), .. } if ended.is_drop()));
        assert!(next.asked().is_empty(), "it asks nothing");
    }
}

/// A network or a service that fails says nothing about the session: it is asked again, told of
/// from the third time on, and leads to no login.
#[test]
fn what_fails_is_no_end() {
    let failure = || Input::Reply(Err(Failure::new(FailureKind::Closed, Sent::Maybe)));
    let texts = ["<html>502</html>", r#"{"BaseResponse":{"Ret":-1}}"#, "", "{}"];
    let troubles = texts.map(|text| Input::Reply(Ok(reply(text))));
    for trouble in troubles.into_iter().chain([failure()]) {
        let mut stage = Stage::new(since(4), Resume::Code, []);
        let Input::Reply(trouble) = trouble else { panic!() };
        for _ in 0..5 {
            stage.replies.push_back(Input::Reply(trouble.clone()));
        }
        for _ in 0..3 {
            let error = stage.next().unwrap_err();
            assert!(error.is_transient(), "{error}");
        }
        assert!(stage.host.slept >= Duration::from_secs(3), "it does not spin");
        let mut stage = stage.then([NEWS]);
        assert!(matches!(stage.next(), Ok(Progress::Resumed(_))));
        assert!(stage.asked().iter().all(|name| *name == "webwxsync"));
    }
}

/// The exchange was given up in the middle: asked again.
#[test]
fn it_may_be_dropped_in_between() {
    let mut stage = Stage::new(since(99), Resume::Push, []);
    for _ in 0..3 {
        let sent = stage.open.poll(&mut stage.device, NOW);
        assert!(matches!(sent, Err(Interrupt::Send(_))));
    }
    let mut stage = stage.then([OVER, PUSHED]);
    assert!(matches!(stage.next(), Ok(Progress::Over { .. })));
    let sent = stage.open.poll(&mut stage.device, NOW);
    assert!(matches!(sent, Err(Interrupt::Send(_))));
    assert!(matches!(stage.next(), Ok(Progress::ConfirmOnPhone { .. })));
}
