//! A client in a child process, which echoes messages: one of ours, or an HTTP library alone.
//!
//! The HTTP library sends the recorded `synccheck`, `webwxsync` and `webwxsendmsg` of one message
//! again and again, and reads the replies to the end. It neither builds requests nor parses
//! replies, and has no time limits. Replies are not compressed, because it would not decode them.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;
use wechat_proto::message::{Message, SendText};
use wechat_proto::{Device, Hosts};
use wechat_transport_hyper as asynchronous;
use wechat_transport_ureq as blocking;

use crate::shared::process::Process;
use crate::shared::recorded::record;
use crate::shared::{Result, bare, cpu, service};

/// The requests of an echoed message.
pub(crate) const ECHO: [&str; 3] = ["synccheck", "webwxsync", "webwxsendmsg"];
/// The messages that are echoed before the measurement.
const WARM_UP: usize = 50;

/// Starts a server that has endless messages for each account, one in each reply.
pub(crate) fn server(under: &[&str], contacts: usize) -> Result<(Process, String)> {
    let (mut server, origin) = service::start(under, [contacts, 1, 0])?;
    let (messages, accounts) = (u32::MAX, u32::MAX);
    server.tell(format_args!("{messages} 0 {accounts}"))?;
    Ok((server, origin))
}

/// Runs a client in a child process, under another command. Returns the CPU time of its measured
/// part, in user and system mode, and the counts of the server.
///
/// The time is zero under Valgrind, which crashes when the clock is read.
pub(crate) fn run(
    under: &[&str],
    arguments: &[&str],
    server: &mut Process,
) -> Result<(Duration, Value)> {
    let mut client = Process::start(under, arguments)?;
    client.line()?;
    server.ask("totals")?;
    client.tell(under[0])?;
    let cpu = Duration::from_nanos(client.line()?.parse()?);
    let totals = serde_json::from_str(&server.ask("totals")?)?;
    let status = client.child.wait()?;
    if status.success() { Ok((cpu, totals)) } else { Err(status.to_string().into()) }
}

/// Fails unless the server has counted each request of this number of echoed messages once, and no
/// other requests.
pub(crate) fn check(totals: &Value, messages: usize) -> Result<()> {
    let counts = ECHO.map(|name| (name.to_owned(), messages.into()));
    let totals = totals.as_object().ok_or("no counts")?.iter();
    let found: Map<_, _> =
        totals.map(|(name, total)| (name.clone(), total["requests"].clone())).collect();
    if found == Map::from_iter(counts) {
        return Ok(());
    }
    Err(format!("{messages} messages, but these requests: {}", Value::Object(found)).into())
}

/// Runs the measured part of a client, after the parent has named the command that it runs under,
/// and prints its CPU time in nanoseconds.
pub(crate) fn measure(part: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("ready");
    let mut under = String::new();
    io::stdin().read_line(&mut under)?;
    let clock = || if under.trim() == "valgrind" { Duration::ZERO } else { cpu() };
    let start = clock();
    part()?;
    println!("{}", (clock() - start).as_nanos());
    Ok(())
}

/// Echoes messages of the server at an origin. The arguments are `ours` or `bare`, the adapter, the
/// origin, the number of contacts, and the number of messages.
pub(crate) fn echo(arguments: &[String]) -> Result<()> {
    let [who, adapter, origin, contacts, messages] = arguments else {
        return Err("echo: five arguments".into());
    };
    let (contacts, messages) = (contacts.parse()?, messages.parse()?);
    match (&**who, &**adapter) {
        ("ours", "ureq") => ours_ureq(origin, contacts, messages),
        ("ours", _) => ours_hyper(origin, contacts, messages),
        (_, adapter) => {
            let recorded = record(origin, contacts)?;
            let requests = ECHO.map(|name| recorded.exchanges[name].0.clone());
            repeat(adapter, &requests, messages)
        }
    }
}

