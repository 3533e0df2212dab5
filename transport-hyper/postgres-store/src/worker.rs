//! A worker that holds several accounts.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use wechat_proto::Error;
use wechat_proto::error::{Chain, StorageFailure, StorageKind};

use crate::lease::{Lease, Next};
use crate::store::PostgresStore;
use crate::term::Term;

/// A worker: it claims accounts, runs a job for each, renews their leases, and hands them over at the
/// end. Needs a tokio runtime.
///
/// While the database cannot be reached, jobs go on until their leases end; the worker keeps trying,
/// and claims accounts again when it can. It keeps one connection of the store's pool for itself, so that
/// renewals do not wait for the transactions of jobs: the pool needs at least two.
#[derive(Clone, Debug)]
#[must_use = "a worker does nothing until it is run"]
pub struct Worker {
    store: PostgresStore,
    name: String,
    limit: usize,
    claims: u32,
    grace: Duration,
}

/// What a [`Worker`] reports.
#[derive(Debug)]
#[non_exhaustive]
pub enum Report<'a> {
    /// An account was claimed, and its job begins.
    Claimed(&'a str),
    /// The job of an account has ended: [`Error::InUse`] if its lease ended first, [`Error::Stopped`] if it was
    /// dropped when the worker ended.
    Ended(&'a str, &'a Result<Next, Error>),
    /// The job of an account panicked.
    Panicked(&'a str),
    /// The database failed. The worker goes on.
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

type Jobs = JoinSet<Result<Next, Error>>;

impl Worker {
    /// Returns a worker. Its name is for people who look at the table.
    pub fn new(store: &PostgresStore, name: impl Into<String>) -> Self {
        let grace = Duration::from_secs(5);
        Self { store: store.clone(), name: name.into(), limit: 1000, claims: 50, grace }
    }

    /// Limits the number of accounts. The default is 1,000.
    pub fn limit(mut self, accounts: usize) -> Self {
        self.limit = accounts;
        self
    }

    /// Limits the number of accounts that are claimed in a second, so that a worker does not take
    /// all accounts of a dead one, nor resume them all at once. The default is 50.
    pub fn claims_per_second(mut self, accounts: u32) -> Self {
        self.claims = accounts;
        self
    }

    /// Sets how long jobs may go on after the shutdown was requested; the default is five seconds.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Claims accounts and runs a job for each, until `shutdown` completes.
    ///
    /// A job runs only while its lease holds, and is dropped at the end of it. What it returns decides
    /// when the account is claimed next; after an error or a panic, when as much time has passed as a
    /// lease has. On shutdown, jobs are told ([`Lease::stopping`]); those that have not ended after
    /// the [grace](Worker::grace) are dropped, and their accounts are free at once.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, all jobs are, and the leases end with their time.
    pub async fn run<F>(
        self,
        job: impl Fn(Lease) -> F,
        shutdown: impl Future<Output = ()>,
        mut observe: impl FnMut(Report<'_>),
    ) where
        F: Future<Output = Result<Next, Error>> + Send + 'static,
    {
        let third = self.store.lease_time() / 3;
        let period = (third / 4).min(Duration::from_millis(250));
        let (mut ticks, mut renewed) = (interval(period), Instant::now());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut jobs, mut terms) = (Jobs::new(), HashMap::<Id, Term>::new());
        let (stopping, mut shutdown, mut end) = (watch::Sender::new(false), pin!(shutdown), None);
        let mut own = None;
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown, if end.is_none() => {
                    stopping.send_replace(true);
                    end = Some(Instant::now() + self.grace);
                }
                _ = ticks.tick() => {
                    let (start, mut failed) = (Instant::now(), None);
                    // A failed renewal is tried again with the next tick.
                    if start + period >= renewed + third && !terms.is_empty() {
                        let held: Vec<_> = terms.values().cloned().collect();
                        let renewal =
                            async { self.store.renew(self.own(&mut own).await?, &held).await };
                        match in_time(third, renewal).await {
                            Ok(()) => renewed = start,
                            Err(error) => failed = Some(error),
                        }
                    }
                    let share = (f64::from(self.claims) * period.as_secs_f64()).ceil() as usize;
                    let count = share.min(self.limit.saturating_sub(terms.len()));
                    if end.is_none() && failed.is_none() && count > 0 {
                        let claim = async {
                            let own = self.own(&mut own).await?;
                            self.store.claim_some(own, &self.name, count, None).await
                        };
                        match in_time(third, claim).await {
                            Ok(leases) => for mut lease in leases {
                                observe(Report::Claimed(lease.account()));
                                lease.stopping = Some(stopping.subscribe());
                                let term = lease.term.clone();
                                let (guard, job) = (term.clone(), job(lease));
                                let guarded = async move { guard.guard(job).await.and_then(|result| result) };
                                let handle = jobs.spawn(guarded);
                                terms.insert(handle.id(), term);
                            },
                            Err(error) => failed = Some(error),
                        }
                    }
                    if let Some(error) = failed {
                        drop(own.take().map(Object::take));
                        observe(Report::Failed(&error));
                    }
                }
                Some(ended) = jobs.join_next_with_id() => {
                    self.ended(ended, &mut terms, &mut own, &mut observe).await;
                }
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => jobs.abort_all(),
            }
            if end.is_some() && jobs.is_empty() {
                return;
            }
        }
    }

    /// Releases the account of a job that has ended.
    async fn ended(
        &self,
        ended: Result<(Id, Result<Next, Error>), JoinError>,
        terms: &mut HashMap<Id, Term>,
        own: &mut Option<Object>,
        observe: &mut impl FnMut(Report<'_>),
    ) {
        let (id, result, panicked) = match ended {
            Ok((id, result)) => (id, result, false),
            Err(error) => (error.id(), Err(Error::Stopped), error.is_panic()),
        };
        let Some(term) = terms.remove(&id) else { return };
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
        let release = async { self.store.release(self.own(own).await?, &term, next).await };
        match in_time(self.store.lease_time() / 3, release).await {
            Err(error) if !matches!(error, Error::InUse) => {
                drop(own.take().map(Object::take));
                observe(Report::Failed(&error));
            }
            _ => {}
        }
    }

    /// Returns the connection that the worker keeps, so that renewals do not wait for those of the jobs.
    async fn own<'a>(&self, kept: &'a mut Option<Object>) -> Result<&'a Object, Error> {
        let connection = match kept.take().filter(|kept| !kept.is_closed()) {
            Some(connection) => connection,
            None => self.store.connection("PostgreSQL").await?,
        };
        Ok(kept.insert(connection))
    }
}

/// Fails if the database takes longer than this.
async fn in_time<T>(
    limit: Duration,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match timeout(limit, operation).await {
        Ok(result) => result,
        Err(elapsed) => {
            Err(StorageFailure::new(StorageKind::Other).at("PostgreSQL").because(elapsed).into())
        }
    }
}
