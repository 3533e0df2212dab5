//! Back-off of flows: `docs/threats.md` S6, S7, S8.

use core::time::Duration;

use crate::time::Wait;
use crate::{Error, Timestamp};

/// The kinds of flows that share one back-off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Lane {
    /// Logging in, and resuming a stored session.
    Login,
    /// Loading the contacts.
    Contacts,
    /// Receiving messages.
    Inbox,
    /// Uploading files.
    Upload,
}

/// The back-off of each lane. The device stores it: a new flow continues the back-off of the
/// previous one, so that starting a flow after each error cannot spin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoffs {
    login: Backoff,
    contacts: Backoff,
    inbox: Backoff,
    upload: Backoff,
}

impl Backoffs {
    pub(crate) const fn lane(&mut self, lane: Lane) -> &mut Backoff {
        match lane {
            Lane::Login => &mut self.login,
            Lane::Contacts => &mut self.contacts,
            Lane::Inbox => &mut self.inbox,
            Lane::Upload => &mut self.upload,
        }
    }
}

/// The delay of requests while a flow makes no progress.
///
/// Two idle responses in a row add no delay; two failures add about a second. From the third on,
/// requests are at least 1, 2, 4 … 30 seconds apart, until a useful response arrives.
/// [`Retry`](crate::retry::Retry) applies it; the flow reports whether a response was useful.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    /// Idle responses since the last useful one.
    idle: u32,
    /// The number of idle responses that do not delay the current step, because they preceded the
    /// progress to it.
    excused: u32,
    /// Failures since the last response.
    failures: u32,
    /// The time of the last request.
    sent: Option<Timestamp>,
    /// The delay of the next request.
    wait: Option<Wait>,
    /// Whether the last long poll was delayed. If so, the next one is not.
    delayed: bool,
    /// The cost of the requests since the last useful response, minus the elapsed time.
    debt: Duration,
}

/// The kind of a request, which determines when a back-off delays it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// One of several steps. It is not delayed if progress led to it.
    Step,
    /// A request that is repeated forever, at most 30 times in any 30 seconds.
    Round,
    /// A long poll that may be followed by another request at once: every second poll is sent
    /// without delay.
    ///
    /// News that arrives during a delay is reported as soon as the delay ends, just as if the
    /// service repeated the same news forever. A second poll without delay distinguishes the two:
    /// if the news was real, that poll blocks until there is more, which ends the back-off.
    LongPoll,
}

impl Backoff {
    /// The number of idle responses or failures from which a flow is delayed and reports failures.
    pub(crate) const MAX_FAILURES: u32 = 3;
    const LONGEST: Duration = Duration::from_secs(30);
    /// The cost of a request without a useful response, and the debt up to which no request is
    /// delayed. They permit at most 30 requests in any 30 seconds, for any pattern of quick and
    /// slow responses.
    const COST: Duration = Duration::from_millis(1500);
    const CREDIT: Duration = Duration::from_secs(12);

    /// Records a useful response, which ends the back-off.
    pub const fn useful(&mut self) {
        self.rest();
        self.debt = Duration::ZERO;
    }

    /// Records a response without progress.
    pub const fn idle(&mut self) {
        self.idle = self.idle.saturating_add(self.failures).saturating_add(1);
        self.failures = 0;
    }

    /// Records a response that led to the next step, which earlier idle responses do not delay. If
    /// the steps lead back to the first one, the earlier idle responses count again.
    pub const fn progress(&mut self) {
        self.failures = 0;
        self.excused = self.idle;
    }

    /// Records that the flow starts again at its first step.
    pub(crate) const fn restart(&mut self) {
        self.excused = 0;
    }

    /// Records a long poll without news. It counts as idle unless the service held it for a second
    /// or more.
    pub fn quiet(&mut self, now: Timestamp) {
        if self.took(now) >= Duration::from_secs(1) {
            self.rest();
        } else {
            self.idle();
        }
    }

