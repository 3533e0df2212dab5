//! The service, in a child process: replies recorded from the simulator, for any number of accounts.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use wechat_proto::contact::LoadContacts;
use wechat_proto::flow::Response;
use wechat_proto::sync::Inbox;
use wechat_simulator::{Layout, Simulator, World};

use crate::shared::{Result, open, run};

/// The contacts of each account.
pub(crate) const CONTACTS: usize = 300;
/// The most messages of a reply.
const BATCH: u64 = 10;
/// The time for which the service holds a poll.
const HOLD: Duration = Duration::from_secs(25);

/// The last exchange with each endpoint, and the values in it that differ between accounts.
pub(crate) struct Recorded {
    pub(crate) exchanges: BTreeMap<String, (Request<Bytes>, Response)>,
    pub(crate) uin: i64,
    /// The first counter of the first sync key.
    pub(crate) key: u64,
    message: String,
}

/// Logs in, loads contacts and receives a message in memory.
pub(crate) fn record(origin: &str) -> Result<Recorded> {
    let mut world = World::new(5);
    world.set_now(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64);
    world.layout(Layout::One { origin: origin.to_owned() });
    let simulator = Simulator::new(world);
    let mut exchanges = Vec::new();
    let mut account = open(&simulator, origin, &mut exchanges)?;
    // Added now, so that the reply of the login has no contacts.
    let names = (0..CONTACTS).map(|number| format!("Contact 联系人 {number}"));
    let friends: Vec<_> = names.map(|name| simulator.world().add_person(&name)).collect();
    let friend = friends[1].clone();
    run(&simulator, &mut LoadContacts::new(), &mut account, &mut exchanges)?;
    let text = "An ordinary text: 你好 & <hello>";
    simulator.then(Duration::ZERO, move |world| drop(world.person_writes(&friend, text)));
    let mut inbox = Inbox::new();
    let message = loop {
        let message = run(&simulator, &mut inbox, &mut account, &mut exchanges)?;
        if message.text().is_some() {
            break message;
        }
    };
    if !simulator.world().violations().is_empty() {
        return Err(format!("{:?}", simulator.world().violations()).into());
    }
    let exchanges =
        exchanges.into_iter().map(|exchange| (endpoint(exchange.0.uri().path()), exchange));
    let exchanges: BTreeMap<_, _> = exchanges.collect();
    let (_, init) = &exchanges["webwxinit"];
    let key = number_after(std::str::from_utf8(init.body())?, "\"Val\"").ok_or("no key")?;
    let (uin, message) = (account.session().me().uin, message.id.to_string());
    Ok(Recorded { exchanges, uin, key, message })
}

fn endpoint(path: &str) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Returns the first number after a text.
pub(crate) fn number_after(text: &str, before: &str) -> Option<u64> {
    let (_, rest) = text.split_once(before)?;
    let rest = &rest[rest.find(|c: char| c.is_ascii_digit())?..];
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

/// The messages that each account receives.
#[derive(Clone, Copy)]
struct Schedule {
    since: Instant,
    /// The number of earlier messages.
    before: u64,
    count: u64,
    /// The time between two of an account; zero for all at once.
    period: Duration,
    accounts: u64,
}

impl Schedule {
    /// Returns the number of messages for an account so far, and when the next one is due.
    fn due(&self, account: u64) -> (u64, Option<Instant>) {
        if account >= self.accounts {
            return (self.before, None);
        }
        if self.period.is_zero() {
            return (self.before + self.count, None);
        }
        // The accounts receive theirs one after the other.
        let first = self.since + self.period.mul_f64(account as f64 / self.accounts as f64);
        let now = Instant::now();
        let elapsed = now.saturating_duration_since(first).as_secs_f64();
        let periods = (elapsed / self.period.as_secs_f64()) as u64;
        let due = if now < first { 0 } else { self.count.min(periods + 1) };
        let next = (due < self.count).then(|| first + self.period * due as u32);
        (self.before + due, next)
    }
}

struct Service {
    recorded: Recorded,
    /// The head of a reply without its length, and the body, of each endpoint.
    replies: BTreeMap<String, (String, String)>,
    schedule: watch::Receiver<Schedule>,
    logins: AtomicU64,
    held: Arc<AtomicUsize>,
}

/// Serves until stdin ends. Prints its origin; for the line `held`, the number of held polls. The
/// line `count period accounts` sends messages to the first accounts, with a period in milliseconds.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let origin = format!("http://{}", listener.local_addr()?);
    let recorded = record(&origin)?;
    let replies = recorded.exchanges.iter().map(|(name, (_, reply))| {
        let mut head = format!("HTTP/1.1 {}\r\n", reply.status());
        for (name, value) in reply.headers() {
            if name != "content-length" {
                head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
            }
        }
        Ok((name.clone(), (head, String::from_utf8(reply.body().to_vec())?)))
    });
    let replies = replies.collect::<Result<_>>()?;
    let schedule = Schedule {
        since: Instant::now(),
        before: 0,
        count: 0,
        period: Duration::ZERO,
        accounts: 0,
    };
    let (sender, receiver) = watch::channel(schedule);
    let held = Arc::new(AtomicUsize::new(0));
    let logins = AtomicU64::new(0);
    let service = Service { recorded, replies, schedule: receiver, logins, held: held.clone() };
    let service = Arc::new(service);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = Arc::clone(&service);
            tokio::spawn(async move { drop(connection(stream, &service).await) });
        }
    });
    println!("{origin}");
    let commands = std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(io::Result::ok) {
            let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [count, period, accounts] = numbers[..] else {
                println!("{}", held.load(Relaxed));
                continue;
            };
            sender.send_modify(|schedule| {
                let (since, before) = (Instant::now(), schedule.before + schedule.count);
                let period = Duration::from_millis(period);
                *schedule = Schedule { since, before, count, period, accounts };
            });
        }
    });
    runtime.block_on(async {
        while !commands.is_finished() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    Ok(())
}

async fn connection(stream: TcpStream, service: &Service) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(2048, reader);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let length = number_after(&head.to_ascii_lowercase(), "\r\ncontent-length:").unwrap_or(0);
        let mut body = vec![0; length as usize];
        reader.read_exact(&mut body).await?;
        let reply = service.answer(&head, &String::from_utf8_lossy(&body)).await;
        let Some(reply) = reply else {
            eprintln!("no reply to {}", head.lines().next().unwrap_or_default());
            return Ok(());
        };
        writer.write_all(reply.as_bytes()).await?;
    }
}

