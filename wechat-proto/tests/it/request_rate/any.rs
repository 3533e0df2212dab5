//! Any sequence of replies, failures and clocks.

use proptest::collection::vec as many;
use proptest::prelude::*;
use proptest::sample::select;
use wechat_proto::Call;
use wechat_proto::message::SendText;
use wechat_proto::sync::SyncCheck;

use super::*;

const NOTHING: &str =
    r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"},"SyncKey":{"Count":0}}"#;
const QUIET: &str = "window.synccheck={retcode:\"0\",selector:\"0\"}";
const NEWS: &str = "window.synccheck={retcode:\"0\",selector:\"2\"}";
const EMPTY: &str =
    r#"{"BaseResponse":{"Ret":0},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":9}]}}"#;
const CANCELLED: &str = "window.code=202;";
const EXPIRED: &str = "window.code=400;";
const UNTRUSTED: &str = "window.code=200;window.redirect_uri=\"https://evil.example/cgi-bin/mmwebwx-bin/webwxnewloginpage?t=1\";";
const ELSEWHERE: &str = "<error><ret>0</ret><redirecturl>https://wx2.qq.com/</redirecturl></error>";

/// Replies that do not advance any flow.
const USELESS: [&str; 16] = [
    "",
    "<html>502</html>",
    "\u{0}",
    "{\"BaseResponse\":",
    "{}",
    "window.QRLogin.code = 400; window.QRLogin.uuid = \"\";",
    "window.code=402;",
    UNTRUSTED,
    REFUSED,
    ELSEWHERE,
    "window.synccheck={retcode:\"1205\",selector:\"0\"}",
    "window.synccheck={retcode:\"-1\",selector:\"7\"}",
    NOTHING,
    r#"{"BaseResponse":{"Ret":1}}"#,
    r#"{"BaseResponse":{"Ret":-1,"ErrMsg":"<e><Content>x"}}"#,
    r#"{"BaseResponse":{"Ret":1205}}"#,
];

/// Other replies.
const USEFUL: [&str; 18] = [
    CODE,
    PENDING,
    "window.code=201;window.userAvatar = 'data:img/jpg;base64,/9j';",
    CANCELLED,
    EXPIRED,
    CONFIRMED,
    PAGE,
    QUIET,
    NEWS,
    INIT,
    r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]},"ContactList":[{"UserName":"@@r"}],"ChatSet":"@x,"}"#,
    r#"{"BaseResponse":{"Ret":0},"Seq":7,"MemberList":[{"UserName":"@@a"},{"UserName":"@@b"}],"ContactList":[{"UserName":"@@a"}]}"#,
    EMPTY,
    r#"{"BaseResponse":{"Ret":0},"ContinueFlag":1,"AddMsgList":[{"MsgId":"1"},{"MsgId":"1"},{"MsgId":"0"}]}"#,
    r#"{"BaseResponse":{"Ret":1100}}"#,
    r#"{"ret":"0","msg":"all ok","uuid":"abc=="}"#,
    r#"{"ret":"1","msg":"device authinfo invalid"}"#,
    DONE,
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

/// The names of fields that the parsers read.
const FIELDS: [&str; 24] = [
    "BaseResponse", "Ret", "ErrMsg", "SKey", "SyncKey", "SyncCheckKey", "Count", "List", "Key",
    "Val", "AddMsgList", "MsgId", "MsgType", "FromUserName", "ToUserName", "Content", "User",
    "UserName", "NickName", "ChatSet", "ModContactList", "MemberList", "ContinueFlag", "Seq",
];

/// The next action of a driver.
#[derive(Clone, Debug)]
enum Step {
    /// Polls after the clock advanced by this many milliseconds.
    Poll(u64),
    /// Polls after the clock was set back.
    Back(u64),
    Reply(Vec<u8>),
    Fail(FailureKind, Sent),
    Piece,
}

fn text(text: &str) -> Step {
    Step::Reply(text.into())
}

fn failure() -> impl Strategy<Value = Step> {
    (select(&KINDS[..]), select(&[Sent::No, Sent::Maybe][..]))
        .prop_map(|(kind, sent)| Step::Fail(kind, sent))
}

