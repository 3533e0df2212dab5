//! Measures the cost of saving sessions.
//!
//! ```text
//! cargo bench -p wechat-file-store
//! ```
//!
//! Prints each figure together with its baseline in the same run, and fails if a ratio or a count
//! exceeds its bound. Compared workloads run in alternating rounds. Times in memory are the lower
//! tenth of the rounds, which limits the effect of other load; those on the disk are medians. The
//! files are in the target folder, whose disk determines the times of the second table.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use wechat_file_store::FileStore;
use wechat_proto::flow::Response;
use wechat_proto::store::{Journal, SavePolicy, SessionStore as _};
use wechat_proto::sync::FetchBatch;
use wechat_proto::{Endpoint as _, Message, Session, Timestamp, bytes::Bytes};

/// The number of messages that arrive together.
const BATCH: usize = 10;

fn main() -> ExitCode {
    let mut report = Report::default();
    in_memory(&mut report);
    on_disk(&mut report);
    report.exit_code()
}

/// A report that prints the figures and counts missed bounds.
#[derive(Default)]
struct Report {
    missed: usize,
}

impl Report {
    /// Prints a time in µs and its ratio to the baseline, unless it is the baseline itself.
    fn row(&mut self, label: &str, micros: f64, neighbour: &str, ratio: f64, bound: f64) {
        let (sign, missed) = if bound.is_finite() { ("<=", ratio > bound) } else { ("  ", false) };
        let bound = if bound.is_finite() { format!("{bound:.1}") } else { String::new() };
        let verdict = if missed { "  MISSED" } else { "" };
        println!(
            "{label:44} {micros:9.2} us  x{ratio:<7.2} {sign} {bound:5} of {neighbour}{verdict}"
        );
        self.missed += usize::from(missed);
    }

    fn count(&mut self, label: &str, count: f64, bound: f64) {
        let missed = count > bound;
        let verdict = if missed { "  MISSED" } else { "" };
        println!("{label:44} {count:9.2}     <= {bound}{verdict}");
        self.missed += usize::from(missed);
    }

    fn exit_code(self) -> ExitCode {
        if self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Returns the duration of `work` in microseconds.
fn micros(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6
}

/// Runs workloads, which measure themselves, in alternating rounds, and returns the quantile of each.
fn rounds<const N: usize>(
    rounds: usize,
    quantile: f64,
    mut workloads: [&mut dyn FnMut() -> f64; N],
) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (work, times) in workloads.iter_mut().zip(&mut times) {
            times.push(work());
        }
    }
    times.map(|mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[(rounds as f64 * quantile) as usize]
    })
}

// Sessions.

fn now() -> Timestamp {
    Timestamp::from_millis(1_476_606_163_580)
}

/// A session, and the number of messages that it received.
#[derive(Clone)]
struct Heard {
    session: Session,
    received: usize,
}

impl Heard {
    /// Returns a session that acknowledged this number of messages.
    fn new(count: usize) -> Self {
        let sample = include_str!("../../src/session/samples/session-2.json");
        let mut text = sample.replace("\"ended\":1101", "\"ended\":null");
        // The sample's session is closed; the first format has no checksum.
        text = text[text.find("\"session\":").unwrap() + 10..text.trim_end().len() - 1].to_owned();
        let mut heard = Self { session: Session::from_json(&text).unwrap(), received: 0 };
        while heard.received < count {
            for message in heard.receive(BATCH) {
                heard.session.acknowledge(&message);
            }
        }
        heard
    }

    /// Receives new messages in one batch.
    fn receive(&mut self, count: usize) -> Vec<Message> {
        let mut list = String::new();
        for n in self.received..self.received + count {
            let (id, from) = (8_410_419_333_100_000_000 + n as u64, n % 7);
            let comma = if list.is_empty() { "" } else { "," };
            write!(
                list,
                "{comma}{{\"MsgId\":\"{id}\",\"FromUserName\":\"@{from}\",\"MsgType\":1}}"
            )
            .unwrap();
        }
        self.received += count;
        let (value, key) = (
            self.received,
            "{\"Count\":2,\"List\":[{\"Key\":1,\"Val\":643606091},{\"Key\":2,\"Val\":",
        );
        let body = format!(
            "{{\"BaseResponse\":{{\"Ret\":0}},\"AddMsgList\":[{list}],\"SyncKey\":{key}{value}}}]}},\"SyncCheckKey\":{key}{value}}}]}}}}"
        );
        let mut fetch = FetchBatch::new();
        let uri = fetch.request(&mut self.session, now()).uri().clone();
        let response = Response::new(Bytes::from(body));
        let batch = fetch.receive(&mut self.session, &uri, &response, now()).unwrap();
        let messages = self.session.apply(batch);
        assert_eq!(messages.len(), count);
        messages
    }
}

