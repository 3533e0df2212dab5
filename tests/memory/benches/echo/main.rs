//! Measures the CPU time of a client for each echoed message, and for an hour without messages:
//! `cargo bench -p wechat-memory --bench echo`. `-- --messages 500` echoes fewer messages in a
//! round, `-- --rounds 15` takes more rounds.
//!
//! A server in a child process replays replies of the simulator over plain HTTP on loopback. Each
//! client is a child process as well, and only its own CPU time counts, in user and system mode.
//! The baseline of each adapter is its HTTP library alone with the same requests. The clients take
//! turns in an order that is shuffled in each round with a fixed seed, and each ratio is between
//! two clients of one round. `taskset` pins the processes to cores.
//!
//! Times depend on the load of the machine, so they are printed and do not fail the benchmark; the
//! benchmark `instructions` has the bounds. It fails if a message is not answered exactly once, if
//! a client sends other requests, or if the bytes of a client differ from those of its baseline.

#[path = "../shared/client.rs"]
mod client;
mod compare;
mod quiet;
#[path = "../shared/mod.rs"]
mod shared;

use std::process::ExitCode;
use std::{env, thread};

use crate::compare::{equal, interleave};
use crate::shared::{Result, exit, service};

const ADAPTERS: [&str; 2] = ["ureq", "hyper"];
/// The numbers of contacts between which the time of a message grows.
const CONTACTS: [usize; 2] = [100, 10_000];
/// The cores of the server and of the client, as the arguments of `taskset`.
const SERVER: [&str; 3] = ["taskset", "-c", "0"];
const CLIENT: [&str; 3] = ["taskset", "-c", "1"];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    exit(match &arguments[..] {
        [command, arguments @ ..] if command == "serve" => service::serve(arguments),
        [command, arguments @ ..] if command == "echo" => client::echo(arguments),
        [command, arguments @ ..] if command == "quiet" => quiet::client(arguments),
        arguments => parse(arguments).and_then(|(rounds, messages)| {
            echo(rounds, messages)?;
            quiet::measure(rounds)
        }),
    })
}

/// Returns the numbers of rounds, and of messages of each.
fn parse(arguments: &[String]) -> Result<(usize, usize)> {
    let (mut rounds, mut messages) = (7, 2_000);
    let mut arguments = arguments.iter().filter(|argument| *argument != "--bench");
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("a value is missing")?.parse()?;
        match &**name {
            "--rounds" => rounds = value,
            "--messages" => messages = value,
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    if rounds == 0 || messages == 0 {
        return Err("no rounds, or no messages".into());
    }
    Ok((rounds, messages))
}

/// Compares the clients for each echoed message.
fn echo(rounds: usize, messages: usize) -> Result<()> {
    if thread::available_parallelism()?.get() < 2 {
        return Err("the server and the client need a core each".into());
    }
    let mut servers = Vec::new();
    for contacts in CONTACTS {
        servers.push(client::server(&SERVER, contacts)?);
    }
    // For each place of the client and each adapter: the library, and ours with few and many contacts.
    let clients = [("bare", 0), ("ours", 0), ("ours", 1)];
    let count = messages.to_string();
    let samples = interleave(rounds, 2 * ADAPTERS.len() * clients.len(), |variant| {
        let (rest, (who, server)) = (variant / 3, clients[variant % 3]);
        let (adapter, place) = (ADAPTERS[rest % 2], [CLIENT, SERVER][rest / 2]);
        let contacts = CONTACTS[server].to_string();
        let (server, origin) = &mut servers[server];
        let arguments = ["echo", who, adapter, origin, &contacts, &count];
        let result = client::run(&place, &arguments, server)?;
        client::check(&result.1, messages)?;
        Ok(result)
    })?;

    for (place, samples) in ["separate cores", "one core"].iter().zip(samples.chunks(6)) {
        println!(
            "server and client on {place}; µs of CPU time of the client for each echoed message:\n"
        );
        println!(
            "| adapter | HTTP library alone | ours | ratio | with {} contacts | relative to {} |",
            CONTACTS[1], CONTACTS[0]
        );
        println!("|---|---|---|---|---|---|");
        for (adapter, samples) in ADAPTERS.iter().zip(samples.chunks(3)) {
            let [bare, ours, many] = samples else { return Err("three clients".into()) };
            let each = 1.0 / messages as f64;
            println!(
                "| {adapter} | {} | {} | {} | {} | {} |",
                bare.times(each),
                ours.times(each),
                ours.ratio(bare),
                many.times(each),
                many.ratio(ours)
            );
            for (round, bare) in bare.totals.iter().enumerate() {
                equal(&ours.totals[round], bare)?;
                equal(&many.totals[round], bare)?;
            }
        }
        println!();
    }

    println!("bytes of an echoed message, equal for ours and the HTTP library:\n");
    println!("| request | bytes | reply |\n|---|---|---|");
    let totals = &samples[0].totals[0];
    for name in client::ECHO {
        let each = |key| totals[name][key].as_u64().unwrap_or(0) / messages as u64;
        println!("| `{name}` | {} | {} |", each("received"), each("sent"));
    }
    println!();
    Ok(())
}
