//! A worker that holds several accounts.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use wechat_proto::Error;
use wechat_proto::error::{Chain, StorageKind};

use crate::failure::failed;
use crate::lease::{Lease, Next};
use crate::store::PostgresStore;
use crate::term::Term;

/// A worker: it claims accounts, runs a job for each, renews their leases, and releases them on
/// shutdown. Needs a tokio runtime.
///
/// While the database cannot be reached, jobs continue until their leases expire. The worker retries,
/// and claims accounts again when the database is back. It reserves one connection of the store's
/// pool, so that renewals do not wait for the transactions of jobs; the pool needs at least two.
#[derive(Clone, Debug)]
#[must_use = "a worker does nothing until it is run"]
pub struct Worker {
    store: PostgresStore,
    name: String,
    limit: usize,
    claims: u32,
    grace: Duration,
}

/// An event of a [`Worker`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Report<'a> {
    /// An account was claimed, and its job begins.
    Claimed(&'a str),
    /// The job of an account has ended: with [`Error::InUse`] if its lease expired first, and with
    /// [`Error::Stopped`] if it was dropped at the end of the worker's grace period.
    Ended(&'a str, &'a Result<Next, Error>),
    /// The job of an account panicked.
    Panicked(&'a str),
    /// A database operation failed. The worker continues.
    Failed(&'a Error),
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claimed(account) => write!(f, "claimed {account}"),
            Self::Ended(account, Ok(Next::Withdraw)) => write!(f, "{account} was withdrawn"),
            Self::Ended(account, Ok(_)) => write!(f, "{account} was released"),
            Self::Ended(account, Err(error)) => write!(f, "{account} ended: {}", Chain(error)),
            Self::Panicked(account) => write!(f, "the job of {account} panicked"),
            Self::Failed(error) => Chain(*error).fmt(f),
        }
    }
}

impl Worker {
    /// Returns a worker. Its name appears in the table of accounts, for operators.
    pub fn new(store: &PostgresStore, name: impl Into<String>) -> Self {
        let grace = Duration::from_secs(5);
        Self { store: store.clone(), name: name.into(), limit: 1000, claims: 50, grace }
    }

    /// Limits the number of accounts. The default is 1,000.
    pub fn limit(mut self, accounts: usize) -> Self {
        self.limit = accounts;
        self
    }

    /// Limits the number of accounts that are claimed per second, so that after a failover the accounts
    /// are spread over the remaining workers and not resumed all at once. The default is 50.
    pub fn claims_per_second(mut self, accounts: u32) -> Self {
        self.claims = accounts;
        self
    }

    /// Sets the grace period: how long jobs may run after a shutdown was requested. The default is five
    /// seconds.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Claims accounts and runs a job for each, until `shutdown` completes.
    ///
    /// A job runs only while its lease holds, and is dropped when the lease expires. Its result decides
    /// when the account can be claimed again; after an error or a panic, that is after the duration of
    /// a lease. On shutdown, jobs are notified ([`Lease::stopping`]); those that have not returned
    /// after the [grace period](Worker::grace) are dropped, and their accounts are released at once.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, all jobs are dropped, and the leases expire.
    pub async fn run<F>(
        self,
        job: impl Fn(Lease) -> F,
        shutdown: impl Future<Output = ()>,
        mut observe: impl FnMut(Report<'_>),
    ) where
        F: Future<Output = Result<Next, Error>> + Send + 'static,
    {
        // A free account is claimed within the last twentieth of its former lease.
        let period = (self.store.lease_time() / 25).min(Duration::from_millis(250));
        let share = (f64::from(self.claims) * period.as_secs_f64()).ceil() as usize;
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut held, mut end) = (Held::default(), None::<Instant>);
        let (stopping, mut shutdown) = (watch::Sender::new(false), pin!(shutdown));
        while end.is_none() || !held.jobs.is_empty() {
            tokio::select! {
                biased;
                () = &mut shutdown, if end.is_none() => {
                    stopping.send_replace(true);
                    end = Some(Instant::now() + self.grace);
                }
                now = ticks.tick() => {
                    if end.is_some_and(|end| end <= now) {
                        held.jobs.abort_all();
                    }
                    let count = if end.is_none() { share } else { 0 };
                    match self.renew_and_claim(&mut held, period, count).await {
                        Ok(leases) => {
                            for mut lease in leases {
                                observe(Report::Claimed(lease.account()));
                                lease.stopping = Some(stopping.subscribe());
                                held.spawn(lease.term(), job(lease));
                            }
                        }
                        Err(error) => observe(Report::Failed(&error)),
                    }
                }
                Some(ended) = held.jobs.join_next_with_id() => {
                    self.release(&mut held, ended, &mut observe).await;
                }
            }
        }
    }

