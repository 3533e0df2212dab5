//! No wait of any flow takes longer than announced, even if the clock is set back or forward at
//! any time, by any amount (`docs/threats.md` C1).

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use proptest::collection::vec as many;
use proptest::prelude::*;

use crate::account::Account;
use crate::contact::LoadContacts;
use crate::device::Device;
use crate::error::{Failure, FailureKind, Sent};
use crate::flow::{Flow, Input, Interrupt, Request};
use crate::ids::{MsgId, UserName};
use crate::login::{Login, Progress};
use crate::media::{GetVoice, LocalFile, RetryEmpty, Upload};
use crate::sync::Inbox;
use crate::testing::{NOW, reply, session};
use crate::time::Timestamp;

/// A clock that jumps, and the real elapsed time.
struct Clock {
    now: Timestamp,
    passed: Duration,
    /// The part of the elapsed time that the clock did not show because it was set back.
    hidden: Duration,
    /// The seconds by which the clock is set forward (or back) at each event, in turn.
    jumps: Vec<i64>,
    next: usize,
}

impl Clock {
    fn new(jumps: &[i64]) -> Self {
        Self {
            now: NOW,
            passed: Duration::ZERO,
            hidden: Duration::ZERO,
            jumps: jumps.into(),
            next: 0,
        }
    }

    /// Lets time pass, with a jump of the clock meanwhile.
    fn pass(&mut self, time: Duration) {
        self.passed += time;
        let jump = self.jumps.get(self.next % self.jumps.len().max(1)).copied().unwrap_or(0);
        self.next += 1;
        if jump < 0 {
            self.hidden += time.min(Duration::from_secs(jump.unsigned_abs()));
        }
        let jumped = self.now.as_millis().saturating_add_signed(jump.saturating_mul(1000));
        self.now = Timestamp::from_millis(jumped).after(time);
    }
}

/// Runs a flow until it has sent `requests` requests or `done` accepts an output. Returns the
/// longest time between two requests, including the exchange but without the hidden time, and
/// whether `done` accepted an output.
fn longest<F: Flow>(
    mut flow: F,
    state: &mut F::State,
    clock: &mut Clock,
    requests: usize,
    mut serve: impl FnMut(&Request) -> (Duration, Input),
    mut done: impl FnMut(F::Output) -> bool,
) -> (Duration, bool) {
    let (mut longest, mut last, mut sent) = (Duration::ZERO, clock.passed - clock.hidden, 0);
    for _ in 0..requests * 40 {
        match flow.poll(state, clock.now) {
            Err(Interrupt::Send(request)) => {
                longest = longest.max(clock.passed - clock.hidden - last);
                last = clock.passed - clock.hidden;
                sent += 1;
                if sent > requests {
                    return (longest, false);
                }
                let (took, input) = serve(&request);
                clock.pass(took);
                flow.handle(input);
            }
            Err(Interrupt::Sleep(time)) => {
                assert!(time <= Duration::from_secs(30));
                clock.pass(time);
            }
            Err(Interrupt::Read(range)) => {
                let length = usize::try_from(range.end.min(3) - range.start.min(3)).unwrap();
                flow.handle(Input::Piece(Ok(Bytes::from(alloc::vec![0; length]))));
            }
            Err(Interrupt::Fail(_)) => clock.pass(Duration::from_millis(1)),
            Ok(output) => {
                if done(output) {
                    return (longest, true);
                }
            }
        }
    }
    panic!(
        "the flow stalls after {sent} requests: {:?} {:?}",
        flow.poll(state, clock.now).err(),
        clock.now
    )
}

fn broken(_: &Request) -> (Duration, Input) {
    let failure = Failure::new(FailureKind::Connect, Sent::No);
    (Duration::from_millis(50), Input::Reply(Err(failure)))
}

fn ok(body: &str) -> Input {
    Input::Reply(Ok(reply(body)))
}

