use alloc::format;
use alloc::string::ToString as _;
use core::time::Duration;

use super::*;
use crate::hosts::Family;
use crate::login::testing::*;
use crate::sync::Inbox;
use crate::testing::{Host, NOW, ok, session};
use crate::{Entry, Hosts};

const NEWS: &str = r#"{"BaseResponse":{"Ret":0},"AddMsgCount":1,"AddMsgList":[{"MsgId":"5","FromUserName":"@a","ToUserName":"@me","MsgType":1,"Content":"hi"}],"SyncKey":{"Count":1,"List":[{"Key":1,"Val":9}]},"SKey":"@crypt_new"}"#;
const CLOSED: &str = r#"{"BaseResponse":{"Ret":1101}}"#;

/// Returns a session that began this many seconds ago.
fn since(seconds: u64) -> Session {
    let mut session = session();
    session.device.begin(Timestamp::from_millis(NOW.as_millis() - seconds * 1000));
    session
}

/// Returns a stage with a stored session, if there is one.
fn opening(stored: impl Into<Option<Session>>, resume: Resume, replies: &[&str]) -> Stage<Open> {
    Stage::of(Open::new(stored.into(), resume), replies)
}

const ALL: [Resume; 3] = [Resume::StoredOnly, Resume::Push, Resume::Code];

/// The stored session is checked once; the inbox delivers the messages of the reply.
#[test]
fn an_open_session_is_resumed() {
    for resume in ALL {
        let mut stage = opening(since(4), resume, &[NEWS]);
        let Ok(Progress::Resumed(mut account)) = stage.next() else { panic!() };
        assert_eq!(stage.requested(), ["webwxsync"]);
        assert_eq!(account.session.sync_key, session().sync_key, "the key must not advance");
        assert_eq!(account.session.auth.skey.expose(), "@crypt_new");
        // The inbox delivers the message, without the same request again.
        let message = stage.host.run(&mut Inbox::new(), &mut account, |request| {
            let path = request.http.uri().path();
            assert!(!path.ends_with("/webwxsync"), "{path}");
            ok("{}")
        });
        assert_eq!(message.unwrap().text(), Some("hi"));
        assert!(matches!(stage.next(), Err(Error::InUse)), "the session was returned");
    }
}

/// Two copies of a stored session draw different `DeviceID`s, if the caller's devices have different seeds.
#[test]
fn the_stored_session_uses_the_seed_of_the_callers_device() {
    let requests = [[1; 32], [2; 32], [2; 32]].map(|seed| {
        let mut stage = opening(since(4), Resume::Code, &[NEWS]);
        stage.device = Device::new().with_seed(seed);
        assert!(matches!(stage.next(), Ok(Progress::Resumed(_))));
        stage.host.requests[0].http.body().clone().into_bytes()
    });
    assert_ne!(requests[0], requests[1]);
    assert_eq!(requests[1], requests[2]);
}

/// Tests each value of [`Resume`] with each reason to continue with the next step.
#[test]
fn each_method_falls_back_to_the_next() {
    use Resume::{Code, Push, StoredOnly};
    let confirmed = &*confirmed("wx.qq.com");
    let last = [confirmed, PAGE, INIT, DONE];
    let expired = "the login was not confirmed";
    let ended = "the session is closed: 1101 (session no longer valid), 99 s after the login and \
                 before any message";
    let unknown = "webwxpushloginurl was refused with 1 (parameter error): device authinfo invalid";
    let refused = "webwxnewloginpage was refused with 1203 (login not allowed on the web): \
                   为了你的帐号安全";
    for (resume, replies, logs_in, outputs) in [
        (StoredOnly, &[CLOSED][..], false, ended),
        (Push, &[CLOSED, PUSHED], true, "closed 1101, on phone"),
        (Push, &[CLOSED, UNKNOWN, UNKNOWN], false, &format!("closed 1101, {unknown}")),
        (Push, &[CLOSED, UNKNOWN, PUSHED], true, "closed 1101, on phone"),
        (Push, &[CLOSED, PUSHED, CANCELLED], false, &format!("closed 1101, on phone, {expired}")),
        (Push, &[CLOSED, PUSHED, EXPIRED], false, &format!("closed 1101, on phone, {expired}")),
        (
            Push,
            &[CLOSED, PUSHED, confirmed, REFUSED],
            false,
            &format!("closed 1101, on phone, {refused}"),
        ),
        (Code, &[CLOSED, PUSHED], true, "closed 1101, on phone"),
        (Code, &[CLOSED, UNKNOWN, UNKNOWN, CODE], true, "closed 1101, code"),
        (Code, &[CLOSED, PUSHED, CANCELLED, CODE], true, "closed 1101, on phone, cancelled, code"),
        (Code, &[CLOSED, PUSHED, EXPIRED, CODE], true, "closed 1101, on phone, code"),
    ] {
        let mut stage = opening(since(99), resume, replies);
        let expected = match logs_in {
            true => format!("{outputs}, logged in"),
            false => outputs.into(),
        };
        stage.then(if logs_in { &last } else { &[] });
        assert_eq!(stage.outputs(), expected, "{resume:?}");
        let code = stage.requested().contains(&"jslogin");
        assert!(!code || resume == Code, "{resume:?}");
    }
}

