//! Clocks that are set back or forward at any time, by any amount.

use proptest::collection::vec as many;
use proptest::prelude::*;

use super::*;

/// Checks that the longest pause is half a minute if every exchange fails and the clock jumps at
/// every step. A jump back adds no more than the time that it hides.
fn pauses_are_bounded(jumps: &[i64]) -> Result<(), TestCaseError> {
    fn pause<F: Flow>(
        jumps: &[i64],
        make: impl Fn() -> F,
        state: &mut F::State,
        input: fn() -> Input,
    ) -> Duration {
        let clock = Clock::new(jumps);
        let mut driver = Driver { clock, requests: 30, time: Duration::MAX, ..Driver::new() };
        let serve = |_: &Request, clock: &mut Clock| {
            clock.pass(Duration::from_millis(50));
            input()
        };
        let trace = driver.run(make, state, serve, |_| false);
        assert_eq!(trace.sent.len(), 30, "the flow stalls: {jumps:?}");
        trace.longest()
    }
    let broken = || failed(FailureKind::Connect, Sent::No);
    let again = &mut session().into_device();
    for (flow, longest) in [
        ("inbox", pause(jumps, Inbox::new, &mut account(), broken)),
        ("contacts", pause(jumps, LoadContacts::new, &mut account(), broken)),
        ("login", pause(jumps, Login::new, &mut Device::new(), broken)),
        ("again", pause(jumps, Login::again, again, broken)),
        ("upload", pause(jumps, || upload(40, 99), &mut session(), broken)),
    ] {
        prop_assert!(longest <= Duration::from_secs(31), "{flow}: {longest:?}");
    }
    let voice = || RetryEmpty::new(GetVoice::new(MsgId::from("7")));
    let fetch = pause(jumps, voice, &mut session(), || {
        let mut empty = reply("");
        empty.headers_mut().insert("content-length", "0".parse().unwrap());
        Input::Reply(Ok(empty))
    });
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
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Threat C1.
    #[test]
    fn no_wait_takes_longer_for_any_jumps_of_the_clock(
        jumps in many(prop_oneof![Just(0), -40_i64..40, -100_000_i64..100_000], 1..8),
    ) {
        pauses_are_bounded(&jumps)?;
    }
}

/// Threat C1: a login whose clock jumps at every step, including the announcement, after many
/// failed logins.
#[test]
fn a_login_completes_while_the_clock_jumps() {
    for jump in [-86_400, -3600, -1, 0, 1, 86_400] {
        let (mut device, clock) = (Device::new(), Clock::new(&[jump]));
        let mut driver = Driver { clock, requests: 30, time: Duration::MAX, ..Driver::new() };
        driver.loops(Login::new, &mut device, |_| failed(FailureKind::Connect, Sent::No));
        let (mut scans, mut announced) = (0, 0);
        let serve = |request: &Request, clock: &mut Clock| {
            clock.pass(Duration::from_millis(50));
            ok(match path(request) {
                "jslogin" => CODE,
                "login" => {
                    scans += 1;
                    [PENDING, SCANNED, CONFIRMED][scans.min(3) - 1]
                }
                "webwxnewloginpage" => PAGE,
                "webwxinit" => INIT,
                _ => {
                    announced += 1;
                    DONE
                }
            })
        };
        // Only the first request is delayed by the earlier failures.
        let before = driver.clock.passed;
        let done = |progress| matches!(progress, Progress::LoggedIn(_));
        let trace = driver.run(Login::new, &mut device, serve, done);
        assert!(trace.is_done && announced == 1, "{jump}");
        assert!(driver.clock.passed - before <= Duration::from_secs(62), "{jump}");
    }
}

/// Threat C1: a push login expires after its time limit, even if the clock is set back an hour in
/// each round.
#[test]
fn a_push_login_expires_if_the_clock_is_set_back() {
    let clock = Clock::new(&[-3600, 0, 0]);
    let mut driver = Driver { clock, requests: 60, time: Duration::MAX, ..Driver::new() };
    let mut requested = 0;
    let serve = |request: &Request, clock: &mut Clock| match path(request) {
        "webwxpushloginurl" => ok(PUSHED),
        "jslogin" => ok(CODE),
        _ => {
            requested += 1;
            clock.pass(Duration::from_secs(25));
            ok(PENDING)
        }
    };
    let done = |progress| matches!(progress, Progress::Code { .. });
    let trace = driver.run(Login::again, &mut session().into_device(), serve, done);
    assert!(trace.is_done);
    assert!((12..=24).contains(&requested), "{requested}");
}
