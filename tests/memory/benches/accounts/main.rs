//! The memory and CPU time of many accounts in one process, on one transport of the async adapter.
//!
//! `cargo bench -p wechat-memory --bench accounts -- --accounts 10000 --hold 600 --plot accounts.svg`
//!
//! The accounts log in to a server in a child process. It replays recorded replies of the
//! simulator, into which it inserts the number of the account and of the message. The accounts
//! poll, load their contacts, wait for `--hold` seconds, and receive messages. Then the HTTP
//! library alone sends the same requests. The benchmark needs two file descriptors per account
//! (`ulimit -n`).

mod bare;
mod plot;
#[path = "../shared/mod.rs"]
mod shared;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, fmt, fs};

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use wechat_memory::{Counting, live};
use wechat_proto::{Device, Hosts};
use wechat_transport_hyper::{Client, Options, Transport};

use crate::shared::process::Process;
use crate::shared::recorded::record;
use crate::shared::{Result, cpu, exit, service};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The maximum heap of an idle account without contacts, and of one that has received 100 messages
/// as well, in KB; and of a contact, in bytes.
const IDLE: f64 = 40.0;
const HEARD: f64 = 67.0;
const CONTACT: f64 = 640.0;
/// The maximum heap of an idle account, and the maximum CPU time of a message, as ratios to the
/// HTTP library alone.
const MEMORY: f64 = 1.2;
const CPU: f64 = 3.0;
/// The contacts of each account.
const CONTACTS: usize = 300;
/// The maximum number of messages in a reply, and the time in milliseconds for which the service
/// holds a poll.
const BATCH: usize = 10;
const HOLD: usize = 25_000;
/// The number of accounts, and the duration in seconds, of the measurement of the CPU time.
const BUSY: usize = 1_000;
const SECONDS: u64 = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    exit(match &arguments[..] {
        [command, arguments @ ..] if command == "serve" => service::serve(arguments),
        _ => Arguments::parse().and_then(|arguments| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(measure(&arguments))
        }),
    })
}

struct Arguments {
    accounts: usize,
    hold: u64,
    plot: Option<String>,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut parsed = Self { accounts: 10_000, hold: 30, plot: None };
        let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or("a value is missing")?;
            match &*name {
                "--accounts" => parsed.accounts = value.parse()?,
                "--hold" => parsed.hold = value.parse()?,
                "--plot" => parsed.plot = Some(value),
                other => return Err(format!("unknown argument {other}").into()),
            }
        }
        Ok(parsed)
    }
}

/// Measures the accounts, then the HTTP library alone. Fails if a bound is exceeded.
async fn measure(arguments: &Arguments) -> Result<()> {
    let Arguments { accounts, hold, .. } = *arguments;
    let mut server = Server::start()?;
    let transport = Transport::new(Options::default())?;
    let received = Arc::new(AtomicU64::new(0));
    let (mut clients, mut tasks, mut samples) = (Vec::new(), Vec::new(), Vec::new());
    let start = Memory::now();

    println!("idle accounts without contacts, each with a poll outstanding:");
    for count in (1..=10).map(|tenth| accounts * tenth / 10).filter(|count| *count > 0) {
        while clients.len() < count {
            let more = (count - clients.len()).min(10);
            clients.extend(log_in(&transport, &server.origin, more).await?);
            for client in &clients[clients.len() - more..] {
                tasks.push(tokio::spawn(listen(client.clone(), Arc::clone(&received))));
            }
        }
        server.settle(count).await?;
        let each = start.until().each(count);
        println!("{count:>6}: each {each}");
        samples.push((count, each));
    }
    let idle = start.until().each(accounts);

    for some in clients.chunks(50) {
        load_contacts(some).await?;
    }
    server.settle(accounts).await?;
    let loaded = start.until().each(accounts);
    let contact = loaded.heap.saturating_sub(idle.heap) / CONTACTS;
    println!("with {CONTACTS} contacts: each {loaded}; {contact} bytes of heap for a contact");

    let quiet = quiet(hold, accounts).await;
    let held = start.until().each(accounts);
    println!("after {hold} s without messages: each {held}");
    if tasks.iter().any(JoinHandle::is_finished) {
        return Err("an account ended".into());
    }

    server.send(1, 0, accounts)?;
    wait(&received, accounts as u64).await?;
    println!("each has received a message");
    server.send(99, 0, accounts)?;
    wait(&received, 100 * accounts as u64).await?;
    server.settle(accounts).await?;
    let messages = start.until().each(accounts).heap.saturating_sub(held.heap);
    println!("after 100 messages: {} of heap more", kb(messages));

    let busy = BUSY.min(accounts);
    clients.truncate(busy);
    tasks.drain(busy..).for_each(|task| task.abort());
    freed().await;
    let ours = server.rate(&received, busy).await?;
    tasks.iter().for_each(JoinHandle::abort);
    drop((clients, tasks, server, transport));
    freed().await;

    let mut server = Server::start()?;
    let received = Arc::new(AtomicU64::new(0));
    let recorded = record(&server.origin, CONTACTS)?;
    let start = Memory::now();
    let _tasks = bare::start(&recorded, busy, &received);
    server.settle(busy).await?;
    let bare = start.until().each(busy).heap;
    println!("the HTTP library alone, with {busy} polls: each {} of heap", kb(bare));
    let bare_quiet = self::quiet(hold.min(60), busy).await;
    println!(
        "a quiet minute of an account: {quiet:.0} µs of CPU time; of a poll of the HTTP library alone: {bare_quiet:.0} µs"
    );
    let theirs = server.rate(&received, busy).await?;
    println!(
        "{busy} messages a second: {:.1} % of a core; the HTTP library alone: {:.1} %",
        ours * 100.0,
        theirs * 100.0
    );

    if let Some(path) = &arguments.plot {
        fs::write(path, plot::draw(&samples, bare))?;
    }
    let bounds = [
        ("KB of an idle account", idle.heap as f64 / 1024.0, IDLE),
        ("KB of an account after 100 messages", (idle.heap + messages) as f64 / 1024.0, HEARD),
        ("bytes of a contact", contact as f64, CONTACT),
        (
            "heap of an idle account, relative to the HTTP library",
            idle.heap as f64 / bare as f64,
            MEMORY,
        ),
        ("CPU time of a message, relative to the HTTP library", ours / theirs, CPU),
    ];
    let mut within = true;
    for (what, found, most) in bounds {
        println!("{what}: {found:.2} (at most {most:.2})");
        within &= found <= most;
    }
    if within { Ok(()) } else { Err("a bound is exceeded".into()) }
}

