//! What to ask for in batches, and what to do when one is refused: `docs/protocol.md` §5.2.

use alloc::collections::VecDeque;

use super::BatchGetContacts;

/// A queue of what to ask for, and how much of it at once.
#[derive(Clone, Debug)]
pub(super) struct Batches<T> {
    /// What is left, and how often each failed alone.
    left: VecDeque<(T, u32)>,
    /// How many of them, from the first, were in the smallest batch that was refused: they are
    /// asked for in smaller ones.
    suspect: usize,
    /// How many suspects are asked for at once.
    step: usize,
}

/// How many names are asked for after a batch was refused: `docs/protocol.md` §5.2.
const STEPS: [usize; 3] = [10, 5, 1];
/// How often something is asked for alone before it is given up.
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
    /// What the next request asks for.
    pub(super) fn next(&self) -> impl Iterator<Item = &T> {
        self.left.iter().take(self.size()).map(|(item, _)| item)
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    pub(super) fn push(&mut self, item: T) {
        self.left.push_back((item, 0));
    }

    /// Drops what need not be asked for any more.
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

    /// What is suspected goes behind the others.
    pub(super) fn put_off(&mut self) {
        self.left.rotate_left(self.suspect);
        self.suspect = 0;
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

    /// What was asked for was too much at once: it is asked for in smaller batches. What was alone
    /// goes behind the others, and is given up when that happened a few times.
    pub(super) fn too_much(&mut self) {
        let asked = self.size();
        if asked <= 1 {
            if let Some((item, tries)) = self.left.pop_front()
                && tries + 1 < TRIES
            {
                self.left.push_back((item, tries + 1));
            }
            self.suspect = self.suspect.saturating_sub(asked);
            return;
        }
        self.suspect = asked;
        self.step = STEPS.into_iter().find(|step| *step < asked).unwrap_or(1);
    }

    fn size(&self) -> usize {
        let size =
            if self.suspect == 0 { BatchGetContacts::MOST } else { self.step.min(self.suspect) };
        size.min(self.left.len())
    }
}
