//! The steps of a worker, at one of which it stops.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use std::{env, fmt, thread};

use rustix::process::{Signal, getpid, kill_process};

/// The [`Point`] at which a worker stops itself.
pub(crate) const STOP: &str = "WECHAT_WORKER_STOP";

/// A point in a run: a step, and how often it occurred before.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) step: String,
    pub(crate) number: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.step, self.number)
    }
}

/// Prints a line for the test.
pub(crate) fn say(line: &str) {
    // Starts a new line, because the test harness may have written a part of one.
    let mut output = io::stdout().lock();
    output.write_all(format!("\n{line}\n").as_bytes()).and_then(|()| output.flush()).unwrap();
}

/// Announces a step. At the requested point, the process stops itself, until the test continues it.
pub(crate) fn step(what: &str) {
    static COUNTS: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);
    static STOP_AT: LazyLock<Option<String>> = LazyLock::new(|| env::var(STOP).ok());
    let number = {
        let mut counts = COUNTS.lock().unwrap();
        let count = counts.get_or_insert_default().entry(what.to_owned()).or_default();
        *count += 1;
        *count - 1
    };
    say(&format!("step {what}"));
    let point = Point { step: what.to_owned(), number }.to_string();
    if STOP_AT.as_ref() == Some(&point) {
        say("stopped");
        kill_process(getpid(), Signal::STOP).unwrap();
        // Another thread may receive the signal, a moment later.
        thread::sleep(Duration::from_millis(200));
        say("continued");
    }
}
