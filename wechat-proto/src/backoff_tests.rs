//! Every flow with any sequence of replies, failures and clocks neither panics nor spins
//! (`docs/threats.md` R1, S6, S7, C1).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::account::Account;
use crate::call::Call;
use crate::contact::LoadContacts;
use crate::device::Device;
use crate::error::{Failure, FailureKind, Sent};
use crate::flow::{Flow, Input, Interrupt};
use crate::login::Login;
use crate::sync::Inbox;
use crate::testing::{NOW, session};

/// Bodies that a service, or an intermediary, may send at any time.
const BODIES: [&str; 32] = [
    "",
    "<html>502</html>",
    "\u{0}",
    "{\"BaseResponse\":",
    "{}",
    "window.QRLogin.code = 200; window.QRLogin.uuid = \"abc==\";",
    "window.QRLogin.code = 400; window.QRLogin.uuid = \"\";",
    "window.code=408;",
    "window.code=201;window.userAvatar = 'data:img/jpg;base64,/9j';",
    "window.code=202;",
    "window.code=400;",
    "window.code=402;",
    "window.code=200;window.redirect_uri=\"https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?t=1\";",
    "window.code=200;window.redirect_uri=\"https://evil.example/cgi-bin/mmwebwx-bin/webwxnewloginpage?t=1\";",
    "<error><ret>0</ret><skey>k</skey><wxsid>s</wxsid><wxuin>1</wxuin><pass_ticket>p</pass_ticket></error>",
    "<error><ret>1203</ret><message>no</message></error>",
    "<error><ret>0</ret><redirecturl>https://wx2.qq.com/</redirecturl></error>",
    "window.synccheck={retcode:\"0\",selector:\"0\"}",
    "window.synccheck={retcode:\"0\",selector:\"2\"}",
    "window.synccheck={retcode:\"1205\",selector:\"0\"}",
    "window.synccheck={retcode:\"-1\",selector:\"7\"}",
    r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]},"ContactList":[{"UserName":"@@r"}],"ChatSet":"@x,"}"#,
    r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"},"SyncKey":{"Count":0}}"#,
    r#"{"BaseResponse":{"Ret":0},"Seq":7,"MemberList":[{"UserName":"@@a"},{"UserName":"@@b"}],"ContactList":[{"UserName":"@@a"}]}"#,
    r#"{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":9}]}}"#,
    r#"{"BaseResponse":{"Ret":0},"ContinueFlag":1,"AddMsgList":[{"MsgId":"1"},{"MsgId":"1"},{"MsgId":"0"}]}"#,
    r#"{"BaseResponse":{"Ret":1}}"#,
    r#"{"BaseResponse":{"Ret":-1,"ErrMsg":"<e><Content>x"}}"#,
    r#"{"BaseResponse":{"Ret":1205}}"#,
    r#"{"BaseResponse":{"Ret":1100}}"#,
    r#"{"ret":"0","msg":"all ok","uuid":"abc=="}"#,
    r#"{"ret":"1","msg":"device authinfo invalid"}"#,
];

const KINDS: [FailureKind; 16] = [
    FailureKind::Proxy,
    FailureKind::ProxyAuthorization,
    FailureKind::Certificate,
    FailureKind::Resolve,
    FailureKind::Connect,
    FailureKind::Tls,
    FailureKind::Timeout,
    FailureKind::Closed,
    FailureKind::Truncated,
    FailureKind::TooLarge,
    FailureKind::Encoding,
    FailureKind::Protocol,
    FailureKind::Unsendable,
    FailureKind::Source,
    FailureKind::Cancelled,
    FailureKind::Other,
];

/// The next action of a driver.
#[derive(Clone, Debug)]
enum Step {
    /// Polls after the clock advanced by this many milliseconds.
    Poll(u64),
    /// Polls after the clock was set back.
    Back(u64),
    Reply(usize),
    Bytes(Vec<u8>),
    Fail(usize, bool),
    Piece,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_u64..2000).prop_map(Step::Poll),
        1 => any::<u64>().prop_map(Step::Poll),
        1 => any::<u64>().prop_map(Step::Back),
        8 => (0..BODIES.len()).prop_map(Step::Reply),
        1 => any::<Vec<u8>>().prop_map(Step::Bytes),
        2 => (0..KINDS.len(), any::<bool>()).prop_map(|(kind, sent)| Step::Fail(kind, sent)),
        1 => Just(Step::Piece),
    ]
}

