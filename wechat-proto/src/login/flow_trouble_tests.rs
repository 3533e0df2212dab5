//! Failures during a login.

use super::*;
use crate::error::FailureKind;

/// Threat S7 for logins: if the service revokes each code at once, requests are slowed down.
#[test]
fn code_loops_are_slowed_down() {
    let (evil, confirmed) = (&*confirmed("evil.example"), &*confirmed("wx.qq.com"));
    for end in [&[EXPIRED][..], &[CANCELLED], &[evil], &[confirmed, REFUSED]] {
        let mut stage = Stage::new(&[]);
        let start = stage.host.now;
        for _ in 0..60 {
            stage.then(&[CODE]).then(end);
        }
        stage.outputs();
        assert!(stage.host.now.since(start) > Duration::from_secs(60), "{end:?}");
    }
}

#[test]
fn a_session_closed_during_login_is_reported() {
    for at in ["init", "announce"] {
        let closed = r#"{"BaseResponse":{"Ret":1100}}"#;
        let mut stage = Stage::new(&[CODE]);
        stage.then(&[&*confirmed("wx.qq.com"), PAGE]);
        if at == "announce" {
            stage.then(&[INIT]);
        }
        stage.then(&[closed]).code();
        assert!(matches!(stage.next(), Err(Error::LoggedOut { ret: Ret::NO_SESSION, .. })), "{at}");
        assert_eq!(stage.device.closed(), Some(Ret::NO_SESSION));
        stage.then(&[CODE, &*confirmed("wx.qq.com"), PAGE, INIT, DONE]).code();
        assert_eq!(stage.device.closed(), None);
        assert_eq!(stage.logged_in().session.device.closed(), None);
    }
}

