//! Push logins: `docs/protocol.md` §3.7.

use super::*;
use crate::error::FailureKind;
use crate::testing::session;

/// Returns a push login of an account on `wx2.qq.com`.
pub(super) fn again(replies: &[&str]) -> Stage<Login> {
    let mut session = session();
    session.device.hosts = Hosts::new(Family::Wx2);
    let mut stage = Stage::new(replies);
    stage.flow = Login::again();
    stage.device = session.into_device();
    stage
}

fn on_phone(stage: &mut Stage<Login>) {
    match stage.next() {
        Ok(Progress::ConfirmOnPhone { uuid }) => assert_eq!(uuid.as_str(), "4ZqTbsnBgQ=="),
        other => panic!("{other:?}"),
    }
}

#[test]
fn push_login_completes() {
    let mut stage = again(&[PUSHED, PENDING]);
    stage.then(&[&*confirmed("wx2.qq.com"), PAGE, INIT, DONE]);
    on_phone(&mut stage);
    let uri = stage.last().http.uri().to_string();
    let expected = "https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin=566148615";
    assert_eq!(uri, expected);
    let account = stage.logged_in();
    assert_eq!(
        stage.requested(),
        [
            "webwxpushloginurl", "login", "login", "webwxnewloginpage", "webwxinit",
            "webwxstatusnotify"
        ]
    );
    let polls = stage.host.requests.iter().skip(1).take(2);
    let polls: Vec<&str> = polls.map(|request| request.http.uri().query().unwrap()).collect();
    assert!(polls[0].starts_with("loginicon=true&uuid=4ZqTbsnBgQ%3D%3D&tip=1&"), "{polls:?}");
    assert!(polls[1].starts_with("loginicon=true&uuid=4ZqTbsnBgQ%3D%3D&tip=0&"), "{polls:?}");
    // Both the caller's device and the session's device store the account for the next push login.
    assert_eq!(stage.device.last_uin(), Some(752_650_838));
    assert_eq!(account.session.device.last_uin(), Some(752_650_838));
    // Another login of the same flow uses a code.
    stage.then(&[CODE]).code();
}

/// A push login that is confirmed at once is not delayed by earlier failures.
#[test]
fn a_push_login_is_not_delayed_by_earlier_failures() {
    let mut stage = Stage::new(&[]);
    trouble::refused_often(&mut stage);
    stage.device.remember(566_148_615);
    stage.flow = Login::again();
    stage.then(&[PUSHED]);
    on_phone(&mut stage);
    let before = stage.host.slept;
    assert!(before > Duration::from_secs(60));
    stage.then(&[SCANNED, &confirmed("wx.qq.com"), PAGE, INIT, DONE]);
    assert_eq!(stage.outputs(), "scanned, logged in");
    assert_eq!(stage.host.slept, before);
}

#[test]
fn push_is_sent_once_to_a_single_origin() {
    let mut stage = again(&[UNKNOWN, CODE]);
    stage.device = stage.device.with_hosts(Hosts::all("http://127.0.0.1:99".parse().unwrap()));
    stage.code();
    assert_eq!(stage.requested(), ["webwxpushloginurl", "jslogin"]);
}

/// A failure at the end of the five minutes delays the code.
#[test]
fn a_failure_at_the_end_of_the_prompt_delays_the_code() {
    let mut stage = again(&[PUSHED]);
    on_phone(&mut stage);
    stage.host.now = stage.host.now.after(Duration::from_secs(300));
    let Stage { host, flow: login, device, .. } = &mut stage;
    assert!(matches!(login.poll(device, host.now), Err(Interrupt::Send(_))));
    login.handle(failed(FailureKind::Closed));
    let Err(Interrupt::Sleep(wait)) = login.poll(device, host.now) else { panic!() };
    assert_eq!(wait.as_millis(), 250);
    stage.then(&[CODE]).code();
}

#[test]
fn a_confirmation_at_the_end_of_the_prompt_is_accepted() {
    let mut stage = again(&[PUSHED]);
    on_phone(&mut stage);
    let Stage { host, flow: login, device, .. } = &mut stage;
    assert!(matches!(login.poll(device, host.now), Err(Interrupt::Send(_))));
    host.now = host.now.after(PROMPT);
    login.handle(ok(confirmed("wx2.qq.com")));
    stage.then(&[PAGE, INIT, DONE]);
    stage.logged_in();
}

