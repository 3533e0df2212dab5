//! Conformance checks for custom transports: whether a driver keeps the promises of [`wechat_proto::flow`].
//!
//! Each promise has one or more named checks. They run against loopback servers that follow a script byte for byte.
//! [`check`] runs all of them.
//!
//! ```no_run
//! use tokio::runtime::Runtime;
//! use wechat_proto::Error;
//! use wechat_simulator::conformance::{self, Probe, Transport};
//! # use wechat_transport_hyper as hyper; // instead of one of your own
//!
//! struct Mine(hyper::Client, Runtime);
//!
//! impl Transport for Mine {
//!     fn run(&self, flow: &mut Probe) -> Result<(), Error> {
//!         self.1.block_on(self.0.run(flow)) // your driver loop
//!     }
//! }
//!
//! let report = conformance::check(|_| {
//!     let transport = hyper::Transport::new(hyper::Options::default())?;
//!     let client = hyper::Client::resume(&transport, conformance::session())?;
//!     Ok(Mine(client, Runtime::new().unwrap()))
//! });
//! println!("{report}");
//! report.assert();
//! ```
//!
//! - **Grades.** A *must* check fails the report: the protocol would break. A failed *should* check is a deviation
//!   without effect, which the report lists. `tests/src/conformance/table.rs` has the grade of every check and the
//!   reason. For each check, the report shows the outcome, the grade, the name and the promise, and for a failed check
//!   the expected and the observed behaviour:
//!
//! ```text
//! passed      must    no_cookie_is_kept            it stores no cookie
//! deviates    should  apostrophe_is_sent_verbatim  it sends the request unchanged
//!     expected: `server.only()?.line` is "GET /cgi-bin/mm%2Fwebwx-bin//x?name='x' HTTP/1.1"
//!     found:    "GET /cgi-bin/mm%2Fwebwx-bin//x?name=%27x%27 HTTP/1.1"
//!     should:   `%27` is the same value in another spelling
//! ```
//!
//! - **Known deviations.** [`Kit::deviations`] declares them. The report then also fails if the deviations are not
//!   exactly the declared ones.
//! - **Scope.** The promises of every transport are always checked. Optional features ([`Feature`]), such as custom
//!   names, root certificates, a proxy or streams, are checked if [`Transport::offers`] lists them, and otherwise
//!   reported as skipped: the example checks only the promises. For a transport with [`Feature::Roots`], the
//!   verification of certificates is checked too.
//! - **State.** The flows of the kit need a [`Device`](wechat_proto::Device) into which random bytes were mixed.
//! - **Time.** The checks run concurrently and take some seconds. A check that does not end within 30 seconds fails.
//!   Time limits are generous: only a delay of seconds exceeds one.
//! - **Selection.** [`Kit::only`] and [`Kit::promise`] select some of the checks.
//!
#![doc = include_str!("clients.md")]

mod encryption;
mod failures;
mod kinds;
mod limits;
mod opened;
mod pauses;
mod plain;
mod probe;
mod promise;
mod report;
mod requests;
mod scripted;
mod streams;
mod table;
mod transport;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use wechat_proto::Error;

use self::opened::Bench;
pub use self::opened::{session, session_of};
pub use self::probe::{Probe, Source};
pub use self::promise::{Feature, Promise};
pub use self::report::{Checked, Deviation, Grade, Outcome, Report};
pub use self::scripted::{Act, Arrived, Bodies, Full, Script, nobody};
use self::table::{CHECKS, Check};
use self::transport::Open;
pub use self::transport::{Options, Transport};

/// Runs all checks on the transports that `open` creates: see [the module](self).
///
/// `open` is called for each check, from several threads.
pub fn check<T: Transport + 'static>(
    open: impl Fn(&Options) -> Result<T, Error> + Send + Sync + 'static,
) -> Report {
    Kit::new(open).run()
}

/// A set of checks for one kind of transport.
#[must_use = "the checks do not run until `run` is called"]
pub struct Kit {
    open: Arc<Open>,
    checks: Vec<&'static Check>,
    deviations: Option<Vec<&'static str>>,
}

/// The number of checks that run concurrently; they mostly wait.
const MAX_CONCURRENT: usize = 6;
/// The time limit of a check.
const TIMEOUT: Duration = Duration::from_secs(30);

