//! The time for which a lease holds.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use wechat_proto::Error;

use crate::clock;

/// The term of a [`Lease`](crate::Lease). Clones share it: a renewal extends all of them, and they end
/// with the lease.
#[derive(Clone, Debug)]
pub struct Term {
    pub(crate) account: Arc<str>,
    pub(crate) token: i64,
    /// By the clock of this machine; zero once the lease was lost or released.
    until: watch::Sender<Duration>,
}

impl Term {
    /// Returns the time that is left, zero if the lease has ended.
    pub fn left(&self) -> Duration {
        self.until.borrow().saturating_sub(clock::now())
    }

    /// Runs a future while the lease holds. After that, the future is not polled again, even if the
    /// machine was suspended meanwhile. A request that is being sent at that time may still reach the
    /// service.
    ///
    /// A [`Worker`](crate::Worker) runs its jobs in this way.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] if the lease ended first.
    pub async fn guard<F: Future>(&self, future: F) -> Result<F::Output, Error> {
        let mut until = self.until.subscribe();
        let mut future = pin!(future);
        let mut guarded = pin!(poll_fn(|context| {
            if self.check().is_err() {
                return Poll::Ready(Err(Error::InUse));
            }
            future.as_mut().poll(context).map(Ok)
        }));
        loop {
            until.borrow_and_update();
            tokio::select! {
                biased;
                output = &mut guarded => return output,
                () = sleep(self.left()) => self.check()?,
                _ = until.changed() => {}
            }
        }
    }

    pub(crate) fn new(account: &str, token: i64, until: Duration) -> Self {
        Self { account: account.into(), token, until: watch::Sender::new(until) }
    }

    /// Extends the lease, unless it has ended.
    pub(crate) fn prolong(&self, until: Duration) {
        self.until.send_if_modified(|current| {
            let is_held = *current > clock::now();
            *current = if is_held { until } else { *current };
            is_held
        });
    }

    /// Ends the lease.
    pub(crate) fn end(&self) {
        self.until.send_replace(Duration::ZERO);
    }

    /// Fails if the lease has ended.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.left().is_zero() { Err(Error::InUse) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(millis: u64) -> Term {
        Term::new("bot", 1, clock::now() + Duration::from_millis(millis))
    }

    #[tokio::test]
    async fn future_is_not_polled_after_the_lease() {
        let term = term(40);
        assert_eq!(term.guard(async { 7 }).await.unwrap(), 7);
        let mut polls = 0;
        let waiting = term.guard(poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        assert!(matches!(waiting.await, Err(Error::InUse)));
        assert!(polls > 1);
        let never = term.guard(poll_fn(|_| -> Poll<()> { panic!("polled after the lease") }));
        assert!(matches!(never.await, Err(Error::InUse)));
        // An ended lease cannot be prolonged.
        term.prolong(clock::now() + Duration::from_secs(60));
        assert!(matches!(term.check(), Err(Error::InUse)));
    }

    #[tokio::test]
    async fn renewal_prolongs_a_guarded_future() {
        let held = term(60);
        let (renewing, guarded) = (held.clone(), held.guard(sleep(Duration::from_millis(120))));
        let (_, output) = tokio::join!(
            async {
                sleep(Duration::from_millis(20)).await;
                renewing.prolong(clock::now() + Duration::from_secs(60));
            },
            guarded
        );
        output.unwrap();
        let (ending, guarded) = (held.clone(), held.guard(std::future::pending::<()>()));
        let (_, output) = tokio::join!(async { ending.end() }, guarded);
        assert!(matches!(output, Err(Error::InUse)));
    }
}
