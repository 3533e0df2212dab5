//! Logins that begin without a code: `docs/protocol.md` §3.7.

use super::*;
use crate::error::FailureKind;
use crate::testing::session;

pub(in crate::login) const PUSHED: &str = r#"{"ret":"0","msg":"all ok","uuid":"4ZqTbsnBgQ=="}"#;
pub(in crate::login) const UNKNOWN: &str = r#"{"ret":"1","msg":"device authinfo invalid"}"#;

/// A login of the account that was logged in before, on `wx2.qq.com`.
fn again<const N: usize>(replies: [&str; N]) -> Stage {
    let mut session = session();
    session.device.hosts = Hosts::new(Family::Wx2);
    let mut stage = Stage::new(replies);
    stage.login = Login::again();
    stage.device = session.into_device();
    stage
}

fn on_phone(stage: &mut Stage) {
    match stage.next() {
        Ok(Progress::ConfirmOnPhone { uuid }) => assert_eq!(uuid.as_str(), "4ZqTbsnBgQ=="),
        other => panic!("{other:?}"),
    }
}

fn hosts(stage: &Stage) -> Vec<&str> {
    stage.host.requests.iter().map(|request| request.http.uri().host().unwrap()).collect()
}

#[test]
fn the_phone_is_asked() {
    let mut stage = again([PUSHED, PENDING]);
    stage.then([&*confirmed("wx2.qq.com"), PAGE, INIT, DONE]);
    on_phone(&mut stage);
    let asked = stage.last().http.uri().to_string();
    let address = "https://wx2.qq.com/cgi-bin/mmwebwx-bin/webwxpushloginurl?uin=566148615";
    assert_eq!(asked, address);
    let account = stage.logged_in();
    assert_eq!(
        stage.asked(),
        [
            "webwxpushloginurl",
            "login",
            "login",
            "webwxnewloginpage",
            "webwxinit",
            "webwxstatusnotify"
        ]
    );
    let polls = stage.host.requests.iter().skip(1).take(2);
    let polls: Vec<&str> = polls.map(|request| request.http.uri().query().unwrap()).collect();
    assert!(polls[0].starts_with("loginicon=true&uuid=4ZqTbsnBgQ%3D%3D&tip=1&"), "{polls:?}");
    assert!(polls[1].starts_with("loginicon=true&uuid=4ZqTbsnBgQ%3D%3D&tip=0&"), "{polls:?}");
    // The lent device and the session's know whom to ask next time.
    assert_eq!(stage.device.last_uin(), Some(752_650_838));
    assert_eq!(account.session.device.last_uin(), Some(752_650_838));
    // Another login of the same flow is one by code.
    stage.then([CODE]);
    stage.code();
}

/// Nobody who confirms at once is made to wait, whatever failed before.
#[test]
fn a_good_push_after_many_failed_logins_is_not_delayed() {
    let mut stage = Stage::new([]);
    trouble::refused_often(&mut stage);
    stage.device.remember(566_148_615);
    stage.login = Login::again();
    stage.then([PUSHED]);
    on_phone(&mut stage);
    let before = stage.host.slept;
    assert!(before > Duration::from_secs(60));
    stage.then([SCANNED, &confirmed("wx.qq.com"), PAGE, INIT, DONE]);
    assert!(matches!(stage.next(), Ok(Progress::Scanned { .. })));
    stage.logged_in();
    assert_eq!(stage.host.slept, before);
}

/// Refused by the api host, then by the login host: `docs/protocol.md` §1.1.
#[test]
fn the_login_host_is_asked_where_the_api_host_refuses() {
    for refused in [UNKNOWN, r#"{"ret":1101}"#, "<html></html>", "", r#"{"ret":0,"uuid":"/"}"#] {
        let mut stage = again([refused, PUSHED]);
        on_phone(&mut stage);
        assert_eq!(hosts(&stage), ["wx2.qq.com", "login.wx2.qq.com"], "{refused}");
        assert_eq!(stage.device.closed(), None);

        let mut stage = again([refused, refused, CODE]);
        stage.code();
        assert_eq!(hosts(&stage), ["wx2.qq.com", "login.wx2.qq.com", "login.wx2.qq.com"]);
        assert_eq!(stage.asked(), ["webwxpushloginurl", "webwxpushloginurl", "jslogin"]);
        assert_eq!(stage.host.slept, Duration::ZERO, "nobody has to wait for the code");
    }
}

