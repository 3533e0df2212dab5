//! Checks a transport of your own: whether it keeps what [`wechat_proto::flow`] promises of a driver.
//!
//! Each promise has one check or more, each with a name. They run against servers on loopback that do exactly what
//! their script says, byte for byte. [`check`] runs all of them; the [`Report`] lists each with its promise, and of a
//! broken one what was seen.
//!
//! ```
//! use wechat_proto::Error;
//! use wechat_simulator::conformance::{self, Probe, Transport};
//! # use wechat_transport_ureq as ureq; // instead of one of your own
//!
//! struct Mine(ureq::Client);
//!
//! impl Transport for Mine {
//!     fn run(&self, flow: &mut Probe) -> Result<(), Error> {
//!         self.0.run(flow) // your loop, as it runs every flow
//!     }
//! }
//!
//! conformance::check(|_| {
//!     let transport = ureq::Transport::new(ureq::Options::default())?;
//!     Ok(Mine(ureq::Client::resume(&transport, conformance::session())?))
//! })
//! .assert();
//! ```
//!
//! - **What is checked.** What every transport promises. What not every transport has ([`Feature`]), names of its own,
//!   roots of trust, a proxy, streams, is checked where [`Transport::offers`] says so, and else reported as skipped: the
//!   example checks the promises alone. A transport that offers [`Feature::Roots`] is also asked whether it verifies
//!   whom it speaks to.
//! - **State.** A flow of the kit needs a [`Device`](wechat_proto::Device), with nothing in it.
//! - **Time.** The checks run a few at a time, in some seconds. One that does not end within half a minute is broken.
//!   Time limits are wide: a machine has to be slow by seconds to break one.
//! - **One alone.** [`Kit::only`] and [`Kit::promise`] run some of the checks.

mod encryption;
mod failures;
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

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use wechat_proto::Error;

use self::opened::{Bench, Seen};
pub use self::opened::{session, session_of};
pub use self::probe::{Probe, Source};
pub use self::promise::{Feature, Promise};
pub use self::report::{Checked, Outcome, Report};
pub use self::scripted::{Act, Arrived, Bodies, Full, Script, nobody};

/// What is checked: a driver of flows on some HTTP client.
pub trait Transport {
    /// Runs the flow to its output, as the driver runs every flow. A failure of an exchange is given to the flow;
    /// an error is what the flow ended with.
    fn run(&self, flow: &mut Probe) -> Result<(), Error>;

    /// What it has besides; each is then checked too. Nothing unless said.
    fn offers(&self) -> &'static [Feature] {
        &[]
    }

    /// The same for a flow that reads a source. Asked for with [`Feature::Sources`] only.
    fn run_with(&self, flow: &mut Probe, source: Source) -> Result<(), Error> {
        let _ = source;
        self.run(flow)
    }

    /// The same for a flow that wants the head of its reply only: also puts the body into `body`, as it comes. An error
    /// is what ended the body early. Asked for with [`Feature::Streams`] only.
    fn stream(&self, flow: &mut Probe, body: &mut Vec<u8>) -> Result<(), Error> {
        let _ = body;
        self.run(flow)
    }
}

/// How a transport is to be made for a check. What belongs to a [`Feature`] is set only where that is offered.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// [`Feature::Names`]: the addresses of these names. No other name has one.
    pub names: Vec<(&'static str, SocketAddr)>,
    /// [`Feature::Roots`]: certificate authorities to trust, in DER.
    pub roots: Vec<Vec<u8>>,
    /// [`Feature::Proxy`]: an HTTP proxy for all connections, by `CONNECT`.
    pub proxy: Option<SocketAddr>,
    /// [`Feature::ConnectTimeout`]: how long connecting may take, the handshake of TLS included.
    pub connect_timeout: Option<Duration>,
    /// [`Feature::DeadlineCap`]: no deadline is longer.
    pub deadline_cap: Option<Duration>,
}

type Open = dyn Fn(&Options) -> Result<Box<dyn Transport>, Error> + Send + Sync;

/// Runs all checks on the transports that `open` makes: see [the module](self).
///
/// `open` is called for each check, from several threads.
pub fn check<T: Transport + 'static>(
    open: impl Fn(&Options) -> Result<T, Error> + Send + Sync + 'static,
) -> Report {
    Kit::new(open).run()
}

/// The checks to be run on one kind of transport.
#[must_use = "nothing is checked until it is run"]
pub struct Kit {
    open: Arc<Open>,
    checks: Vec<&'static Check>,
}