/// Checks that the longest pause is half a minute if every exchange fails and the clock jumps at
/// every step. A jump back adds no more than the time that it hides.
fn pauses_are_bounded(jumps: &[i64]) -> Result<(), TestCaseError> {
    let most = Duration::from_secs(31);
    let clock = || Clock::new(jumps);
    let never = |_| false;
    let (inbox, _) =
        longest(Inbox::new(), &mut Account::from(session()), &mut clock(), 30, broken, |_| false);
    let mut account = Account::from(session());
    let (contacts, _) =
        longest(LoadContacts::new(), &mut account, &mut clock(), 30, broken, |()| false);
    let (login, _) = longest(Login::new(), &mut Device::new(), &mut clock(), 30, broken, |_| false);
    let mut device = session().into_device();
    let (again, _) = longest(Login::again(), &mut device, &mut clock(), 30, broken, |_| false);
    let file = LocalFile::new("a.zip", 3).unwrap();
    let upload = Upload::new(UserName::file_helper(), file);
    let (upload, _) = longest(upload, &mut session(), &mut clock(), 30, broken, |_| false);
    let mut session = session();
    let voice = RetryEmpty::new(GetVoice::new(MsgId::from("7")));
    let empty = |_: &Request| {
        let mut empty = reply("");
        empty.headers_mut().insert("content-length", "0".parse().unwrap());
        (Duration::from_millis(50), Input::Reply(Ok(empty)))
    };
    let (fetch, _) = longest(voice, &mut session, &mut clock(), 30, empty, never);
    for (flow, longest) in [
        ("inbox", inbox),
        ("contacts", contacts),
        ("login", login),
        ("again", again),
        ("upload", upload),
    ] {
        prop_assert!(longest <= most, "{flow}: {longest:?}");
    }
    prop_assert!(fetch <= Duration::from_secs(5), "{fetch:?}");
    Ok(())
}

/// Threat C1.
#[test]
fn no_wait_takes_longer_if_the_clock_jumps() {
    const DAY: i64 = 86_400;
    for jumps in [
        &[-DAY][..],
        &[DAY],
        &[DAY, -DAY],
        &[-DAY, DAY],
        &[0, 0, 0, 0, -DAY],
        &[-3600, 0, 0],
        &[-1, 0],
        &[-NOW.as_secs().cast_signed()],
    ] {
        pauses_are_bounded(jumps).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Threat C1.
    #[test]
    fn no_wait_takes_longer_for_any_jumps_of_the_clock(jumps in many(prop_oneof![Just(0), -40_i64..40, -100_000_i64..100_000], 1..8)) {
        pauses_are_bounded(&jumps)?;
    }
}

/// Threat C1: a login whose clock jumps at every step, including the announcement, after many
/// failed logins.
#[test]
fn a_login_completes_while_the_clock_jumps() {
    let page = "<error><ret>0</ret><skey>k</skey><wxsid>s</wxsid><wxuin>7</wxuin><pass_ticket>p</pass_ticket></error>";
    let opened = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]}}"#;
    let confirmed = "window.code=200;window.redirect_uri=\"https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t\";";
    for jump in [-86_400, -3600, -1, 0, 1, 86_400] {
        let (mut device, mut clock) = (Device::new(), Clock::new(&[jump]));
        let _ = longest(Login::new(), &mut device, &mut clock, 30, broken, |_| false);
        let (mut scans, mut announced) = (0, 0);
        let serve = |request: &Request| {
            let body = match request.http.uri().path().rsplit('/').next().unwrap() {
                "jslogin" => "window.QRLogin.code = 200; window.QRLogin.uuid = \"abc==\";",
                "login" => {
                    scans += 1;
                    ["window.code=408;", "window.code=201;", confirmed][scans.min(3) - 1]
                }
                "webwxnewloginpage" => page,
                "webwxinit" => opened,
                _ => {
                    announced += 1;
                    r#"{"BaseResponse":{"Ret":0}}"#
                }
            };
            (Duration::from_millis(50), ok(body))
        };
        // Only the first request is delayed by the earlier failures.
        let before = clock.passed;
        let done = |progress| matches!(progress, Progress::LoggedIn(_));
        let (_, done) = longest(Login::new(), &mut device, &mut clock, 20, serve, done);
        assert!(done && announced == 1, "{jump}");
        assert!(clock.passed - before <= Duration::from_secs(62), "{jump}");
    }
}

/// Threat C1: a push login expires after its time limit, even if the clock is set back an hour in
/// each round.
#[test]
fn a_push_login_expires_if_the_clock_is_set_back() {
    let mut clock = Clock::new(&[-3600, 0, 0]);
    let mut asked = 0;
    let serve = |request: &Request| {
        let slow = Duration::from_secs(25);
        match request.http.uri().path().rsplit('/').next().unwrap() {
            "webwxpushloginurl" => (Duration::ZERO, ok(r#"{"ret":"0","uuid":"abc=="}"#)),
            "jslogin" => {
                (Duration::ZERO, ok("window.QRLogin.code = 200; window.QRLogin.uuid = \"abc==\";"))
            }
            _ => {
                asked += 1;
                (slow, ok("window.code=408;"))
            }
        }
    };
    let done = |progress| matches!(progress, Progress::Code { .. });
    let mut device = session().into_device();
    assert!(longest(Login::again(), &mut device, &mut clock, 60, serve, done).1);
    assert!((12..=24).contains(&asked), "{asked}");
}
