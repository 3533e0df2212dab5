//! Time limits with the timer of the options.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The timer of the options.
#[derive(Clone)]
pub(crate) struct Alarm(Arc<dyn Timer + Send + Sync>);

/// Longer than any program runs, and short enough for every timer.
const MAX_SLEEP: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

impl Alarm {
    pub(crate) fn new(timer: impl Timer + Send + Sync + 'static) -> Self {
        Self(Arc::new(timer))
    }

    /// Returns a future that completes after `time`.
    pub(crate) fn after(&self, time: Duration) -> Pin<Box<dyn Sleep>> {
        self.0.sleep(time.min(MAX_SLEEP))
    }
}

impl Timer for Alarm {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.0.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.0.sleep_until(deadline)
    }

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        self.0.reset(sleep, new_deadline);
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}

/// Returns the output of `future`, or `None` if `end` completes first. Both may be dropped at any
/// time.
pub(crate) async fn unless<T>(
    end: &mut (impl Future + Unpin + ?Sized),
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        Pin::new(&mut *end).poll(context).map(|_| None)
    })
    .await
}