    /// Records a long poll with news. The request that gets them is not delayed.
    pub(crate) fn news(&mut self, now: Timestamp) {
        if self.took(now) >= Duration::from_secs(2) {
            self.rest();
        }
        self.progress();
    }

    /// Records a failure.
    pub(crate) fn failed(&mut self, error: &Error) {
        self.failures = self.failures.saturating_add(1);
        if matches!(error, Error::Limited { .. }) {
            // Each attempt extends the limit, so the delay starts at four seconds.
            self.failures = self.failures.max(Self::MAX_FAILURES + 2);
        }
    }

    /// Returns how long a request has to wait; `None` if it may be sent now.
    pub(crate) fn delay(&mut self, pace: Pace, now: Timestamp) -> Option<Duration> {
        let (idle, least) = match pace {
            Pace::Step => (self.idle.saturating_sub(self.excused), Duration::ZERO),
            Pace::Round => (self.idle, self.owed(Self::COST, now)),
            Pace::LongPoll => {
                let idle = match self.idle.checked_sub(Self::MAX_FAILURES) {
                    Some(_) if self.delayed => 0,
                    // Only every second poll is delayed.
                    Some(more) => (more / 2).saturating_add(Self::MAX_FAILURES),
                    None => self.idle,
                };
                (idle, self.owed(Self::COST.saturating_mul(2), now))
            }
        };
        let gap = self.gap(idle);
        let wait = self.wait.get_or_insert_with(|| {
            let gone = self.sent.map_or(Duration::MAX, |sent| now.since(sent));
            Wait::new(gap.saturating_sub(gone).max(least), now)
        });
        // A useful response or a request of another pace may have shortened the wait meanwhile.
        let left = wait.sleep(now).min(gap.max(least));
        if !left.is_zero() {
            return Some(left);
        }
        self.wait = None;
        self.debt = self.debt(now).saturating_add(Self::COST).min(Self::CREDIT * 2);
        self.sent = Some(now);
        if matches!(pace, Pace::LongPoll) {
            self.delayed = idle >= Self::MAX_FAILURES;
        }
        None
    }

    /// Resets the counters after a useful response, or after a long poll that the service held.
    const fn rest(&mut self) {
        self.idle = 0;
        self.excused = 0;
        self.failures = 0;
    }

    fn took(&self, now: Timestamp) -> Duration {
        self.sent.map_or(Duration::MAX, |sent| now.since(sent))
    }

    /// Returns the time until there is credit for a cost.
    fn owed(&self, cost: Duration, now: Timestamp) -> Duration {
        self.debt(now).saturating_add(cost).saturating_sub(Self::CREDIT)
    }

    fn debt(&self, now: Timestamp) -> Duration {
        self.sent.map_or(Duration::ZERO, |sent| self.debt.saturating_sub(now.since(sent)))
    }