#[test]
fn missing_session_fails_or_logs_in() {
    let confirmed = &*confirmed("wx.qq.com");
    for resume in [Resume::StoredOnly, Resume::Push] {
        let mut stage = opening(None, resume, &[]);
        assert_eq!(stage.outputs(), "no session is stored");
        assert!(stage.flow.session().is_none());
    }
    let mut stage = opening(None, Resume::Code, &[CODE, confirmed, PAGE, INIT, DONE]);
    assert_eq!(stage.outputs(), "code, logged in");
    // The caller's device has the number of its account.
    for resume in [Resume::Push, Resume::Code] {
        let mut stage = opening(None, resume, &[PUSHED, confirmed, PAGE, INIT, DONE]);
        stage.device.remember(752_650_838);
        assert_eq!(stage.outputs(), "on phone, logged in");
    }
    // Without the number of the account, no push login is possible.
    let mut stored = since(99);
    stored.me.uin = 0;
    let mut stage = opening(stored, Resume::Push, &[CLOSED]);
    assert!(stage.outputs().starts_with("the session is closed: 1101"));
}

/// The prompt expires after five minutes.
#[test]
fn the_prompt_expires() {
    for (resume, replies, outputs) in [
        // Polling again starts another push login.
        (Resume::Push, [PENDING, PUSHED], "the login was not confirmed, on phone"),
        (Resume::Code, [PENDING, CODE], "code"),
    ] {
        let mut stage = opening(since(99), resume, &[CLOSED, PUSHED]);
        assert_eq!(stage.outputs(), "closed 1101, on phone");
        stage.host.now = stage.host.now.after(Duration::from_secs(301));
        assert_eq!(stage.then(&replies).outputs(), outputs, "{resume:?}");
    }
}

/// A dropped session never leads to a login, whether the drop is stored or detected by the check,
/// and however often the flow is polled.
///
/// Threat S2.
#[test]
fn a_dropped_session_is_final() {
    let mut stored = since(500);
    stored.device.begin(NOW);
    stored.device.close(Ret::COOKIE_INVALID, NOW.after(Duration::from_secs(5)));
    let stored = Session::from_json(&stored.to_json()).unwrap();
    for (session, replies) in [(stored, None), (since(30), Some(CLOSED))] {
        for resume in ALL {
            let mut stage = opening(session.clone(), resume, &[]);
            stage.replies.extend(replies.map(ok));
            for _ in 0..5 {
                let Err(Error::LoggedOut { ended, .. }) = stage.next() else { panic!() };
                assert!(ended.unwrap().is_drop());
            }
            assert_eq!(stage.requested().len(), usize::from(replies.is_some()), "{resume:?}");
            // If the dropped session is stored, the next start fails as well, at any later time.
            let ended = stage.flow.session().unwrap();
            let again = Session::from_json(&ended.to_json()).unwrap();
            let mut later = opening(again, resume, &[]);
            later.host.now = NOW.after(Duration::from_secs(86_400));
            assert!(matches!(later.next(), Err(Error::LoggedOut { .. })));
            assert_eq!(later.host.requests.len(), 0);
        }
    }
}

/// Other ends lead to a login: a logout on the phone, a logout by this client, and a session of
/// unknown duration.
#[test]
fn other_closed_sessions_lead_to_a_login() {
    for ret in ["1100", "1101", "1102"] {
        let closed = CLOSED.replace("1101", ret);
        let soon = if ret == "1100" { 3 } else { 3600 };
        for stored in [since(soon), session()] {
            let mut stage = opening(stored, Resume::Code, &[&closed, PUSHED]);
            let Ok(Progress::Closed { ret: code, .. }) = stage.next() else { panic!("{ret}") };
            assert_eq!(code.0.to_string(), ret);
            assert!(matches!(stage.next(), Ok(Progress::ConfirmOnPhone { .. })));
            // The number of the account is also found in the first storage format.
            assert_eq!(stage.device.last_uin(), Some(566_148_615));
        }
    }
    let mut own = since(3);
    own.device.close(Ret::OK, NOW);
    let mut stage = opening(own, Resume::Code, &[PUSHED]);
    assert!(matches!(stage.next(), Ok(Progress::Closed { ret: Ret::OK, .. })));
    assert!(matches!(stage.next(), Ok(Progress::ConfirmOnPhone { .. })));
}

