//! Loops without progress, with a caller that continues to poll after every error: no loop may
//! send more than one request a second (`docs/threats.md` S6, S7).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use proptest::collection::vec as many;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::account::Account;
use crate::contact::LoadContacts;
use crate::device::Device;
use crate::error::{Failure, FailureKind, Sent};
use crate::flow::{Flow, Input, Interrupt, Request};
use crate::ids::UserName;
use crate::login::Login;
use crate::media::{LocalFile, Sizes, Upload};
use crate::sync::Inbox;
use crate::testing::form::form;
use crate::testing::{NOW, reply, session};
use crate::time::Timestamp;

const CODE: &str = "window.QRLogin.code = 200; window.QRLogin.uuid = \"gf5Gk61zEA==\";";
const CONFIRMED: &str = "window.code=200;window.redirect_uri=\"https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t\";";
const PAGE: &str = "<error><ret>0</ret><skey>k</skey><wxsid>s</wxsid><wxuin>7</wxuin><pass_ticket>p</pass_ticket></error>";
const INIT: &str = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]}}"#;

/// The uploaded file: three pieces.
const SOURCE: &[u8; 40] = b"0123456789abcdef0123456789abcdef01234567";

fn upload(length: u64, probe: u64) -> Upload {
    let file = LocalFile::new("a.zip", length).unwrap();
    Upload::with_sizes(UserName::file_helper(), file, Sizes { piece: 16, probe })
}

/// Polls for a minute and returns the times of the requests. `renewed` starts a new flow after each
/// error.
fn sends<F: Flow>(
    make: impl Fn() -> F,
    state: &mut F::State,
    renewed: bool,
    mut serve: impl FnMut(&Request) -> Input,
) -> Vec<Timestamp> {
    let (mut flow, mut now, mut sent) = (make(), NOW, Vec::new());
    // Stops if the flow keeps failing without sending.
    for _ in 0..20_000 {
        if now.since(NOW) >= Duration::from_secs(60) || sent.len() >= 5000 {
            break;
        }
        match flow.poll(state, now) {
            Ok(_) => {}
            Err(Interrupt::Send(request)) => {
                sent.push(now);
                let input = serve(&request);
                now = now.after(Duration::from_millis(5));
                flow.handle(input);
            }
            Err(Interrupt::Sleep(time)) => now = now.after(time),
            Err(Interrupt::Read(range)) => {
                let end = range.end.min(SOURCE.len() as u64);
                let piece = &SOURCE[range.start as usize..end as usize];
                flow.handle(Input::Piece(Ok(Bytes::from_static(piece))));
            }
            Err(_) if renewed => flow = make(),
            Err(_) => {}
        }
    }
    sent
}

/// Checks that there is at most one request a second in any 30 seconds, after the first `free`
/// requests.
fn is_slow(sent: &[Timestamp], free: usize) {
    for (at, start) in sent.iter().enumerate().skip(free) {
        let window = |time: &&Timestamp| time.since(*start) < Duration::from_secs(30);
        let count = sent[at..].iter().take_while(window).count();
        assert!(count <= 31, "{count} requests in 30 seconds, from number {at} of {}", sent.len());
    }
}

fn path(request: &Request) -> &str {
    request.http.uri().path().rsplit('/').next().unwrap()
}

