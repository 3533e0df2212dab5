//! Counts the instructions and allocations of a client for each echoed message: `cargo bench -p
//! wechat-memory --bench instructions`.
//!
//! A bot in a child process receives texts one by one over loopback, and answers each: `synccheck`,
//! `webwxsync` and `webwxsendmsg`. Callgrind counts the instructions that the child executes in user
//! mode, and its calls of the system's allocator. Each result is the difference between a run with
//! twice as many messages and one, so that start-up, login and contacts cancel out. The load of the
//! machine does not affect it. The adapters have their default features.
//!
//! The profile of the last run of each adapter is kept: `callgrind_annotate
//! target/tmp/hyper.callgrind`. `CARGO_PROFILE_BENCH_DEBUG=line-tables-only` adds lines.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs};

use wechat_proto::message::SendText;
use wechat_proto::{Device, Hosts, Session};
use wechat_simulator::{Server, Simulator, World};
use wechat_transport_hyper as asynchronous;
use wechat_transport_ureq as blocking;

/// Each adapter, with the maximum number of instructions for each message: 3 % above the number
/// measured with Rust 1.95.
const BOUNDS: [(&str, u64); 2] = [("ureq", 290_000), ("hyper", 285_000)];
/// The number of messages of the shorter run.
const MESSAGES: usize = 100;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match &arguments[..] {
        [command, adapter, messages] if command == "echo" => echo(adapter, messages),
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
    for (adapter, bound) in BOUNDS {
        let (less, more) = (measure(adapter, MESSAGES)?, measure(adapter, 2 * MESSAGES)?);
        let each = |less: u64, more: u64| more.saturating_sub(less) / MESSAGES as u64;
        let instructions = each(less.instructions, more.instructions);
        let allocations = each(less.allocations, more.allocations);
        println!(
            "{adapter:<6} {instructions:>8} instructions (at most {bound}), {allocations:>4} allocations"
        );
        within &= instructions <= bound;
    }
    if within { Ok(()) } else { Err("an adapter exceeds its bound".into()) }
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
            world.person_writes(&friend, "An ordinary text: 你好 & <hello>");
        });
    }

    let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{adapter}.callgrind"));
    let mut child = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(env::current_exe()?)
        .args(["echo", adapter, &messages.to_string()])
        .stdin(Stdio::piped())
        .spawn()?;
    child.stdin.take().ok_or("no stdin")?.write_all(session.to_json().as_bytes())?;
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("the bot over {adapter} ended with {status}").into());
    }
    let world = simulator.world();
    if world.sent().len() != messages || !world.violations().is_empty() {
        let (sent, violations) = (world.sent().len(), world.violations());
        return Err(format!("{sent} echoes of {messages} messages: {violations:?}").into());
    }
    read(&fs::read_to_string(profile)?).ok_or("Callgrind wrote no total".into())
}

fn log_in(server: &Server) -> Result<Session> {
    let mut device = Device::new().with_hosts(Hosts::all(server.origin().parse()?));
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
