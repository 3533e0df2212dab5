//! Measures the overhead of the adapters over their HTTP libraries: `cargo bench -p
//! wechat-simulator --bench transports`.
//!
//! Exchanges a `synccheck` with its cookies with a server in a child process, both on one core,
//! over plain HTTP with keep-alive. Only the CPU time of this process counts. Each of five rounds
//! runs every variant once. The result of a variant is the median of its ratios to the bare
//! library, which has the same prepared request and no time limit.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};
use wechat_proto::error::Failure;
use wechat_proto::flow::{Request, Response};
use wechat_proto::login::{Login, Progress};
use wechat_proto::sync::SyncCheck;
use wechat_proto::{Body, Call, Device, Flow, Hosts, Input, Interrupt, Session, Timestamp};
use wechat_simulator::{Layout, Simulator, World};

/// The number of exchanges of a variant in one round.
const EXCHANGES: usize = 20_000;
const ROUNDS: usize = 5;
/// The maximum ratio of an adapter: `main` fails above it.
const LIMIT: f64 = 1.15;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        serve();
        return;
    }
    pin();
    let server = Server::start();
    let session = session(&server.origin);
    let request = ready(&session);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    let transport = wechat_transport_ureq::Transport::new(Default::default()).unwrap();
    let blocking = wechat_transport_ureq::Client::resume(&transport, session.clone()).unwrap();
    let agent = bare_ureq();
    let transport = wechat_transport_hyper::Transport::new(Default::default()).unwrap();
    let asynchronous = wechat_transport_hyper::Client::resume(&transport, session).unwrap();
    let pool: hyper_util::client::legacy::Client<_, Full<Body>> =
        hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .build(HttpConnector::new());

    type Variant<'a> = (&'static str, usize, Box<dyn FnMut() + 'a>);
    // The variants, each with the index of its baseline.
    let mut variants: Vec<Variant<'_>> = vec![
        (
            "ureq, bare",
            0,
            Box::new(|| {
                for _ in 0..EXCHANGES {
                    let reply = agent.run(request.http.clone().map(drop)).unwrap();
                    let mut body = Vec::new();
                    reply.into_body().into_reader().read_to_end(&mut body).unwrap();
                    assert!(!body.is_empty());
                }
            }),
        ),
        (
            "wechat-transport-ureq, the same request",
            0,
            Box::new(|| {
                for _ in 0..EXCHANGES {
                    blocking.run(&mut Ready::new(&request)).unwrap();
                }
            }),
        ),
        (
            "wechat-transport-ureq, request built and reply parsed",
            0,
            Box::new(|| {
                for _ in 0..EXCHANGES {
                    blocking.call(SyncCheck::new()).unwrap();
                }
            }),
        ),
        (
            "hyper-util, bare",
            3,
            Box::new(|| {
                runtime.block_on(async {
                    for _ in 0..EXCHANGES {
                        let reply =
                            pool.request(request.http.clone().map(Full::new)).await.unwrap();
                        let body = reply.into_body().collect().await.unwrap().to_bytes();
                        assert!(!body.is_empty());
                    }
                });
            }),
        ),
        (
            "wechat-transport-hyper, the same request",
            3,
            Box::new(|| {
                runtime.block_on(async {
                    for _ in 0..EXCHANGES {
                        asynchronous.run(&mut Ready::new(&request)).await.unwrap();
                    }
                });
            }),
        ),
        (
            "wechat-transport-hyper, request built and reply parsed",
            3,
            Box::new(|| {
                runtime.block_on(async {
                    for _ in 0..EXCHANGES {
                        asynchronous.call(SyncCheck::new()).await.unwrap();
                    }
                });
            }),
        ),
    ];

    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let times: Vec<f64> = variants.iter_mut().map(|(_, _, run)| cpu(run)).collect();
        // The first round is a warm-up.
        if round > 0 {
            rounds.push(times);
        }
    }
    println!("{EXCHANGES} exchanges a round, {ROUNDS} rounds, CPU time of the client process\n");
    let mut within = true;
    for (index, (name, base, _)) in variants.iter().enumerate() {
        let micros = median(rounds.iter().map(|times| times[index] / EXCHANGES as f64 * 1e6));
        let ratio = median(rounds.iter().map(|times| times[index] / times[*base]));
        println!("{name:<55} {micros:6.2} us  ratio {ratio:.3}");
        // The limit applies to the variants with the same request: the bare libraries neither build
        // requests nor parse responses.
        within &= !name.ends_with("the same request") || ratio <= LIMIT;
    }
    drop(server);
    assert!(within, "an adapter costs more than {LIMIT} times its library");
}

/// A flow that sends one prepared request.
struct Ready<'a> {
    request: &'a Request,
    reply: Option<Result<Response, Failure>>,
}

impl<'a> Ready<'a> {
    fn new(request: &'a Request) -> Self {
        Self { request, reply: None }
    }
}

impl Flow for Ready<'_> {
    type State = Session;
    type Output = Response;

    fn poll(&mut self, _: &mut Session, _: Timestamp) -> Result<Response, Interrupt> {
        match self.reply.take() {
            Some(reply) => Ok(reply.map_err(wechat_proto::Error::Transport)?),
            None => Err(Interrupt::Send(Box::new(self.request.clone()))),
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Reply(reply) = input {
            self.reply = Some(reply);
        }
    }
}

/// Logs in at `origin` in memory.
fn session(origin: &str) -> Session {
    let mut world = World::demo();
    world.layout(Layout::One { origin: origin.to_owned() });
    let simulator = Simulator::new(world);
    simulator.then(Duration::ZERO, |world| world.phone().scan());
    simulator.then(Duration::ZERO, |world| world.phone().confirm());
    let mut device = Device::new().with_hosts(Hosts::all(origin.parse().unwrap()));
    let mut login = Login::new();
    loop {
        match login.poll(&mut device, Timestamp::from_millis(simulator.now())) {
            Ok(Progress::LoggedIn(account)) => return account.session().clone(),
            Ok(_) => {}
            Err(Interrupt::Send(request)) => {
                let request = request.http.map(|mut body| body.copy_to_bytes(body.remaining()));
                login.handle(Input::Reply(Ok(simulator.respond(&request))));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Builds a `synccheck` of the session, with its cookies.
fn ready(session: &Session) -> Request {
    let mut session = session.clone();
    let elapsed = std::time::UNIX_EPOCH.elapsed().unwrap();
    let now = Timestamp::default().after(elapsed);
    match Call::new(SyncCheck::new()).poll(&mut session, now) {
        Err(Interrupt::Send(request)) => {
            assert!(request.http.headers().contains_key("cookie"));
            *request
        }
        _ => panic!("a new call sends a request"),
    }
}

fn bare_ureq() -> ureq::Agent {
    let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false);
    config.proxy(None).build().into()
}

fn cpu(run: &mut dyn FnMut()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let start = now();
    run();
    now() - start
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Pins this process, and the server that it starts, to one core.
fn pin() {
    let mut cores = CpuSet::new();
    cores.set(0);
    sched_setaffinity(None, &cores).expect("core 0 is not available");
}

struct Server {
    child: Child,
    origin: String,
}

impl Server {
    fn start() -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, origin: line.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Answers every request with the same quiet `synccheck`.
fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: TcpStream) {
    let body = "window.synccheck={retcode:\"0\",selector:\"0\"}";
    let reply = Bytes::from(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/javascript\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    stream.set_nodelay(true).unwrap();
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        head.extend_from_slice(&buffer[..count]);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            if stream.write_all(&reply).is_err() {
                return;
            }
        }
    }
}