/// Returns the time to snapshot the session and acknowledge the next message, with the snapshot kept
/// until then.
fn snapshots(heard: &Session, messages: &[Message]) -> f64 {
    let mut session = heard.clone();
    let time = micros(|| {
        for message in messages {
            let copy = session.snapshot();
            session.acknowledge(message);
            black_box(copy);
        }
    });
    time / messages.len() as f64
}

fn in_memory(report: &mut Report) {
    let few = "10 heard";
    let heard = [10, 600, 4_096, 20_000].map(Heard::new);
    let next = heard.clone().map(|mut heard| {
        let messages = heard.receive(BATCH);
        move || snapshots(&heard.session, &messages)
    });
    let [mut a, mut b, mut c, mut d] = next;
    // Messages of one large batch, half of which are acknowledged.
    let mut large = heard[0].clone();
    let half = large.receive(8_192);
    half[..4_096].iter().for_each(|message| large.session.acknowledge(message));
    let mut e = || snapshots(&large.session, &half[4_096..4_096 + BATCH]);
    let times = rounds(301, 0.1, [&mut a, &mut b, &mut c, &mut d, &mut e]);
    let labels = [
        "10 heard", "600 heard", "4,096 heard", "20,000 heard", "4,096 heard of one batch of 8,192",
    ];
    for (label, time) in labels.iter().zip(times) {
        let label = format!("snapshot, acknowledge: {label}");
        report.row(&label, time, few, time / times[0], 8.0);
    }
    let json = |heard: &Heard| {
        let session = heard.session.clone();
        move || micros(|| drop(black_box(session.to_json())))
    };
    let mut version =
        || micros(|| assert!(heard[0].session.version() == heard[0].session.version()));
    let [mut a, mut b, mut c] = [json(&heard[0]), json(&heard[1]), json(&heard[2])];
    let [a, b, c, v] = rounds(301, 0.1, [&mut a, &mut b, &mut c, &mut version]);
    let v = v / 2.0;
    report.row("to_json: 10 heard", a, "to_json, 10 heard", 1.0, f64::INFINITY);
    report.row("to_json: 600 heard", b, "to_json, 10 heard", b / a, f64::INFINITY);
    report.row("to_json: 4,096 heard", c, "to_json, 600 heard", c / b, 1.3);
    // Each line has one message.
    let line = |heard: &Heard| {
        let mut heard = heard.clone();
        let mut journal = Journal::new(&heard.session.snapshot()).0;
        move || {
            let message = heard.receive(1).remove(0);
            heard.session.acknowledge(&message);
            let copy = heard.session.snapshot();
            micros(|| assert!(journal.append(&copy).len() < 600))
        }
    };
    let [mut d, mut e] = [line(&heard[1]), line(&heard[2])];
    let [d, e] = rounds(301, 0.1, [&mut d, &mut e]);
    report.row("Journal::append: 600 heard", d, "to_json, 600 heard", d / b, 1.5);
    report.row("Journal::append: 4,096 heard", e, "to_json, 600 heard", e / b, 1.5);
    report.row("version", v, "to_json, 10 heard", v / a, 0.5);
}

/// The write calls of this process and their bytes, if the system counts them.
fn written() -> Option<[f64; 2]> {
    let io = fs::read_to_string("/proc/self/io").ok()?;
    let of = |name: &str| io.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    Some([of("syscw:")?, of("wchar:")?])
}