#[test]
fn one_origin_is_asked_once() {
    let mut stage = again([UNKNOWN, CODE]);
    stage.device = stage.device.with_hosts(Hosts::all("http://127.0.0.1:99".parse().unwrap()));
    stage.code();
    assert_eq!(stage.asked(), ["webwxpushloginurl", "jslogin"]);
}

/// What fails in passing is tried again; what goes on failing is left to the code.
#[test]
fn a_network_that_fails_says_nothing_of_the_device() {
    let mut stage = again([]);
    for _ in 0..2 {
        stage.then_input(failure(FailureKind::Closed));
    }
    stage.then([PUSHED]);
    on_phone(&mut stage);
    assert_eq!(hosts(&stage), ["wx2.qq.com"; 3]);

    let mut stage = again([]);
    // Three times at each of the two hosts.
    for _ in 0..6 {
        stage.then_input(failure(FailureKind::Connect));
    }
    stage.then([CODE]);
    stage.code();
    let asked = ["webwxpushloginurl"; 6].into_iter().chain(["jslogin"]);
    assert!(stage.asked().into_iter().eq(asked), "{:?}", stage.asked());
}

/// A refusal is an answer: what failed before it is not held against the other host.
#[test]
fn each_host_has_its_own_failures() {
    let mut stage = again([]);
    for answer in [UNKNOWN, PUSHED] {
        for _ in 0..2 {
            stage.then_input(failure(FailureKind::Closed));
        }
        stage.then([answer]);
    }
    on_phone(&mut stage);
    let [api, login] = ["wx2.qq.com", "login.wx2.qq.com"];
    assert_eq!(hosts(&stage), [api, api, api, login, login, login]);
}

/// What failed as the five minutes ended holds the code back like any other request.
#[test]
fn the_last_failure_of_a_question_counts() {
    let mut stage = again([PUSHED]);
    on_phone(&mut stage);
    stage.host.now = stage.host.now.after(Duration::from_secs(300));
    let Stage { host, login, device, .. } = &mut stage;
    assert!(matches!(login.poll(device, host.now), Err(Interrupt::Send(_))));
    login.handle(failure(FailureKind::Closed));
    let Err(Interrupt::Sleep(wait)) = login.poll(device, host.now) else { panic!() };
    assert_eq!(wait.as_millis(), 250);
    stage.then([CODE]);
    stage.code();
}

#[test]
fn nobody_known_is_a_code() {
    let mut stage = Stage::new([CODE]);
    stage.login = Login::again();
    stage.code();
    assert_eq!(stage.asked(), ["jslogin"]);
    // And so is what the same flow does next, though somebody is known by then.
    stage.then([&*confirmed("wx.qq.com"), PAGE, INIT, DONE, CODE]);
    stage.logged_in();
    stage.code();
}

#[test]
fn an_owner_who_declines_gets_a_code() {
    let mut stage = again([PUSHED, CANCELLED, CODE]);
    on_phone(&mut stage);
    assert!(matches!(stage.next(), Ok(Progress::Cancelled)));
    stage.code();
    // The code is a first one: with a first poll, and five renewals of its own.
    for _ in 0..5 {
        stage.then([EXPIRED, CODE]);
        stage.code();
    }
    stage.then([EXPIRED]);
    assert!(matches!(stage.next(), Err(Error::Expired)));
    assert!(stage.last().http.uri().query().unwrap().contains("&tip=1&"));
}

#[test]
fn a_question_that_expires_is_a_code() {
    for end in [EXPIRED, "window.code=500;"] {
        let mut stage = again([PUSHED, SCANNED, end, CODE]);
        on_phone(&mut stage);
        assert!(matches!(stage.next(), Ok(Progress::Scanned { .. })));
        stage.code();
    }
    // What comes after the confirmation, if only an error, comes with a code, too.
    let mut stage = again([PUSHED]);
    stage.then([&*confirmed("wx2.qq.com"), REFUSED, CODE]);
    on_phone(&mut stage);
    assert!(matches!(stage.next(), Err(Error::Refused { ret: Ret::ENVIRONMENT, .. })));
    stage.code();
}

