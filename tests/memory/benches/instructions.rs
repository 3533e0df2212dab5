//! Counts the instructions and allocations of a client for each echoed message: `cargo bench -p
//! wechat-memory --bench instructions`.
//!
//! A bot in a child process receives texts one by one over loopback, and answers each: `synccheck`,
//! `webwxsync` and `webwxsendmsg`. Its baseline is the HTTP library alone, in a child process as
//! well: it sends the recorded requests of one such message again and again to a server that replays
//! their replies, and reads these to the end. The baseline neither builds requests nor parses
//! replies, and has no time limits. Replies are not compressed, because the baseline would not
//! decode them.
//!
//! Callgrind counts the instructions that the child executes in user mode, and its calls of the
//! system's allocator. Each result is the difference between a run with twice as many messages and
//! one, so that start-up, login and contacts cancel out. The load of the machine does not affect it.
//! The adapters have their default features.
//!
//! The profile of the last run of each client is kept: `callgrind_annotate
//! target/tmp/echo-hyper.callgrind`. `CARGO_PROFILE_BENCH_DEBUG=line-tables-only` adds lines.

mod shared;

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use wechat_proto::flow::Response;
use wechat_proto::message::SendText;
use wechat_proto::sync::{FetchBatch, SyncCheck};
use wechat_proto::{Call, Device, Hosts, Session};
use wechat_simulator::{Layout, Server, Simulator, World};
use wechat_transport_hyper as asynchronous;
use wechat_transport_ureq as blocking;

use crate::shared::{Exchanges, Result, open, run};

/// Each adapter, with the maximum number of instructions for each message, as a ratio to its HTTP
/// library, and of allocations: 3 % above the numbers measured with Rust 1.95.
const BOUNDS: [(&str, f64, u64); 2] = [("ureq", 2.74, 209), ("hyper", 3.52, 169)];
/// The number of messages of the shorter run.
const MESSAGES: usize = 100;
const TEXT: &str = "An ordinary text: 你好 & <hello>";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match &arguments[..] {
        [command, adapter, messages] if command == "echo" => echo(adapter, messages),
        [command, adapter, messages, origin] if command == "bare" => {
            bare(adapter, messages, origin)
        }
        _ => compare(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<()> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Err("valgrind, which counts the instructions, is not installed".into());
    }
    println!("for each echoed message, over {MESSAGES} messages:");
    let mut within = true;
    for (adapter, ratio, allocations) in BOUNDS {
        let ours = each(|messages| measure(adapter, messages))?;
        let bare = each(|messages| measure_bare(adapter, messages))?;
        let found = ours.instructions as f64 / bare.instructions as f64;
        println!(
            "{adapter:<6} {:>7} instructions, bare {:>7}: ratio {found:.2} (at most {ratio:.2}); \
             {:>4} allocations (at most {allocations}), bare {:>3}",
            ours.instructions, bare.instructions, ours.allocations, bare.allocations
        );
        within &= found <= ratio && ours.allocations <= allocations;
    }
    if within { Ok(()) } else { Err("an adapter exceeds its bound".into()) }
}

/// Returns the cost of a message, given the cost of runs.
fn each(run: impl Fn(usize) -> Result<Cost>) -> Result<Cost> {
    let (less, more) = (run(MESSAGES)?, run(2 * MESSAGES)?);
    let each = |less: u64, more: u64| more.saturating_sub(less) / MESSAGES as u64;
    Ok(Cost {
        instructions: each(less.instructions, more.instructions),
        allocations: each(less.allocations, more.allocations),
    })
}

/// The cost of a run.
struct Cost {
    instructions: u64,
    allocations: u64,
}

/// Runs a bot in a child process under Callgrind.
fn measure(adapter: &str, messages: usize) -> Result<Cost> {
    let simulator = Simulator::new(World::demo());
    simulator.then(Duration::ZERO, |world| world.phone().scan());
    simulator.then(Duration::ZERO, |world| world.phone().confirm());
    let server = Server::http(&simulator)?;
    server.real_time();
    let session = log_in(&server)?;
    let friend = simulator.world().contacts()[1].user_name.clone();
    for _ in 0..messages {
        let friend = friend.clone();
        // A step runs when a `synccheck` finds no new messages.
        simulator.then(Duration::ZERO, move |world| {
            world.person_writes(&friend, TEXT);
        });
    }

    let arguments = ["echo", adapter, &messages.to_string()];
    let cost = count(&arguments, &session.to_json())?;
    let world = simulator.world();
    if world.sent().len() != messages || !world.violations().is_empty() {
        let (sent, violations) = (world.sent().len(), world.violations());
        return Err(format!("{sent} echoes of {messages} messages: {violations:?}").into());
    }
    Ok(cost)
}

/// Runs the HTTP library of an adapter in a child process under Callgrind.
fn measure_bare(adapter: &str, messages: usize) -> Result<Cost> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let origin = format!("http://{}", listener.local_addr()?);
    let replies = record(&origin)?.iter().map(|(_, reply)| written(reply)).collect::<Vec<_>>();
    let server = thread::spawn(move || replay(&listener.accept()?.0, &replies));
    let cost = count(&["bare", adapter, &messages.to_string(), &origin], "")?;
    let answered = server.join().map_err(|_| "the server panicked")??;
    if answered == 3 * messages { Ok(cost) } else { Err(format!("{answered} requests").into()) }
}

/// Runs this program with other arguments under Callgrind.
fn count(arguments: &[&str], input: &str) -> Result<Cost> {
    let name = format!("{}-{}.callgrind", arguments[0], arguments[1]);
    let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut child = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no stdin")?.write_all(input.as_bytes())?;
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{arguments:?} ended with {status}").into());
    }
    read(&fs::read_to_string(profile)?).ok_or("Callgrind wrote no total".into())
}

