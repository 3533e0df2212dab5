//! The log file, and the violations on the terminal.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;

use crate::serve::control::lists::{List, Record};
use crate::simulator::Simulator;
use crate::violation::{Grade, Violation};

/// A writer of each request to the log file once it is answered, and of violations to the terminal: fatal ones always,
/// others once for each call.
#[derive(Debug)]
pub(crate) struct Follower {
    log: Option<File>,
    /// Whether violations are printed.
    prints_violations: bool,
    resets: u64,
    /// The requests to be written: those that were held, and those from `next` on.
    held: Vec<usize>,
    next: usize,
    /// The number of violations that have been seen.
    seen: usize,
    /// The calls and differences that have been printed.
    printed: BTreeSet<(String, &'static str)>,
}

impl Follower {
    pub(crate) const fn new(log: Option<File>, prints_violations: bool) -> Self {
        Self {
            log,
            prints_violations,
            resets: 0,
            held: Vec::new(),
            next: 0,
            seen: 0,
            printed: BTreeSet::new(),
        }
    }

    /// Writes everything new; if it is the `last` call, also the requests that are still held.
    pub(crate) fn catch_up(&mut self, simulator: &Simulator, last: bool) {
        let world = simulator.locked();
        let resets = simulator.resets();
        if self.resets != resets {
            self.resets = resets;
            // The requests of a restored world have been written before.
            (self.next, self.seen) = simulator.restored();
            self.held.clear();
        }
        let violations = world.violations().get(self.seen..).unwrap_or_default().to_vec();
        self.seen += violations.len();
        self.held.extend(self.next..world.log().len());
        self.next = world.log().len();
        let (due, held): (Vec<usize>, _) = self.held.drain(..).partition(|number| {
            last || world.log().get(*number).is_some_and(|logged| logged.status.is_some())
        });
        self.held = held;
        let records: Vec<Record> =
            due.iter().filter_map(|number| Record::of(&world, List::Requests, *number)).collect();
        drop(world);
        let name = simulator.group().is_shared().then(|| simulator.name());
        if self.prints_violations {
            for violation in violations {
                let Violation { grade, difference, source, endpoint, .. } = &violation;
                // Clients repeat most differences with each request.
                let is_new = self.printed.insert((endpoint.clone(), difference));
                if !is_new && *grade != Grade::Fatal {
                    continue;
                }
                let account = name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
                eprintln!("{account}{grade}: {violation} [{difference}, {source}]");
            }
        }
        let Some(log) = &mut self.log else { return };
        for record in records {
            let written = serde_json::to_string(&record).map(|line| writeln!(log, "{line}"));
            if let Ok(Err(error)) = written {
                eprintln!("--log: {error}");
                self.log = None;
                return;
            }
        }
    }
}

/// Follows all accounts until it is dropped.
pub(crate) async fn follow(followers: &mut [(Simulator, Follower)]) {
    let Some((simulator, _)) = followers.first() else { return };
    let simulator = simulator.clone();
    loop {
        let changed = simulator.changed().notified();
        tokio::pin!(changed);
        changed.as_mut().enable();
        for (account, follower) in &mut *followers {
            follower.catch_up(account, false);
        }
        changed.await;
    }
}