fn input(step: &Step) -> Input {
    let reply = |bytes: Bytes| {
        let mut reply = http::Response::new(bytes);
        let line = http::HeaderValue::from_static("a=b; Max-Age=5");
        reply.headers_mut().append(http::header::SET_COOKIE, line);
        Input::Reply(Ok(reply))
    };
    match step {
        Step::Reply(at) => reply(Bytes::from_static(BODIES[*at].as_bytes())),
        Step::Bytes(bytes) => reply(bytes.clone().into()),
        Step::Fail(kind, sent) => {
            let sent = if *sent { Sent::Maybe } else { Sent::No };
            Input::Reply(Err(Failure::new(KINDS[*kind], sent)))
        }
        _ => Input::Piece(Ok(Bytes::from_static(b"piece"))),
    }
}

/// Plays steps; every poll must return.
fn play<F: Flow>(mut flow: F, state: &mut F::State, steps: &[Step]) {
    let mut now = NOW;
    for step in steps {
        match step {
            Step::Poll(on) => {
                now = now.after(Duration::from_millis(*on));
                drop(flow.poll(state, now));
            }
            Step::Back(back) => {
                now = Timestamp::from_millis(now.as_millis().saturating_sub(*back));
                drop(flow.poll(state, now));
            }
            other => flow.handle(input(other)),
        }
    }
}

/// Runs a flow against a service that answers at once and cycles through `replies`. Returns the
/// elapsed time at each request.
fn sends<F: Flow>(
    mut flow: F,
    state: &mut F::State,
    replies: &[Step],
    early: bool,
) -> Vec<Duration> {
    let (mut now, mut passed) = (NOW, Duration::ZERO);
    let mut sent = Vec::new();
    let mut replies = replies.iter().cycle();
    for _ in 0..2000 {
        if passed > Duration::from_secs(120) {
            break;
        }
        let wait = match flow.poll(state, now) {
            Err(Interrupt::Send(_)) => {
                sent.push(passed);
                match replies.next() {
                    // The clock jumps while the reply is under way.
                    Some(Step::Back(back)) => {
                        now = Timestamp::from_millis(now.as_millis().saturating_sub(*back));
                        flow.handle(input(&Step::Reply(0)));
                    }
                    Some(reply) => flow.handle(input(reply)),
                    None => return Vec::new(),
                }
                Duration::from_millis(1)
            }
            // A driver that polls early, or one that waits exactly as long as requested.
            Err(Interrupt::Sleep(wait)) if early => wait / 7 + Duration::from_millis(1),
            Err(Interrupt::Sleep(wait)) => wait,
            // A caller that continues after every result.
            Err(Interrupt::Fail(_)) | Ok(_) => Duration::from_millis(1),
            Err(Interrupt::Read(_)) => panic!("unexpected read"),
        };
        now = now.after(wait);
        passed += wait;
    }
    sent
}

/// Checks that there is at most one request a second in any 30 seconds, after the first `free`
/// requests.
fn is_slow(sent: &[Duration], free: usize) -> Result<(), TestCaseError> {
    let rest = sent.get(free..).unwrap_or_default();
    for (at, first) in rest.iter().enumerate() {
        let within =
            rest.iter().skip(at).take_while(|time| **time < *first + Duration::from_secs(30));
        let within = within.count();
        prop_assert!(within <= 30, "{} requests within 30 s from {:?}", within, first);
    }
    Ok(())
}

fn account() -> Account {
    let mut account = Account::from(session());
    account.session.chat_set = (0..60).map(|n| format!("@@{n}").parse().unwrap()).collect();
    account
}

/// Generates replies that do not advance any flow.
fn useless() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::sample::select(alloc::vec![0, 1, 2, 3, 4, 6, 11, 13, 15, 16, 19, 20, 22, 26, 27, 28])
            .prop_map(Step::Reply),
        1 => prop::collection::vec(any::<u8>(), 0..20).prop_map(Step::Bytes),
        2 => (0..KINDS.len(), any::<bool>()).prop_map(|(kind, sent)| Step::Fail(kind, sent)),
        1 => (0_u64..100_000_000).prop_map(Step::Back),
    ]
}

