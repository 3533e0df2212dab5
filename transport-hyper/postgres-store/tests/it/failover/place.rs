//! The accounts of a test: on a simulator, and in a database.

use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};
use wechat_proto::{Device, Hosts};
use wechat_simulator::{Server, Simulator, World};
use wechat_transport_hyper::{Client as Bot, Options, Transport};

use super::process::{Process, Settings};
use super::worker;
use crate::cluster::Cluster;

/// The time without a new row after which messages are considered lost.
const LOST: Duration = Duration::from_secs(30);

/// The table of the workers, which the example `fleet` has too, and a log of every write, by the name of the worker's connection.
const TABLES: &str = "
CREATE TABLE fleet_event (
    id bigserial, account text, worker text, token bigint, msg_id text, line text
);
CREATE TABLE audit (
    id bigserial, account text, what text, worker text DEFAULT current_setting('application_name')
);
CREATE INDEX ON audit (account, id);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO audit (account, what) VALUES (NEW.account, TG_ARGV[0]); RETURN NULL; END
$$;
CREATE TRIGGER claim AFTER UPDATE ON wechat_account FOR EACH ROW
    WHEN (OLD.token <> NEW.token) EXECUTE FUNCTION audit('claim');
CREATE TRIGGER write AFTER UPDATE ON wechat_account FOR EACH ROW
    WHEN (OLD.token = NEW.token) EXECUTE FUNCTION audit('write');
CREATE TRIGGER write AFTER INSERT OR UPDATE ON wechat_outbox FOR EACH ROW EXECUTE FUNCTION audit('write');
CREATE TRIGGER write AFTER INSERT OR UPDATE ON fleet_event FOR EACH ROW EXECUTE FUNCTION audit('write');
";

/// Accounts on a simulator, with their sessions in a database of their own.
pub(crate) struct Place {
    pub(crate) accounts: Vec<Account>,
    database: String,
    runtime: Runtime,
    server: Server,
}

/// An account, as the simulator sees it.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) simulator: Simulator,
    friend: String,
    /// The ids of the messages that it has received.
    pub(crate) written: Vec<String>,
}

impl Account {
    fn new(number: usize, simulator: &Simulator) -> Self {
        let mut world = simulator.world();
        world.announce_recent_chats(false);
        let friend = world.add_person("Ada");
        drop(world);
        simulator.then(Duration::ZERO, |world| world.phone().scan());
        simulator.then(Duration::ZERO, |world| world.phone().confirm());
        Self {
            name: format!("account {number}"),
            simulator: simulator.clone(),
            friend,
            written: Vec::new(),
        }
    }
}

impl Place {
    /// Logs in accounts and stores their sessions.
    pub(crate) fn new(cluster: &Cluster, accounts: usize) -> Self {
        let simulator = Simulator::new(World::new(1));
        let server = Server::http(&simulator).unwrap();
        server.real_time();
        // Long polls of dead processes end quickly. Those of many accounts would keep the machine busy.
        server.hold(Duration::from_millis(200 + 5 * accounts as u64));
        let database = cluster.create_database();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let numbered = (1..).zip(
            [simulator.clone()]
                .into_iter()
                .chain((2..).map(|seed| simulator.add_account(World::new(seed)))),
        );
        let accounts = runtime.block_on(async {
            let (store, transport) = (
                worker::open(&database, Settings::default().lease).await,
                Transport::new(Options::default()).unwrap(),
            );
            let mut logged_in = Vec::new();
            for (number, simulator) in numbered.take(accounts) {
                let account = Account::new(number, &simulator);
                let mut device =
                    Device::new().with_hosts(Hosts::all(server.origin().parse().unwrap()));
                let client = Bot::login(&transport, &mut device, |_| {}).await.unwrap();
                assert!(store.add(&account.name, Some(&client.session())).await.unwrap());
                logged_in.push(account);
            }
            logged_in
        });
        let place = Self { accounts, database, runtime, server };
        place.run(TABLES);
        place
    }

    /// Starts a worker.
    pub(crate) fn start(&self, name: &str, settings: Settings) -> Process {
        Process::worker(name, &self.database, &self.server.origin(), settings)
    }

    /// Starts the example `fleet` with a lease of this many seconds, if it was built.
    pub(crate) fn start_fleet(&self, name: &str, lease: u64) -> Option<Process> {
        Process::fleet(name, &self.database, &self.server.origin(), lease)
    }

    /// Lets a friend write a number of messages to each account, in turn.
    pub(crate) fn write(&mut self, count: usize) {
        for _ in 0..count {
            for account in &mut self.accounts {
                let text = format!("number {}", account.written.len());
                let id = account.simulator.world().person_writes(&account.friend, &text);
                account.written.push(id);
            }
        }
    }

    /// Waits until each message has a row and each answer was sent.
    pub(crate) fn wait_until_handled(&self) {
        let expected: usize = self.accounts.iter().map(|account| account.written.len()).sum();
        let (mut last, mut changed) = ((0, 0), Instant::now());
        loop {
            let row = &self.query(
                "SELECT (SELECT count(DISTINCT (account, msg_id)) FROM fleet_event), \
                 (SELECT count(*) FROM wechat_outbox WHERE state <> 'queued')",
                &[],
            )[0];
            let count = (row.get::<_, i64>(0), row.get::<_, i64>(1));
            if count.0 as usize >= expected && count.1 as usize >= expected {
                return;
            }
            if count != last {
                (last, changed) = (count, Instant::now());
            }
            if changed.elapsed() > LOST {
                let worlds = self.accounts.iter().map(|account| account.simulator.world());
                let violations: Vec<_> =
                    worlds.flat_map(|world| world.violations().to_vec()).collect();
                panic!("{count:?} of {expected} messages handled and answered; {violations:#?}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the number of requests that the service has received.
    pub(crate) fn requests(&self) -> usize {
        self.accounts.iter().map(|account| account.simulator.world().log().len()).sum()
    }

    /// Executes statements without parameters.
    fn run(&self, statements: &str) {
        self.runtime.block_on(async {
            self.connect().await.batch_execute(statements).await.unwrap();
        });
    }

    async fn connect(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.database, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Executes a statement on a new connection.
    pub(crate) fn query(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.runtime
            .block_on(async { self.connect().await.query(statement, parameters).await.unwrap() })
    }
}
