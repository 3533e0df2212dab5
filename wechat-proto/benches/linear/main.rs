//! Measures how the cost of parsing grows with the input: `docs/threats.md` R2, X2, J7, W1, W2, W4.
//!
//! ```text
//! cargo bench -p wechat-proto --bench linear
//! ```
//!
//! Each case is one kind of input, regular or hostile. Prints the cost per item for twice and ten
//! times as many items, relative to the cost per item of the smallest input, and fails if a ratio
//! exceeds 1.5. The three sizes alternate, and each processes the same number of items per round.
//! Each result is that of the fastest round, measured in CPU time of the thread, which limits the
//! effect of other load on the machine.

mod accounts;
mod cases;
#[path = "../shared/mod.rs"]
mod shared;

use std::fs;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::cases::{CASES, Setup};

/// The maximum cost per item relative to the smallest input.
const BOUND: f64 = 1.5;
const ROUNDS: usize = 7;
/// The minimum duration of a measurement. The CPU time of a thread is updated only every few
/// milliseconds.
const MIN_DURATION: Duration = Duration::from_millis(80);

fn main() -> ExitCode {
    // `-- XML` runs only the cases whose label contains `XML`.
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    let mut missed = 0;
    for (label, items, setup) in CASES {
        if only.as_ref().is_some_and(|only| !label.contains(&**only)) {
            continue;
        }
        let (twice, tenfold) = ratios(*items, *setup);
        let met = twice <= BOUND && tenfold <= BOUND;
        missed += usize::from(!met);
        let verdict = if met { "ok" } else { "MISSED" };
        println!("{label:<44} {items:>6}: x2 {twice:.2}, x10 {tenfold:.2} <= {BOUND}: {verdict}");
    }
    if missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Returns the cost per item for twice and ten times as many items, relative to `items` items.
fn ratios(items: usize, setup: Setup) -> (f64, f64) {
    let mut workloads = [1, 2, 10].map(|factor| (factor, setup(items * factor), f64::INFINITY));
    // Runs of the largest input per round. Smaller inputs run more often, for the same total.
    let mut repeat = 1;
    for round in 0..=ROUNDS {
        for (factor, work, best) in workloads.iter_mut().rev() {
            let runs = repeat * 10 / *factor;
            let started = clock();
            (0..runs).for_each(|_| work());
            let elapsed = clock().saturating_sub(started);
            if round > 0 {
                *best = best.min(elapsed.as_secs_f64());
            } else if *factor == 10 {
                // The first round warms up and calibrates the number of runs.
                while clock().saturating_sub(started) < MIN_DURATION {
                    work();
                    repeat += 1;
                }
            }
        }
    }
    let [one, two, ten] = workloads.map(|(_, _, best)| best);
    (two / one, ten / one)
}

/// Returns the CPU time of this thread on Linux, and the time since the first call elsewhere.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let cpu_time = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let cpu_time = cpu_time.and_then(|stat| stat.split(' ').next()?.parse().ok());
    cpu_time.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