/// Sends requests in turn through the HTTP library of an adapter, and measures this number of turns.
pub(crate) fn repeat(adapter: &str, requests: &[Request<Bytes>], turns: usize) -> Result<()> {
    if adapter == "ureq" {
        let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false);
        let agent: ureq::Agent = config.proxy(None).build().into();
        let exchange = |request: &Request<Bytes>| -> Result<Vec<u8>> {
            let reply = if request.body().is_empty() {
                agent.run(request.clone().map(drop))?
            } else {
                agent.run(request.clone().map(Vec::from))?
            };
            Ok(reply.into_body().read_to_vec()?)
        };
        let expected = requests.iter().map(exchange).collect::<Result<Vec<_>>>()?;
        let repeat = |turns| {
            for (request, expected) in (0..turns).flat_map(|_| requests.iter().zip(&expected)) {
                same(&exchange(request)?, expected)?;
            }
            Ok(())
        };
        repeat(WARM_UP)?;
        return measure(|| repeat(turns));
    }
    let (runtime, client) = (runtime()?, bare::client());
    let exchange = |request: &Request<Bytes>| bare::exchange(&client, request.clone());
    let expected = requests.iter().map(|request| runtime.block_on(exchange(request)));
    let expected = expected.collect::<Result<Vec<_>>>()?;
    let repeat = async |turns| {
        for (request, expected) in (0..turns).flat_map(|_| requests.iter().zip(&expected)) {
            same(&exchange(request).await?, expected)?;
        }
        Ok(())
    };
    runtime.block_on(repeat(WARM_UP))?;
    measure(|| runtime.block_on(repeat(turns)))
}

fn same(reply: &[u8], expected: &[u8]) -> Result<()> {
    if reply == expected { Ok(()) } else { Err("a reply differs from the first one".into()) }
}

fn ours_ureq(origin: &str, contacts: usize, messages: usize) -> Result<()> {
    let client = log_in_ureq(origin, false)?;
    loaded(client.contacts()?.len(), contacts)?;
    let mut stream = client.messages();
    let mut echo = |count| {
        for _ in 0..count {
            let answer = loop {
                let message = stream.next().ok_or("the messages ended")??;
                if let Some(answer) = answer(&message) {
                    break answer;
                }
            };
            client.call(answer)?;
        }
        Ok(())
    };
    echo(WARM_UP)?;
    measure(|| echo(messages))
}

fn ours_hyper(origin: &str, contacts: usize, messages: usize) -> Result<()> {
    let runtime = runtime()?;
    let client = runtime.block_on(log_in_hyper(origin, false))?;
    loaded(runtime.block_on(client.contacts())?.len(), contacts)?;
    let mut stream = client.messages();
    let mut echo = async |count| {
        for _ in 0..count {
            let answer = loop {
                let message = stream.next().await.ok_or("the messages ended")??;
                if let Some(answer) = answer(&message) {
                    break answer;
                }
            };
            client.call(answer).await?;
        }
        Ok(())
    };
    runtime.block_on(echo(WARM_UP))?;
    measure(|| runtime.block_on(echo(messages)))
}

fn loaded(found: usize, contacts: usize) -> Result<()> {
    if found >= contacts { Ok(()) } else { Err(format!("{found} contacts of {contacts}").into()) }
}

fn answer(message: &Message) -> Option<SendText> {
    Some(SendText::reply(message, message.text()?))
}

/// Logs in at an origin, with compressed replies or without.
pub(crate) fn log_in_ureq(origin: &str, compression: bool) -> Result<blocking::Client> {
    let transport = blocking::Transport::new(Default::default())?;
    Ok(blocking::Client::login(&transport, &mut device(origin, compression)?, |_| {})?)
}

/// Logs in at an origin, with compressed replies or without.
pub(crate) async fn log_in_hyper(origin: &str, compression: bool) -> Result<asynchronous::Client> {
    let transport = asynchronous::Transport::new(Default::default())?;
    let mut device = device(origin, compression)?;
    Ok(asynchronous::Client::login(&transport, &mut device, |_| {}).await?)
}

fn device(origin: &str, compression: bool) -> Result<Device> {
    let hosts = Hosts::all(origin.parse()?);
    Ok(Device::new().with_hosts(hosts).with_compression(compression))
}

pub(crate) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