/// A login that is dropped before it completes is not repeated, not even by the next start.
#[test]
fn a_dropped_login_is_final() {
    let confirmed = &*confirmed("wx.qq.com");
    for replies in [&[INIT, CLOSED][..], &[CLOSED]] {
        let mut stage = opening(since(99), Resume::Code, &[CLOSED, PUSHED, confirmed, PAGE]);
        stage.then(replies);
        assert!(stage.outputs().contains("on phone, the session is closed: 1101"));
        let requested = stage.host.requests.len();
        for _ in 0..3 {
            assert!(matches!(stage.next(), Err(Error::LoggedOut { .. })));
        }
        assert_eq!(stage.host.requests.len(), requested);
        let stored = stage.flow.session().expect("to be stored").to_json();
        let stored = Session::from_json(&stored).unwrap();
        let mut next = opening(stored, Resume::Code, &[]);
        let error = next.next().unwrap_err();
        assert!(matches!(&error, Error::LoggedOut { ended: Some(ended), .. } if ended.is_drop()));
        assert!(next.requested().is_empty(), "no request is sent");
    }
}

/// Failures of the network or the service do not close the session: they are retried, reported from
/// the third time on, and do not lead to a login.
#[test]
fn failures_do_not_close_the_session() {
    for trouble in ["<html>502</html>", r#"{"BaseResponse":{"Ret":-1}}"#, "", "{}", "!"] {
        let mut stage = opening(since(4), Resume::Code, &[trouble; 5]);
        for _ in 0..3 {
            let error = stage.next().unwrap_err();
            assert!(error.is_transient(), "{error}");
        }
        assert!(stage.host.slept >= Duration::from_secs(3), "the flow must not spin");
        stage.then(&[NEWS]);
        assert!(matches!(stage.next(), Ok(Progress::Resumed(_))));
        assert!(stage.requested().iter().all(|name| *name == "webwxsync"));
    }
}

#[test]
fn an_abandoned_exchange_is_repeated() {
    let mut stage = opening(since(99), Resume::Push, &[]);
    for _ in 0..3 {
        let sent = stage.flow.poll(&mut stage.device, NOW);
        assert!(matches!(sent, Err(Interrupt::Send(_))));
    }
    stage.then(&[CLOSED, PUSHED]);
    assert_eq!(stage.output(), "closed 1101");
    let sent = stage.flow.poll(&mut stage.device, NOW);
    assert!(matches!(sent, Err(Interrupt::Send(_))));
    assert!(matches!(stage.next(), Ok(Progress::ConfirmOnPhone { .. })));
}

/// A session is opened only by a device of its own server; with another, no request is sent.
#[test]
fn session_of_another_server_is_refused() {
    let at = |hosts: Hosts| {
        let mut session = since(4);
        session.device = session.device.with_hosts(hosts);
        session
    };
    let single = |origin: &str| Hosts::all(origin.parse().unwrap());
    let (one, other) = (single("http://127.0.0.1:81"), single("http://127.0.0.1:82"));
    let (wx, wx2) = (Hosts::default(), Hosts::new(Family::Wx2));
    let page = Hosts::new(Family::FileHelper);
    let hosted = |hosts: &Hosts| Device::new().with_hosts(hosts.clone());
    let helper = || Device::new().with_entry(Entry::file_helper());
    for (stored, device, error) in [
        (&wx, Device::new(), None),
        // A login chooses the family.
        (&wx2, Device::new(), None),
        (&one, hosted(&one), None),
        (&page, helper(), None),
        (&one, hosted(&other), Some("http://127.0.0.1:81, not to http://127.0.0.1:82")),
        (&one, Device::new(), Some("http://127.0.0.1:81, not to https://wx.qq.com")),
        (&wx, hosted(&one), Some("https://wx.qq.com, not to http://127.0.0.1:81")),
        (&page, Device::new(), Some("https://filehelper.weixin.qq.com, not to https://wx.qq.com")),
        (&wx, helper(), Some("https://wx.qq.com, not to https://filehelper.weixin.qq.com")),
    ] {
        let (mut host, mut device) = (Host::new(), device);
        let mut open = Open::new(Some(at(stored.clone())), Resume::Code);
        let opened = host.run(&mut open, &mut device, |_| ok(NEWS));
        match (opened, error) {
            (Ok(Progress::Resumed(_)), None) => {}
            (Err(found @ Error::OtherServer { .. }), Some(error)) => {
                assert_eq!(found.to_string(), ["the stored session belongs to ", error].concat());
                assert!(host.requests.is_empty() && open.session().is_none());
            }
            (opened, error) => panic!("{opened:?} {error:?}"),
        }
    }
}