#[test]
fn login_loops_are_slow() {
    let untrusted = "window.code=200;window.redirect_uri=\"https://wx.qq.com/\";";
    let elsewhere = "<error><ret>0</ret><redirecturl>/x</redirecturl></error>";
    let closed = r#"{"BaseResponse":{"Ret":1101}}"#;
    let expired = "window.code=400;";
    let refused = "<error><ret>1203</ret><message>no</message></error>";
    for (endpoint, body) in [
        ("login", untrusted),
        ("login", expired),
        ("login", "window.code=202;"),
        ("login", "window.code=408;"),
        ("login", "window.code=201;"),
        ("webwxnewloginpage", elsewhere),
        ("webwxnewloginpage", refused),
        ("webwxnewloginpage", "<html>"),
        ("webwxinit", closed),
        ("webwxinit", r#"{"BaseResponse":{"Ret":1}}"#),
        ("webwxstatusnotify", closed),
        ("jslogin", ""),
        ("webwxpushloginurl", r#"{"ret":"1","msg":"no"}"#),
        ("webwxpushloginurl", ""),
    ] {
        let mut logins = Vec::from([Login::new as fn() -> Login, Login::again]);
        if endpoint == "jslogin" {
            // A push login needs no code and completes.
            logins.pop();
        }
        for (login, renewed) in logins.into_iter().flat_map(|login| [(login, false), (login, true)])
        {
            // If the push is refused, the code that follows it is refused as well.
            let no_code = endpoint == "webwxpushloginurl";
            let mut device = session().into_device();
            let sent = sends(login, &mut device, renewed, |request| {
                let good = match path(request) {
                    "jslogin" if no_code => "",
                    "webwxpushloginurl" => r#"{"ret":"0","uuid":"gf5Gk61zEA=="}"#,
                    "jslogin" => CODE,
                    "login" => CONFIRMED,
                    "webwxnewloginpage" => PAGE,
                    "webwxinit" => INIT,
                    _ => r#"{"BaseResponse":{"Ret":0}}"#,
                };
                Input::Reply(Ok(reply(if path(request) == endpoint { body } else { good })))
            });
            is_slow(&sent, 18);
        }
    }
}

#[test]
fn contact_loads_without_progress_are_slow() {
    let rooms = |count: usize| {
        let members: Vec<Value> =
            (0..count).map(|n| json!({ "UserName": format!("@@{n}") })).collect();
        json!({ "BaseResponse": { "Ret": 0 }, "MemberList": members, "Seq": 0 }).to_string()
    };
    let empty = r#"{"BaseResponse":{"Ret":0},"ContactList":[]}"#;
    let refused = r#"{"BaseResponse":{"Ret":1}}"#;
    for renewed in [false, true] {
        // Empty pages whose sequence numbers never end.
        let mut seq = 0;
        let sent = sends(LoadContacts::new, &mut Account::from(session()), renewed, |_| {
            seq += 1;
            let json = format!(r#"{{"BaseResponse":{{"Ret":0}},"MemberList":[],"Seq":{seq}}}"#);
            Input::Reply(Ok(reply(&json)))
        });
        is_slow(&sent, 6);
        // A thousand rooms for which the service returns an empty list or a refusal.
        for body in [empty, refused] {
            let page = rooms(1000);
            let sent =
                sends(LoadContacts::new, &mut Account::from(session()), renewed, |request| {
                    let paging = path(request) == "webwxgetcontact";
                    Input::Reply(Ok(reply(if paging { &page } else { body })))
                });
            // Each restart begins with a page that is useful.
            is_slow(&sent, 6);
        }
    }
}

#[test]
fn an_unreachable_host_is_reported() {
    let fail = |_: &Request| Input::Reply(Err(Failure::new(FailureKind::Timeout, Sent::No)));
    let mut account = Account::from(session());
    let mut failures = 0;
    let (mut inbox, mut now) = (Inbox::new(), NOW);
    for _ in 0..60 {
        match inbox.poll(&mut account, now) {
            Err(Interrupt::Send(request)) => {
                now = now.after(Duration::from_secs(10));
                inbox.handle(fail(&request));
            }
            Err(Interrupt::Sleep(time)) => now = now.after(time),
            Err(Interrupt::Fail(_)) => failures += 1,
            _ => panic!("no message was sent"),
        }
    }
    assert!(failures >= 10, "{failures}");
}

#[test]
fn upload_loops_are_slow() {
    let page = |status: u16| {
        let mut page = reply("<html>");
        *page.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Input::Reply(Ok(page))
    };
    let json = |text: &str| Input::Reply(Ok(reply(text)));
    let taken = r#"{"BaseResponse":{"Ret":0},"MediaId":""}"#;
    let bad: [&dyn Fn() -> Input; 7] = [
        &|| json(r#"{"BaseResponse":{"Ret":1}}"#),
        &|| json(r#"{"BaseResponse":{"Ret":1205}}"#),
        &|| json(r#"{"BaseResponse":{"Ret":1101}}"#),
        &|| json(""),
        &|| page(402),
        &|| page(502),
        &|| Input::Reply(Err(Failure::new(FailureKind::Closed, Sent::Maybe))),
    ];
    for (bad, renewed) in bad.into_iter().flat_map(|bad| [(bad, false), (bad, true)]) {
        // The announcement, or the first, the second or the last piece.
        for (probe, at) in [(8, 0), (8, 1), (99, 0), (99, 1), (99, 2)] {
            let mut answered = 0;
            let make = || upload(40, probe);
            let sent = sends(make, &mut session(), renewed, |request| {
                let first = match path(request) {
                    "webwxcheckupload" => true,
                    _ => probe == 99 && chunk(request) == "0",
                };
                answered = if first { 0 } else { answered + 1 };
                if answered == at { bad() } else { json(taken) }
            });
            is_slow(&sent, 18);
        }
    }
    // The reply to the last piece has no media id; then a source that is too short.
    for renewed in [false, true] {
        let sent = sends(|| upload(40, 99), &mut session(), renewed, |_| json(taken));
        is_slow(&sent, 18);
        let mut served = false;
        let sent = sends(
            || upload(41, 99),
            &mut session(),
            renewed,
            |_| {
                served = true;
                json(taken)
            },
        );
        assert!(sent.is_empty() && !served);
    }
}

/// Returns the number of a piece, from its form.
fn chunk(request: &Request) -> String {
    let form = form(&request.http);
    form.iter().find(|part| part.name == "chunk").unwrap().text().to_string()
}

/// A new flow continues the back-off of the previous one.
#[test]
fn a_new_flow_continues_the_back_off() {
    let mut account = Account::from(session());
    let broken = |_: &Request| Input::Reply(Err(Failure::new(FailureKind::Connect, Sent::No)));
    is_slow(&sends(Inbox::new, &mut account, true, broken), 4);
    is_slow(&sends(LoadContacts::new, &mut account, true, broken), 4);
    is_slow(&sends(Login::new, &mut Device::new(), true, broken), 4);
    is_slow(&sends(|| upload(40, 99), &mut session(), true, broken), 4);
    is_slow(&sends(Login::again, &mut session().into_device(), true, broken), 4);
}

/// The names of fields that the parsers read.
const FIELDS: [&str; 24] = [
    "BaseResponse",
    "Ret",
    "ErrMsg",
    "SKey",
    "SyncKey",
    "SyncCheckKey",
    "Count",
    "List",
    "Key",
    "Val",
    "AddMsgList",
    "MsgId",
    "MsgType",
    "FromUserName",
    "ToUserName",
    "Content",
    "User",
    "UserName",
    "NickName",
    "ChatSet",
    "ModContactList",
    "MemberList",
    "ContinueFlag",
    "Seq",
];

/// Generates JSON of these fields with values of any type.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![0_i64, 1, 3, 49, 51, 1100, 1205, i64::MAX]).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        ("[=@&%a ,]", 0_usize..40_000).prop_map(|(text, times)| Value::from(text.repeat(times))),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            many(inner.clone(), 0..6).prop_map(Value::from),
            many((prop::sample::select(&FIELDS[..]), inner), 0..8).prop_map(|fields| {
                Value::Object(
                    fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
                )
            }),
        ]
    })
}

/// Generates a successful reply with arbitrary other fields.
fn any_reply() -> impl Strategy<Value = String> {
    (many((prop::sample::select(&FIELDS[1..]), any_json()), 0..8)).prop_map(|fields| {
        let mut object: serde_json::Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        object.insert("BaseResponse".into(), json!({ "Ret": 0 }));
        let name = json!({ "UserName": "@me", "NickName": "n" });
        object.entry("User").or_insert(name);
        Value::Object(object).to_string()
    })
}

/// Polls a flow with these replies.
fn play<F: Flow>(mut flow: F, state: &mut F::State, replies: &[String]) {
    let mut replies = replies.iter();
    for step in 0..40_u64 {
        if let Err(Interrupt::Send(_)) = flow.poll(state, NOW.after(Duration::from_secs(step * 60)))
        {
            let Some(json) = replies.next() else { return };
            flow.handle(Input::Reply(Ok(reply(json))));
        }
    }
}

proptest! {
    /// After any reply, the next request can be built and the session can be stored.
    #[test]
    fn flows_continue_after_any_reply(replies in many(any_reply(), 1..6)) {
        let mut account = Account::from(session());
        play(Inbox::new(), &mut account, &replies);
        play(LoadContacts::new(), &mut account, &replies);
        let stored = account.session().to_json();
        let again = crate::session::Session::from_json(&stored).unwrap();
        play(Inbox::new(), &mut Account::from(again), &replies);
        let start = [CODE, CONFIRMED, PAGE].map(String::from);
        play(Login::new(), &mut Device::new(), &[&start[..], &replies[..]].concat());
        play(Login::again(), &mut session().into_device(), &replies);
    }
}

/// With values of maximum length, the request URI can still be built.
#[test]
fn long_skeys_are_truncated() {
    let mut account = Account::from(session());
    for length in [4096, 4097, 30_000] {
        let json = json!({
            "BaseResponse": { "Ret": 0 }, "SKey": "=".repeat(length),
            "SyncKey": { "Count": 1, "List": [{ "Key": 1, "Val": length }] },
        });
        play(Inbox::new(), &mut account, &[json.to_string()]);
        assert_eq!(account.session.auth.skey.expose().len(), 4096);
    }
}
