//! A PostgreSQL server that is stopped and started while workers run.

use std::thread;
use std::time::Duration;

use super::place::Place;
use super::process::Settings;
use crate::cluster::Cluster;

#[test]
fn workers_continue_after_a_restart() {
    let Some(mut cluster) = Cluster::start() else { return };
    let mut place = Place::new(&cluster, 4);
    let mut first = place.start("first", Settings { limit: 2, ..Settings::default() });
    first.wait_for_claims(2);
    let mut second = place.start("second", Settings::default());
    second.wait_for_claims(2);
    let lease = Settings::default().lease;
    for outage in [Duration::ZERO, lease * 2, Duration::ZERO, lease * 2] {
        place.write(3);
        thread::sleep(Duration::from_millis(20));
        cluster.stop();
        if !outage.is_zero() {
            thread::sleep(lease);
            // Every lease has ended. A poll that was held has been answered.
            let before = place.requests();
            thread::sleep(outage - lease);
            assert_eq!(place.requests(), before, "requests without a lease");
        }
        place.write(1);
        cluster.resume();
        place.wait_until_handled();
    }
    println!("four restarts: {}", place.check());
}