    /// Renews the leases unless they are renewed in time by the next tick, and claims up to `count`
    /// accounts.
    async fn renew_and_claim(
        &self,
        held: &mut Held,
        period: Duration,
        count: usize,
    ) -> Result<Vec<Lease>, Error> {
        let (start, third) = (Instant::now(), self.store.lease_time() / 3);
        let count = count.min(self.limit.saturating_sub(held.terms.len()));
        let Held { terms, connection, renewed, .. } = &mut *held;
        let work = async {
            let connection = self.store.own(connection).await?;
            let is_due = renewed.is_none_or(|renewed| start + period >= renewed + third);
            if is_due && !terms.is_empty() {
                self.store.renew(connection, &Vec::from_iter(terms.values().cloned())).await?;
                *renewed = Some(start);
            }
            match count {
                0 => Ok(Vec::new()),
                _ => self.store.claim_some(connection, &self.name, count, None).await,
            }
        };
        let result = in_time(third, work).await;
        held.checked(result)
    }

    /// Releases the account of a job that has ended.
    async fn release(
        &self,
        held: &mut Held,
        ended: Result<(Id, Result<Next, Error>), JoinError>,
        observe: &mut impl FnMut(Report<'_>),
    ) {
        let (id, result, panicked) = match ended {
            Ok((id, result)) => (id, result, false),
            Err(error) => (error.id(), Err(Error::Stopped), error.is_panic()),
        };
        let Some(term) = held.terms.remove(&id) else { return };
        let next = match &result {
            Ok(next) => *next,
            Err(Error::Stopped) if !panicked => Next::After(Duration::ZERO),
            Err(_) => Next::After(self.store.lease_time()),
        };
        observe(if panicked {
            Report::Panicked(&term.account)
        } else {
            Report::Ended(&term.account, &result)
        });
        if term.check().is_err() {
            return;
        }
        let connection = &mut held.connection;
        let work = async {
            let connection = self.store.own(connection).await?;
            self.store.release(connection, &term, next).await
        };
        let result = in_time(self.store.lease_time() / 3, work).await;
        match held.checked(result) {
            Err(error) if !matches!(error, Error::InUse) => observe(Report::Failed(&error)),
            _ => {}
        }
    }
}

/// The accounts of a running worker.
#[derive(Default)]
struct Held {
    jobs: JoinSet<Result<Next, Error>>,
    terms: HashMap<Id, Term>,
    /// A connection of the worker's own, so that renewals do not wait for those of the jobs.
    connection: Option<Object>,
    /// The time of the last renewal.
    renewed: Option<Instant>,
}

impl Held {
    fn spawn(
        &mut self,
        term: Term,
        job: impl Future<Output = Result<Next, Error>> + Send + 'static,
    ) {
        let guard = term.clone();
        let handle = self.jobs.spawn(async move { guard.guard(job).await.flatten() });
        self.terms.insert(handle.id(), term);
    }

    /// Closes the worker's connection after a failure.
    fn checked<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            drop(self.connection.take().map(Object::take));
        }
        result
    }
}

/// Fails if the database takes longer than this.
async fn in_time<T>(
    limit: Duration,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match timeout(limit, operation).await {
        Ok(result) => result,
        Err(_) => {
            let late = io::Error::new(ErrorKind::TimedOut, format!("no reply within {limit:?}"));
            Err(failed(StorageKind::Other, "PostgreSQL", late))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn late_reply_of_the_database_is_an_error() {
        let pending = std::future::pending::<Result<(), Error>>();
        let error = in_time(Duration::from_millis(5), pending).await.unwrap_err();
        assert_eq!(
            Chain(&error).to_string(),
            "the stored session at \"PostgreSQL\" could not be reached: no reply within 5ms"
        );
    }
}
