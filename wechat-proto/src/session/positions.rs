//! The positions of acknowledged messages in a batch: `docs/threats.md` W4.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt::Write as _;

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize, Serializer};

use crate::ids::MsgId;
use crate::session::shared_map::SharedMap;

/// The positions of acknowledged messages in a batch, and a digest of the batch, by which it is
/// recognised when the service sends it again.
///
/// Consecutive positions are one entry, so that the cost of storing depends on the gaps between
/// acknowledged messages rather than on their number. Stored as a list without names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "(usize, u64, BTreeMap<usize, usize>)")]
pub(crate) struct Positions {
    /// The number of messages.
    len: usize,
    /// The first 8 bytes of the MD5 of their ids.
    digest: u64,
    /// The start and end of each range.
    acked: SharedMap<usize, usize>,
}

impl Positions {
    /// Returns the positions of a batch with these ids, none of which is acknowledged.
    pub(crate) fn new<'a>(ids: impl ExactSizeIterator<Item = &'a MsgId>) -> Self {
        let len = ids.len();
        let mut lines = String::new();
        for id in ids {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{id}");
        }
        let sum = u128::from_be_bytes(Md5::digest(lines).into());
        Self { len, digest: (sum >> 64) as u64, acked: SharedMap::default() }
    }

    /// Adds a position.
    pub(crate) fn insert(&mut self, at: usize) {
        let (mut from, mut to) = (at, at + 1);
        if let Some((start, end)) = self.acked.before(&to).next_back() {
            if *end > at {
                return;
            }
            if *end == at {
                from = *start;
            }
        }
        if let Some(end) = self.acked.remove(&to) {
            to = end;
        }
        self.acked.insert(from, to);
    }

    /// Returns the number of messages.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Returns the number of positions.
    pub(crate) fn count(&self) -> usize {
        self.acked.iter().map(|(from, to)| to.saturating_sub(*from)).sum()
    }

    /// Returns whether both are of a batch with the same ids.
    pub(crate) const fn is_same_batch(&self, other: &Self) -> bool {
        self.len == other.len && self.digest == other.digest
    }

    /// Returns the items of the batch that are at the positions.
    pub(crate) fn of<'a, T>(&self, items: &'a [T]) -> impl Iterator<Item = &'a T> {
        self.acked.iter().filter_map(|(from, to)| items.get(*from..*to)).flatten()
    }
}

impl From<(usize, u64, BTreeMap<usize, usize>)> for Positions {
    fn from((len, digest, acked): (usize, u64, BTreeMap<usize, usize>)) -> Self {
        Self { len, digest, acked: acked.into_iter().collect() }
    }
}

impl Serialize for Positions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let acked: BTreeMap<_, _> = self.acked.iter().collect();
        (self.len, self.digest, acked).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_are_those_that_were_added(added in prop::collection::vec(0..40_usize, 0..60)) {
            let items: Vec<usize> = (0..40).collect();
            let mut positions = Positions::default();
            added.iter().for_each(|at| positions.insert(*at));
            let expected: BTreeSet<_> = added.into_iter().collect();
            prop_assert!(positions.of(&items).eq(&expected));
            prop_assert_eq!(positions.count(), expected.len());
            // Adjacent ranges are joined.
            let gaps = expected.iter().filter(|at| !expected.contains(&(**at + 1))).count();
            prop_assert_eq!(positions.acked.len(), gaps);
        }
    }

    #[test]
    fn the_digest_depends_on_the_ids_and_their_order() {
        let of = |ids: &[&str]| {
            let ids: Vec<MsgId> = ids.iter().map(|id| MsgId::from(*id)).collect();
            Positions::new(ids.iter())
        };
        // The MD5 of "1\n2\n" is 6ddb4095eb719e2a9f0a3f95677d24e0.
        assert_eq!(of(&["1", "2"]).digest, 0x6ddb_4095_eb71_9e2a);
        for other in [&["2", "1"][..], &["12", ""], &["1", "3"], &["1"], &["1", "2", "3"]] {
            assert!(!of(other).is_same_batch(&of(&["1", "2"])), "{other:?}");
        }
    }
}