/// Waits until no more memory is freed: connections close in tasks of their own.
async fn freed() {
    let mut left = usize::MAX;
    while live() < left {
        left = live();
        sleep(Duration::from_secs(2)).await;
    }
}

/// Waits for this number of seconds. Returns the CPU time of each account in a minute, in
/// microseconds.
async fn quiet(seconds: u64, accounts: usize) -> f64 {
    let before = cpu();
    sleep(Duration::from_secs(seconds)).await;
    (cpu() - before).as_secs_f64() * 1e6 / accounts as f64 * 60.0 / seconds as f64
}

/// Loads the contacts of several accounts at once.
async fn load_contacts(clients: &[Client]) -> Result<()> {
    let mut loads = JoinSet::new();
    for client in clients {
        let client = client.clone();
        loads.spawn(async move { client.contacts().await.map(|directory| directory.len()) });
    }
    while let Some(loaded) = loads.join_next().await {
        let known = loaded??;
        if known < CONTACTS {
            return Err(format!("{known} contacts of {CONTACTS}").into());
        }
    }
    Ok(())
}

/// Logs in several accounts at once.
async fn log_in(transport: &Transport, origin: &str, count: usize) -> Result<Vec<Client>> {
    let mut logins = JoinSet::new();
    for _ in 0..count {
        let (transport, hosts) = (transport.clone(), Hosts::all(origin.parse()?));
        logins.spawn(async move {
            let mut device = Device::new().with_hosts(hosts);
            Client::login(&transport, &mut device, |_| {}).await
        });
    }
    let mut clients = Vec::new();
    while let Some(client) = logins.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

/// Counts the messages of an account.
async fn listen(client: Client, received: Arc<AtomicU64>) {
    let mut messages = client.messages();
    while let Some(message) = messages.next().await {
        match message {
            Ok(_) => drop(received.fetch_add(1, Relaxed)),
            Err(error) => eprintln!("{error}"),
        }
    }
}

/// Waits for this number of messages, and checks that there are no more.
async fn wait(received: &AtomicU64, count: u64) -> Result<()> {
    let limit = Instant::now() + Duration::from_secs(300);
    while received.load(Relaxed) < count && Instant::now() < limit {
        sleep(Duration::from_millis(20)).await;
    }
    match received.load(Relaxed) {
        found if found == count => Ok(()),
        found => Err(format!("{found} messages instead of {count}").into()),
    }
}

fn kb(bytes: usize) -> String {
    format!("{:.1} KB", bytes as f64 / 1024.0)
}

/// Memory in bytes: allocated on the heap, and resident in RAM.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) heap: usize,
    pub(crate) resident: usize,
}

impl Memory {
    fn now() -> Self {
        let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
        Self { heap: live(), resident: pages.unwrap_or(0) * 4096 }
    }

    /// Returns the growth since then.
    fn until(self) -> Self {
        let now = Self::now();
        Self {
            heap: now.heap.saturating_sub(self.heap),
            resident: now.resident.saturating_sub(self.resident),
        }
    }

    fn each(self, accounts: usize) -> Self {
        Self { heap: self.heap / accounts, resident: self.resident / accounts }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of heap, {} resident", kb(self.heap), kb(self.resident))
    }
}

/// The server's process, which ends when this is dropped.
struct Server {
    process: Process,
    origin: String,
}

impl Server {
    fn start() -> Result<Self> {
        let (process, origin) = service::start(&[], [CONTACTS, BATCH, HOLD])?;
        Ok(Self { process, origin })
    }

    /// Sends messages to the first accounts, with a period in milliseconds.
    fn send(&mut self, count: u64, period: u64, accounts: usize) -> Result<()> {
        self.process.tell(format_args!("{count} {period} {accounts}"))
    }

    /// Waits until this number of polls is pending.
    async fn settle(&mut self, polls: usize) -> Result<()> {
        for _ in 0..600 {
            if self.process.ask("held")?.parse::<usize>()? == polls {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err(format!("{polls} polls were not outstanding within a minute").into())
    }

    /// Sends a message a second to each account. Returns the share of a core that receives them.
    async fn rate(&mut self, received: &AtomicU64, accounts: usize) -> Result<f64> {
        let (before, spent, start) = (received.load(Relaxed), cpu(), Instant::now());
        self.send(SECONDS, 1_000, accounts)?;
        wait(received, before + SECONDS * accounts as u64).await?;
        Ok((cpu() - spent).as_secs_f64() / start.elapsed().as_secs_f64())
    }
}