/// Generates a successful reply with any other fields.
fn any_reply() -> impl Strategy<Value = Step> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(&[0_i64, 1, 3, 49, 51, 1100, 1205, i64::MAX][..]).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        ("[=@&%a ,]", 0_usize..40_000).prop_map(|(text, times)| Value::from(text.repeat(times))),
    ];
    let json = leaf.prop_recursive(4, 40, 6, |inner| {
        let object = many((select(&FIELDS[..]), inner.clone()), 0..8);
        prop_oneof![many(inner, 0..6).prop_map(Value::from), object.prop_map(Value::from_iter)]
    });
    many((select(&FIELDS[1..]), json), 0..8).prop_map(|fields| {
        let mut reply = Value::from_iter(fields);
        reply["BaseResponse"] = json!({ "Ret": 0 });
        if reply.get("User").is_none() {
            reply["User"] = json!({ "UserName": "@me", "NickName": "n" });
        }
        text(&reply.to_string())
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_u64..2000).prop_map(Step::Poll),
        1 => any::<u64>().prop_map(Step::Poll),
        1 => any::<u64>().prop_map(Step::Back),
        8 => select([&USELESS[..], &USEFUL[..]].concat()).prop_map(text),
        1 => any::<Vec<u8>>().prop_map(Step::Reply),
        2 => any_reply(),
        2 => failure(),
        1 => Just(Step::Piece),
    ]
}

fn input(step: &Step) -> Input {
    match step {
        Step::Reply(bytes) => {
            let mut reply = http::Response::new(Bytes::from(bytes.clone()));
            let line = http::HeaderValue::from_static("a=b; Max-Age=5");
            reply.headers_mut().append(http::header::SET_COOKIE, line);
            Input::Reply(Ok(reply))
        }
        Step::Fail(kind, sent) => failed(*kind, *sent),
        _ => Input::Piece(Ok(Bytes::from_static(b"piece"))),
    }
}

/// Runs the steps; every poll must return.
fn play<F: Flow>(mut flow: F, state: &mut F::State, steps: &[Step]) {
    let mut now = NOW;
    for step in steps {
        match step {
            Step::Poll(on) => now = now.after(Duration::from_millis(*on)),
            Step::Back(back) => now = Timestamp::from_millis(now.as_millis().saturating_sub(*back)),
            other => {
                flow.handle(input(other));
                continue;
            }
        }
        drop(flow.poll(state, now));
    }
}

/// Polls a flow a minute after each reply.
fn answer<F: Flow>(flow: F, state: &mut F::State, replies: &[Step]) {
    let minute = || Step::Poll(60_000);
    let steps: Vec<_> =
        replies.iter().flat_map(|reply| [minute(), reply.clone(), minute()]).collect();
    play(flow, state, &steps);
}

/// Generates replies that do not advance any flow.
fn useless() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => select(&USELESS[..]).prop_map(text),
        1 => many(any::<u8>(), 0..20).prop_map(Step::Reply),
        2 => failure(),
        1 => (0_u64..100_000_000).prop_map(Step::Back),
    ]
}