/// A check: what is done, and for which promise.
pub(crate) struct Check {
    name: &'static str,
    promise: Promise,
    needs: &'static [Feature],
    run: fn(&Bench) -> Seen,
}

/// Makes the list of a module's checks.
macro_rules! checks {
    ($($promise:ident: $name:ident $([$($feature:ident)*])?;)*) => {
        pub(super) const CHECKS: &[super::Check] = &[$(super::Check {
            name: stringify!($name),
            promise: super::Promise::$promise,
            needs: &[$($(super::Feature::$feature),*)?],
            run: $name,
        }),*];
    };
}
use checks;

/// Goes on if the two are the same.
macro_rules! same {
    ($seen:expr, $expected:expr $(,)?) => {
        match (&$seen, &$expected) {
            (seen, expected) if *seen == *expected => {}
            (seen, expected) => {
                return Err(format!("`{}` is {seen:?}, not {expected:?}", stringify!($seen)));
            }
        }
    };
}
use same;

/// Goes on if this is so.
macro_rules! holds {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+));
        }
    };
}
use holds;

/// Every check there is, in the order of a report.
const ALL: [&[Check]; 7] = [
    plain::CHECKS,
    requests::CHECKS,
    limits::CHECKS,
    failures::CHECKS,
    pauses::CHECKS,
    streams::CHECKS,
    encryption::CHECKS,
];

/// How many checks run at once: they mostly wait.
const AT_ONCE: usize = 6;
/// Longer than any check takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(30);

impl Kit {
    /// All checks, on the transports that `open` makes.
    pub fn new<T: Transport + 'static>(
        open: impl Fn(&Options) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Self {
        let open = move |options: &Options| -> Result<Box<dyn Transport>, Error> {
            Ok(Box::new(open(options)?))
        };
        Self { open: Arc::new(open), checks: ALL.iter().copied().flatten().collect() }
    }

    /// The same without those of other names than `names`.
    ///
    /// # Panics
    ///
    /// If there is no such check.
    pub fn only(mut self, names: &[&str]) -> Self {
        for name in names {
            assert!(self.checks.iter().any(|check| check.name == *name), "no check {name}");
        }
        self.checks.retain(|check| names.contains(&check.name));
        self
    }

    /// The same without those of other promises.
    pub fn promise(mut self, promise: Promise) -> Self {
        self.checks.retain(|check| check.promise == promise);
        self
    }

    /// The names of the checks.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.checks.iter().map(|check| check.name)
    }

    /// Runs the checks. A transport that panics breaks the one that it panics in; one that hangs also leaves its
    /// thread behind.
    pub fn run(&self) -> Report {
        let offered = (self.open)(&Options::default()).map(|transport| transport.offers());
        let offered = offered.map_err(|error| format!("it cannot be made: {error}"));
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    while let Some(check) = self.checks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let outcome = match &offered {
                            Ok(offered) => self.outcome(check, offered),
                            Err(error) => Outcome::Broken(error.clone()),
                        };
                        let (name, promise) = (check.name, check.promise);
                        done.lock().unwrap().push(Checked { name, promise, outcome });
                    }
                });
            }
        });
        let mut checks = done.into_inner().unwrap();
        let place = |checked: &Checked| self.checks.iter().position(|c| c.name == checked.name);
        checks.sort_by_key(place);
        Report { checks }
    }

    fn outcome(&self, check: &'static Check, offered: &[Feature]) -> Outcome {
        if let Some(missing) = check.needs.iter().find(|feature| !offered.contains(feature)) {
            return Outcome::Skipped(*missing);
        }
        let bench = Bench { open: Arc::clone(&self.open) };
        let (say, hear) = mpsc::channel();
        let work = thread::Builder::new().name(check.name.to_owned()).spawn(move || {
            let _ = say.send((check.run)(&bench));
        });
        let Ok(work) = work else { return Outcome::Broken("there is no thread for it".into()) };
        match hear.recv_timeout(PATIENCE) {
            Ok(Ok(())) => Outcome::Kept,
            Ok(Err(seen)) => Outcome::Broken(seen),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Outcome::Broken(format!("it did not end in {PATIENCE:?}"))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let panic = work.join().err();
                let text = panic.and_then(|panic| match panic.downcast::<String>() {
                    Ok(text) => Some(*text),
                    Err(panic) => panic.downcast_ref::<&str>().map(|text| (*text).to_owned()),
                });
                Outcome::Broken(format!("it panicked: {}", text.unwrap_or_default()))
            }
        }
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests;
