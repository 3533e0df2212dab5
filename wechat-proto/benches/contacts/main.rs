//! Measures the cost of contacts: parsing, memory, loading and lookup.
//!
//! ```text
//! cargo bench -p wechat-proto --bench contacts
//! ```
//!
//! Prints each figure next to its bound and fails if a bound is missed. Compared workloads run in
//! alternating rounds. The ratios of parsing compare the shortest rounds, the others are medians over
//! the rounds; both limit the effect of other load on the machine.

mod payload;
mod reference;
#[path = "../shared/mod.rs"]
mod shared;

use std::io::{self, Read as _, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use bytes::{Buf as _, Bytes};
use http::HeaderValue;
use http::header::CONTENT_ENCODING;
use miniz_oxide::deflate::compress_to_vec;
use wechat_proto::contact::{BatchGetContacts, Contact, GetContacts};
use wechat_proto::flow::{Request, Response};
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Call, Endpoint as _, Flow, Input, Interrupt, Timestamp};

use crate::payload::{
    contact_name, distinct_rooms, member_name, page, page_of, record, room_name, rooms,
};
use crate::reference::{Batch, LeanRecord, Page, Record};
use crate::shared::{now, session};

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    if args.next().as_deref() == Some("--memory") {
        return print_memory();
    }
    let mut report = Report::default();
    for count in [100, 1_000, 5_000, 10_000] {
        let body = page(count);
        let mib = body.len() as f64 / f64::from(1 << 20);
        report.parse(&format!("{count} contacts ({mib:.1} MiB)"), List::Page, &body, |response| {
            assert_eq!(GetContacts::new().parse(response).unwrap().contacts.len(), count);
        });
    }
    report.parse("50 rooms of 300 members", List::Batch, &rooms(50, 300), |response| {
        assert_eq!(parse_batch(response).len(), 50);
    });

    let (bytes, time) = gzip_ratios(&page(5_000));
    report.at_most("5,000 contacts in gzip: × bytes", bytes, 0.2);
    report.at_most("5,000 contacts in gzip: × time", time, 1.8);

    let megabytes = memory(&page(5_000));
    report.at_most("memory of 5,000 contacts, MB", megabytes, 5.5);
    let megabytes = memory(&rooms(200, 500));
    report.at_most("memory of 200 rooms of 500 members, MB", megabytes, 32.0);

    let ratio = message_ratio();
    report.at_most("a message with 10,000 contacts loaded: × with 100", ratio, 1.2);
    let ratio = reload_ratio();
    report.at_most("second load of 10,000 contacts: × of 1,000", ratio, 13.0);
    let [alone, together] = lookup_ratios();
    // Repeated lookups of 500 members fit into the caches and the branch prediction of a core;
    // those of 5,000 do not. Rooms of 500 that are used in turn do not fit either: compared with them,
    // ten times the members take 1.4 times as long, as the comparisons of a binary search.
    report.at_most("member lookup in a room of 5,000: × of 500", alone, 6.0);
    report.at_most("member lookup in a room of 5,000: × of 10 rooms of 500", together, 2.0);
    report.exit_code()
}

/// A report that prints the figures and counts missed bounds.
#[derive(Default)]
struct Report {
    missed: usize,
}

impl Report {
    /// Compares the throughput of `parse` with that of the [references](reference).
    fn parse(&mut self, label: &str, list: List, body: &Bytes, parse: impl Fn(&Response)) {
        let repeat = (1_000_000 / body.len()).max(1);
        let response = Response::new(body.clone());
        let mut parse_ours = || (0..repeat).for_each(|_| parse(&response));
        let mut parse_owned = || (0..repeat).for_each(|_| parse_owned(list, body));
        let mut parse_lean = || (0..repeat).for_each(|_| parse_lean(list, body));
        let [owned, lean] = ratios(101, &mut parse_ours, [&mut parse_owned, &mut parse_lean]);
        self.at_least(&format!("{label}: × owned, from_slice"), owned, 1.15);
        // The lean reference neither decodes names nor indexes members.
        self.at_least(&format!("{label}: × lean, from_str"), lean, 0.9);
    }

    fn at_least(&mut self, label: &str, figure: f64, bound: f64) {
        self.line(label, figure, ">=", bound, figure >= bound);
    }

    fn at_most(&mut self, label: &str, figure: f64, bound: f64) {
        self.line(label, figure, "<=", bound, figure <= bound);
    }