/// Checks that a flow sends at most one request a second, after the first `free` requests, to a
/// service that answers at once and cycles through `replies`.
fn is_slow<F: Flow>(
    make: impl Fn() -> F,
    state: &mut F::State,
    replies: &[Step],
    early: bool,
    free: usize,
) -> Result<(), TestCaseError> {
    if replies.is_empty() {
        return Ok(());
    }
    let mut replies = replies.iter().cycle();
    let serve = |_: &Request, clock: &mut Clock| {
        clock.pass(Duration::from_millis(1));
        match replies.next() {
            // The clock jumps while the reply is under way.
            Some(Step::Back(back)) => {
                clock.now = Timestamp::from_millis(clock.now.as_millis().saturating_sub(*back));
                ok("")
            }
            reply => input(reply.expect("a cycle is infinite")),
        }
    };
    let mut driver = Driver { early, time: Duration::from_secs(120), ..Driver::new() };
    let trace = driver.run(make, state, serve, |_| false);
    let most = trace.most(free);
    prop_assert!(most <= 30, "{most} requests within 30 s");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Threat R1. After any replies, the next request can be built and the session can be stored.
    #[test]
    fn flows_do_not_panic_on_any_inputs(steps in many(step(), 0..120), replies in many(any_reply(), 1..6)) {
        play(Login::new(), &mut Device::new(), &steps);
        play(Login::again(), &mut session().into_device(), &steps);
        play(Inbox::new(), &mut account(), &steps);
        play(LoadContacts::new(), &mut account(), &steps);
        play(Call::new(SyncCheck::new()), &mut session(), &steps);
        play(Call::new(SendText::new(UserName::file_helper(), "x")), &mut session(), &steps);

        let mut account = account();
        answer(Inbox::new(), &mut account, &replies);
        answer(LoadContacts::new(), &mut account, &replies);
        let again = Session::from_json(&account.session().to_json()).unwrap();
        answer(Inbox::new(), &mut Account::from(again), &replies);
        let opened = [&[CODE, CONFIRMED, PAGE].map(text)[..], &replies].concat();
        answer(Login::new(), &mut Device::new(), &opened);
        answer(Login::again(), &mut session().into_device(), &replies);
    }

    /// For any failures, there is at most one request a second from the fourth request on.
    #[test]
    fn failures_are_slowed_down(replies in many(useless(), 1..12), early in any::<bool>()) {
        is_slow(Inbox::new, &mut account(), &replies, early, 3)?;
        // An empty page ends a contact list.
        let is_page = |step: &Step| matches!(step, Step::Reply(bytes) if bytes == NOTHING.as_bytes());
        let other: Vec<Step> = replies.iter().filter(|step| !is_page(step)).cloned().collect();
        is_slow(LoadContacts::new, &mut account(), &other, early, 3)?;
        is_slow(Login::new, &mut Device::new(), &replies, early, 3)?;
        // The push login is tried on two hosts before the QR code.
        is_slow(Login::again, &mut session().into_device(), &replies, early, 5)?;
    }

    /// A login that goes in circles, with codes, scans, refusals and expiries in any order. Three
    /// rounds without progress have at most six requests.
    #[test]
    fn any_login_loops_are_slowed_down(
        replies in many(select(&[CODE, PENDING, CANCELLED, EXPIRED, UNTRUSTED, ELSEWHERE, ""][..]), 1..9),
        early in any::<bool>(),
    ) {
        // Each request for a code is answered with a code, and the next request with one of these.
        let replies: Vec<Step> = replies.into_iter().flat_map(|reply| [CODE, reply]).map(text).collect();
        is_slow(Login::new, &mut Device::new(), &replies, early, 12)?;
    }

    /// With `ContinueFlag` always set, there are at most a hundred fetches in a row.
    #[test]
    fn fetches_in_a_row_are_bounded(fresh in many(any::<bool>(), 1..5)) {
        let (mut row, mut longest, mut served) = (0, 0, 0);
        let serve = |request: &Request, _: &mut Clock| {
            served += 1;
            let check = path(request) == "synccheck";
            row = if check { 0 } else { row + 1 };
            longest = longest.max(row);
            let id = if fresh[served % fresh.len()] { served } else { 1 };
            ok(&if check { String::from(NEWS) } else { json!({
                "BaseResponse": { "Ret": 0 }, "ContinueFlag": 1, "AddMsgList": [{ "MsgId": id.to_string() }],
                "SyncKey": { "Count": 1, "List": [{ "Key": 1, "Val": served }] },
            }).to_string() })
        };
        let mut driver = Driver { requests: 300, time: Duration::MAX, ..Driver::new() };
        driver.run(Inbox::new, &mut Account::from(session()), serve, |_| false);
        prop_assert!(longest <= 100, "{}", longest);
    }
}

/// With values of maximum length, the request URI can still be built.
#[test]
fn long_skeys_are_truncated() {
    let mut account = account();
    for length in [4096, 4097, 30_000] {
        let json = json!({
            "BaseResponse": { "Ret": 0 }, "SKey": "=".repeat(length),
            "SyncKey": { "Count": 1, "List": [{ "Key": 1, "Val": length }] },
        });
        answer(Inbox::new(), &mut account, &[text(&json.to_string())]);
        let request = SyncCheck::new().request(account.session_mut(), NOW);
        assert_eq!(request.uri().query().unwrap().matches("%3D").count(), 4096);
    }
}
