//! How often a flow may ask: `docs/threats.md` S6, S7, S8.

use core::time::Duration;

use crate::error::Error;
use crate::flow::Interrupt;
use crate::time::{Timestamp, Wait};

/// The pace of each kind of flow. Kept by the device: a new flow goes on at the pace of the one
/// before, or a caller who starts one after the other would spin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paces {
    pub(crate) login: Pace,
    pub(crate) contacts: Pace,
    pub(crate) inbox: Pace,
    pub(crate) upload: Pace,
}

/// Always: how fast its flows may ask is no part of what a device is.
impl PartialEq for Paces {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Paces {}

/// Slows a flow down when what it does leads nowhere.
///
/// Two empty answers in a row cost nothing, two failures a second or so; from the third on,
/// requests are at least 1, 2, 4 … 30 seconds apart, until something useful comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// How often nothing useful came, without something useful in between.
    strikes: u32,
    /// Failures since the last answer.
    failures: u32,
    /// When the last request went out.
    sent: Option<Timestamp>,
    /// What the next request waits for.
    wait: Option<Wait>,
    /// Whether the last question was held back, so that the next need not be.
    waited: bool,
    /// What the requests since the last useful answer cost, less the time that passed.
    debt: Duration,
}

impl Pace {
    /// From how many strikes on a flow slows down, and reports.
    pub(crate) const PATIENCE: u32 = 3;
    const LONGEST: Duration = Duration::from_secs(30);
    /// What a request costs where it brings nothing, and how much of that may be owed: no more than
    /// 30 requests in any 30 seconds, whatever pattern of quick and slow answers there is.
    const COST: Duration = Duration::from_millis(1500);
    const CREDIT: Duration = Duration::from_secs(12);

    /// Something useful came.
    pub(crate) const fn clear(&mut self) {
        self.rest();
        self.debt = Duration::ZERO;
    }

    /// An answer came of which the server took its time: nothing spins here.
    const fn rest(&mut self) {
        self.strikes = 0;
        self.failures = 0;
    }

    /// An answer came that leads on, if only to where this began: failures before it are over,
    /// but a circle of such answers is not taken for progress.
    pub(crate) const fn answered(&mut self) {
        self.failures = 0;
    }

    /// Nothing useful came.
    pub(crate) const fn strike(&mut self) {
        self.strikes = self.strikes.saturating_add(self.failures).saturating_add(1);
        self.failures = 0;
    }

    /// An answer came that says nothing: useful if the server took its time over it, else one of
    /// those that make a loop spin.
    pub(crate) fn quiet(&mut self, now: Timestamp) {
        let took = self.sent.map_or(Duration::MAX, |sent| now.since(sent));
        if took >= Duration::from_secs(1) {
            self.rest();
        } else {
            self.strike();
        }
    }

    /// News came, if perhaps of nothing: no spinning where the server took its time over it.
    pub(crate) fn news(&mut self, now: Timestamp) {
        let took = self.sent.map_or(Duration::MAX, |sent| now.since(sent));
        if took >= Duration::from_secs(2) {
            self.rest();
        } else {
            self.answered();
        }
    }

    /// A failure: whether it is to be told to the caller. One that only a new login helps
    /// against always is; a passing one from the third in a row on.
    pub(crate) fn failed(&mut self, error: &Error) -> bool {
        self.failures = self.failures.saturating_add(1);
        if matches!(error, Error::Limited { .. }) {
            // Each try makes it longer: four seconds at once.
            self.failures = self.failures.max(Self::PATIENCE + 2);
        }
        !error.passes() || self.failures >= Self::PATIENCE
    }

    /// What a flow does about its call's interrupt: goes on (a failure that is not told yet), or
    /// hands it up. Says in `held` whether a request waits for its time.
    pub(crate) fn settle(
        &mut self,
        interrupt: Interrupt,
        now: Timestamp,
        held: &mut bool,
    ) -> Result<(), Interrupt> {
        self.settle_with(self.strikes, Duration::ZERO, interrupt, now, held)
    }

    /// The same for a step that something useful led to when there were `lifted` strikes: circles
    /// are slowed down where they begin, and only what came since holds this one back.
    pub(crate) fn settle_step(
        &mut self,
        interrupt: Interrupt,
        now: Timestamp,
        held: &mut bool,
        lifted: u32,
    ) -> Result<(), Interrupt> {
        let strikes = self.strikes.saturating_sub(lifted);
        self.settle_with(strikes, Duration::ZERO, interrupt, now, held)
    }

