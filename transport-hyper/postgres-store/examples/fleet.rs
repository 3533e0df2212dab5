//! A worker of a fleet: it holds a share of the accounts in a PostgreSQL database, writes their
//! messages to a table, and replies to every text with the same text.
//!
//! Start any number of workers on any number of machines, each with its own name. If one dies, the
//! others claim its accounts when its leases expire. On Ctrl-C or SIGTERM, a worker releases its
//! accounts at once.
//!
//! ```sh
//! export FLEET_DATABASE='host=/run/postgresql user=bot dbname=bot'
//! export FLEET_KEY=$(openssl rand -hex 32)          # the same for all workers; keep it
//! FLEET_NAME=one cargo run -p wechat-postgres-store --example fleet -- reception sales
//! FLEET_NAME=two cargo run -p wechat-postgres-store --example fleet
//! ```
//!
//! The arguments are the names of accounts to add. A new account logs in with the code that its
//! worker prints. `FLEET_SERVER=http://127.0.0.1:8080` uses a simulated service
//! (`cargo run -p wechat-simulator --features serve -- serve`), `FLEET_LEASE=5` sets the duration of
//! a lease in seconds.

use std::env;
use std::error::Error as StdError;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};
use wechat_postgres_store::{
    Error, Keys, Lease, Next, PostgresStore, Report, UnansweredPolicy, Worker,
};
use wechat_proto::error::{Chain, StorageFailure, StorageKind};
use wechat_proto::login::{Progress, Resume};
use wechat_proto::store::AsyncSessionStore as _;
use wechat_proto::{Device, Event, Hosts, Message};
use wechat_transport_hyper::{Client, Options, Transport};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS fleet_event (
    id bigserial PRIMARY KEY, account text NOT NULL, worker text NOT NULL, token bigint NOT NULL,
    msg_id text NOT NULL, line text NOT NULL, written_at timestamptz NOT NULL DEFAULT clock_timestamp())";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", Chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn StdError>> {
    let database = env::var("FLEET_DATABASE").map_err(|_| "FLEET_DATABASE is not set")?;
    let name = env::var("FLEET_NAME").unwrap_or_else(|_| format!("pid {}", std::process::id()));
    let lease: u64 = env::var("FLEET_LEASE").map_or(Ok(30), |seconds| seconds.parse())?;
    let hosts = match env::var("FLEET_SERVER") {
        Ok(origin) => Hosts::all(origin.parse()?),
        Err(_) => Hosts::default(),
    };
    let store = PostgresStore::connect(&database, Keys::new(1, &key()?)).await?;
    let store = store.with_lease_time(Duration::from_secs(lease));
    store.connection("fleet_event").await?.batch_execute(TABLE).await?;
    for account in env::args().skip(1) {
        store.add(&account, None).await?;
    }

    let transport = Transport::new(Options::default())?;
    let job = {
        let name = name.clone();
        move |lease: Lease| {
            let device = Device::new().with_hosts(hosts.clone());
            run_account(lease, device, transport.clone(), name.clone())
        }
    };
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let shutdown = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    println!("{name}: started");
    let report = |report: Report<'_>| println!("{name}: {report}");
    Worker::new(&store, name.as_str()).run(job, shutdown, report).await;
    println!("{name}: stopped");
    Ok(())
}

/// Reads the key: 64 hexadecimal digits.
fn key() -> Result<[u8; 32], Box<dyn StdError>> {
    let text = env::var("FLEET_KEY").map_err(|_| "FLEET_KEY is not set")?;
    let digits = |at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(digits).collect();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or("FLEET_KEY is not 64 hex digits".into())
}

/// Runs an account as long as its lease holds.
async fn run_account(
    mut lease: Lease,
    mut device: Device,
    transport: Transport,
    worker: String,
) -> Result<Next, Error> {
    let account = lease.account().to_owned();
    let show = |progress: &Progress| println!("{worker}: {account}: {progress}");
    let client = Client::open_with(&transport, &mut lease, Resume::Code, &mut device, show);
    let client = match client.await {
        // A dropped account must not log in again and again.
        Err(Error::LoggedOut { .. }) => return Ok(Next::Withdraw),
        client => client?,
    };
    // The next worker needs the changed cookies, even if no message arrives.
    lease.save(&client.session()).await?;
    println!("{worker}: {account}: {} is online", client.me().nick_name);
    let (mut events, stopping) = (client.events().manual(), lease.stopping());
    tokio::pin!(stopping);
    // Texts queued by the previous worker are sent first.
    let mut next_send = Some(Instant::now());
    loop {
        let event = tokio::select! {
            biased;
            () = &mut stopping => return Ok(Next::After(Duration::ZERO)),
            () = sleep_until(next_send.unwrap_or_else(Instant::now)), if next_send.is_some() => {
                next_send = match send_queued(&mut lease, &client).await {
                    Ok(()) => None,
                    Err(error @ (Error::InUse | Error::Storage(_))) => return Err(error),
                    Err(error) => {
                        println!("{worker}: {account}: not sent: {}", Chain(&error));
                        Some(Instant::now() + Duration::from_secs(1))
                    }
                };
                continue;
            }
            event = events.next() => event,
        };
        match event {
            Some(Event::Message(message)) => {
                write(&mut lease, &client, &message, &worker).await?;
                next_send = next_send.or(Some(Instant::now()));
            }
            Some(Event::Closed(reason)) => {
                lease.save(&client.session()).await?;
                return match reason {
                    Error::LoggedOut { .. } => Ok(Next::Withdraw),
                    reason => Err(reason),
                };
            }
            Some(_) => {}
            None => return Ok(Next::After(Duration::ZERO)),
        }
    }
}

/// Writes a message to the table, acknowledges it and queues its answer, in one transaction.
async fn write(
    lease: &mut Lease,
    client: &Client,
    message: &Message,
    worker: &str,
) -> Result<(), Error> {
    let answer = message.text().filter(|_| !message.is_outgoing());
    let id = client.next_client_msg_id();
    let mut session = client.session();
    session.acknowledge(message);
    let (account, token) = (lease.account().to_owned(), lease.token());
    let (msg_id, line) = (message.id.to_string(), message.to_string());
    let transaction = lease.begin(&session).await?;
    let insert = "INSERT INTO fleet_event (account, worker, token, msg_id, line) \
                  VALUES ($1, $2, $3, $4, $5)";
    let inserted = transaction.execute(insert, &[&account, &worker, &token, &msg_id, &line]).await;
    inserted
        .map_err(|error| StorageFailure::new(StorageKind::Write).at(&account).because(error))?;
    if let Some(text) = answer {
        transaction.queue(&msg_id, 0, message.peer(), text, id).await?;
    }
    transaction.commit().await?;
    client.acknowledge(message).await
}

/// Sends the queued texts, the oldest first.
async fn send_queued(lease: &mut Lease, client: &Client) -> Result<(), Error> {
    while let Some(text) = lease.next_queued(UnansweredPolicy::Repeat).await? {
        let result = client.call(text.send()).await;
        lease.settle(&text, &result).await?;
        // The refusal is recorded in the table. The next text may be accepted, so continue.
        if let Err(error) = result
            && !matches!(error, Error::Refused { .. } | Error::Invalid(_))
        {
            return Err(error);
        }
    }
    Ok(())
}
