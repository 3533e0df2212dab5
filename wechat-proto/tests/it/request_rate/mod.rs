//! The rate of requests: no loop without progress sends more than one request a second, and no wait takes
//! longer than announced, for any replies of the service and any jumps of the clock (`docs/threats.md`
//! S6, S7, C1).

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use wechat_fuzz::NOW;
use wechat_proto::contact::LoadContacts;
use wechat_proto::error::{Failure, FailureKind, Sent};
use wechat_proto::flow::Request;
use wechat_proto::fuzz::upload_in_pieces;
use wechat_proto::login::{Credentials, InitSession, Login, Progress};
use wechat_proto::media::{GetVoice, LocalFile, RetryEmpty, Upload};
use wechat_proto::sync::Inbox;
use wechat_proto::{
    Account, Device, Endpoint as _, Flow, Input, Interrupt, MsgId, Session, Timestamp, UserName,
};

use crate::form::form;
use crate::reply;

mod any;
mod clock;

const CODE: &str = "window.QRLogin.code = 200; window.QRLogin.uuid = \"gf5Gk61zEA==\";";
const PENDING: &str = "window.code=408;";
const SCANNED: &str = "window.code=201;";
const CONFIRMED: &str = "window.code=200;window.redirect_uri=\"https://wx.qq.com/cgi-bin/mmwebwx-bin/webwxnewloginpage?ticket=t\";";
const PAGE: &str = "<error><ret>0</ret><skey>k</skey><wxsid>s</wxsid><wxuin>7</wxuin><pass_ticket>p</pass_ticket></error>";
const REFUSED: &str = "<error><ret>1203</ret><message>no</message></error>";
const INIT: &str = r#"{"BaseResponse":{"Ret":0},"User":{"UserName":"@me"},"SyncKey":{"Count":1,"List":[{"Key":1,"Val":1}]}}"#;
const PUSHED: &str = r#"{"ret":"0","uuid":"gf5Gk61zEA=="}"#;
const DONE: &str = r#"{"BaseResponse":{"Ret":0}}"#;

/// The uploaded file: three pieces.
const SOURCE: &[u8; 40] = b"0123456789abcdef0123456789abcdef01234567";

fn upload(length: u64, announced: u64) -> Upload {
    let file = LocalFile::new("a.zip", length).unwrap();
    upload_in_pieces(UserName::file_helper(), file, 16, announced)
}

/// Returns an account with 60 recent chats.
fn account() -> Account {
    let rooms: Vec<_> = (0..60).map(|n| format!("@@{n}")).collect();
    let init = json!({
        "BaseResponse": { "Ret": 0 }, "User": { "UserName": "@me", "Uin": 7 }, "ChatSet": rooms.join(","),
        "SyncKey": { "Count": 1, "List": [{ "Key": 1, "Val": 1 }] },
    });
    let credentials = Credentials::new("7", "sid", "skey", "ticket").unwrap();
    let init = InitSession::new(credentials.clone()).parse(&reply(&init.to_string())).unwrap();
    Account::open(Device::new(), credentials, init, NOW)
}

fn session() -> Session {
    account().session().clone()
}

fn ok(body: &str) -> Input {
    Input::Reply(Ok(reply(body)))
}

fn failed(kind: FailureKind, sent: Sent) -> Input {
    Input::Reply(Err(Failure::new(kind, sent)))
}

/// Returns the last segment of the path.
fn path(request: &Request) -> &str {
    request.http.uri().path().rsplit('/').next().unwrap()
}

/// A clock that may jump, and the time that really passed.
#[derive(Clone, Debug)]
struct Clock {
    now: Timestamp,
    passed: Duration,
    /// The part of the time that the clock did not show because it was set back.
    hidden: Duration,
    /// The seconds by which the clock is set forward (or back) at each event, in turn.
    jumps: Vec<i64>,
    events: usize,
}

impl Clock {
    fn new(jumps: &[i64]) -> Self {
        let zero = Duration::ZERO;
        Self { now: NOW, passed: zero, hidden: zero, jumps: jumps.into(), events: 0 }
    }

    /// Lets time pass, with a jump of the clock meanwhile.
    fn pass(&mut self, time: Duration) {
        self.passed += time;
        let jump = self.jumps.get(self.events % self.jumps.len().max(1)).copied().unwrap_or(0);
        self.events += 1;
        if jump < 0 {
            self.hidden += time.min(Duration::from_secs(jump.unsigned_abs()));
        }
        let jumped = self.now.as_millis().saturating_add_signed(jump.saturating_mul(1000));
        self.now = Timestamp::from_millis(jumped).after(time);
    }
}

/// A driver that continues after every result.
struct Driver {
    clock: Clock,
    /// Polls earlier than the flow requests.
    early: bool,
    /// Starts a new flow after each error.
    renewed: bool,
    /// The number of requests, and the time, after which it stops.
    requests: usize,
    time: Duration,
}

/// The times of the requests, without hidden time; the number of errors; whether it is done.
struct Trace {
    sent: Vec<Duration>,
    errors: usize,
    is_done: bool,
}

