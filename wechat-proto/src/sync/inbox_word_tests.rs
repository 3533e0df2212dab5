//! A service that delivers every message, with arbitrary failures around it: each message is
//! delivered once, in order, and the inbox continues.

use proptest::collection::vec as many;
use proptest::prelude::*;

use super::trouble::faults;
use super::*;
use crate::sync::key::WireKey;

/// An event in or around one exchange.
#[derive(Clone, Debug)]
enum Step {
    /// The service answers after `took` milliseconds, with this `ContinueFlag` if given.
    Reply { more: Option<bool>, took: u64 },
    /// The service answers, but its key falls back by this many messages.
    KeyFallsBack(usize),
    /// The service answers with a key that does not advance.
    SameKey,
    /// The service answers without a key.
    NoKey,
    /// A check reports news although there is none.
    EmptyNews,
    /// The exchange fails.
    Fault(usize),
    /// The future of the exchange is dropped, and its reply is lost.
    Dropped,
    /// The process is killed, and another resumes the stored session.
    Killed,
    /// The clock jumps by this many minutes.
    Jump(i64),
    /// This many messages are written.
    Write(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (prop::option::of(any::<bool>()), 0_u64..3000)
            .prop_map(|(more, took)| Step::Reply { more, took }),
        2 => (1_usize..20).prop_map(Step::KeyFallsBack),
        1 => Just(Step::SameKey),
        1 => Just(Step::NoKey),
        2 => Just(Step::EmptyNews),
        4 => (0..faults().len()).prop_map(Step::Fault),
        1 => Just(Step::Dropped),
        1 => Just(Step::Killed),
        1 => (-3000_i64..3000).prop_map(Step::Jump),
        3 => (1_usize..12).prop_map(Step::Write),
    ]
}

/// The service, with the number of written messages.
#[derive(Debug, Default)]
pub(super) struct Service {
    written: usize,
    answers: usize,
}

/// The number of messages in a batch.
const BATCH: usize = 5;

impl Service {
    /// Returns a new key after `read` messages.
    pub(super) fn key(&mut self, read: usize) -> Value {
        self.answers += 1;
        json!({ "Count": 1, "List": [{ "Key": 1, "Val": read * 100_000 + self.answers }] })
    }

    fn read(key: &str) -> usize {
        key.split('_').nth(1).unwrap().parse::<usize>().unwrap() / 100_000
    }

    fn answer(&mut self, request: &Request, step: &Step) -> Input {
        let requested = asked_with(request);
        if let Step::Fault(n) = step {
            return faults()[*n]();
        }
        if is_check(request) {
            let news = Self::read(&requested) < self.written || matches!(step, Step::EmptyNews);
            return ok(if news { NEWS } else { QUIET });
        }
        let from = Self::read(&requested);
        let to = (from + BATCH).min(self.written);
        // Some elements have fields of the wrong type.
        let messages: Vec<Value> = (from..to)
            .map(|n| {
                let id = format!("{}", n + 1);
                match n % 4 {
                    0 => json!({ "MsgId": id, "FromUserName": [], "MsgType": "x", "Content": {} }),
                    1 => json!({ "MsgId": n + 1, "FromUserName": "@a", "MsgType": 1e99, "Content": null }),
                    _ => json!({ "MsgId": id, "FromUserName": "@a", "ToUserName": "@me", "MsgType": 1, "Content": id }),
                }
            })
            .collect();
        let after = match step {
            Step::KeyFallsBack(back) => to.saturating_sub(*back),
            _ => to,
        };
        let key = match step {
            Step::NoKey => json!({ "Count": 0, "List": [] }),
            Step::SameKey => {
                let value: i64 = requested.split('_').nth(1).unwrap().parse().unwrap();
                json!({ "Count": 1, "List": [{ "Key": 1, "Val": value }] })
            }
            _ => self.key(after),
        };
        let more = match step {
            Step::Reply { more: Some(more), .. } => *more,
            _ => to < self.written,
        };
        ok(json!({
            "BaseResponse": { "Ret": 0 }, "AddMsgList": messages, "AddMsgCount": 1_000_000_000,
            "ContinueFlag": i32::from(more), "SyncKey": key, "SyncCheckKey": key, "SKey": "",
        }))
    }
}