fn on_disk(report: &mut Report) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = folder.path();
    let mut heard = Heard::new(4_096);
    let mut store = FileStore::open(folder.join("bot.session")).unwrap();
    let mut messages = Vec::new();
    store.save(&heard.session).unwrap();
    let mut save = |store: &mut FileStore| {
        if messages.is_empty() {
            messages = heard.receive(BATCH);
        }
        heard.session.acknowledge(&messages.remove(0));
        store.save(&heard.session.snapshot()).unwrap();
    };
    const COUNTED: u32 = 100;
    save(&mut store);
    let before = written();
    (0..COUNTED).for_each(|_| save(&mut store));
    let counts = before
        .zip(written())
        .map(|(before, after)| [0, 1].map(|at| (after[at] - before[at]) / f64::from(COUNTED)));
    let bytes = counts.map_or(500, |[_, bytes]| bytes as usize);
    let mut bare = OpenOptions::new().create(true).append(true).open(folder.join("bare")).unwrap();
    let line = vec![b'x'; bytes];
    let mut append = || {
        micros(|| {
            bare.write_all(&line).unwrap();
            bare.sync_data().unwrap();
        })
    };
    let whole = Heard::new(4_096).session.to_json();
    let (new, path) = (folder.join("whole.new"), folder.join("whole"));
    let mut rewrite = || {
        micros(|| {
            let mut file = File::create(&new).unwrap();
            file.write_all(whole.as_bytes()).unwrap();
            file.sync_all().unwrap();
            fs::rename(&new, &path).unwrap();
            File::open(folder).unwrap().sync_all().unwrap();
        })
    };
    let mut saved = || micros(|| save(&mut store));
    let [append, saved, rewrite] = rounds(301, 0.5, [&mut append, &mut saved, &mut rewrite]);
    report.row("write and fdatasync of the same bytes", append, "itself", 1.0, f64::INFINITY);
    report.row(
        "FileStore::save after each message",
        saved,
        "write and fdatasync",
        saved / append,
        3.0,
    );
    report.row(
        "FileStore::save after each message",
        saved,
        "a whole rewrite",
        saved / rewrite,
        0.8,
    );
    if let Some([writes, bytes]) = counts {
        report.count("writes for each message", writes, 1.1);
        report.count("bytes for each message", bytes, 1_500.0);
    }
    policies(report, folder);
}

/// Receives messages and saves by each policy; with [`SavePolicy::Manual`], the caller saves once
/// for 50 messages.
fn policies(report: &mut Report, folder: &Path) {
    const MESSAGES: usize = 100;
    let policies = [SavePolicy::EachMessage, SavePolicy::EachBatch, SavePolicy::Manual];
    let mut counts = [None; 3];
    let mut runs = policies.map(|policy| {
        let mut heard = Heard::new(600);
        let mut store = FileStore::open(folder.join(format!("{policy:?}"))).unwrap();
        store.save(&heard.session.snapshot()).unwrap();
        move |count: &mut Option<[f64; 2]>| {
            let before = written();
            let time = micros(|| {
                for _ in 0..MESSAGES / BATCH {
                    for message in heard.receive(BATCH) {
                        heard.session.acknowledge(&message);
                        let by_caller =
                            policy == SavePolicy::Manual && !heard.session.has_pending();
                        let is_time = heard.received.is_multiple_of(50);
                        if policy.is_due(&heard.session) || by_caller && is_time {
                            store.save(&heard.session.snapshot()).unwrap();
                        }
                    }
                }
            });
            *count = before
                .zip(written())
                .map(|(before, after)| [0, 1].map(|at| (after[at] - before[at]) / MESSAGES as f64));
            time / MESSAGES as f64
        }
    });
    let [a, b, c] = &mut runs;
    let [ca, cb, cc] = &mut counts;
    let times = rounds(15, 0.5, [&mut || a(ca), &mut || b(cb), &mut || c(cc)]);
    let labels = ["each message", "each batch of 10", "by the caller, once for 50"];
    for ((label, time), count) in labels.iter().zip(times).zip(counts) {
        report.row(&format!("saved {label}"), time, "each message", time / times[0], 1.0);
        if let Some([writes, bytes]) = count {
            println!("{:44} {writes:9.2} writes, {bytes:.0} bytes per message", "");
        }
    }
}
