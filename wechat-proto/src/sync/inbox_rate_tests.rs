//! The rate of requests without news, and the delay of fetches with news.

use alloc::vec;

use proptest::collection::vec as many;
use proptest::prelude::*;

use super::trouble::faults;
use super::word::{Service, session_at};
use super::*;

/// The result of one exchange with a service without news.
#[derive(Clone, Debug)]
enum Quiet {
    /// A check: whether it reports news, and its duration in milliseconds.
    Check(bool, u64),
    /// A fetch: whether the key advances, more is announced, an old message is repeated, and a
    /// change is repeated.
    Fetch(bool, bool, bool, bool),
    Fault(usize),
    Jump(i64),
}

fn quiet() -> impl Strategy<Value = Quiet> {
    prop_oneof![
        4 => (any::<bool>(), 0_u64..3000).prop_map(|(news, took)| Quiet::Check(news, took)),
        2 => any::<bool>().prop_map(|news| Quiet::Check(news, 5)),
        4 => any::<[bool; 4]>().prop_map(|[a, b, c, d]| Quiet::Fetch(a, b, c, d)),
        2 => (0..faults().len()).prop_map(Quiet::Fault),
        1 => (-3000_i64..3000).prop_map(Quiet::Jump),
    ]
}

/// Simulates a repeated cycle for five minutes. Returns the times of the requests, by a clock that
/// does not jump, and the times at which the flow's clock jumped.
fn sends(cycle: &[Quiet]) -> [Vec<Duration>; 2] {
    let mut service = Service::default();
    let (mut inbox, mut bot) = (Inbox::new(), Account::from(session_at(&service.key(0))));
    bot.session.acks_mut().acknowledge(&"1".into(), None);
    let (mut host, mut passed) = (Host::new(), Duration::ZERO);
    let (mut sent, mut jumps) = (Vec::new(), Vec::new());
    // With a key that advances, repeated changes count as new.
    let moving = cycle.iter().any(|step| matches!(step, Quiet::Fetch(true, ..)));
    let mut cycle = cycle.iter().cycle();
    for _ in 0..4000 {
        if passed > Duration::from_secs(300) {
            break;
        }
        let took = match inbox.poll(&mut bot, host.now) {
            Err(Interrupt::Sleep(time)) => time,
            Err(Interrupt::Send(request)) => {
                sent.push(passed);
                let checks = is_check(&request);
                let (mut news, mut took, mut fetch) = (false, 5, [false; 4]);
                let mut fault = None;
                // Takes the next matching result.
                for _ in 0..20 {
                    match cycle.next() {
                        Some(Quiet::Check(has_news, time)) if checks => {
                            (news, took) = (*has_news, *time);
                            break;
                        }
                        Some(Quiet::Fetch(a, b, c, d)) if !checks => {
                            fetch = [*a, *b, *c, *d];
                            break;
                        }
                        Some(Quiet::Fault(n)) => {
                            fault = Some(faults()[*n]());
                            break;
                        }
                        Some(Quiet::Jump(minutes)) if jumps.last() != Some(&passed) => {
                            jumps.push(passed);
                            let now = host.now.as_millis().saturating_add_signed(minutes * 60_000);
                            host.now = Timestamp::from_millis(now);
                        }
                        _ => {}
                    }
                }
                let [moves, more, again, changes] = fetch;
                let key = if moves { service.key(0) } else { key(100_001) };
                let again = again.then(|| json!({ "MsgId": "1", "FromUserName": "@a" }));
                let changes = (changes && !moving).then(|| json!({ "UserName": "@a" }));
                inbox.handle(fault.unwrap_or_else(|| match checks {
                    true => ok(if news { NEWS } else { QUIET }),
                    false => ok(json!({
                        "BaseResponse": { "Ret": 0 }, "ContinueFlag": i32::from(more),
                        "AddMsgList": Vec::from_iter(again), "ModContactList": Vec::from_iter(changes),
                        "SyncKey": key,
                    })),
                }));
                Duration::from_millis(took)
            }
            // The bot polls again after every result.
            _ => Duration::from_millis(1),
        };
        host.now = host.now.after(took);
        passed += took;
    }
    [sent, jumps]
}