    /// The same for a request that is made again and again, and nobody waits for.
    pub(crate) fn settle_round(
        &mut self,
        interrupt: Interrupt,
        now: Timestamp,
        held: &mut bool,
    ) -> Result<(), Interrupt> {
        let owed = self.owed(Self::COST, now);
        self.settle_with(self.strikes, owed, interrupt, now, held)
    }

    /// The same for a question whose answer another request may follow at once: every second time,
    /// it goes out at once itself.
    ///
    /// Whatever happened during a pause is told as soon as it is over, as by a service that says
    /// the same for ever. Asking once more, at once, shows which it is: where people are behind
    /// it, that question waits for the next of them, and the pace is lifted.
    pub(crate) fn settle_question(
        &mut self,
        interrupt: Interrupt,
        now: Timestamp,
        held: &mut bool,
    ) -> Result<(), Interrupt> {
        let strikes = match self.strikes.checked_sub(Self::PATIENCE) {
            Some(_) if self.waited => 0,
            // Two for each pause.
            Some(more) => (more / 2).saturating_add(Self::PATIENCE),
            None => self.strikes,
        };
        let owed = self.owed(Self::COST.saturating_mul(2), now);
        let result = self.settle_with(strikes, owed, interrupt, now, held);
        if matches!(result, Err(Interrupt::Send(_))) {
            self.waited = strikes >= Self::PATIENCE;
        }
        result
    }

    /// [`Pace::settle`], as if there had been this many strikes; waits for so long at least.
    fn settle_with(
        &mut self,
        strikes: u32,
        least: Duration,
        interrupt: Interrupt,
        now: Timestamp,
        held: &mut bool,
    ) -> Result<(), Interrupt> {
        match interrupt {
            Interrupt::Fail(error) if self.failed(&error) => Err(error.into()),
            Interrupt::Fail(_) => Ok(()),
            interrupt => {
                let delay = self.delay(strikes);
                let interrupt = self.pass(interrupt, now, delay, least);
                *held = matches!(interrupt, Interrupt::Sleep(_));
                Err(interrupt)
            }
        }
    }

    /// How often nothing useful came.
    pub(crate) const fn strikes(&self) -> u32 {
        self.strikes
    }

    /// How long it takes until there is credit for so much.
    fn owed(&self, cost: Duration, now: Timestamp) -> Duration {
        self.debt(now).saturating_add(cost).saturating_sub(Self::CREDIT)
    }

    fn debt(&self, now: Timestamp) -> Duration {
        self.sent.map_or(Duration::ZERO, |sent| self.debt.saturating_sub(now.since(sent)))
    }

    /// Lets a request out that is `delay` behind the last and not before `least`, or says how long
    /// it has to wait. What else a flow needs passes.
    fn pass(
        &mut self,
        interrupt: Interrupt,
        now: Timestamp,
        delay: Duration,
        least: Duration,
    ) -> Interrupt {
        if !matches!(interrupt, Interrupt::Send(_)) {
            return interrupt;
        }
        let wait = self.wait.get_or_insert_with(|| {
            let gone = self.sent.map_or(Duration::MAX, |sent| now.since(sent));
            Wait::new(delay.saturating_sub(gone).max(least), now)
        });
        // Something useful may have come meanwhile, or a request that waits for less.
        let left = wait.sleep(now);
        let wait = left.min(delay.max(least));
        if wait.is_zero() {
            self.wait = None;
            self.debt = self.debt(now).saturating_add(Self::COST).min(Self::CREDIT * 2);
            self.sent = Some(now);
            return interrupt;
        }
        Interrupt::Sleep(wait)
    }