    fn line(&mut self, label: &str, figure: f64, sign: &str, bound: f64, met: bool) {
        let verdict = if met { "" } else { "  MISSED" };
        println!("{label:60} {figure:8.2}  {sign} {bound:.2}{verdict}");
        self.missed += usize::from(!met);
    }

    fn exit_code(self) -> ExitCode {
        if self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Returns the duration of `work` in seconds.
fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Returns the duration of each baseline divided by that of `measured`, each the shortest of the
/// rounds, which other load on the machine affects least.
fn ratios<const N: usize>(
    rounds: usize,
    measured: &mut dyn FnMut(),
    baselines: [&mut dyn FnMut(); N],
) -> [f64; N] {
    let mut least = f64::INFINITY;
    let mut leasts = baselines.map(|baseline| (baseline, f64::INFINITY));
    for _ in 0..rounds {
        least = least.min(time(&mut *measured));
        for (baseline, least) in &mut leasts {
            *least = least.min(time(&mut **baseline));
        }
    }
    leasts.map(|(_, baseline)| baseline / least)
}

/// Returns the median over the rounds of the duration of `measured` divided by that of `baseline`.
fn ratio(rounds: usize, mut measured: impl FnMut(), mut baseline: impl FnMut()) -> f64 {
    measured();
    baseline();
    let mut ratios: Vec<f64> =
        (0..rounds).map(|_| time(&mut measured) / time(&mut baseline)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[rounds / 2]
}

/// The lists of contacts.
#[derive(Clone, Copy)]
enum List {
    Page,
    Batch,
}

/// Parses a list into owned values of all fields.
fn parse_owned(list: List, body: &[u8]) {
    let records: Vec<Record> = match list {
        List::Page => serde_json::from_slice::<Page<_>>(body).unwrap().member_list,
        List::Batch => serde_json::from_slice::<Batch<_>>(body).unwrap().contact_list,
    };
    assert!(!records.is_empty());
}

/// Parses a list into owned values of the fields that `Contact` has.
fn parse_lean(list: List, body: &[u8]) {
    let text = std::str::from_utf8(body).unwrap();
    let records: Vec<LeanRecord> = match list {
        List::Page => serde_json::from_str::<Page<_>>(text).unwrap().member_list,
        List::Batch => serde_json::from_str::<Batch<_>>(text).unwrap().contact_list,
    };
    assert!(!records.is_empty());
}

fn parse_batch(response: &Response) -> Vec<Contact> {
    BatchGetContacts::new(&[]).parse(response).unwrap()
}

/// Returns the length of contacts in gzip relative to plain ones, and the time of a call that decodes
/// and parses them relative to one that parses them.
fn gzip_ratios(body: &Bytes) -> (f64, f64) {
    // The header, and the trailer of RFC 1952.
    let mut bytes = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    bytes.extend(compress_to_vec(body, 6));
    bytes.extend(crc32fast::hash(body).to_le_bytes());
    bytes.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    let ratio_of_bytes = bytes.len() as f64 / body.len() as f64;
    let mut compressed = Response::new(Bytes::from(bytes));
    compressed.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let plain = Response::new(body.clone());

    let call = |response: &Response| {
        let (mut call, mut session) = (Call::new(GetContacts::new()), session());
        assert!(matches!(call.poll(&mut session, now()), Err(Interrupt::Send(_))));
        call.handle(Input::Reply(Ok(response.clone())));
        assert!(call.poll(&mut session, now()).unwrap().contacts.len() > 1);
    };
    (ratio_of_bytes, ratio(21, || call(&compressed), || call(&plain)))
}

/// Returns the time per member lookup in a room of 5,000 members relative to a room of 500, and to
/// ten rooms of 500 that are used in turn, which take as much memory.
fn lookup_ratios() -> [f64; 2] {
    let of = |count, members| parse_batch(&Response::new(distinct_rooms(count, members)));
    let (large, small) = (of(1, 5_000), of(10, 500));
    let look_up_all = |rooms: &[Contact], times| {
        for room in (0..times).flat_map(|_| rooms) {
            let found =
                room.members.iter().filter(|member| room.member(&member.user_name).is_some());
            assert_eq!(found.count(), room.members.len());
        }
    };
    let one = &small[..1];
    [
        ratio(21, || look_up_all(&large, 4), || look_up_all(one, 40)),
        ratio(21, || look_up_all(&large, 4), || look_up_all(&small, 4)),
    ]
}

// Memory.

/// Returns the memory that the contacts of a body occupy, in MB, without the body itself.
///
/// Measured in a separate process, because memory freed by other work would be reused unnoticed.
fn memory(body: &[u8]) -> f64 {
    let mut child = Command::new(env::current_exe().unwrap())
        .arg("--memory")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Prints the memory, in MB, that the contacts of the body on standard input occupy.
fn print_memory() -> ExitCode {
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body).unwrap();
    let body = Bytes::from(body);
    let mut account = account();
    // Excludes the memory that every load needs.
    load(&mut account, &page(1));
    let before = resident();
    load(&mut account, &body);
    println!("{:.3}", (resident() - before) / 1e6);
    assert!(account.directory().len() > 1 && !body.is_empty());
    ExitCode::SUCCESS
}

/// Returns the resident memory of this process, in bytes.
fn resident() -> f64 {
    let stat = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = stat.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}

// Flows.

fn account() -> Account {
    Account::from(session())
}

/// Loads a page of contacts or a batch of rooms into an account.
fn load(account: &mut Account, body: &Bytes) {
    if body.starts_with(b"{\"BaseResponse\": {\"Ret\": 0}, \"Count\"") {
        let contacts = page_of((0..1).map(|n| record(&room_name(n), 0, &[])));
        shared::load(account, &contacts, body);
    } else {
        shared::load(account, body, &Bytes::from_static(b"{\"BaseResponse\":{\"Ret\":0}}"));
    }
}

/// Returns the time of a reload of 10,000 contacts, each of them changed, relative to 1,000.
fn reload_ratio() -> f64 {
    let reload = |count| {
        let mut account = account();
        load(&mut account, &page(count));
        let changed = page_of((0..count).map(|n| record(&contact_name(n), n + 7, &[])));
        let bodies = [page(count), changed];
        let mut turn = 0;
        move || {
            turn += 1;
            load(&mut account, &bodies[turn % 2]);
        }
    };
    ratio(15, reload(10_000), reload(1_000))
}

/// Returns the time to receive a message with 10,000 contacts loaded relative to 100.
fn message_ratio() -> f64 {
    let receive_with = |count| {
        let mut account = account();
        load(&mut account, &page(count));
        load(&mut account, &rooms(20, 300));
        let mut inbox = Inbox::new();
        let (mut id, mut clock) = (0_u64, now());
        move || {
            for _ in 0..500 {
                id += 1;
                clock = receive(&mut inbox, &mut account, id, count, clock);
            }
        }
    };
    ratio(31, receive_with(10_000), receive_with(100))
}

/// Receives message number `id` and returns the time after it. Every third message is sent in a
/// room, the others by a contact.
fn receive(
    inbox: &mut Inbox,
    account: &mut Account,
    id: u64,
    count: usize,
    mut now: Timestamp,
) -> Timestamp {
    loop {
        match inbox.poll(account, now) {
            Ok(message) => {
                assert!(!account.directory().author_name(&message).starts_with('@'));
                return now;
            }
            Err(Interrupt::Send(request)) => {
                now = now.after(Duration::from_millis(3_000));
                let body = respond(&request, id, count);
                inbox.handle(Input::Reply(Ok(Response::new(body))));
            }
            Err(Interrupt::Sleep(time)) => now = now.after(time),
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Returns the response to a request of the inbox.
fn respond(request: &Request, id: u64, count: usize) -> Bytes {
    if request.http.uri().path().ends_with("/synccheck") {
        return Bytes::from_static(b"window.synccheck={retcode:\"0\",selector:\"2\"}");
    }
    assert!(request.http.uri().path().ends_with("/webwxsync"), "{request:?}");
    assert!(request.http.body().clone().has_remaining());
    let number = usize::try_from(id).unwrap() * 7919;
    let (from, prefix) = if id.is_multiple_of(3) {
        (room_name(number % 20), format!("{}:<br/>", member_name(number % 300)))
    } else {
        (contact_name(number % count), String::new())
    };
    format!(
        "{{\"BaseResponse\":{{\"Ret\":0}},\"AddMsgCount\":1,\"AddMsgList\":[{{\"MsgId\":\"{id}\",\"FromUserName\":\"{from}\",\"ToUserName\":\"@me\",\"MsgType\":1,\"Content\":\"{prefix}hello\",\"CreateTime\":1476606163}}],\"SyncKey\":{{\"Count\":1,\"List\":[{{\"Key\":1,\"Val\":{id}}}]}}}}"
    )
    .into()
}
