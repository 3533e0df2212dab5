//! Which messages were taken: `docs/threats.md` S4, S5.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::MsgId;

/// The ids of messages that were handed out and asked past.
///
/// Those of a batch that is not finished are all kept: the stored key still points before it, and
/// the server will send it again. Of those before, the last 4,096 are kept, and 512 stored.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "Stored", into = "Stored")]
pub(crate) struct Taken {
    batch: Vec<MsgId>,
    recent: VecDeque<MsgId>,
    /// All of both, for look-ups.
    known: BTreeSet<MsgId>,
}

/// How many ids of finished batches are kept.
const RECENT: usize = 4096;
/// How many of them are stored.
const STORED: usize = 512;

#[derive(Deserialize, Serialize)]
struct Stored {
    batch: Vec<MsgId>,
    recent: Vec<MsgId>,
}

impl Taken {
    /// Takes a message; nothing happens if it was taken before, or if it has no number.
    pub(crate) fn take(&mut self, id: &MsgId) {
        if id.is_known() && self.known.insert(id.clone()) {
            self.batch.push(id.clone());
        }
    }

    /// Whether this message was taken.
    pub(crate) fn contains(&self, id: &MsgId) -> bool {
        self.known.contains(id)
    }

    /// A batch is done: its ids become old ones, but for the last `open`, which the server will
    /// send again because the stored key did not move past them.
    pub(crate) fn finish_batch(&mut self, open: usize) {
        let done = self.batch.len().saturating_sub(open);
        self.recent.extend(self.batch.drain(..done));
        while self.recent.len() > RECENT {
            if let Some(oldest) = self.recent.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

impl From<Stored> for Taken {
    fn from(stored: Stored) -> Self {
        let known = stored.batch.iter().chain(&stored.recent).cloned().collect();
        Self { batch: stored.batch, recent: stored.recent.into(), known }
    }
}

impl From<Taken> for Stored {
    fn from(taken: Taken) -> Self {
        let old = taken.recent.len().saturating_sub(STORED);
        Self { batch: taken.batch, recent: taken.recent.into_iter().skip(old).collect() }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn id(n: usize) -> MsgId {
        n.to_string().into()
    }

    /// Threat S4.
    #[test]
    fn keeps_the_open_batch_and_forgets_the_oldest() {
        let mut taken = Taken::default();
        for n in 1..=10_000 {
            taken.take(&id(n));
        }
        assert!((1..=10_000).all(|n| taken.contains(&id(n))));
        taken.finish_batch(0);
        assert!(!taken.contains(&id(10_000 - RECENT)));
        assert!(taken.contains(&id(10_001 - RECENT)));
        assert_eq!(taken.known.len(), RECENT);
    }

    /// Threat S5.
    #[test]
    fn stores_the_open_batch_whole() {
        let mut taken = Taken::default();
        (1..=1000).for_each(|n| taken.take(&id(n)));
        taken.finish_batch(0);
        (1001..=3000).for_each(|n| taken.take(&id(n)));
        let stored = serde_json::to_string(&taken).unwrap();
        let again: Taken = serde_json::from_str(&stored).unwrap();
        assert!((1001..=3000).all(|n| again.contains(&id(n))));
        assert!(again.contains(&id(1000)) && !again.contains(&id(1000 - STORED)));
    }

    #[test]
    fn a_message_without_a_number_is_never_known() {
        let mut taken = Taken::default();
        for text in ["", "0"] {
            taken.take(&text.into());
            assert!(!taken.contains(&text.into()));
        }
    }
}