/// At every step, two failures are not reported, the third is, and the login continues.
#[test]
fn failures_are_reported_from_the_third_on() {
    let replies = [CODE, &*confirmed("wx.qq.com"), PAGE, INIT].map(reply);
    for step in 0..replies.len() {
        let mut stage = Stage::new(&[]);
        for (at, reply) in replies.iter().enumerate() {
            let failures = match at == step {
                false => 2,
                true if step == 2 => 3,
                true => 4,
            };
            for _ in 0..failures {
                stage.then_input(failed(FailureKind::Closed));
            }
            if at == 2 && step == 2 {
                stage.then(&[CODE, &confirmed("wx.qq.com")]);
            }
            stage.then_input(Input::Reply(Ok(reply.clone())));
        }
        stage.then(&[DONE]);
        let mut reported = 0;
        loop {
            match stage.next() {
                Ok(Progress::LoggedIn(_)) => break,
                Err(Error::Transport(_)) => reported += 1,
                Ok(Progress::Code { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        // A ticket is tried three times; then a new code follows.
        assert_eq!(reported, if step == 2 { 1 } else { 2 }, "step {step}");
    }
}

/// A scan poll that reaches its deadline is a round without news.
#[test]
fn a_scan_timeout_is_not_a_failure() {
    let mut stage = Stage::new(&[CODE]);
    stage.code();
    for _ in 0..10 {
        let sent = stage.flow.poll(&mut stage.device, stage.host.now);
        assert!(matches!(sent, Err(Interrupt::Send(_))));
        stage.host.now = stage.host.now.after(Duration::from_secs(35));
        stage.flow.handle(failed(FailureKind::Timeout));
    }
    assert_eq!(stage.then(&[SCANNED]).outputs(), "scanned");
    assert_eq!(stage.host.slept, Duration::ZERO);
}

#[test]
fn cookies_of_an_aborted_login_are_kept() {
    let line = "webwxuvid=u1; Path=/; Domain=.qq.com; Max-Age=600";
    let code = with_cookies(reply(CODE), &[line]);
    let mut stage = Stage::new(&[]);
    stage.then_input(Input::Reply(Ok(code)));
    stage.code();
    let Stage { flow: login, device, host, .. } = stage;
    drop(login);
    let uri = device.hosts.origin(Role::Api).as_str().parse().unwrap();
    assert_eq!(device.cookies(&uri, host.now).unwrap(), "webwxuvid=u1");
    // The next login sends them.
    let mut stage = Stage::new(&[CODE]);
    stage.device = device;
    stage.code();
    assert_eq!(stage.last().http.headers()[http::header::COOKIE], "webwxuvid=u1");
}

/// A reply that arrives while a request is delayed is ignored.
#[test]
fn a_late_reply_is_ignored() {
    let mut stage = Stage::new(&[]);
    for _ in 0..3 {
        stage.then_input(failed(FailureKind::Connect));
    }
    assert!(matches!(stage.next(), Err(Error::Transport(_))));
    let held = stage.flow.poll(&mut stage.device, stage.host.now);
    assert!(matches!(held, Err(Interrupt::Sleep(_))));
    stage.flow.handle(ok(CODE));
    stage.flow.handle(Input::Piece(Ok(bytes::Bytes::new())));
    let held = stage.flow.poll(&mut stage.device, stage.host.now);
    assert!(matches!(held, Err(Interrupt::Sleep(_))));
}

/// Repeats refused logins until the next code has the maximum delay.
pub(super) fn refused_often(stage: &mut Stage<Login>) {
    for _ in 0..20 {
        stage.then(&[CODE, &*confirmed("wx.qq.com"), REFUSED]).code();
        assert!(matches!(stage.next(), Err(Error::Refused { .. })));
    }
}

/// The back-off for loops delays neither a login that succeeds nor its steps after a short round
/// without news.
#[test]
fn a_login_is_not_delayed_by_earlier_failures() {
    let confirmed = &*confirmed("wx.qq.com");
    for replies in [
        &[SCANNED, confirmed, PAGE, INIT, DONE][..],
        &[PENDING, SCANNED, PENDING, confirmed, PAGE, INIT, DONE],
    ] {
        let mut stage = Stage::new(&[]);
        refused_often(&mut stage);
        stage.then(&[CODE]).code();
        let before = stage.host.slept;
        assert!(before > Duration::from_secs(60));
        assert_eq!(stage.then(replies).outputs(), "scanned, logged in");
        assert_eq!(stage.host.slept, before);
    }
}

/// Threat S7: polls that time out at once are not quiet rounds, and are slowed down even though a
/// code was shown before.
#[test]
fn polls_that_time_out_at_once_are_slowed_down() {
    let mut stage = Stage::new(&[CODE]);
    stage.code();
    let start = stage.host.now;
    for _ in 0..60 {
        stage.then_input(failed(FailureKind::Timeout));
    }
    stage.then(&[CANCELLED]);
    assert!(matches!(stage.next(), Ok(Progress::Cancelled)));
    assert!(stage.host.now.since(start) > Duration::from_secs(60));
}

/// If the last step closes the session, the 30-second back-off before the next login starts at that
/// step.
#[test]
fn login_backoff_starts_at_the_last_request() {
    let closed = r#"{"BaseResponse":{"Ret":1100}}"#;
    let mut stage = Stage::new(&[]);
    refused_often(&mut stage);
    stage.then(&[CODE]).code();
    let replies = [&*confirmed("wx.qq.com"), PAGE, INIT, closed];
    let mut replies = replies.map(reply).into_iter();
    let Stage { host, flow: login, device, .. } = &mut stage;
    let mut sent = host.now;
    let error = loop {
        match login.poll(device, host.now) {
            Err(Interrupt::Send(request)) => {
                sent = host.now;
                // The reply to `webwxinit` is slow.
                if request.http.uri().path().ends_with("/webwxinit") {
                    host.now = host.now.after(Duration::from_secs(20));
                }
                login.handle(Input::Reply(Ok(replies.next().unwrap())));
            }
            Err(Interrupt::Fail(error)) => break error,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(error, Error::LoggedOut { ret: Ret::NO_SESSION, .. }));
    assert_eq!(sent, host.now);
    let Err(Interrupt::Sleep(wait)) = login.poll(device, host.now) else { panic!() };
    assert_eq!(wait.as_secs(), 30);
}

/// Threat C1: a clock that is set back in the last step does not delay the login.
#[test]
fn a_clock_set_back_does_not_delay_the_announcement() {
    let mut stage = Stage::new(&[]);
    refused_often(&mut stage);
    stage.then(&[CODE, &confirmed("wx.qq.com"), PAGE, INIT, DONE]);
    for _ in 0..100 {
        match stage.flow.poll(&mut stage.device, stage.host.now) {
            Err(Interrupt::Send(request)) => {
                if request.http.uri().path().ends_with("/webwxinit") {
                    stage.host.now = Timestamp::from_secs(1000);
                }
                stage.flow.handle(stage.replies.pop_front().unwrap());
            }
            Err(Interrupt::Sleep(time)) => stage.host.now = stage.host.now.after(time),
            Ok(Progress::LoggedIn(_)) => return,
            Ok(_) | Err(Interrupt::Fail(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("the login stalls");
}

/// The inbox back-off of another session does not apply to a new session.
#[test]
fn a_new_session_has_no_inbox_back_off() {
    use crate::sync::Inbox;
    use crate::testing::session;

    let mut old = session();
    (0..10).for_each(|_| old.device.backoff(Lane::Inbox).idle());
    let mut stage = Stage::new(&[CODE]);
    stage.device = old.into_device();
    stage.then(&[&*confirmed("wx.qq.com"), PAGE, INIT, DONE]).code();
    let mut account = stage.logged_in();
    let mut inbox = Inbox::new();
    for _ in 0..2 {
        let sent = inbox.poll(&mut account, stage.host.now);
        assert!(matches!(sent, Err(Interrupt::Send(_))), "{sent:?}");
        inbox.handle(ok(
            r#"{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":6}]}}"#,
        ));
    }
}
