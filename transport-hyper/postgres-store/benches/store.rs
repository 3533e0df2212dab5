//! The cost of storing in PostgreSQL: bytes of write-ahead log (WAL) and rates, each compared with
//! a bare `UPDATE` of the same number of bytes on the same server.
//!
//! `cargo bench -p wechat-postgres-store` needs an installation of PostgreSQL, and starts its own
//! server with `fsync` on. It fails if the store writes more WAL than allowed; rates are only
//! printed.

#[path = "../tests/it/cluster/mod.rs"]
#[expect(dead_code, reason = "tests use the other functions")]
mod cluster;

use std::time::Instant;

use tokio_postgres::{Client, NoTls};
use wechat_postgres_store::{Error, Keys, Lease, PostgresStore, UnansweredPolicy, tokio_postgres};
use wechat_proto::message::Receipt;
use wechat_proto::store::AsyncSessionStore as _;
use wechat_proto::{Endpoint as _, Session, Timestamp, UserName, http};

/// The number of repetitions of each operation.
const TIMES: u64 = 400;
/// The number of accounts that store at the same time.
const ACCOUNTS: u64 = 64;

#[tokio::main]
async fn main() {
    let Some(cluster) = cluster::shared() else { return };
    let config = cluster.create_database();
    let probe = connect(&config).await;
    for statement in [
        "ALTER SYSTEM SET fsync = on",
        "ALTER SYSTEM SET full_page_writes = on",
        "SELECT pg_reload_conf()",
        "CREATE TABLE effect (account text, line text)",
        "CREATE TABLE bare (account text PRIMARY KEY, content bytea) WITH (fillfactor = 50)",
        "ALTER TABLE bare ALTER COLUMN content SET STORAGE EXTERNAL",
    ] {
        probe.batch_execute(statement).await.unwrap();
    }
    let store = PostgresStore::connect(&config, Keys::new(1, &[1; 32])).await.unwrap();
    println!("{:<44}{:>10}{:>10}{:>9}", "WAL bytes per operation", "session", "WAL", "ratio");
    let mut within = true;
    for (heard, ids) in [("few messages received", 4), ("512 ids stored", 512)] {
        let account = format!("account {ids}");
        let mut session = session(ids);
        let length = session.to_json().len() as u64;
        store.add(&account, Some(&session)).await.unwrap();
        let mut lease = store.claim_account("bench", &account).await.unwrap().unwrap();
        let insert = "INSERT INTO bare VALUES ($1, '')";
        probe.execute(insert, &[&account]).await.unwrap();

        let mut row = |name: &str, per: u64, start: u64, end: u64, bound: Option<f64>| {
            let wal = (end - start) / (TIMES * per);
            let ratio = wal as f64 / length as f64;
            println!("{:<44}{length:>10}{wal:>10}{ratio:>9.2}", format!("{name}, {heard}"));
            within &= bound.is_none_or(|bound| ratio <= bound);
        };
        let start = wal(&probe).await;
        for number in 0..TIMES {
            let update = "UPDATE bare SET content = $2 WHERE account = $1";
            probe.execute(update, &[&account, &noise(number, length)]).await.unwrap();
        }
        let bare = wal(&probe).await;
        row("bare UPDATE", 1, start, bare, None);
        for _ in 0..TIMES {
            lease.save(&session.snapshot()).await.unwrap();
        }
        let saved = wal(&probe).await;
        row("save", 1, bare, saved, Some(1.2));
        for number in 0..TIMES {
            message(&mut lease, &mut session, number).await.unwrap();
        }
        let sent = wal(&probe).await;
        row(
            "message with effect and answer",
            1,
            saved,
            sent,
            Some(if ids > 100 { 1.3 } else { 1.9 }),
        );
        for _ in 0..TIMES / 10 {
            lease.save(&session.snapshot()).await.unwrap();
        }
        row("each batch of ten messages, per message", 1, sent, wal(&probe).await, Some(0.14));
    }

    let accounts: Vec<_> = (0..ACCOUNTS).map(|number| format!("busy {number}")).collect();
    for account in &accounts {
        store.add(account, Some(&session(512))).await.unwrap();
    }
    let mut leases = store.claim("bench", accounts.len()).await.unwrap();
    let start = wal(&probe).await;
    for lease in &leases {
        lease.renew().await.unwrap();
    }
    let renewal = (wal(&probe).await - start) / ACCOUNTS;
    println!("{:<54}{renewal:>10}", "renewal of a lease");

    println!("\nsaves a second, {ACCOUNTS} accounts, 8 connections, fsync");
    let saves = TIMES / 4;
    let start = Instant::now();
    let tasks = leases.drain(..).map(|mut lease| {
        tokio::spawn(async move {
            let mut session = session(512);
            for _ in 0..saves {
                lease.save(&session.snapshot()).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let ours = rate(saves * ACCOUNTS, start);
    let length = session(512).to_json().len() as u64;
    let start = Instant::now();
    let tasks = (0..8).map(|number| {
        let (config, account) = (config.clone(), format!("bare {number}"));
        tokio::spawn(async move {
            let client = connect(&config).await;
            client.execute("INSERT INTO bare VALUES ($1, '')", &[&account]).await.unwrap();
            let update = client.prepare("UPDATE bare SET content = $2 WHERE account = $1");
            let update = update.await.unwrap();
            for number in 0..saves * ACCOUNTS / 8 {
                client.execute(&update, &[&account, &noise(number, length)]).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let bare = rate(saves * ACCOUNTS, start);
    println!("{:<44}{bare:>10.0}\n{:<44}{ours:>10.0}{:>19.2}", "bare UPDATE", "save", ours / bare);
    assert!(within, "a bound was exceeded");
}

/// Handles a message as a bot does: the effect, the session and the answer in one transaction, then
/// the answer is sent.
async fn message(lease: &mut Lease, session: &mut Session, number: u64) -> Result<(), Error> {
    let id = session.next_client_msg_id(Timestamp::from_secs(number));
    let (copy, account) = (session.snapshot(), lease.account().to_owned());
    let to: UserName = "@0123456789abcdef0123456789abcdef".parse()?;
    let text = "a text of ordinary length";
    let transaction = lease.begin(&copy).await?;
    let insert = "INSERT INTO effect VALUES ($1, $2)";
    transaction.execute(insert, &[&account, &text]).await.unwrap();
    transaction.queue(&number.to_string(), 0, &to, text, id).await?;
    transaction.commit().await?;
    let queued = lease.next_queued(UnansweredPolicy::Repeat).await?.expect("a queued text");
    let reply = r#"{"BaseResponse":{"Ret":0,"ErrMsg":""},"MsgID":"1","LocalID":"2"}"#;
    let receipt: Result<Receipt, Error> = queued.send().parse(&http::Response::new(reply.into()));
    lease.settle(&queued, &receipt).await
}

/// Returns a session that stores this number of acknowledged ids.
fn session(ids: u64) -> Session {
    let sample = include_str!("../../../wechat-proto/src/session/samples/session-2.json");
    let session = Session::from_json(sample).unwrap();
    let mut json = serde_json::to_value(&session).unwrap();
    let ids = (0..ids).map(|id| (4_000_000_000_000_000_000 + id).to_string());
    json["taken"]["recent"] = ids.collect();
    serde_json::from_value(json).unwrap()
}

/// Returns bytes that differ everywhere from those of other numbers, like ciphertext.
fn noise(number: u64, length: u64) -> Vec<u8> {
    let mix = |at: u64| (number * 0x9e37_79b9 + at).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    (0..length).map(|at| mix(at) as u8).collect()
}

async fn connect(config: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(config, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Returns the position in the write-ahead log.
async fn wal(client: &Client) -> u64 {
    let position = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";
    let position: i64 = client.query_one(position, &[]).await.unwrap().get(0);
    position.try_into().unwrap()
}

fn rate(count: u64, start: Instant) -> f64 {
    count as f64 / start.elapsed().as_secs_f64()
}
