//! Workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::sleep;
use wechat_postgres_store::{Error, Lease, Next, Report, Worker};

use crate::Database;

async fn add(database: &Database, count: usize) {
    for number in 0..count {
        database.store.add(&format!("account {number:02}"), None).await.unwrap();
    }
}

#[tokio::test]
async fn accounts_are_shared_and_handed_over() {
    let Some(database) = Database::new().await else { return };
    add(&database, 10).await;
    let held = Arc::new(Mutex::new(BTreeMap::<String, &str>::new()));
    let ends = [Notify::new(), Notify::new()];
    let worker = |name: &'static str, end| {
        let held = Arc::clone(&held);
        let job = move |lease: Lease| {
            let held = Arc::clone(&held);
            async move {
                let account = lease.account().to_owned();
                assert_eq!(held.lock().unwrap().insert(account.clone(), name), None);
                lease.stopping().await;
                held.lock().unwrap().remove(&account);
                Ok(Next::After(Duration::ZERO))
            }
        };
        let worker = Worker::new(&database.store, name).limit(6).claims_per_second(1000);
        worker.run(job, Notify::notified(end), |_| {})
    };
    let counts = async {
        let counts = || {
            let held = held.lock().unwrap();
            ["one", "two"].map(|name| held.values().filter(|holder| **holder == name).count())
        };
        let start = Instant::now();
        while counts().iter().sum::<usize>() < 10 {
            assert!(start.elapsed() < Duration::from_secs(10), "{:?}", counts());
            sleep(Duration::from_millis(10)).await;
        }
        let [one, two] = counts();
        assert!(one <= 6 && two <= 6, "{one} {two}");
        // The first one ends; the other claims as many as its limit allows.
        ends[0].notify_one();
        while counts() != [0, 6] {
            assert!(start.elapsed() < Duration::from_secs(20), "{:?}", counts());
            sleep(Duration::from_millis(10)).await;
        }
        ends[1].notify_one();
    };
    tokio::join!(worker("one", &ends[0]), worker("two", &ends[1]), counts);
    let free =
        "SELECT count(*) FROM wechat_account WHERE owner IS NULL AND free_at <= clock_timestamp()";
    assert_eq!(database.column::<i64>(free).await, [10]);
}

#[tokio::test]
async fn claims_are_limited_in_time() {
    let Some(database) = Database::new().await else { return };
    add(&database, 40).await;
    let (start, mut claimed) = (Instant::now(), 0);
    let job = async |lease: Lease| {
        lease.stopping().await;
        Ok(Next::Withdraw)
    };
    let observe = |report: Report<'_>| claimed += usize::from(matches!(report, Report::Claimed(_)));
    let worker = Worker::new(&database.store, "one").claims_per_second(8);
    worker.run(job, sleep(Duration::from_millis(1100)), observe).await;
    // Two at the first tick, and two every quarter of a second.
    let most = 2 * (1 + start.elapsed().as_millis() as usize / 250);
    assert!((2..=most).contains(&claimed), "{claimed} of {most}");
}

#[tokio::test]
async fn jobs_end_on_their_own() {
    let Some(database) = Database::new().await else { return };
    add(&database, 4).await;
    let mut reports = Vec::new();
    let job = |lease: Lease| async move {
        match lease.account() {
            "account 00" => panic!("on purpose"),
            "account 01" => Err(Error::NotConfirmed),
            "account 02" => Ok(Next::Withdraw),
            // It does not react to the shutdown.
            _ => std::future::pending().await,
        }
    };
    let worker = Worker::new(&database.store, "one").grace(Duration::from_millis(200));
    let observe = |report: Report<'_>| {
        if !matches!(report, Report::Claimed(_)) {
            reports.push(report.to_string());
        }
    };
    worker.run(job, sleep(Duration::from_millis(700)), observe).await;
    reports.sort();
    assert_eq!(
        reports,
        [
            "account 01 ended: the login was not confirmed",
            "account 02 was withdrawn",
            "account 03 ended: the client was stopped",
            "the job of account 00 panicked",
        ]
    );
    let pauses = "SELECT CASE WHEN free_at = 'infinity' THEN 'never' \
                  WHEN free_at > clock_timestamp() + interval '20 seconds' THEN 'later' ELSE 'now' END \
                  FROM wechat_account WHERE owner IS NULL ORDER BY account";
    assert_eq!(database.column::<String>(pauses).await, ["later", "later", "never", "now"]);
}

/// Leases are renewed while their jobs run, and a lost one ends its job.
#[tokio::test]
async fn a_job_runs_as_long_as_its_lease() {
    let Some(database) = Database::new().await else { return };
    add(&database, 2).await;
    let store = database.store.clone().with_lease_time(Duration::from_secs(1));
    let job = async |lease: Lease| {
        lease.stopping().await;
        Ok(Next::After(Duration::ZERO))
    };
    let mut reports = Vec::new();
    let observe = |report: Report<'_>| reports.push(report.to_string());
    let steal = async {
        sleep(Duration::from_millis(1500)).await;
        let update = "UPDATE wechat_account SET token = token + 1, owner = 'two', \
                      free_at = clock_timestamp() + interval '9 seconds' WHERE account = 'account 00'";
        database.execute(update, &[]).await;
    };
    let run = Worker::new(&store, "one").run(job, sleep(Duration::from_millis(2500)), observe);
    tokio::join!(steal, run);
    assert_eq!(
        reports,
        [
            "claimed account 00",
            "claimed account 01",
            "account 00 ended: the session is in use elsewhere",
            "account 01 was released",
        ]
    );
    let tokens = "SELECT token FROM wechat_account ORDER BY account";
    assert_eq!(database.column::<i64>(tokens).await, [2, 1]);
}

/// There are as many transactions as connections, and they take longer than a lease.
#[tokio::test]
async fn renewals_do_not_wait_for_jobs() {
    let Some(database) = Database::new().await else { return };
    add(&database, 10).await;
    let store = database.store.clone().with_lease_time(Duration::from_secs(2));
    let job = async |mut lease: Lease| {
        let session = crate::session();
        let transaction = lease.begin(&session).await?;
        transaction.batch_execute("SELECT pg_sleep(2.5)").await.unwrap();
        transaction.commit().await?;
        Ok(Next::Withdraw)
    };
    let mut reports = Vec::new();
    let observe = |report: Report<'_>| reports.push(report.to_string());
    let worker = Worker::new(&store, "one").grace(Duration::from_secs(20));
    worker.run(job, sleep(Duration::from_millis(500)), observe).await;
    reports.sort_unstable();
    let expected = |number| {
        [format!("account {number:02} was withdrawn"), format!("claimed account {number:02}")]
    };
    let mut expected: Vec<String> = (0..10).flat_map(expected).collect();
    expected.sort_unstable();
    assert_eq!(reports, expected);
}