impl Driver {
    fn new() -> Self {
        let time = Duration::from_secs(60);
        Self { clock: Clock::new(&[]), early: false, renewed: false, requests: 5000, time }
    }

    /// Runs a flow until `done` accepts an output, or a limit is reached.
    fn run<F: Flow>(
        &mut self,
        make: impl Fn() -> F,
        state: &mut F::State,
        mut serve: impl FnMut(&Request, &mut Clock) -> Input,
        mut done: impl FnMut(F::Output) -> bool,
    ) -> Trace {
        let mut flow = make();
        let (mut trace, clock) =
            (Trace { sent: Vec::new(), errors: 0, is_done: false }, &mut self.clock);
        let start = clock.passed;
        // Stops if the flow keeps failing without sending.
        for _ in 0..20_000 {
            if clock.passed - start > self.time {
                break;
            }
            match flow.poll(state, clock.now) {
                Err(Interrupt::Send(_)) if trace.sent.len() >= self.requests => break,
                Err(Interrupt::Send(request)) => {
                    trace.sent.push(clock.passed - clock.hidden);
                    let input = serve(&request, clock);
                    flow.handle(input);
                }
                Err(Interrupt::Sleep(time)) => {
                    assert!(time <= Duration::from_secs(30), "{time:?}");
                    let early = time / 7 + Duration::from_millis(1);
                    clock.pass(if self.early { early } else { time });
                }
                Err(Interrupt::Read(range)) => {
                    let place = |at: u64| usize::try_from(at).unwrap().min(SOURCE.len());
                    let piece = &SOURCE[place(range.start)..place(range.end)];
                    flow.handle(Input::Piece(Ok(Bytes::from_static(piece))));
                }
                Err(Interrupt::Fail(_)) => {
                    trace.errors += 1;
                    clock.pass(Duration::from_millis(1));
                    if self.renewed {
                        flow = make();
                    }
                }
                Ok(output) => {
                    trace.is_done = done(output);
                    if trace.is_done {
                        break;
                    }
                    clock.pass(Duration::from_millis(1));
                }
            }
        }
        trace
    }

    /// Runs a flow against a service that answers after 5 ms.
    fn loops<F: Flow>(
        &mut self,
        make: impl Fn() -> F,
        state: &mut F::State,
        mut serve: impl FnMut(&Request) -> Input,
    ) -> Trace {
        let serve = |request: &Request, clock: &mut Clock| {
            clock.pass(Duration::from_millis(5));
            serve(request)
        };
        self.run(make, state, serve, |_| false)
    }
}

impl Trace {
    /// Returns the largest number of requests in any 30 seconds, after the first `free` requests.
    fn most(&self, free: usize) -> usize {
        let rest = self.sent.get(free..).unwrap_or_default();
        let count = |(at, first): (usize, &Duration)| {
            let within = |time: &&Duration| **time < *first + Duration::from_secs(30);
            rest.iter().skip(at).take_while(within).count()
        };
        rest.iter().enumerate().map(count).max().unwrap_or(0)
    }

    /// Asserts that there is at most one request a second.
    #[track_caller]
    fn is_slow(&self, free: usize) {
        let most = self.most(free);
        assert!(most <= 31, "{most} requests in 30 seconds of {}", self.sent.len());
    }

    /// Returns the longest time between two requests.
    fn longest(&self) -> Duration {
        self.sent.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default()
    }
}

/// Returns a driver for a flow, and one that starts a new flow after each error.
fn drivers() -> [Driver; 2] {
    [Driver::new(), Driver { renewed: true, ..Driver::new() }]
}

