//! Compares the effects of a program with the expected ones.

use std::collections::BTreeSet;

use super::bot::Bot;
use super::expected::Acknowledges;

impl Bot {
    /// Runs for ten minutes and checks the number of requests.
    pub(super) fn wait(&mut self) {
        let (end, before) = (self.line.simulator.now() + 600_000, self.line.requests);
        let pending = self.written.len() - self.disk.effects.len().min(self.written.len());
        let mut steps = 0;
        while self.line.simulator.now() < end {
            self.step();
            steps += 1;
            assert!(steps < 3_000, "the program spins");
        }
        let requests = self.line.requests - before;
        assert!(
            requests <= 120 + 4 * (pending + self.disk.orders.len()),
            "{requests} requests, {pending} pending messages"
        );
    }

    /// Checks the handled messages; a message in progress at a kill may be handled twice.
    pub(super) fn check(&self) {
        let mut seen = BTreeSet::new();
        let mut repeats = 0;
        let mut last = None;
        for id in &self.disk.effects {
            let Some(place) = self.written.iter().position(|written| written == id) else {
                continue;
            };
            if seen.insert(id) {
                let is_ordered = matches!(self.acknowledges, Acknowledges::Automatic);
                assert!(!is_ordered || last < Some(place), "{place} after {last:?}");
                last = Some(place);
            } else {
                repeats += 1;
            }
        }
        let allowed = self.kills * self.stores.repeats(self.acknowledges);
        assert!(repeats <= allowed, "{repeats} repeats, {} kills", self.kills);
        let world = self.line.simulator.world();
        assert_eq!(world.violations(), []);
    }

    /// Asserts that every message and every send completes without further faults.
    pub(super) fn finish(&mut self) {
        self.line.fault = None;
        let missing = |bot: &Self| {
            let here = |id: &&String| bot.disk.effects.contains(id) || bot.lost_ids.contains(*id);
            bot.written.iter().find(|id| !here(id)).cloned()
        };
        let mut steps = 0;
        while missing(self).is_some() || !self.disk.orders.is_empty() {
            steps += 1;
            let left = self.disk.orders.len();
            if steps > 1_500 {
                let violations = self.line.simulator.world().violations().to_vec();
                let (missing, error) = (missing(self), &self.last_error);
                panic!("{missing:?} is missing, {left} unsent: {error:?}, {violations:#?}");
            }
            self.step();
        }
        for _ in 0..12 {
            self.step();
        }
        self.check();
        let world = self.line.simulator.world();
        assert_eq!(world.sent().len(), self.orders, "number of sends");
        let mut texts: Vec<&str> = world.sent().iter().map(|sent| &*sent.content).collect();
        texts.retain(|text| !text.is_empty());
        let count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count, "sent twice");
    }
}
