//! What contacts cost: reading them, keeping them, having them.
//!
//! ```text
//! cargo bench -p wechat-proto --bench contacts
//! ```
//!
//! Prints each figure beside its bound, and fails if one is missed. Rounds of what is compared
//! alternate, and a ratio is the median over the rounds, so that other work on the machine matters
//! little.

mod obvious;
mod payload;
#[path = "../shared/mod.rs"]
mod shared;

use std::io::{self, Read as _, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use bytes::{Buf as _, Bytes};
use wechat_proto::contact::{BatchGetContacts, Contact, GetContacts};
use wechat_proto::flow::{Request, Response};
use wechat_proto::sync::Inbox;
use wechat_proto::{Account, Endpoint as _, Flow, Input, Interrupt, Timestamp};

use crate::obvious::{Batch, Page};
use crate::payload::{member_name, name, page, page_of, record, room_name, rooms};
use crate::shared::{now, session};

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    if args.next().as_deref() == Some("--memory") {
        return memory_of_stdin();
    }
    let mut report = Report::default();
    for count in [100, 1_000, 5_000, 10_000] {
        let body = page(count);
        let mib = body.len() as f64 / f64::from(1 << 20);
        let ratio = parse_ratio(&body, "MemberList", |reply| {
            assert_eq!(GetContacts::new().parse(reply).unwrap().contacts.len(), count);
        });
        report.at_least(
            &format!("{count} contacts ({mib:.1} MiB), parsed: × serde_json"),
            ratio,
            1.2,
        );
    }
    let body = rooms(50, 300);
    let ratio = parse_ratio(&body, "ContactList", |reply| {
        assert_eq!(parse_batch(reply).len(), 50);
    });
    report.at_least("50 rooms of 300, parsed: × serde_json", ratio, 1.2);

    let megabytes = memory(&page(5_000));
    report.at_most("5,000 contacts in memory, MB", megabytes, 5.5);
    let megabytes = memory(&rooms(200, 500));
    report.at_most("200 rooms of 500 in memory, MB", megabytes, 32.0);

    let ratio = messages_ratio();
    report.at_most("a message among 10,000 contacts: × among 100", ratio, 1.2);
    let ratio = second_load_ratio();
    report.at_most("a second load of 10,000 contacts: × of 1,000", ratio, 13.0);
    let ratio = lookup_ratio();
    report.at_most("a member of a room of 5,000 looked up: × of 500", ratio, 3.0);
    report.end()
}

/// The figures, and whether all were met.
#[derive(Default)]
struct Report {
    missed: usize,
}

impl Report {
    fn at_least(&mut self, what: &str, figure: f64, bound: f64) {
        self.line(what, figure, ">=", bound, figure >= bound);
    }

    fn at_most(&mut self, what: &str, figure: f64, bound: f64) {
        self.line(what, figure, "<=", bound, figure <= bound);
    }

    fn line(&mut self, what: &str, figure: f64, sign: &str, bound: f64, met: bool) {
        let verdict = if met { "" } else { "  MISSED" };
        println!("{what:60} {figure:8.2}  {sign} {bound:.1}{verdict}");
        self.missed += usize::from(!met);
    }