#[test]
fn login_loops_are_slow() {
    let elsewhere = "<error><ret>0</ret><redirecturl>/x</redirecturl></error>";
    let closed = r#"{"BaseResponse":{"Ret":1101}}"#;
    for (endpoint, body) in [
        ("login", "window.code=200;window.redirect_uri=\"https://wx.qq.com/\";"),
        ("login", "window.code=400;"),
        ("login", "window.code=202;"),
        ("login", PENDING),
        ("login", SCANNED),
        ("webwxnewloginpage", elsewhere),
        ("webwxnewloginpage", REFUSED),
        ("webwxnewloginpage", "<html>"),
        ("webwxinit", closed),
        ("webwxinit", r#"{"BaseResponse":{"Ret":1}}"#),
        ("webwxstatusnotify", closed),
        ("jslogin", ""),
        ("webwxpushloginurl", r#"{"ret":"1","msg":"no"}"#),
        ("webwxpushloginurl", ""),
    ] {
        // A push login needs no code and completes.
        let again = (endpoint != "jslogin").then_some(Login::again as fn() -> Login);
        for login in [Login::new as fn() -> Login].into_iter().chain(again) {
            for mut driver in drivers() {
                // If the push is refused, the code that follows it is refused as well.
                let no_code = endpoint == "webwxpushloginurl";
                let trace = driver.loops(login, &mut session().into_device(), |request| {
                    let good = match path(request) {
                        "jslogin" if no_code => "",
                        "webwxpushloginurl" => PUSHED,
                        "jslogin" => CODE,
                        "login" => CONFIRMED,
                        "webwxnewloginpage" => PAGE,
                        "webwxinit" => INIT,
                        _ => DONE,
                    };
                    ok(if path(request) == endpoint { body } else { good })
                });
                trace.is_slow(18);
            }
        }
    }
}

#[test]
fn contact_loads_without_progress_are_slow() {
    let rooms: Vec<Value> = (0..1000).map(|n| json!({ "UserName": format!("@@{n}") })).collect();
    let page = json!({ "BaseResponse": { "Ret": 0 }, "MemberList": rooms, "Seq": 0 }).to_string();
    for mut driver in drivers() {
        // All pages are empty, but each names a next page.
        let mut seq = 0;
        let trace = driver.loops(LoadContacts::new, &mut account(), |_| {
            seq += 1;
            ok(&format!(r#"{{"BaseResponse":{{"Ret":0}},"MemberList":[],"Seq":{seq}}}"#))
        });
        trace.is_slow(6);
    }
    // A thousand rooms for which the service returns an empty list or a refusal.
    for body in [r#"{"BaseResponse":{"Ret":0},"ContactList":[]}"#, r#"{"BaseResponse":{"Ret":1}}"#]
    {
        for mut driver in drivers() {
            let trace = driver.loops(LoadContacts::new, &mut account(), |request| {
                ok(if path(request) == "webwxgetcontact" { &page } else { body })
            });
            // Each restart begins with a page that is useful.
            trace.is_slow(6);
        }
    }
}

#[test]
fn upload_loops_are_slow() {
    let page = |status: u16| {
        let mut page = reply("<html>");
        *page.status_mut() = http::StatusCode::from_u16(status).unwrap();
        Input::Reply(Ok(page))
    };
    let taken = r#"{"BaseResponse":{"Ret":0},"MediaId":""}"#;
    let bad: [&dyn Fn() -> Input; 7] = [
        &|| ok(r#"{"BaseResponse":{"Ret":1}}"#),
        &|| ok(r#"{"BaseResponse":{"Ret":1205}}"#),
        &|| ok(r#"{"BaseResponse":{"Ret":1101}}"#),
        &|| ok(""),
        &|| page(402),
        &|| page(502),
        &|| failed(FailureKind::Closed, Sent::Maybe),
    ];
    for bad in bad {
        // The announcement, or the first, the second or the last piece.
        for (announced, at) in [(8, 0), (8, 1), (99, 0), (99, 1), (99, 2)] {
            for mut driver in drivers() {
                let mut answered = 0;
                let trace = driver.loops(
                    || upload(40, announced),
                    &mut session(),
                    |request| {
                        let is_first = match path(request) {
                            "webwxcheckupload" => true,
                            _ => announced == 99 && chunk(request) == "0",
                        };
                        answered = if is_first { 0 } else { answered + 1 };
                        if answered == at { bad() } else { ok(taken) }
                    },
                );
                trace.is_slow(18);
            }
        }
    }
    for mut driver in drivers() {
        // First the reply to the last piece has no media id; then the source is too short.
        driver.loops(|| upload(40, 99), &mut session(), |_| ok(taken)).is_slow(18);
        let trace = driver.loops(|| upload(41, 99), &mut session(), |_| ok(taken));
        assert!(trace.sent.is_empty());
    }
}

/// Returns the number of a piece, from its form.
fn chunk(request: &Request) -> String {
    form(&request.http).iter().find(|part| part.name == "chunk").unwrap().text().into()
}

/// A new flow continues the back-off of the previous one.
#[test]
fn a_new_flow_continues_the_back_off() {
    let broken = |_: &Request| failed(FailureKind::Connect, Sent::No);
    let mut driver = Driver { renewed: true, ..Driver::new() };
    driver.loops(Inbox::new, &mut account(), broken).is_slow(4);
    driver.loops(LoadContacts::new, &mut account(), broken).is_slow(4);
    driver.loops(Login::new, &mut Device::new(), broken).is_slow(4);
    driver.loops(Login::again, &mut session().into_device(), broken).is_slow(4);
    driver.loops(|| upload(40, 99), &mut session(), broken).is_slow(4);
}

#[test]
fn an_unreachable_host_is_reported() {
    let mut driver = Driver { requests: 40, time: Duration::MAX, ..Driver::new() };
    let serve = |_: &Request, clock: &mut Clock| {
        clock.pass(Duration::from_secs(10));
        failed(FailureKind::Timeout, Sent::No)
    };
    let trace = driver.run(Inbox::new, &mut account(), serve, |_| panic!("no message was sent"));
    assert!(trace.errors >= 10, "{}", trace.errors);
}

/// Flows are kept on the stack of the driver.
#[test]
fn flows_stay_small() {
    for size in [size_of::<Login>(), size_of::<Inbox>(), size_of::<LoadContacts>()] {
        assert!(size <= 2048, "{size}");
    }
}