#[test]
fn declined_prompt_is_followed_by_a_code() {
    let mut stage = again(&[PUSHED, CANCELLED, CODE]);
    assert_eq!(stage.outputs(), "on phone, cancelled, code");
    // The code counts as the first one: its first poll has `tip` 1, and it is renewed up to five
    // times.
    for _ in 0..5 {
        stage.then(&[EXPIRED, CODE]).code();
    }
    stage.then(&[EXPIRED]);
    assert!(matches!(stage.next(), Err(Error::NotConfirmed)));
    assert!(stage.last().http.uri().query().unwrap().contains("&tip=1&"));
}

/// Serves rounds without news, 25 seconds each, until another request is sent. Returns the elapsed
/// time.
fn wait(stage: &mut Stage<Login>, mut round: impl FnMut() -> Input) -> Duration {
    let start = stage.host.now;
    for _ in 0..1000 {
        match stage.flow.poll(&mut stage.device, stage.host.now) {
            Err(Interrupt::Send(request)) if request.http.uri().path().ends_with("/login") => {
                stage.host.now = stage.host.now.after(Duration::from_secs(25));
                stage.flow.handle(round());
            }
            Err(Interrupt::Sleep(time)) => stage.host.now = stage.host.now.after(time),
            Err(Interrupt::Fail(_)) => {}
            Err(Interrupt::Send(request)) => {
                assert!(request.http.uri().path().ends_with("/jslogin"));
                stage.flow.handle(ok(CODE));
                stage.code();
                return stage.host.now.since(start);
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the login waits forever");
}

/// The prompt expires after five minutes, with any kind of rounds.
#[test]
fn unanswered_prompt_is_followed_by_a_code() {
    let rounds: [fn() -> Input; 4] = [
        || ok(PENDING),
        || ok(SCANNED),
        || failed(FailureKind::Timeout),
        || failed(FailureKind::Closed),
    ];
    for (at, round) in rounds.into_iter().enumerate() {
        let mut stage = again(&[PUSHED]);
        on_phone(&mut stage);
        if at == 1 {
            assert_eq!(stage.then(&[SCANNED]).outputs(), "scanned");
        }
        let took = wait(&mut stage, round).as_secs();
        assert!((300..=375).contains(&took), "round {at}: {took} s");
    }
    // A code has no time limit on the client: it expires on the service.
    let mut stage = Stage::new(&[CODE]);
    stage.code();
    for _ in 0..100 {
        let sent = stage.flow.poll(&mut stage.device, stage.host.now);
        assert!(matches!(sent, Err(Interrupt::Send(_))));
        stage.host.now = stage.host.now.after(Duration::from_secs(25));
        stage.flow.handle(ok(PENDING));
    }
    assert_eq!(stage.then(&[SCANNED]).outputs(), "scanned");
}

/// Threat C1: the wait is not extended by more than the time that a clock set back hides.
#[test]
fn a_clock_set_back_does_not_extend_the_prompt() {
    let rounds: [fn() -> Input; 2] = [|| ok(PENDING), || failed(FailureKind::Closed)];
    for round in rounds {
        let mut stage = again(&[PUSHED]);
        on_phone(&mut stage);
        stage.host.now = Timestamp::from_secs(1000);
        let took = wait(&mut stage, round).as_secs();
        assert!((300..=375).contains(&took), "{took} s");
    }
}

#[test]
fn desktop_push_has_mod_desktop() {
    use crate::entry::Entry;

    let entry = Entry::desktop("2.0.0".parse().unwrap(), "Go8F".parse().unwrap());
    let mut stage = again(&[PUSHED]);
    stage.device = stage.device.with_entry(entry);
    stage.then(&[&*confirmed("wx2.qq.com"), PAGE, INIT, DONE]);
    on_phone(&mut stage);
    let query = "uin=566148615&mod=desktop";
    assert_eq!(stage.last().http.uri().query(), Some(query));
    stage.logged_in();
    // Only the request of the login page has the desktop's headers.
    for request in &stage.host.requests {
        let headers = request.http.headers();
        let page = request.http.uri().path().ends_with("/webwxnewloginpage");
        assert_eq!(headers.contains_key("extspam"), page);
        assert_eq!(headers.contains_key("client-version"), page);
    }
}