    fn end(self) -> ExitCode {
        if self.missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// The median over the rounds of how long `one` takes, in times of what `other` takes.
fn ratio(rounds: usize, mut one: impl FnMut(), mut other: impl FnMut()) -> f64 {
    one();
    other();
    let mut ratios: Vec<f64> = (0..rounds).map(|_| time(&mut one) / time(&mut other)).collect();
    ratios.sort_by(f64::total_cmp);
    ratios[rounds / 2]
}

/// Throughput of `ours` in times of the obvious way: all 31 fields into `String`s.
fn parse_ratio(body: &Bytes, list: &'static str, ours: impl Fn(&Response)) -> f64 {
    let repeat = (4_000_000 / body.len()).max(1);
    let reply = Response::new(body.clone());
    let plain = || {
        for _ in 0..repeat {
            let list = match list {
                "MemberList" => serde_json::from_slice::<Page>(body).unwrap().member_list,
                _ => serde_json::from_slice::<Batch>(body).unwrap().contact_list,
            };
            assert!(!list.is_empty());
        }
    };
    ratio(41, plain, || (0..repeat).for_each(|_| ours(&reply)))
}

fn parse_batch(response: &Response) -> Vec<Contact> {
    BatchGetContacts::new(&[]).parse(response).unwrap()
}

/// Looking each member up, in times of what a tenth as many take each.
fn lookup_ratio() -> f64 {
    let room = |members| {
        let reply = Response::new(rooms(1, members));
        parse_batch(&reply).remove(0)
    };
    let (large, small) = (room(5_000), room(500));
    let all = |room: &Contact, times| {
        for _ in 0..times {
            let found =
                room.members.iter().filter(|member| room.member(&member.user_name).is_some());
            assert_eq!(found.count(), room.members.len());
        }
    };
    ratio(21, || all(&large, 4), || all(&small, 40))
}

// Memory.

/// What the contacts of a body take in memory beside it, in MB: of a process that does nothing
/// else, so that what was freed elsewhere does not hide it.
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

fn memory_of_stdin() -> ExitCode {
    let mut body = Vec::new();
    io::stdin().read_to_end(&mut body).unwrap();
    let body = Bytes::from(body);
    let mut account = account();
    // What every load needs, so that it is there before.
    load(&mut account, &page(1));
    let before = resident();
    load(&mut account, &body);
    println!("{:.3}", (resident() - before) / 1e6);
    assert!(account.directory().len() > 1 && !body.is_empty());
    ExitCode::SUCCESS
}

/// The memory that this process has, in bytes.
fn resident() -> f64 {
    let stat = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = stat.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}

// Flows.

fn account() -> Account {
    Account::from(session())
}

/// Loads a page of contacts, or a batch of rooms, into an account.
fn load(account: &mut Account, body: &Bytes) {
    if body.starts_with(b"{\"BaseResponse\": {\"Ret\": 0}, \"Count\"") {
        let one = page_of((0..1).map(|n| record(&room_name(n), 0, &[])));
        shared::load(account, &one, body);
    } else {
        shared::load(account, body, &Bytes::from_static(b"{\"BaseResponse\":{\"Ret\":0}}"));
    }
}

/// A second load of all contacts, with something changed in each: ten times as many, in times.
fn second_load_ratio() -> f64 {
    let loaded = |count| {
        let mut account = account();
        load(&mut account, &page(count));
        let changed = page_of((0..count).map(|n| record(&name(n), n + 7, &[])));
        let bodies = [page(count), changed];
        let mut turn = 0;
        move || {
            turn += 1;
            load(&mut account, &bodies[turn % 2]);
        }
    };
    ratio(15, loaded(10_000), loaded(1_000))
}

/// A message fetched and handed out among many contacts, in times of one among few.
fn messages_ratio() -> f64 {
    let among = |count| {
        let mut account = account();
        load(&mut account, &page(count));
        load(&mut account, &rooms(20, 300));
        let mut inbox = Inbox::new();
        let (mut id, mut clock) = (0_u64, now());
        move || {
            for _ in 0..500 {
                id += 1;
                clock = hear(&mut inbox, &mut account, id, count, clock);
            }
        }
    };
    ratio(31, among(10_000), among(100))
}

/// Hears message number `id`: from a friend, every third from a room.
fn hear(
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
                let body = answer(&request, id, count);
                inbox.handle(Input::Reply(Ok(Response::new(body))));
            }
            Err(Interrupt::Sleep(time)) => now = now.after(time),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn answer(request: &Request, id: u64, count: usize) -> Bytes {
    if request.http.uri().path().ends_with("/synccheck") {
        return Bytes::from_static(b"window.synccheck={retcode:\"0\",selector:\"2\"}");
    }
    assert!(request.http.uri().path().ends_with("/webwxsync"), "{request:?}");
    assert!(request.http.body().clone().has_remaining());
    let number = usize::try_from(id).unwrap() * 7919;
    let (from, prefix) = if id.is_multiple_of(3) {
        (room_name(number % 20), format!("{}:<br/>", member_name(number % 300)))
    } else {
        (name(number % count), String::new())
    };
    format!(
        "{{\"BaseResponse\":{{\"Ret\":0}},\"AddMsgCount\":1,\"AddMsgList\":[{{\"MsgId\":\"{id}\",\"FromUserName\":\"{from}\",\"ToUserName\":\"@me\",\"MsgType\":1,\"Content\":\"{prefix}hello\",\"CreateTime\":1476606163}}],\"SyncKey\":{{\"Count\":1,\"List\":[{{\"Key\":1,\"Val\":{id}}}]}}}}"
    )
    .into()
}