proptest! {
    #[test]
    fn flows_do_not_panic_on_any_inputs(steps in prop::collection::vec(step(), 0..120)) {
        play(Login::new(), &mut Device::new(), &steps);
        play(Login::again(), &mut session().into_device(), &steps);
        play(Inbox::new(), &mut account(), &steps);
        play(LoadContacts::new(), &mut account(), &steps);
        let mut account = account();
        play(Call::new(crate::sync::SyncCheck), &mut account.session, &steps);
        let text = crate::message::SendText::new("filehelper".parse().unwrap(), "x");
        play(Call::new(text), &mut account.session, &steps);
    }

    /// For any failures, there is at most one request a second from the fourth on.
    #[test]
    fn failures_are_slowed_down(
        replies in prop::collection::vec(useless(), 1..12), early in any::<bool>(),
    ) {
        is_slow(&sends(Inbox::new(), &mut account(), &replies, early), 3)?;
        // An empty page ends a contact list.
        let other: Vec<Step> = replies.iter().filter(|step| !matches!(step, Step::Reply(22))).cloned().collect();
        is_slow(&sends(LoadContacts::new(), &mut account(), &other, early), 3)?;
        is_slow(&sends(Login::new(), &mut Device::new(), &replies, early), 3)?;
        // The push login is tried on two hosts before the QR code.
        is_slow(&sends(Login::again(), &mut session().into_device(), &replies, early), 5)?;
    }

    /// A login that goes in circles, with codes, scans, refusals and expiries in any order. Three
    /// rounds without progress have at most six requests.
    #[test]
    fn circles_are_slowed_down(
        replies in prop::collection::vec(prop::sample::select(alloc::vec![5, 7, 9, 10, 13, 16, 0]), 1..9),
        early in any::<bool>(),
    ) {
        // Each request for a code is answered with a code, the next request with one of these.
        let replies: Vec<Step> = replies.into_iter().flat_map(|at| [Step::Reply(5), Step::Reply(at)]).collect();
        is_slow(&sends(Login::new(), &mut Device::new(), &replies, early), 12)?;
    }

    /// News without messages, and quick responses without news.
    #[test]
    fn empty_news_is_slowed_down(
        replies in prop::collection::vec(prop::sample::select(alloc::vec![17, 18, 18, 18, 24, 24]), 1..9),
        early in any::<bool>(),
    ) {
        let replies: Vec<Step> = replies.into_iter().map(Step::Reply).collect();
        is_slow(&sends(Inbox::new(), &mut account(), &replies, early), 8)?;
    }

    /// With `ContinueFlag` always set, there are at most a hundred fetches in a row.
    #[test]
    fn fetches_in_a_row_are_bounded(fresh in prop::collection::vec(any::<bool>(), 1..5)) {
        let mut account = account();
        let mut inbox = Inbox::new();
        let (mut now, mut row, mut longest, mut served) = (NOW, 0, 0, 0);
        for _ in 0..600 {
            match inbox.poll(&mut account, now) {
                Err(Interrupt::Send(request)) => {
                    served += 1;
                    let check = request.http.uri().path().ends_with("synccheck");
                    row = if check { 0 } else { row + 1 };
                    longest = longest.max(row);
                    let id = if fresh[served % fresh.len()] { served } else { 1 };
                    let body = if check {
                        String::from(BODIES[18])
                    } else {
                        format!(r#"{{"BaseResponse":{{"Ret":0}},"ContinueFlag":1,"AddMsgList":[{{"MsgId":"{id}"}}],"SyncKey":{{"Count":1,"List":[{{"Key":1,"Val":{served}}}]}}}}"#)
                    };
                    inbox.handle(Input::Reply(Ok(http::Response::new(body.into()))));
                }
                Err(Interrupt::Sleep(wait)) => now = now.after(wait),
                _ => {}
            }
        }
        prop_assert!(longest <= 100, "{}", longest);
    }
}

/// Flows are kept on the stack of the driver.
#[test]
fn flows_stay_small() {
    for size in [size_of::<Login>(), size_of::<Inbox>(), size_of::<LoadContacts>()] {
        assert!(size <= 2048, "{size}");
    }
}
