//! Workers that are killed.

use std::thread;
use std::time::{Duration, Instant};

use super::is_complete;
use super::place::Place;
use super::process::{Process, Random, Settings};
use crate::cluster;

/// The longest time from the death of a worker until its accounts run elsewhere, beyond a lease.
const LONGEST: Duration = Duration::from_secs(2);

#[test]
fn accounts_of_killed_workers_run_elsewhere() {
    let Some(cluster) = cluster::shared() else { return };
    let mut place = Place::new(cluster, 4);
    let mut random = Random(7);
    // The first one has two accounts, and the second the other two when the first is killed.
    let mut active = place.start("worker0", Settings { limit: 2, ..Settings::default() });
    active.wait_for_claims(2);
    let mut killed_workers = Vec::new();
    let (mut times, count) = (Vec::new(), if is_complete() { 100 } else { 3 });
    for number in 1..=count {
        let mut standby = place.start(&format!("worker{number}"), Settings::default());
        if number == 1 {
            standby.wait_for_claims(2);
        }
        place.write(3);
        // An undisturbed worker needs about this long for them.
        thread::sleep(Duration::from_micros(random.below(150_000)));
        active.kill();
        let killed = Instant::now();
        standby.wait_for_claims(4);
        times.push(killed.elapsed());
        assert!(
            !standby.read().iter().any(|line| line.contains("ended ")),
            "{:#?}",
            standby.read()
        );
        killed_workers.push(std::mem::replace(&mut active, standby));
    }
    place.write(1);
    place.wait_until_handled();
    let ledger = place.check();
    times.sort_unstable();
    println!(
        "{count} failovers: {ledger}; median {:?}, longest {:?}",
        times[count / 2],
        times[count - 1]
    );
    assert!(times[count - 1] < Settings::default().lease + LONGEST, "{times:?}");
}

#[test]
fn fleet_hands_over_and_survives_a_kill() {
    let Some(cluster) = cluster::shared() else { return };
    let (mut place, lease) = (Place::new(cluster, 4), if is_complete() { 5 } else { 2 });
    let Some(mut first) = place.start_fleet("first", lease) else { return };
    first.wait_for_claims(4);
    let mut second = place.start_fleet("second", lease).unwrap();
    second.wait_for(1, "started");
    place.write(3);
    thread::sleep(Duration::from_millis(30));
    first.kill();
    let killed = Instant::now();
    second.wait_for_claims(4);
    let failover = killed.elapsed();
    place.write(3);
    let mut third = place.start_fleet("third", lease).unwrap();
    third.wait_for(1, "started");
    let terminated = Instant::now();
    second.terminate();
    third.wait_for_claims(4);
    let handover = terminated.elapsed();
    place.write(1);
    place.wait_until_handled();
    println!("fleet: failover {failover:?}, handover {handover:?}; {}", place.check());
    assert!(failover < Duration::from_secs(lease) + LONGEST, "{failover:?}");
    assert!(handover < Duration::from_secs(lease) / 2, "{handover:?}");
}

/// With `WECHAT_SWEEP=all`, moves 1,000 accounts.
#[test]
fn many_accounts_move_to_another_worker() {
    let Some(cluster) = cluster::shared() else { return };
    let (count, lease) = if is_complete() { (1000, 5) } else { (20, 1) };
    let mut place = Place::new(cluster, count);
    let lasting = |seconds| Settings { lease: Duration::from_secs(seconds), ..Settings::default() };
    // The leases of the first worker do not end in time.
    let mut first = place.start("first", lasting(600));
    first.wait_for(count, "step after save");
    let mut second = place.start("second", lasting(lease));
    second.wait_for(1, "started");
    let start = Instant::now();
    first.shut_down();
    moved(&mut place, &mut second, "handed over", start);

    let mut third = place.start("third", lasting(lease));
    third.wait_for(1, "started");
    second.kill();
    moved(&mut place, &mut third, "of a killed worker", Instant::now());
    third.shut_down();
    println!("  {}", place.check());
}

/// Waits until a worker has claimed all accounts, then until it has answered a message in each.
fn moved(place: &mut Place, worker: &mut Process, what: &str, start: Instant) {
    let count = place.accounts.len();
    worker.wait_for_claims(count);
    let claimed = start.elapsed();
    place.write(1);
    place.wait_until_handled();
    let lost = worker.read().iter().filter(|line| line.contains("ended ")).count();
    let answered = start.elapsed();
    println!(
        "{count} accounts {what}: claimed after {claimed:?}, answered after {answered:?}, {lost} leases lost"
    );
}
