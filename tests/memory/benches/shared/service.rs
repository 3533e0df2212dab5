//! The service, in a child process: replies recorded from the simulator, for any number of accounts.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use wechat_proto::flow::Response;

use crate::shared::Result;
use crate::shared::process::Process;
use crate::shared::recorded::{Recorded, endpoint, number_after, record};

/// Starts the server of [`serve`] in a child process, and returns it with its origin.
pub(crate) fn start(under: &[&str], arguments: [usize; 3]) -> Result<(Process, String)> {
    let [contacts, batch, hold] = arguments.map(|number| number.to_string());
    let mut process = Process::start(under, &["serve", &contacts, &batch, &hold])?;
    let origin = process.line()?;
    Ok((process, origin))
}

/// The counts of the requests to an endpoint, and the last request.
#[derive(Default)]
struct Total {
    requests: u64,
    received: usize,
    sent: usize,
    last: String,
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
    /// The head of the reply to the first `webwxsync` of a session, and the sync keys of its request.
    first: (String, String),
    schedule: watch::Receiver<Schedule>,
    logins: AtomicU64,
    /// The maximum number of messages in a reply.
    batch: u64,
    /// The time for which a poll is held.
    hold: Duration,
    held: AtomicUsize,
    totals: Mutex<BTreeMap<String, Total>>,
}

/// Serves until stdin ends. The arguments are the number of contacts of each account, the
/// maximum number of messages in a reply, and the time for which a poll is held, in milliseconds.
///
/// Prints its origin; for the line `held`, the number of held polls; for the line `totals`, the
/// counts since the last such line. The line `count period accounts` sends messages to the first
/// accounts, with a period in milliseconds.
pub(crate) fn serve(arguments: &[String]) -> Result<()> {
    let [contacts, batch, hold] = arguments else { return Err("serve: three numbers".into()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let origin = format!("http://{}", listener.local_addr()?);
    let recorded = record(&origin, contacts.parse()?)?;
    let replies = recorded.exchanges.iter().map(|(name, (_, reply))| {
        Ok((name.clone(), (head(reply)?, String::from_utf8(reply.body().to_vec())?)))
    });
    let replies = replies.collect::<Result<_>>()?;
    let (request, reply) = &recorded.first;
    let first = (head(reply)?, keys(std::str::from_utf8(request.body())?).to_owned());
    let schedule = Schedule {
        since: Instant::now(),
        before: 0,
        count: 0,
        period: Duration::ZERO,
        accounts: 0,
    };
    let (sender, receiver) = watch::channel(schedule);
    let service = Arc::new(Service {
        recorded,
        replies,
        first,
        schedule: receiver,
        logins: AtomicU64::new(0),
        batch: batch.parse()?,
        hold: Duration::from_millis(hold.parse()?),
        held: AtomicUsize::new(0),
        totals: Mutex::default(),
    });
    let commanded = Arc::clone(&service);
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
                match &*line {
                    "totals" => println!("{}", commanded.totals()),
                    _ => println!("{}", commanded.held.load(Relaxed)),
                }
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

/// Returns the head of a reply, without its length and its end.
fn head(reply: &Response) -> Result<String> {
    let mut head = format!("HTTP/1.1 {}\r\n", reply.status());
    for (name, value) in reply.headers() {
        if name != "content-length" {
            head.push_str(&format!("{name}: {}\r\n", value.to_str()?));
        }
    }
    Ok(head)
}

/// Returns the sync keys of a `webwxsync`.
fn keys(body: &str) -> &str {
    let (_, keys) = body.split_once("\"SyncKey\"").unwrap_or_default();
    keys.split(']').next().unwrap_or_default()
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
        let body = String::from_utf8_lossy(&body);
        let Some(reply) = service.answer(&head, &body).await else {
            eprintln!("no reply to {}", head.lines().next().unwrap_or_default());
            return Ok(());
        };
        service.count(head + &body, &reply);
        writer.write_all(reply.as_bytes()).await?;
    }
}

impl Service {
    async fn answer(&self, head: &str, body: &str) -> Option<String> {
        let name = endpoint(head.split([' ', '?']).nth(1)?);
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
                let (first, first_keys) = &self.first;
                let start = if keys(body) == first_keys { first } else { start };
                (start.clone(), self.batch(text, seen, due.min(seen + self.batch))?)
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
        let (mut schedule, end) = (self.schedule.clone(), Instant::now() + self.hold);
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
        let (start, rest) = text.split_once("\"AddMsgCount\": 1,\n\"AddMsgList\": [")?;
        let (message, rest) = rest.split_at(rest.find("]\n,\n\"ModContactCount\"")?);
        let id = |number: u64| (4_000_000_000_000_000_000 + number).to_string();
        let messages =
            (seen + 1..=due).map(|number| message.replace(&self.recorded.message, &id(number)));
        let (messages, count) = (messages.collect::<Vec<_>>().join(","), due - seen);
        let key = |number: u64| format!("\"Val\": {}\n", self.recorded.key + number);
        let rest = rest.replace(&key(0), &key(due));
        Some(format!("{start}\"AddMsgCount\": {count},\n\"AddMsgList\": [{messages}{rest}"))
    }

    fn count(&self, request: String, reply: &str) {
        let name = endpoint(request.split([' ', '?']).nth(1).unwrap_or_default());
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let total = totals.entry(name).or_default();
        total.requests += 1;
        total.received += request.len();
        total.sent += reply.len();
        total.last = request;
    }

    /// Returns the counts of each endpoint since the last call.
    fn totals(&self) -> Value {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = std::mem::take(&mut *totals).into_iter().map(|(name, total)| {
            let Total { requests, received, sent, last } = total;
            let counts =
                json!({ "requests": requests, "received": received, "sent": sent, "last": last });
            (name, counts)
        });
        Value::Object(totals.collect())
    }
}
