//! What to ask for in batches, and what to do when one is refused: `docs/protocol.md` §5.2.

use alloc::collections::VecDeque;

use super::batch;

/// A queue of what to ask for, and how much of it at once.
#[derive(Clone, Debug)]
pub(super) struct Batches<T> {
    left: VecDeque<T>,
    /// How many of them, from the first, were in the smallest batch that was refused: they are
    /// asked for in smaller ones.
    suspect: usize,
    /// How many suspects are asked for at once.
    step: usize,
}

/// How many names are asked for after a batch was refused: `docs/protocol.md` §5.2.
const STEPS: [usize; 3] = [10, 5, 1];

impl<T> Default for Batches<T> {
    fn default() -> Self {
        Self::from(VecDeque::new())
    }
}

impl<T> From<VecDeque<T>> for Batches<T> {
    fn from(left: VecDeque<T>) -> Self {
        Self { left, suspect: 0, step: 0 }
    }
}

impl<T> Batches<T> {
    /// What the next request asks for.
    pub(super) fn next(&self) -> impl Iterator<Item = &T> {
        self.left.iter().take(self.size())
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    pub(super) fn push(&mut self, item: T) {
        self.left.push_back(item);
    }

    /// Drops what need not be asked for any more. What is suspected stays in its place.
    pub(super) fn keep(&mut self, keep: impl FnMut(&T) -> bool) {
        if self.suspect == 0 {
            self.left.retain(keep);
        }
    }

    /// What was asked for was answered, or nothing about it is to be known.
    pub(super) fn answered(&mut self) {
        let asked = self.size();
        self.left.drain(..asked);
        self.suspect = self.suspect.saturating_sub(asked);
    }

    /// What was asked for was refused: it is asked for in smaller batches, and what is refused
    /// alone, not again. Whether it was alone.
    pub(super) fn refused(&mut self) -> bool {
        let alone = self.size() <= 1;
        if alone {
            self.answered();
        } else {
            self.too_much();
        }
        alone
    }

    /// What was asked for was too much at once.
    pub(super) fn too_much(&mut self) {
        let asked = self.size();
        self.suspect = asked;
        self.step = STEPS.into_iter().find(|step| *step < asked).unwrap_or(1);
    }

    fn size(&self) -> usize {
        let size = if self.suspect == 0 { batch::MOST } else { self.step.min(self.suspect) };
        size.min(self.left.len())
    }
}