impl Service {
    async fn answer(&self, head: &str, body: &str) -> Option<String> {
        let path = head.split([' ', '?']).nth(1)?;
        let name = endpoint(path);
        let (start, text) = self.replies.get(&name)?;
        let cookie = || number_after(head, "wxuin=");
        let account = |uin: u64| uin.saturating_sub(self.recorded.uin as u64);
        let of =
            |uin: u64, text: &str| text.replace(&self.recorded.uin.to_string(), &uin.to_string());
        let (head, body) = match &*name {
            "webwxnewloginpage" => {
                let uin = self.recorded.uin as u64 + self.logins.fetch_add(1, Relaxed);
                (of(uin, start), of(uin, text))
            }
            "webwxinit" => (start.clone(), of(cookie()?, text)),
            "synccheck" => {
                let seen = number_after(head, "synckey=1_")? - self.recorded.key;
                self.held.fetch_add(1, Relaxed);
                let news = self.wait(account(cookie()?), seen).await;
                self.held.fetch_sub(1, Relaxed);
                let selector = if news { 2 } else { 0 };
                (
                    start.clone(),
                    format!("window.synccheck={{retcode:\"0\",selector:\"{selector}\"}}"),
                )
            }
            "webwxsync" => {
                let seen = number_after(body, "\"Val\"")? - self.recorded.key;
                let (due, _) = self.schedule.borrow().due(account(cookie()?));
                (start.clone(), self.batch(text, seen, due.min(seen + BATCH))?)
            }
            _ => (start.clone(), text.clone()),
        };
        let head = match cookie() {
            Some(uin) => of(uin, &head),
            None => head,
        };
        Some(format!("{head}content-length: {}\r\n\r\n{body}", body.len()))
    }

    /// Waits until an account has messages after this one. Returns whether it has.
    async fn wait(&self, account: u64, seen: u64) -> bool {
        let (mut schedule, end) = (self.schedule.clone(), Instant::now() + HOLD);
        loop {
            let (due, next) = schedule.borrow_and_update().due(account);
            if due > seen || Instant::now() >= end {
                return due > seen;
            }
            match next {
                Some(next) if next < end => sleep_until(next).await,
                _ => drop(timeout_at(end, schedule.changed()).await),
            }
        }
    }

    /// Returns a reply with the messages after `seen` up to `due`.
    fn batch(&self, text: &str, seen: u64, due: u64) -> Option<String> {
        let (start, rest) = text.split_once("\"AddMsgCount\"")?;
        let list = rest.find('[')?;
        let (_, rest) = rest.split_at(list + 1);
        let (message, rest) = rest.split_at(rest.find("]\n,\n\"ModContactCount\"")?);
        let (between, _) = rest.split_once("\"SyncKey\"")?;
        let id = |number: u64| (4_000_000_000_000_000_000 + number).to_string();
        let messages =
            (seen + 1..=due).map(|number| message.replace(&self.recorded.message, &id(number)));
        let (messages, count) = (messages.collect::<Vec<_>>().join(","), due - seen);
        let key =
            format!("{{\"Count\":1,\"List\":[{{\"Key\":1,\"Val\":{}}}]}}", self.recorded.key + due);
        Some(format!(
            "{start}\"AddMsgCount\": {count},\n\"AddMsgList\": [{messages}{between}\"SyncKey\": {key},\n\"SKey\": \"\",\n\"SyncCheckKey\": {key}\n}}"
        ))
    }
}
