//! A queue that is looked up in batches, smaller ones after a refusal: `docs/protocol.md` §5.2.

use alloc::collections::VecDeque;

use super::BatchGetContacts;

/// A queue of items to look up, with the size of the next batch.
#[derive(Clone, Debug)]
pub(super) struct Batches<T> {
    /// The remaining items, each with the number of times it failed alone.
    left: VecDeque<(T, u32)>,
    /// The number of items at the front that were in the smallest refused batch. They are looked up
    /// in smaller batches.
    suspect: usize,
    /// The number of suspects in the next batch.
    step: usize,
}

/// The sizes of batches after a refusal: `docs/protocol.md` §5.2.
const STEPS: [usize; 3] = [10, 5, 1];
/// The number of times an item is looked up alone before it is given up.
const TRIES: u32 = 3;

impl<T> Default for Batches<T> {
    fn default() -> Self {
        Self::from(VecDeque::new())
    }
}

impl<T> From<VecDeque<T>> for Batches<T> {
    fn from(left: VecDeque<T>) -> Self {
        Self { left: left.into_iter().map(|item| (item, 0)).collect(), suspect: 0, step: 0 }
    }
}

impl<T> Batches<T> {
    /// Returns the items of the next request.
    pub(super) fn next(&self) -> impl Iterator<Item = &T> {
        self.left.iter().take(self.size()).map(|(item, _)| item)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.left.iter().map(|(item, _)| item)
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    pub(super) fn push(&mut self, item: T) {
        self.left.push_back((item, 0));
    }

    /// Keeps only the items for which `keep` returns true.
    pub(super) fn keep(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let (suspects, mut place) = (self.suspect, 0);
        self.left.retain(|(item, _)| {
            let keeps = keep(item);
            if !keeps && place < suspects {
                self.suspect -= 1;
            }
            place += 1;
            keeps
        });
    }

    /// Moves the suspects behind the other items.
    pub(super) fn put_off(&mut self) {
        self.left.rotate_left(self.suspect);
        self.suspect = 0;
    }

    /// Removes the items of the last request, which was answered or will never be.
    pub(super) fn answered(&mut self) {
        let requested = self.size();
        self.left.drain(..requested);
        self.suspect = self.suspect.saturating_sub(requested);
    }

    /// Handles a refusal of the last request: its items go into smaller batches; an item that is
    /// refused alone is removed. Returns whether it was alone.
    pub(super) fn refused(&mut self) -> bool {
        let alone = self.size() <= 1;
        if alone {
            self.answered();
        } else {
            self.too_much();
        }
        alone
    }

    /// Handles a failure of the last request: its items go into smaller batches; an item that was
    /// alone goes behind the others, and is removed after [`TRIES`] failures.
    pub(super) fn too_much(&mut self) {
        let requested = self.size();
        if requested <= 1 {
            if let Some((item, tries)) = self.left.pop_front()
                && tries + 1 < TRIES
            {
                self.left.push_back((item, tries + 1));
            }
            self.suspect = self.suspect.saturating_sub(requested);
            return;
        }
        self.suspect = requested;
        self.step = STEPS.into_iter().find(|step| *step < requested).unwrap_or(1);
    }

    fn size(&self) -> usize {
        let size =
            if self.suspect == 0 { BatchGetContacts::MOST } else { self.step.min(self.suspect) };
        size.min(self.left.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_dropped_after_three_failures_alone() {
        let mut batches = Batches::from(VecDeque::from(["@a"]));
        let failures = (1..).find(|_| {
            batches.too_much();
            batches.len() == 0
        });
        assert_eq!(failures, Some(TRIES));
    }
}