fn log_in(server: &Server) -> Result<Session> {
    let hosts = Hosts::all(server.origin().parse()?);
    let mut device = Device::new().with_hosts(hosts).with_compression(false);
    let transport = blocking::Transport::new(Default::default())?;
    Ok(blocking::Client::login(&transport, &mut device, |_| {})?.session())
}

/// Reads a profile: <https://valgrind.org/docs/manual/cl-format.html>.
fn read(profile: &str) -> Option<Cost> {
    let (mut instructions, mut allocations) = (None, 0);
    // A name is written once, with a number in parentheses.
    let mut names = HashMap::new();
    let mut callee = "";
    for line in profile.lines() {
        let Some((key, value)) = line.split_once(['=', ':']) else { continue };
        match key {
            "totals" => instructions = value.trim().parse().ok(),
            "fn" | "cfn" => {
                let (number, name) = value.split_once(' ').unwrap_or((value, ""));
                callee = names.entry(number).or_insert(name);
            }
            "calls" => {
                let allocators = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];
                let count = value.split(' ').next().and_then(|count| count.parse().ok());
                if allocators.contains(&callee) {
                    allocations += count.unwrap_or(0);
                }
            }
            _ => {}
        }
    }
    Some(Cost { instructions: instructions?, allocations })
}

/// Answers this number of messages, on the session from stdin.
fn echo(adapter: &str, messages: &str) -> Result<()> {
    let messages = messages.parse()?;
    let mut json = String::new();
    io::stdin().read_to_string(&mut json)?;
    let session = Session::from_json(&json)?;
    if adapter == "ureq" {
        let transport = blocking::Transport::new(Default::default())?;
        let client = blocking::Client::resume(&transport, session)?;
        client.contacts()?;
        let mut stream = client.messages();
        for _ in 0..messages {
            let answer = loop {
                let message = stream.next().ok_or("the messages ended")??;
                if let Some(text) = message.text() {
                    break SendText::reply(&message, text);
                }
            };
            client.call(answer)?;
        }
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let transport = asynchronous::Transport::new(Default::default())?;
        let client = asynchronous::Client::resume(&transport, session)?;
        client.contacts().await?;
        let mut stream = client.messages();
        for _ in 0..messages {
            let answer = loop {
                let message = stream.next().await.ok_or("the messages ended")??;
                if let Some(text) = message.text() {
                    break SendText::reply(&message, text);
                }
            };
            client.call(answer).await?;
        }
        Ok(())
    })
}

/// Echoes messages in memory, and returns the exchanges of the last one.
fn record(origin: &str) -> Result<Exchanges> {
    let mut world = World::demo();
    world.layout(Layout::One { origin: origin.to_owned() });
    let friend = world.contacts()[1].user_name.clone();
    let simulator = Simulator::new(world);
    let mut exchanges = Vec::new();
    let mut session = open(&simulator, origin, &mut exchanges)?.session().clone();
    // The first messages of a session differ from later ones.
    let mut echoes = 0;
    while echoes < 3 {
        let friend = friend.clone();
        simulator.then(Duration::ZERO, move |world| {
            world.person_writes(&friend, TEXT);
        });
        exchanges.clear();
        run(&simulator, &mut Call::new(SyncCheck::new()), &mut session, &mut exchanges)?;
        let mut fetch = Call::new(FetchBatch::new());
        let batch = run(&simulator, &mut fetch, &mut session, &mut exchanges)?;
        let Some(message) = session.apply(batch).pop() else { continue };
        if let Some(text) = message.text() {
            let answer = SendText::reply(&message, text);
            run(&simulator, &mut Call::new(answer), &mut session, &mut exchanges)?;
            echoes += 1;
        }
    }
    Ok(exchanges)
}

/// Returns a reply in the form of HTTP/1.1.
fn written(reply: &Response) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {}\r\n", reply.status()).into_bytes();
    for (name, value) in reply.headers() {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    if !reply.headers().contains_key(header::CONTENT_LENGTH) {
        text.extend(format!("content-length: {}\r\n", reply.body().len()).bytes());
    }
    [&text[..], b"\r\n", reply.body()].concat()
}

/// Answers requests with the replies in turn. Returns the number of requests.
fn replay(stream: &TcpStream, replies: &[Vec<u8>]) -> io::Result<usize> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    for (answered, reply) in replies.iter().cycle().enumerate() {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(answered);
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        writer.write_all(reply)?;
    }
    Ok(0)
}

/// Sends the requests of this number of messages to the replaying server at `origin`.
fn bare(adapter: &str, messages: &str, origin: &str) -> Result<()> {
    let (exchanges, messages) = (record(origin)?, messages.parse()?);
    let cycle = (0..messages).flat_map(|_| &exchanges);
    if adapter == "ureq" {
        let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false);
        let agent: ureq::Agent = config.proxy(None).build().into();
        for (request, expected) in cycle {
            let reply = if request.body().is_empty() {
                agent.run(request.clone().map(drop))?
            } else {
                agent.run(request.clone().map(Vec::from))?
            };
            let mut body = Vec::new();
            reply.into_body().into_reader().read_to_end(&mut body)?;
            assert_eq!(body, *expected.body());
        }
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client: Client<_, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        for (request, expected) in cycle {
            let reply = client.request(request.clone().map(Full::new)).await?;
            let body = reply.into_body().collect().await?.to_bytes();
            assert_eq!(body, *expected.body());
        }
        Ok(())
    })
}