    /// Returns the minimum interval between the last request and the next, after this many idle
    /// responses.
    fn gap(&self, idle: u32) -> Duration {
        match idle.saturating_add(self.failures).checked_sub(Self::MAX_FAILURES) {
            // A broken connection often works again at once, but not in the same millisecond.
            None => Duration::from_millis(match self.failures {
                0 => 0,
                1 => 250,
                _ => 1000,
            }),
            Some(more) => Duration::from_secs(1 << more.min(5)).min(Self::LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Sends `count` times, reporting each response as idle; returns the waits in seconds.
    fn waits(backoff: &mut Backoff, pace: Pace, count: usize) -> Vec<u64> {
        let mut now = Timestamp::from_secs(1000);
        let mut waits = Vec::new();
        for _ in 0..count {
            match backoff.delay(pace, now) {
                Some(wait) => {
                    waits.push(wait.as_secs());
                    now = now.after(wait);
                    assert_eq!(backoff.delay(pace, now), None);
                }
                None => waits.push(0),
            }
            backoff.idle();
        }
        waits
    }

    #[test]
    fn polls_are_delayed_from_the_third_idle_response() {
        let mut backoff = Backoff::default();
        assert_eq!(waits(&mut backoff, Pace::Step, 10), [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
        backoff.useful();
        assert_eq!(backoff.delay(Pace::Step, Timestamp::from_secs(9999)), None);
    }

    #[test]
    fn failures_and_idle_responses_add_up() {
        let failure = Error::Unanswered { cause: None };
        let mut backoff = Backoff::default();
        backoff.failed(&failure);
        backoff.failed(&failure);
        backoff.idle();
        assert_eq!(backoff.gap(backoff.idle), Duration::from_secs(1));
        // A response ends the failures, not the idle responses before them.
        backoff.failed(&failure);
        backoff.progress();
        assert_eq!(backoff.gap(backoff.idle), Duration::from_secs(1));
        backoff.useful();
        assert_eq!(backoff.gap(backoff.idle), Duration::ZERO);
    }

    #[test]
    fn earlier_idle_responses_do_not_delay_the_step_after_progress() {
        let mut backoff = Backoff::default();
        let now = Timestamp::from_secs(1000);
        assert_eq!(backoff.delay(Pace::Step, now), None);
        (0..20).for_each(|_| backoff.idle());
        assert!(backoff.delay(Pace::Step, now).is_some());
        backoff.progress();
        assert_eq!(backoff.delay(Pace::Step, now), None);
        backoff.restart();
        assert_eq!(backoff.delay(Pace::Step, now), Some(Duration::from_secs(30)));
    }

    /// Threat C1.
    #[test]
    fn delay_is_bounded_after_the_clock_is_set_back() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.delay(Pace::Step, Timestamp::from_secs(100_000)), None);
        (0..4).for_each(|_| backoff.idle());
        let now = Timestamp::from_secs(10);
        let wait = backoff.delay(Pace::Step, now).unwrap();
        assert_eq!(wait.as_secs(), 2);
        assert_eq!(backoff.delay(Pace::Step, now.after(wait)), None);
    }

    /// Threat C1: one sleep is enough, and no request is sent without it.
    #[test]
    fn one_sleep_suffices_if_the_clock_is_set_back_in_every_sleep() {
        let day = 86_400;
        let mut backoff = Backoff::default();
        (0..20).for_each(|_| backoff.idle());
        for n in (1..100).rev() {
            assert_eq!(backoff.delay(Pace::Step, Timestamp::from_secs(n * day)), None);
            // The clock is set back before the response arrives, and again during the sleep.
            let wait = backoff.delay(Pace::Step, Timestamp::from_secs(n * day - 9));
            assert_eq!(wait, Some(Duration::from_secs(30)));
        }
        // The clock is set a day ahead, and back during the sleep.
        let now = Timestamp::from_secs(50 * day);
        let _ = backoff.delay(Pace::Step, now);
        assert!(backoff.delay(Pace::Step, now).is_some());
        assert_eq!(backoff.delay(Pace::Step, Timestamp::from_secs(49 * day)), None);
    }

    /// Threat S7.
    #[test]
    fn every_second_long_poll_is_sent_without_delay() {
        let waits = waits(&mut Backoff::default(), Pace::LongPoll, 15);
        assert_eq!(waits, [0, 0, 0, 1, 0, 2, 0, 4, 0, 8, 0, 16, 0, 30, 0]);
    }

    #[test]
    fn a_quick_response_without_news_is_idle() {
        let mut backoff = Backoff::default();
        let now = Timestamp::from_secs(1000);
        assert_eq!(backoff.delay(Pace::Step, now), None);
        backoff.quiet(now.after(Duration::from_millis(10)));
        assert_eq!(backoff.idle, 1);
        backoff.quiet(now.after(Duration::from_secs(25)));
        assert_eq!(backoff.idle, 0);
    }
}
