//! Workers that stop at one of their steps, lose their accounts, and continue later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::connection::now;
use super::is_complete;
use super::ledger::Ledger;
use super::place::Place;
use super::process::{Random, Settings};
use super::step::Point;
use crate::cluster;
use crate::cluster::Cluster;

/// The number of accounts of a worker.
const ACCOUNTS: usize = 2;

#[test]
fn stopped_worker_writes_nothing_after_its_lease() {
    let Some(cluster) = cluster::shared() else { return };
    let points = points(cluster, if is_complete() { 100 } else { 5 });
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let stopped = stop_at(cluster, point);
                    results.lock().unwrap().push(stopped);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    assert_eq!(results.len(), points.len(), "a run has failed");
    let mut total = Ledger::default();
    for Stopped { point, late, ledger } in results {
        println!("  {point}: {late:?} left later; received more than once: {:?}", ledger.excess);
        total += ledger;
    }
    println!("stopped at {} points: {total}", points.len());
}

/// Two workers run on while the accounts go from one to the other and back.
#[test]
fn stopped_fleets_take_turns() {
    let Some(cluster) = cluster::shared() else { return };
    let mut place = Place::new(cluster, ACCOUNTS);
    let Some(mut active) = place.start_fleet("first", 1) else { return };
    active.wait_for(ACCOUNTS, "claimed ");
    let mut other = place.start_fleet("second", 1).unwrap();
    other.wait_for(1, "started");
    let (mut random, turns) = (Random(13), if is_complete() { 50 } else { 4 });
    for turn in 0..turns {
        place.write(3);
        thread::sleep(Duration::from_micros(random.below(60_000)));
        active.stop();
        // The first one has claimed its accounts before the first turn.
        other.wait_for(ACCOUNTS * (1 + turn / 2 + turn % 2), "claimed ");
        active.resume();
        active.wait_for(ACCOUNTS * (1 + turn / 2), " ended: ");
        std::mem::swap(&mut active, &mut other);
    }
    place.write(1);
    place.wait_until_handled();
    println!("{turns} turns: {}", place.check());
}

/// Returns points of an undisturbed run in the order of a seed: one of each step, the first byte of a send first, then others.
fn points(cluster: &Cluster, count: usize) -> Vec<Point> {
    let mut place = Place::new(cluster, ACCOUNTS);
    place.write(4);
    let mut worker = place.start("worker", Settings::default());
    place.wait_until_handled();
    worker.shut_down();
    place.check();
    let (mut random, mut numbers) = (Random(11), BTreeMap::<&str, Vec<usize>>::new());
    for step in worker.read().iter().filter_map(|line| line.strip_prefix("step ")) {
        let numbers = numbers.entry(step).or_default();
        let at = random.below(numbers.len() as u64 + 1) as usize;
        numbers.insert(at, numbers.len());
    }
    let mut points: Vec<_> = numbers
        .into_iter()
        .flat_map(|(step, numbers)| {
            let step = step.to_owned();
            numbers
                .into_iter()
                .enumerate()
                .map(move |(round, number)| (round, Point { step: step.clone(), number }))
        })
        .map(|(round, point)| {
            let is_first = point.step == "before the first byte of webwxsendmsg";
            ((round, if is_first { 0 } else { 1 + random.below(1000) }), point)
        })
        .collect();
    points.sort_by_key(|(order, _)| *order);
    points.into_iter().map(|(_, point)| point).take(count).collect()
}

/// A run in which a worker was stopped.
struct Stopped {
    point: Point,
    /// The requests that left after it was continued.
    late: Vec<String>,
    ledger: Ledger,
}

/// Stops a worker at a step until another one has claimed its accounts, and in every second run until that one has also
/// handled all messages.
fn stop_at(cluster: &Cluster, point: &Point) -> Stopped {
    let mut place = Place::new(cluster, ACCOUNTS);
    place.write(4);
    let mut stopped =
        place.start("stopped", Settings { stop: Some(point.clone()), ..Settings::default() });
    stopped.wait_for(1, "stopped");
    let mut successor = place.start("successor", Settings::default());
    successor.wait_for_claims(ACCOUNTS);
    if point.number.is_multiple_of(2) {
        place.wait_until_handled();
    }
    let continued = now();
    stopped.resume();
    stopped.wait_for(1, "continued");
    stopped.wait_for(ACCOUNTS, "ended ");
    place.write(1);
    place.wait_until_handled();
    let ledger = place.check();

    // A request that had begun may leave, one of each account.
    let left = stopped.read().iter().filter_map(|line| line.strip_prefix("left ")?.split_once(' '));
    let late = left.filter(|(time, _)| time.parse::<u128>().unwrap() >= continued);
    let late: Vec<String> = late.map(|(_, what)| what.to_owned()).collect();
    let users: BTreeSet<&str> =
        late.iter().map(|what| what.split_once(" of ").unwrap().1).collect();
    assert_eq!(users.len(), late.len(), "{point}: {late:?}");
    if point.step.starts_with("before the first byte") {
        assert!(!late.is_empty(), "{point}: the request should have left");
    }
    Stopped { point: point.clone(), late, ledger }
}