impl Kit {
    /// Creates a kit of all checks, for the transports that `open` creates.
    pub fn new<T: Transport + 'static>(
        open: impl Fn(&Options) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Self {
        let open = move |options: &Options| -> Result<Box<dyn Transport>, Error> {
            Ok(Box::new(open(options)?))
        };
        Self { open: Arc::new(open), checks: CHECKS.iter().collect(), deviations: None }
    }

    /// Keeps only the checks with these names.
    ///
    /// # Panics
    ///
    /// If a name is unknown.
    pub fn only(mut self, names: &[&str]) -> Self {
        for name in names {
            assert!(self.checks.iter().any(|check| check.name == *name), "no check {name}");
        }
        self.checks.retain(|check| names.contains(&check.name));
        self
    }

    /// Keeps only the checks of a promise.
    pub fn promise(mut self, promise: Promise) -> Self {
        self.checks.retain(|check| check.promise == promise);
        self
    }

    /// Declares that the transport deviates in exactly these *should* checks. The report then also fails for a
    /// deviation that is not declared, and for a declared one that does not occur, so that the list stays accurate.
    ///
    /// # Panics
    ///
    /// If a name is unknown, or that of a *must* check, which cannot be waived.
    pub fn deviations(mut self, names: &[&str]) -> Self {
        let find = |name: &&str| {
            let check = CHECKS.iter().find(|check| check.name == *name);
            let check = check.unwrap_or_else(|| panic!("no check {name}"));
            assert!(check.grade == Grade::Should, "{name} is a must");
            check.name
        };
        self.deviations = Some(names.iter().map(find).collect());
        self
    }

    /// Returns the names of the checks.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.checks.iter().map(|check| check.name)
    }

    /// Runs the checks. If the transport panics, the check fails. If it hangs, the check fails after 30 seconds and its
    /// thread is leaked.
    pub fn run(&self) -> Report {
        let offered = (self.open)(&Options::default()).map(|transport| transport.offers());
        let offered = offered.map_err(|error| format!("it cannot be created: {error}"));
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..MAX_CONCURRENT {
                scope.spawn(|| {
                    while let Some(check) = self.checks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let outcome = match &offered {
                            Ok(offered) => self.outcome(check, offered),
                            Err(error) => failed("a transport", error),
                        };
                        done.lock().unwrap().push(self.checked(check, outcome));
                    }
                });
            }
        });
        let mut checks = done.into_inner().unwrap();
        let place = |checked: &Checked| self.checks.iter().position(|c| c.name == checked.name);
        checks.sort_by_key(place);
        Report { checks }
    }

    fn checked(&self, check: &Check, outcome: Outcome) -> Checked {
        let Check { name, promise, grade, reason, .. } = *check;
        let declared = self.deviations.as_ref().map(|declared| declared.contains(&name));
        Checked { name, promise, grade, reason, outcome, declared }
    }

    fn outcome(&self, check: &'static Check, offered: &[Feature]) -> Outcome {
        if let Some(missing) = check.needs.iter().find(|feature| !offered.contains(feature)) {
            return Outcome::Skipped(*missing);
        }
        let bench = Bench { open: Arc::clone(&self.open) };
        let (sender, receiver) = mpsc::channel();
        let work = thread::Builder::new().name(check.name.to_owned()).spawn(move || {
            let _ = sender.send((check.run)(&bench));
        });
        let Ok(work) = work else { return failed("a thread", "it cannot be started") };
        match receiver.recv_timeout(TIMEOUT) {
            Ok(Ok(())) => Outcome::Passed,
            Ok(Err(deviation)) => Outcome::Failed(deviation),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                failed(format!("an end within {TIMEOUT:?}"), "it did not end")
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let panic = work.join().err();
                let text = panic.and_then(|panic| match panic.downcast::<String>() {
                    Ok(text) => Some(*text),
                    Err(panic) => panic.downcast_ref::<&str>().map(|text| (*text).to_owned()),
                });
                failed("no panic", format!("it panicked: {}", text.unwrap_or_default()))
            }
        }
    }
}

fn failed(expected: impl Into<String>, found: impl Into<String>) -> Outcome {
    Outcome::Failed(Deviation::new(expected, found))
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests;
