//! The worker, in its own process. `main.rs` describes the tests.

use std::io::{self, Read as _};
use std::time::Duration;
use std::{env, thread};

use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::oneshot;
use tower::{ServiceBuilder, service_fn};
use wechat_postgres_store::{
    Error, Keys, Lease, Next, PostgresStore, Report, UnansweredPolicy, Worker,
};
use wechat_proto::error::{Chain, StorageFailure, StorageKind};
use wechat_proto::login::Resume;
use wechat_proto::store::AsyncSessionStore as _;
use wechat_proto::{Device, Hosts};
use wechat_transport_hyper::{Client, Options, RequestBody, Transport};

use super::connection::{Connection, endpoint};
use super::step::{say, step};

/// The worker's name.
pub(crate) const NAME: &str = "WECHAT_WORKER_NAME";
/// The connection string of the database.
pub(crate) const DATABASE: &str = "WECHAT_WORKER_DATABASE";
/// The origin of the service.
pub(crate) const SERVER: &str = "WECHAT_WORKER_SERVER";
/// The duration of a lease in milliseconds.
pub(crate) const LEASE: &str = "WECHAT_WORKER_LEASE";
/// The number of accounts that it claims at most.
pub(crate) const LIMIT: &str = "WECHAT_WORKER_LIMIT";

/// The key that encrypts the sessions.
pub(crate) const KEY: [u8; 32] = [7; 32];

/// Runs a worker until its input ends, or does nothing without the environment variables.
pub(crate) fn run() {
    let Ok(name) = env::var(NAME) else { return };
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = end.send(());
    });
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let [lease, limit] = [LEASE, LIMIT].map(|name| env::var(name).unwrap().parse().unwrap());
        let store = open(&env::var(DATABASE).unwrap(), Duration::from_millis(lease)).await;
        let transport = transport();
        let hosts = Hosts::all(env::var(SERVER).unwrap().parse().unwrap());
        let job =
            move |lease| job(lease, transport.clone(), Device::new().with_hosts(hosts.clone()));
        say("started");
        let shutdown = async { drop(ended.await) };
        Worker::new(&store, name)
            .limit(limit as usize)
            .claims_per_second(1000)
            .run(job, shutdown, report)
            .await;
    });
}

/// Opens the store.
pub(crate) async fn open(database: &str, lease: Duration) -> PostgresStore {
    let store = PostgresStore::connect(database, Keys::new(1, &KEY)).await.unwrap();
    store.with_lease_time(lease)
}

fn report(report: Report<'_>) {
    say(&match report {
        Report::Claimed(account) => format!("claimed {account}"),
        Report::Ended(account, Ok(_)) => format!("ended {account}: handed over"),
        Report::Ended(account, Err(error)) => format!("ended {account}: {}", Chain(error)),
        other => format!("{other:?}"),
    });
}

/// Returns a transport that makes a step before each request and before its first byte.
fn transport() -> Transport {
    let client = HyperClient::builder(TokioExecutor::new())
        .build(service_fn(|uri| Box::pin(Connection::new(uri))));
    let before = |request: http::Request<RequestBody>| {
        step(&format!("before {}", endpoint(request.uri().path())));
        request
    };
    let service = ServiceBuilder::new().map_request(before).service(client);
    Transport::with_service(Options::default(), service, TokioTimer::new())
}

async fn job(mut lease: Lease, transport: Transport, mut device: Device) -> Result<Next, Error> {
    step("before load");
    let resume = Resume::StoredOnly;
    let client = Client::open_with(&transport, &mut lease, resume, &mut device, |_| {}).await?;
    step("before save");
    lease.save(&client.session()).await?;
    step("after save");
    send(&mut lease, &client).await?;
    let mut messages = client.messages();
    loop {
        let message = tokio::select! {
            message = messages.next() => message.ok_or(Error::Stopped)??,
            () = lease.stopping() => return Ok(Next::After(Duration::ZERO)),
        };
        let id = client.next_client_msg_id();
        let (mut session, token) = (client.session(), lease.token());
        session.acknowledge(&message);
        step("before begin");
        let account = lease.account().to_owned();
        let transaction = lease.begin(&session).await?;
        step("after begin");
        let (msg_id, text) = (message.id.to_string(), message.text().unwrap());
        let insert = "INSERT INTO fleet_event (account, worker, token, msg_id, line) \
                      SELECT $1, current_setting('application_name'), $2, $3, $4";
        let inserted = transaction.execute(insert, &[&account, &token, &msg_id, &text]).await;
        step("after insert");
        inserted.map_err(|error| StorageFailure::new(StorageKind::Write).because(error))?;
        transaction.queue(&msg_id, 0, message.peer(), text, id).await?;
        step("before commit");
        transaction.commit().await?;
        step("after commit");
        send(&mut lease, &client).await?;
    }
}

/// Sends the queued answers.
async fn send(lease: &mut Lease, client: &Client) -> Result<(), Error> {
    step("before next_queued");
    while let Some(text) = lease.next_queued(UnansweredPolicy::Repeat).await? {
        step("before send");
        let result = client.call(text.send()).await;
        step("before settle");
        lease.settle(&text, &result).await?;
        step("after settle");
        result?;
    }
    Ok(())
}
