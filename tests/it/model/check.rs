//! What a program did, compared with what happened.

use std::collections::BTreeSet;

use super::book::Acknowledges;
use super::bot::Bot;

impl Bot {
    /// Runs for ten minutes, and looks how many requests that takes.
    pub(super) fn wait(&mut self) {
        let (end, before) = (self.line.simulator.now() + 600_000, self.line.asked);
        let news = self.said.len() - self.disk.effects.len().min(self.said.len());
        let mut steps = 0;
        while self.line.simulator.now() < end {
            self.step();
            steps += 1;
            assert!(steps < 3_000, "it spins");
        }
        let asked = self.line.asked - before;
        assert!(
            asked <= 120 + 4 * (news + self.disk.orders.len()),
            "{asked} requests, {news} news"
        );
    }

    /// The ids that the program dealt with; one in hand at a kill may be there twice.
    pub(super) fn check(&self) {
        let mut seen = BTreeSet::new();
        let mut repeats = 0;
        let mut last = None;
        for id in &self.disk.effects {
            let Some(place) = self.said.iter().position(|said| said == id) else { continue };
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

    /// When nothing fails any more, everything comes to its end.
    pub(super) fn settle(&mut self) {
        self.line.fault = None;
        let missing = |bot: &Self| {
            let here = |id: &&String| bot.disk.effects.contains(id) || bot.gone.contains(*id);
            bot.said.iter().find(|id| !here(id)).cloned()
        };
        let mut steps = 0;
        while missing(self).is_some() || !self.disk.orders.is_empty() {
            steps += 1;
            let left = self.disk.orders.len();
            if steps > 1_500 {
                let violations = self.line.simulator.world().violations().to_vec();
                let (missing, error) = (missing(self), &self.trouble);
                panic!("{missing:?} is missing, {left} are not sent: {error:?}, {violations:#?}");
            }
            self.step();
        }
        for _ in 0..12 {
            self.step();
        }
        self.check();
        let world = self.line.simulator.world();
        assert_eq!(world.sent().len(), self.orders, "what was sent");
        let mut texts: Vec<&str> = world.sent().iter().map(|sent| &*sent.content).collect();
        texts.retain(|text| !text.is_empty());
        let count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count, "sent twice");
    }
}
