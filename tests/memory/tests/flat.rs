//! Memory usage stays flat over messages, logins and unknown senders.
//!
//! The bot is a client of the async adapter over an in-memory service without state, so only the
//! bot's memory can grow. `WECHAT_MESSAGES=1000000` runs more than the default of 20,000 messages,
//! and 50,000 instead of 15,000 unknown senders:
//!
//! `WECHAT_MESSAGES=1000000 cargo test --release -p wechat-memory -- --nocapture`

use std::env;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::rt::{Sleep, Timer};
use serde_json::Value;
use tower_service::Service;
use wechat_memory::{Counting, alone, live, most};
use wechat_proto::{Device, Hosts, Session, Timestamp};
use wechat_simulator::{Server, Simulator, World};
use wechat_transport_hyper::{BoxError, Client, Options, RequestBody, Transport};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allowed difference between measurements: threads of the test harness, and the growth steps
/// of trees and queues.
const SLACK: usize = 64 << 10;

/// Threat B2, R2: the inbox with its directory, the remembered messages and the seen ids; the
/// session is stored once per batch.
#[test]
fn messages_leak_no_memory() {
    let _turn = alone();
    let messages = requested_messages().unwrap_or(20_000);
    let fixture = Fixture::new(300);
    let client = fixture.client();
    let mut measures = Vec::new();
    let mut stored = String::new();
    let mut stream = client.messages();
    let start = Instant::now();
    for number in 1..=messages {
        let message = finish(stream.next()).unwrap().unwrap();
        // The number of stored ids is largest in the middle of a batch. Each store copies 4,096
        // ids.
        if number % BATCH == BATCH / 2 {
            let mut session = client.session();
            session.acknowledge(&message);
            stored = session.to_json();
        }
        drop(message);
        // No batch is fetched ahead.
        assert_eq!(fixture.service.fetches.load(Ordering::Relaxed), number.div_ceil(BATCH));
        // At the start of a batch, all but one of its messages are pending.
        if number % BATCH == 1 && (number / BATCH).is_multiple_of(messages / BATCH / 20) {
            measures.push((number, live(), most(), stored.len()));
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    for (number, held, most, text) in &measures {
        println!("{number}: {held} bytes held, at most {most} since; session {text} bytes");
    }
    println!("{messages} messages, {:.0} a second", messages as f64 / seconds);
    // Up to 4,096 ids of finished batches are kept; memory grows until then.
    let full: Vec<_> = measures.iter().filter(|(number, ..)| *number > 5_000).collect();
    let first = measures.iter().find(|(number, ..)| *number > 1_900).unwrap();
    let last = measures.last().unwrap();
    let ids = (4_096 + BATCH) * 200;
    assert!(last.1 < first.1 + ids + SLACK, "{} after {}", last.1, first.1);
    for (number, held, most, text) in &full {
        assert!(held.abs_diff(full[0].1) < SLACK, "{held} bytes after {number} messages");
        assert!(*most < full[0].1 + (2 << 20), "{most} bytes at some moment before {number}");
        assert!(*text < 64 << 10, "{text} bytes of session");
    }
}

/// Threat B2, J7: unknown senders, each once. The directory keeps the most recent ones.
#[test]
fn directory_of_strangers_is_bounded() {
    let _turn = alone();
    let strangers = if requested_messages().is_some() { 50_000 } else { 15_000 };
    let fixture = Fixture::new(usize::MAX);
    let client = fixture.client();
    let mut stream = client.messages();
    let mut measures = Vec::new();
    let mut lookups = 0;
    for number in 1..=strangers {
        drop(finish(stream.next()).unwrap().unwrap());
        if number % (strangers / 10) == 0 {
            let directory = client.directory();
            measures.push((number, directory.len(), live()));
            lookups = fixture.service.lookups.load(Ordering::Relaxed);
        }
    }
    for (number, known, held) in &measures {
        println!("{number} strangers: {known} known, {held} bytes held");
    }
    assert!(lookups > strangers * 9 / 10, "{lookups} lookups");
    let full: Vec<_> = measures.iter().filter(|(number, ..)| *number > 6_000).collect();
    for (number, known, held) in &full {
        assert!(*known <= 4_096 + 300, "{known} known after {number}");
        assert!(held.abs_diff(full[0].2) < 4 * SLACK, "{held} bytes after {number}");
    }
}

/// Logins, resumptions and their failures leak no memory.
#[test]
fn logins_leak_no_memory() {
    let _turn = alone();
    let mut first = 0;
    for number in 0..60 {
        let simulator = Simulator::new(World::demo());
        let stored = log_in(&simulator).to_json();
        for _ in 0..5 {
            let session = Session::from_json(&stored).unwrap();
            let client = Client::resume(&transport(&simulator), session).unwrap();
            assert!(finish(client.contacts()).unwrap().len() > 10);
            let mut messages = client.messages();
            simulator.world().person_writes("filehelper", "x");
            assert!(finish(messages.next()).unwrap().is_ok());
            assert!(Session::from_json(&stored[..stored.len() / 2]).is_err());
        }
        drop((stored, simulator));
        if number == 9 {
            first = live();
        }
    }
    println!("{first} bytes held after 10 logins, {} after 60", live());
    assert!(live().abs_diff(first) < 4 << 10, "{} after {first}", live());
}

/// Checks the same over sockets, where the adapters use connections and threads.
#[test]
fn logins_over_sockets_leak_no_memory() {
    let _turn = alone();
    let mut first = 0;
    for number in 0..30 {
        let simulator = Simulator::new(World::demo());
        simulator.then(Duration::ZERO, |world| world.phone().scan());
        simulator.then(Duration::ZERO, |world| world.phone().confirm());
        let server = Server::http(&simulator).unwrap();
        server.real_time();
        let mut device = Device::new().with_hosts(Hosts::all(server.origin().parse().unwrap()));
        let transport = || wechat_transport_ureq::Transport::new(Default::default()).unwrap();
        let client = wechat_transport_ureq::Client::login(&transport(), &mut device, |_| {});
        let session = client.unwrap().session();
        let client = wechat_transport_ureq::Client::resume(&transport(), session).unwrap();
        assert!(client.contacts().unwrap().len() > 10);
        drop((client, device, server, simulator));
        if number == 9 {
            first = live();
        }
    }
    println!("{first} bytes held after 10 logins over sockets, {} after 30", live());
    assert!(live().abs_diff(first) < SLACK, "{} after {first}", live());
}

/// Returns the number of messages that `WECHAT_MESSAGES` requests.
fn requested_messages() -> Option<usize> {
    env::var("WECHAT_MESSAGES").ok().map(|number| number.parse().unwrap())
}

/// Logs in over an in-memory service.
fn log_in(simulator: &Simulator) -> Session {
    simulator.then(Duration::from_secs(1), |world| world.phone().scan());
    simulator.then(Duration::from_secs(1), |world| world.phone().confirm());
    let mut device = Device::new();
    finish(Client::login(&transport(simulator), &mut device, |_| {})).unwrap().session()
}

/// Returns a transport to a simulator, with its clock.
fn transport(simulator: &Simulator) -> Transport {
    let (answering, clock, turned) = (simulator.clone(), simulator.clone(), simulator.clone());
    let options = Options::default().clock(move || Timestamp::from_millis(clock.now()));
    let service = Wire(move |request| answering.respond(&request));
    let timer = JumpingTimer(Arc::new(move |time| turned.world().advance(time)));
    Transport::with_service(options, service, timer)
}

/// Polls a future that needs no waker to completion.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// The stored session of a bot, and its service.
struct Fixture {
    stored: String,
    service: Arc<Endless>,
}

impl Fixture {
    /// Creates a service with this number of senders, which repeat cyclically.
    fn new(senders: usize) -> Self {
        let simulator = Simulator::new(World::new(3));
        let session = log_in(&simulator);
        let service = Endless {
            me: session.me().user_name.to_string(),
            senders,
            clock: Mutex::new(simulator.now()),
            fetches: AtomicUsize::new(0),
            lookups: AtomicUsize::new(0),
        };
        Self { stored: session.to_json(), service: Arc::new(service) }
    }

    fn client(&self) -> Client {
        let [answering, clock, turned] = [(); 3].map(|()| Arc::clone(&self.service));
        let turn = move |time: Duration| {
            *turned.clock.lock().unwrap() += time.as_millis() as u64;
        };
        let options = Options::default()
            .clock(move || Timestamp::from_millis(*clock.clock.lock().unwrap()))
            .seed([6; 32]);
        let service = Wire(move |request| answering.respond(&request));
        let timer = JumpingTimer(Arc::new(turn));
        let transport = Transport::with_service(options, service, timer);
        Client::resume(&transport, Session::from_json(&self.stored).unwrap()).unwrap()
    }
}

/// The number of messages in a sync response.
const BATCH: usize = 50;

/// A stateless service that always has fifty more messages.
struct Endless {
    me: String,
    senders: usize,
    /// The time in milliseconds.
    clock: Mutex<u64>,
    fetches: AtomicUsize,
    /// The number of looked-up names.
    lookups: AtomicUsize,
}

impl Endless {
    fn respond(&self, request: &Request<Bytes>) -> Response<Bytes> {
        *self.clock.lock().unwrap() += 3_000;
        let text = match request.uri().path().rsplit('/').next().unwrap() {
            "synccheck" => r#"window.synccheck={retcode:"0",selector:"2"}"#.to_owned(),
            "webwxsync" => self.batch(),
            "webwxbatchgetcontact" => self.records(request.body()),
            other => panic!("{other}"),
        };
        Response::new(text.into())
    }

    /// Returns texts from persons, in rooms and from the account's phone, some of them long and
    /// some revoked.
    fn batch(&self) -> String {
        let start = self.fetches.fetch_add(1, Ordering::Relaxed) * BATCH;
        let id = |number: usize| 7_000_000_000_000_000_000 + number as u64;
        let messages = (start..start + BATCH).map(|number| {
            let sender = format!("@speaker{:060}", number % self.senders);
            let me = &self.me;
            let (from, to, content) = match number % 10 {
                _ if self.senders == usize::MAX => (sender, me.clone(), "hello".to_owned()),
                0 => (me.clone(), sender, "mine".to_owned()),
                1..4 => {
                    let room = format!("@@room{:060}", number % 7);
                    (room, me.clone(), format!("{sender}:<br/>{}", "群".repeat(number % 200)))
                }
                _ => (sender, me.clone(), "long ".repeat(number % 500)),
            };
            let (kind, content) = if self.senders != usize::MAX && number % 10 == 9 {
                let taken = id(number - 1);
                let xml = format!(
                    "&lt;sysmsg type=\"revokemsg\"&gt;&lt;revokemsg&gt;&lt;session&gt;x&lt;/session&gt;&lt;oldmsgid&gt;1&lt;/oldmsgid&gt;&lt;msgid&gt;{taken}&lt;/msgid&gt;&lt;replacemsg&gt;&lt;![CDATA[gone]]&gt;&lt;/replacemsg&gt;&lt;/revokemsg&gt;&lt;/sysmsg&gt;"
                );
                (10_002, xml.replace('"', "\\\""))
            } else {
                (1, content)
            };
            format!(
                r#"{{"MsgId":"{0}","FromUserName":"{from}","ToUserName":"{to}","MsgType":{kind},"Content":"{content}","Status":3,"CreateTime":1700000000,"NewMsgId":{0}}}"#,
                id(number)
            )
        });
        let messages: Vec<String> = messages.collect();
        let key = start + BATCH;
        format!(
            r#"{{"BaseResponse":{{"Ret":0,"ErrMsg":""}},"AddMsgCount":{BATCH},"AddMsgList":[{}],"ContinueFlag":{},"SyncKey":{{"Count":1,"List":[{{"Key":1,"Val":{key}}}]}},"SyncCheckKey":{{"Count":1,"List":[{{"Key":1,"Val":{key}}}]}}}}"#,
            messages.join(","),
            // Some batches are followed by more, others by a check.
            i32::from(self.senders != usize::MAX && start.is_multiple_of(4 * BATCH)),
        )
    }

    fn records(&self, body: &[u8]) -> String {
        let body: Value = serde_json::from_slice(body).unwrap();
        let names = body["List"].as_array().unwrap();
        self.lookups.fetch_add(names.len(), Ordering::Relaxed);
        let records = names.iter().map(|item| {
            let name = item["UserName"].as_str().unwrap();
            let members: Vec<String> = (0..20)
                .filter(|_| name.starts_with("@@"))
                .map(|n| format!(r#"{{"UserName":"@speaker{n:060}","NickName":"member {n}"}}"#))
                .collect();
            format!(
                r#"{{"UserName":"{name}","NickName":"somebody","Signature":"{}","MemberCount":{},"MemberList":[{}]}}"#,
                "words ".repeat(10),
                members.len(),
                members.join(",")
            )
        });
        let records: Vec<String> = records.collect();
        format!(
            r#"{{"BaseResponse":{{"Ret":0,"ErrMsg":""}},"Count":{},"ContactList":[{}]}}"#,
            records.len(),
            records.join(",")
        )
    }
}

type Answered = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, BoxError>> + Send>>;

/// A function as a service.
#[derive(Clone)]
struct Wire<F>(F);

impl<F> Service<Request<RequestBody>> for Wire<F>
where
    F: Fn(Request<Bytes>) -> Response<Bytes> + Clone + Send + 'static,
{
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Answered;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Answered {
        let answer = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(answer(Request::from_parts(head, body)).map(Full::new))
        })
    }
}

/// A timer that advances the clock instead of waiting; only pauses wait here.
struct JumpingTimer(Advance);

type Advance = Arc<dyn Fn(Duration) + Send + Sync>;

impl Timer for JumpingTimer {
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Jump(Arc::clone(&self.0), time))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(Instant::now()))
    }
}

struct Jump(Advance, Duration);

impl Sleep for Jump {}

impl Future for Jump {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        (self.0)(self.1);
        Poll::Ready(())
    }
}
