//! What reading costs as the input grows: `docs/threats.md` R2, X2, J7.
//!
//! ```text
//! cargo bench -p wechat-proto --bench linear
//! ```
//!
//! Each line is a kind of input, hostile ones too. Prints what an item costs among twice and among
//! ten times as many, in times of what it costs among few, and fails if it is more than half as
//! much again. The three sizes alternate, each over as many items, and the fastest of many rounds
//! counts, in the thread's own time, so that other work on the machine matters little.

mod cases;
#[path = "../shared/mod.rs"]
mod shared;

use std::fs;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::cases::{CASES, Make};

/// How much more an item may cost among many.
const BOUND: f64 = 1.5;
const ROUNDS: usize = 7;
/// The shortest measurement: the clock of a thread's own time ticks every few milliseconds.
const SHORTEST: Duration = Duration::from_millis(80);

fn main() -> ExitCode {
    // `-- xml` measures only what has that in its name.
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let mut missed = 0;
    for (what, items, make) in CASES {
        if only.as_ref().is_some_and(|only| !what.contains(&**only)) {
            continue;
        }
        let (twice, tenfold) = ratios(*items, *make);
        let met = twice <= BOUND && tenfold <= BOUND;
        missed += usize::from(!met);
        let verdict = if met { "ok" } else { "MISSED" };
        println!("{what:<44} {items:>6}: x2 {twice:.2}, x10 {tenfold:.2} <= {BOUND}: {verdict}");
    }
    if missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What an item costs among twice and ten times as many, in times.
fn ratios(items: usize, make: Make) -> (f64, f64) {
    let mut works = [1, 2, 10].map(|times| (times, make(items * times), f64::INFINITY));
    // So often the largest, and the others until they had as many items.
    let mut often = 1;
    for round in 0..=ROUNDS {
        for (times, work, best) in works.iter_mut().rev() {
            let runs = often * 10 / *times;
            let started = clock();
            (0..runs).for_each(|_| work());
            let taken = clock().saturating_sub(started);
            if round > 0 {
                *best = best.min(taken.as_secs_f64());
            } else if *times == 10 {
                // The first round warms up, and finds out how long it takes.
                while clock().saturating_sub(started) < SHORTEST {
                    work();
                    often += 1;
                }
            }
        }
    }
    let [one, two, ten] = works.map(|(_, _, best)| best);
    (two / one, ten / one)
}

/// What this thread has run for: time that others have of the machine does not count. Elsewhere
/// than on Linux, the time.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let own = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let own = own.and_then(|stat| stat.split(' ').next()?.parse().ok());
    own.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
