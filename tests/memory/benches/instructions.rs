//! Counts the instructions and allocations of a client for each echoed message: `cargo bench -p
//! wechat-memory --bench instructions`.
//!
//! A bot in a child process receives texts one by one over loopback, and answers each: `synccheck`,
//! `webwxsync` and `webwxsendmsg`. Its baseline is the HTTP library alone, in a child process as
//! well, with the same requests. The server replays replies of the simulator.
//!
//! Callgrind counts the instructions that the child executes in user mode, and its calls of the
//! system's allocator. Each result is the difference between a run with twice as many messages and
//! one, so that start-up, login and contacts cancel out. The load of the machine does not affect it.
//! The adapters have their default features.
//!
//! The profile of the last run of each client is kept: `callgrind_annotate
//! target/tmp/ours-hyper.callgrind`. `CARGO_PROFILE_BENCH_DEBUG=line-tables-only` adds lines.

#[path = "shared/client.rs"]
mod client;
mod shared;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use crate::shared::{Result, exit, service};

/// Each adapter, with the maximum number of instructions for each message, as a ratio to its HTTP
/// library, and of allocations: 3 % above the numbers measured with Rust 1.95.
const BOUNDS: [(&str, f64, u64); 2] = [("ureq", 2.74, 209), ("hyper", 3.52, 169)];
/// The number of messages of the shorter run.
const MESSAGES: usize = 100;
/// The contacts of the account.
const CONTACTS: usize = 100;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    exit(match &arguments[..] {
        [command, arguments @ ..] if command == "serve" => service::serve(arguments),
        [command, arguments @ ..] if command == "echo" => client::echo(arguments),
        _ => compare(),
    })
}

fn compare() -> Result<()> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Err("valgrind, which counts the instructions, is not installed".into());
    }
    println!("for each echoed message, over {MESSAGES} messages:");
    let mut within = true;
    for (adapter, ratio, allocations) in BOUNDS {
        let ours = each(|messages| measure("ours", adapter, messages))?;
        let bare = each(|messages| measure("bare", adapter, messages))?;
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

/// Runs a client in a child process under Callgrind.
fn measure(who: &str, adapter: &str, messages: usize) -> Result<Cost> {
    let (mut server, origin) = client::server(&[], CONTACTS)?;
    let name = format!("{who}-{adapter}.callgrind");
    let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let output = format!("--callgrind-out-file={}", profile.display());
    let under = ["valgrind", "--quiet", "--tool=callgrind", &output];
    let arguments = ["echo", who, adapter, &origin, &CONTACTS.to_string(), &messages.to_string()];
    let (_, totals) = client::run(&under, &arguments, &mut server)?;
    client::check(&totals, messages)?;
    read(&fs::read_to_string(profile)?).ok_or("Callgrind wrote no total".into())
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