    /// How far behind the last request the next has to be, after so many strikes.
    fn delay(&self, strikes: u32) -> Duration {
        match strikes.saturating_add(self.failures).checked_sub(Self::PATIENCE) {
            // What broke off once may well work at once, if not in the same millisecond.
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
    use alloc::boxed::Box;

    use super::*;
    use crate::body::Body;
    use crate::flow::{Request, Want};

    fn let_out(pace: &mut Pace, now: Timestamp) -> Interrupt {
        let delay = pace.delay(pace.strikes);
        pace.pass(send(), now, delay, Duration::ZERO)
    }

    fn send() -> Interrupt {
        let http = http::Request::new(Body::empty());
        let want = Want::Whole { limit: 1 };
        Interrupt::Send(Box::new(Request { http, deadline: Duration::ZERO, want }))
    }

    #[test]
    fn slows_down_from_the_third() {
        let mut pace = Pace::default();
        let mut now = Timestamp::from_secs(1000);
        let mut waits = alloc::vec::Vec::new();
        for _ in 0..10 {
            match let_out(&mut pace, now) {
                Interrupt::Sleep(wait) => {
                    waits.push(wait.as_secs());
                    now = now.after(wait);
                    assert!(matches!(let_out(&mut pace, now), Interrupt::Send(_)));
                }
                _ => waits.push(0),
            }
            pace.strike();
        }
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
        pace.clear();
        assert!(matches!(let_out(&mut pace, now), Interrupt::Send(_)));
    }

    #[test]
    fn failures_and_empty_answers_add_up() {
        let failure = Error::Unanswered(None);
        let mut pace = Pace::default();
        let _ = pace.failed(&failure);
        let _ = pace.failed(&failure);
        pace.strike();
        assert_eq!(pace.delay(pace.strikes), Duration::from_secs(1));
        // An answer ends the failures, not what led nowhere before.
        let _ = pace.failed(&failure);
        pace.answered();
        assert_eq!(pace.delay(pace.strikes), Duration::from_secs(1));
        pace.clear();
        assert_eq!(pace.delay(pace.strikes), Duration::ZERO);
    }

    /// Threat C1.
    #[test]
    fn a_clock_set_back_does_not_stop_it() {
        let mut pace = Pace::default();
        let _ = let_out(&mut pace, Timestamp::from_secs(100_000));
        (0..4).for_each(|_| pace.strike());
        let now = Timestamp::from_secs(10);
        let Interrupt::Sleep(wait) = let_out(&mut pace, now) else { panic!() };
        assert_eq!(wait.as_secs(), 2);
        assert!(matches!(let_out(&mut pace, now.after(wait)), Interrupt::Send(_)));
    }

    /// Threat C1: one sleep is enough, and no request goes out without it.
    #[test]
    fn a_clock_that_is_set_back_in_every_sleep_does_not_stop_it() {
        let day = 86_400;
        let mut pace = Pace::default();
        (0..20).for_each(|_| pace.strike());
        for n in (1..100).rev() {
            let now = Timestamp::from_secs(n * day);
            assert!(matches!(let_out(&mut pace, now), Interrupt::Send(_)));
            // While the answer is under way, and again during the sleep.
            let Interrupt::Sleep(wait) = let_out(&mut pace, Timestamp::from_secs(n * day - 9))
            else {
                panic!("it spins")
            };
            assert_eq!(wait.as_secs(), 30);
        }
        // A day ahead, and back within the sleep.
        let now = Timestamp::from_secs(50 * day);
        let _ = let_out(&mut pace, now);
        assert!(matches!(let_out(&mut pace, now), Interrupt::Sleep(_)));
        assert!(matches!(let_out(&mut pace, Timestamp::from_secs(49 * day)), Interrupt::Send(_)));
    }

    /// Threat S7.
    #[test]
    fn every_second_question_goes_out_at_once() {
        let mut pace = Pace::default();
        let (mut now, mut held) = (Timestamp::from_secs(1000), false);
        let mut waits = alloc::vec::Vec::new();
        for _ in 0..15 {
            match pace.settle_question(send(), now, &mut held) {
                Err(Interrupt::Sleep(wait)) => {
                    waits.push(wait.as_secs());
                    now = now.after(wait);
                    let sent = pace.settle_question(send(), now, &mut held);
                    assert!(matches!(sent, Err(Interrupt::Send(_))));
                }
                _ => waits.push(0),
            }
            pace.strike();
        }
        assert_eq!(waits, [0, 0, 0, 1, 0, 2, 0, 4, 0, 8, 0, 16, 0, 30, 0]);
    }

    #[test]
    fn a_quick_quiet_answer_is_a_strike() {
        let mut pace = Pace::default();
        let now = Timestamp::from_secs(1000);
        let _ = let_out(&mut pace, now);
        pace.quiet(now.after(Duration::from_millis(10)));
        assert_eq!(pace.strikes, 1);
        pace.quiet(now.after(Duration::from_secs(25)));
        assert_eq!(pace.strikes, 0);
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod properties;