pub(super) fn session_at(key: &Value) -> Session {
    let mut session = session();
    session.sync_key = WireKey::of(&key.to_string()).unwrap();
    session
}

/// Runs `steps`, then five minutes without failures. Returns the delivered ids and the number of
/// written messages.
fn delivered(steps: &[Step]) -> (Vec<String>, usize) {
    let mut service = Service::default();
    let mut stored = session_at(&service.key(0)).to_json();
    let account = |stored: &str| Account::from(Session::from_json(stored).unwrap());
    let (mut inbox, mut bot) = (Inbox::new(), account(&stored));
    let mut host = Host::new();
    let mut delivered = Vec::new();
    let mut steps = steps.iter();
    let usual = Step::Reply { more: None, took: 20 };
    let (mut calm, mut flying) = (Duration::ZERO, 0);
    for _ in 0..20_000 {
        if calm > Duration::from_secs(300) {
            return (delivered, service.written);
        }
        let mut pass = |host: &mut Host, time: Duration, done: bool| {
            host.now = host.now.after(time);
            calm += if done { time } else { Duration::ZERO };
        };
        match inbox.poll(&mut bot, host.now) {
            Ok(message) => {
                delivered.push(message.id.to_string());
                // The bot stores the effect and the session in one transaction.
                let mut session = bot.session().clone();
                session.acknowledge(&message);
                stored = session.to_json();
            }
            Err(Interrupt::Sleep(time)) => {
                assert!(time <= Duration::from_secs(30));
                pass(&mut host, time, steps.len() == 0);
            }
            Err(Interrupt::Send(request)) if is_batch(&request) => {
                inbox.handle(ok(json!({ "BaseResponse": { "Ret": 0 }, "ContactList": [] })));
            }
            Err(Interrupt::Send(request)) => {
                flying += 1;
                assert_eq!(flying, 1);
                // The events during the exchange.
                let step = loop {
                    match steps.next() {
                        Some(Step::Write(count)) => service.written += count,
                        Some(Step::Jump(minutes)) => {
                            let now = host.now.as_millis().saturating_add_signed(minutes * 60_000);
                            host.now = Timestamp::from_millis(now);
                        }
                        step => break step.unwrap_or(&usual),
                    }
                };
                let input = service.answer(&request, step);
                let done = steps.len() == 0;
                let quiet = matches!(&input, Input::Reply(Ok(reply)) if reply.body() == QUIET);
                let took = match step {
                    _ if quiet && done => 25_000,
                    Step::Reply { took, .. } => *took,
                    _ => 20,
                };
                pass(&mut host, Duration::from_millis(took), done);
                flying -= 1;
                match step {
                    Step::Dropped => {}
                    Step::Killed => {
                        inbox = Inbox::new();
                        bot = account(&stored);
                    }
                    _ => inbox.handle(input),
                }
            }
            Err(Interrupt::Fail(Error::LoggedOut { .. } | Error::Stopped | Error::InUse)) => {
                panic!("the inbox ended")
            }
            Err(Interrupt::Fail(_)) => pass(&mut host, Duration::from_millis(1), false),
            Err(other) => panic!("{other:?}"),
        }
    }
    panic!("the inbox spins")
}

fn once_each(steps: &[Step]) -> Result<(), TestCaseError> {
    let (delivered, written) = delivered(steps);
    let all: Vec<String> = (1..=written).map(|n| n.to_string()).collect();
    prop_assert_eq!(delivered, all);
    Ok(())
}

/// Threat S3: after a key that falls back, the service repeats messages; each is delivered once,
/// and none is lost.
#[test]
fn each_message_is_delivered_once_if_the_key_falls_back() {
    for back in 1..20 {
        once_each(&[
            Step::Write(12),
            Step::KeyFallsBack(back),
            Step::KeyFallsBack(back),
            Step::Write(30),
        ])
        .unwrap();
        once_each(&[
            Step::Write(40),
            Step::SameKey,
            Step::KeyFallsBack(back),
            Step::NoKey,
            Step::SameKey,
        ])
        .unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Threats S3, S4, S5, S6, S7, J5, J6, J7 and C1 at once.
    #[test]
    fn each_message_is_delivered_once_for_any_events(steps in many(step(), 0..80)) {
        once_each(&steps)?;
    }
}