/// Checks that there is at most one request a second in any half minute; each jump of the clock
/// allows one burst.
fn is_slow([sent, jumps]: &[Vec<Duration>; 2]) -> Result<(), TestCaseError> {
    for first in sent {
        let end = *first + Duration::from_secs(30);
        // Both lists are sorted.
        let before = |times: &[Duration], end| times.partition_point(|time| *time < end);
        let within = |times: &[Duration]| before(times, end) - before(times, *first);
        let count = within(sent);
        let allowed = 31 + 11 * within(jumps);
        prop_assert!(count <= allowed, "{count} requests from {first:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Threats S6, S7, S8, J5 and C1: all replies without news.
    #[test]
    fn requests_without_news_are_slow(cycle in many(quiet(), 1..14)) {
        is_slow(&sends(&cycle))?;
    }
}

/// Threat S7: slow replies between quick ones do not permit more quick ones.
#[test]
fn mixed_quick_and_slow_replies_are_slow() {
    let empty = || Quiet::Fetch(true, false, false, false);
    for slow in [1000, 1900, 2000, 3000] {
        for quick in 0..6 {
            let mut cycle = vec![Quiet::Check(true, slow), empty()];
            for _ in 0..quick {
                cycle.extend([Quiet::Check(true, 0), empty()]);
            }
            is_slow(&sends(&cycle)).unwrap();
            cycle.push(Quiet::Check(false, slow));
            is_slow(&sends(&cycle)).unwrap();
        }
    }
}

/// Simulates news at these times, in milliseconds. Returns the time from each to the request that
/// fetches it.
fn late(events: &[u64]) -> Vec<Duration> {
    let mut stage = Stage::new([]);
    let start = stage.host.now;
    let mut fetched = 0;
    let mut late = Vec::new();
    while fetched < events.len() {
        let passed = |now: Timestamp| u64::try_from(now.since(start).as_millis()).unwrap();
        match stage.inbox.poll(&mut stage.account, stage.host.now) {
            Err(Interrupt::Send(request)) if is_check(&request) => {
                let at = passed(stage.host.now);
                let wait = events[fetched].saturating_sub(at);
                let (wait, news) = if wait > 25_000 { (25_000, QUIET) } else { (wait, NEWS) };
                stage.host.now = stage.host.now.after(Duration::from_millis(wait.max(20)));
                stage.inbox.handle(ok(news));
            }
            Err(Interrupt::Send(_)) => {
                let at = passed(stage.host.now);
                while events.get(fetched).is_some_and(|event| *event <= at) {
                    late.push(Duration::from_millis(at - events[fetched]));
                    fetched += 1;
                }
                stage.host.now = stage.host.now.after(Duration::from_millis(20));
                // News without messages, such as a chat opened on the phone.
                let n = i64::try_from(fetched).unwrap();
                stage.inbox.handle(ok(batch(&[], n, false)));
            }
            Err(Interrupt::Sleep(time)) => stage.host.now = stage.host.now.after(time),
            other => panic!("{other:?}"),
        }
    }
    late
}

/// Threat S7: news at the pace of human activity is fetched at once, even without messages.
#[test]
fn news_at_a_human_pace_is_fetched_at_once() {
    let soon = Duration::from_millis(100);
    for gap in [3000, 5000, 10_000, 40_000, 200_000] {
        let events: Vec<u64> = (1..60).map(|n| n * gap).collect();
        let late = late(&events);
        assert!(late.iter().all(|late| *late <= soon), "{gap}: {late:?}");
    }
    // Frequent news for half a minute slows the inbox down only for that time.
    for gap in [50, 300, 1000, 1800] {
        let hectic = 30_000 / gap;
        let mut events: Vec<u64> = (0..hectic).map(|n| n * gap).collect();
        events.extend((0..50).map(|n| 40_000 + n * 10_000));
        let late = late(&events);
        let calm = late.get(usize::try_from(hectic).unwrap() + 3..).unwrap();
        assert!(calm.iter().all(|late| *late <= soon), "{gap}: {late:?}");
    }
}

/// Messages without an id cannot be distinguished from earlier ones: they count as new if the key
/// advances.
#[test]
fn messages_without_an_id_are_new_if_the_key_advances() {
    for (moving, is_slow) in [(true, false), (false, true)] {
        let answer = |n: i64| batch(&["0"], if moving { n } else { 7 }, true);
        let mut stage = Stage::new((8..28).flat_map(|n| match moving {
            true => vec![ok(answer(n))],
            false => vec![ok(answer(n)), ok(NEWS)],
        }));
        assert_eq!(stage.ids().len(), 20);
        assert_eq!(!stage.host.slept.is_zero(), is_slow, "{:?}", stage.host.slept);
    }
}