/// Serves rounds without news, 25 seconds each, until something else is asked; gives how long it
/// took.
fn wait(stage: &mut Stage, mut round: impl FnMut() -> Input) -> Duration {
    let start = stage.host.now;
    for _ in 0..1000 {
        match stage.login.poll(&mut stage.device, stage.host.now) {
            Err(Interrupt::Send(request)) if request.http.uri().path().ends_with("/login") => {
                stage.host.now = stage.host.now.after(Duration::from_secs(25));
                stage.login.handle(round());
            }
            Err(Interrupt::Sleep(time)) => stage.host.now = stage.host.now.after(time),
            Err(Interrupt::Fail(_)) => {}
            Err(Interrupt::Send(request)) => {
                assert!(request.http.uri().path().ends_with("/jslogin"));
                stage.login.handle(Input::Reply(Ok(reply(CODE))));
                stage.code();
                return stage.host.now.since(start);
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it waits for ever");
}

/// Five minutes, however they pass.
#[test]
fn an_owner_who_does_not_answer_gets_a_code() {
    let rounds: [fn() -> Input; 4] = [
        || Input::Reply(Ok(reply(PENDING))),
        || Input::Reply(Ok(reply(SCANNED))),
        || failure(FailureKind::Timeout),
        || failure(FailureKind::Closed),
    ];
    for (at, round) in rounds.into_iter().enumerate() {
        let mut stage = again([PUSHED]);
        on_phone(&mut stage);
        if at == 1 {
            stage.then([SCANNED]);
            assert!(matches!(stage.next(), Ok(Progress::Scanned { .. })));
        }
        let took = wait(&mut stage, round).as_secs();
        assert!((300..=375).contains(&took), "round {at}: {took} s");
    }
    // A code has no such limit: the service ends it.
    let mut stage = Stage::new([CODE]);
    stage.code();
    for _ in 0..100 {
        let sent = stage.login.poll(&mut stage.device, stage.host.now);
        assert!(matches!(sent, Err(Interrupt::Send(_))));
        stage.host.now = stage.host.now.after(Duration::from_secs(25));
        stage.login.handle(Input::Reply(Ok(reply(PENDING))));
    }
    stage.then([SCANNED]);
    assert!(matches!(stage.next(), Ok(Progress::Scanned { .. })));
}

/// Threat C1: the five minutes begin anew, and do not become a day.
#[test]
fn a_clock_set_back_does_not_prolong_the_question() {
    let rounds: [fn() -> Input; 2] =
        [|| Input::Reply(Ok(reply(PENDING))), || failure(FailureKind::Closed)];
    for round in rounds {
        let mut stage = again([PUSHED]);
        on_phone(&mut stage);
        stage.host.now = Timestamp::from_secs(1000);
        let took = wait(&mut stage, round).as_secs();
        assert!((300..=375).contains(&took), "{took} s");
    }
}

#[test]
fn a_desktop_asks_as_one() {
    use crate::entry::Entry;

    let entry = Entry::desktop("2.0.0".parse().unwrap(), "Go8F".parse().unwrap());
    let mut stage = again([PUSHED]);
    stage.device = stage.device.with_entry(entry);
    stage.then([&*confirmed("wx2.qq.com"), PAGE, INIT, DONE]);
    on_phone(&mut stage);
    let query = "uin=566148615&mod=desktop";
    assert_eq!(stage.last().http.uri().query(), Some(query));
    stage.logged_in();
    // The desktop's own headers go to the login page and nowhere else.
    for request in &stage.host.requests {
        let headers = request.http.headers();
        let page = request.http.uri().path().ends_with("/webwxnewloginpage");
        assert_eq!(headers.contains_key("extspam"), page);
        assert_eq!(headers.contains_key("client-version"), page);
    }
}
