//! Which messages were acknowledged: `docs/threats.md` S4, S5.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use crate::ids::MsgId;
use crate::message::Message;
use crate::sync::SyncKey;

/// The ids of acknowledged messages, and the batches that wait for acknowledgements.
///
/// The ids of a batch that is not finished are all kept: the stored key still points before it, and
/// the service will send it again. Of those before, the last 4,096 are kept, and 512 stored.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(from = "Stored", into = "Stored")]
pub(crate) struct Acks {
    /// Ids that the service will send again.
    open: BTreeMap<MsgId, Open>,
    /// Ids of finished batches, the oldest first.
    recent: VecDeque<MsgId>,
    /// The same, for look-ups.
    known: BTreeSet<MsgId>,
    /// Received batches, the oldest first. Not stored.
    parked: VecDeque<Parked>,
    /// The ids of all their messages that are not acknowledged.
    pending: BTreeSet<MsgId>,
    /// The number of the newest batch.
    batches: u64,
    /// How many messages were acknowledged.
    count: u64,
}

/// An acknowledged message.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// The batch that contained it last.
    batch: u64,
    /// Its place among all that were acknowledged.
    order: u64,
}

/// The place of a message in what a session received: batch and position.
pub(crate) type Place = (u64, usize);

/// The keys that a finished batch moves the session to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// `None` where the batch does not move it.
    pub(crate) sync_key: Option<SyncKey>,
    pub(crate) sync_check_key: Option<SyncKey>,
}

/// A received batch.
#[derive(Clone, Debug)]
struct Parked {
    batch: u64,
    keys: Keys,
    /// The messages that are not acknowledged, by their position; `None` before they were
    /// delivered.
    pending: Option<BTreeMap<usize, MsgId>>,
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

impl Acks {
    /// Keeps the keys of the batch that was received.
    pub(crate) fn park(&mut self, sync_key: Option<SyncKey>, sync_check_key: Option<SyncKey>) {
        self.batches += 1;
        let keys = Keys { sync_key, sync_check_key };
        self.parked.push_back(Parked { batch: self.batches, keys, pending: None });
    }

    /// Keeps the messages of the newest batch until they are acknowledged, and marks their place.
    /// Drops those that were acknowledged or are pending already. Returns whether the batch moves
    /// the key.
    pub(crate) fn deliver(&mut self, messages: &mut Vec<Message>) -> bool {
        let Some(mut parked) = self.parked.pop_back() else { return false };
        let mut position = 0;
        let mut pending = BTreeMap::new();
        messages.retain_mut(|message| {
            position += 1;
            if message.id.is_known() {
                if let Some(open) = self.open.get_mut(&message.id) {
                    // Sent again: open for as long as this batch is.
                    open.batch = parked.batch;
                    return false;
                }
                if self.known.contains(&message.id) || !self.pending.insert(message.id.clone()) {
                    return false;
                }
            }
            message.place = Some((parked.batch, position));
            pending.insert(position, message.id.clone());
            true
        });
        parked.pending = Some(pending);
        let moved = parked.keys.sync_key.is_some();
        self.parked.push_back(parked);
        moved
    }

    /// Acknowledges a message by its id and place. A message that was acknowledged before, or has
    /// neither, changes nothing.
    pub(crate) fn acknowledge(&mut self, id: &MsgId, place: Option<Place>) {
        let mut batch = self.batches;
        if let Some((parked, at)) = self.find(id, place) {
            batch = parked.batch;
            if let Some(pending) = &mut parked.pending {
                pending.remove(&at);
            }
        }
        if id.is_known() && !self.known.contains(id) {
            self.pending.remove(id);
            self.count += 1;
            self.open.entry(id.clone()).or_insert(Open { batch, order: self.count });
        }
    }

    /// Where a message waits for its acknowledgement.
    fn find(&mut self, id: &MsgId, place: Option<Place>) -> Option<(&mut Parked, usize)> {
        let is_it = |parked: &Parked, at: usize| {
            parked.pending.as_ref().is_some_and(|pending| pending.get(&at) == Some(id))
        };
        let at_place = place.and_then(|(batch, at)| {
            let index = self.parked.iter().position(|parked| parked.batch == batch)?;
            is_it(self.parked.get(index)?, at).then_some((index, at))
        });
        // One that was received twice, or was read from storage, is known by its id.
        let (index, at) = at_place.or_else(|| {
            if !self.pending.contains(id) {
                return None;
            }
            self.parked.iter().enumerate().find_map(|(index, parked)| {
                let mut pending = parked.pending.iter().flatten();
                pending.find(|(_, pending)| *pending == id).map(|(at, _)| (index, *at))
            })
        })?;
        Some((self.parked.get_mut(index)?, at))
    }

    /// Whether a message was acknowledged.
    pub(crate) fn contains(&self, id: &MsgId) -> bool {
        self.known.contains(id) || self.open.contains_key(id)
    }

    /// Takes the oldest received batch, if all of it is acknowledged: its ids become recent ones,
    /// unless the service will send them again because its key does not move.
    pub(crate) fn next_done(&mut self) -> Option<Keys> {
        if !self.parked.front()?.pending.as_ref()?.is_empty() {
            return None;
        }
        let Parked { batch, keys, .. } = self.parked.pop_front()?;
        let moved = keys.sync_key.is_some();
        let is_done = |of: &Open| if moved { of.batch <= batch } else { of.batch < batch };
        let (done, open) = mem::take(&mut self.open).into_iter().partition(|(_, of)| is_done(of));
        self.open = open;
        for id in in_order(done) {
            self.known.insert(id.clone());
            self.recent.push_back(id);
        }
        while self.recent.len() > RECENT {
            if let Some(oldest) = self.recent.pop_front() {
                self.known.remove(&oldest);
            }
        }
        Some(keys)
    }

    /// The key behind all that was received, if it moves.
    pub(crate) fn parked_key(&self) -> Option<&SyncKey> {
        self.parked.iter().rev().find_map(|parked| parked.keys.sync_key.as_ref())
    }

    pub(crate) fn parked_check_key(&self) -> Option<&SyncKey> {
        self.parked.iter().rev().find_map(|parked| parked.keys.sync_check_key.as_ref())
    }

    /// Forgets what was received.
    pub(crate) fn rewind(&mut self) {
        self.parked.clear();
        self.pending.clear();
    }
}

/// The ids, the one that was acknowledged first at the beginning.
fn in_order(acknowledged: BTreeMap<MsgId, Open>) -> impl Iterator<Item = MsgId> {
    let mut ids: Vec<_> = acknowledged.into_iter().collect();
    ids.sort_unstable_by_key(|(_, open)| open.order);
    ids.into_iter().map(|(id, _)| id)
}

impl From<Stored> for Acks {
    fn from(stored: Stored) -> Self {
        let open = |(id, order)| (id, Open { batch: 0, order });
        Self {
            count: stored.batch.len() as u64,
            open: stored.batch.into_iter().zip(0..).map(open).collect(),
            known: stored.recent.iter().cloned().collect(),
            recent: stored.recent.into(),
            ..Self::default()
        }
    }
}

impl From<Acks> for Stored {
    fn from(acks: Acks) -> Self {
        let old = acks.recent.len().saturating_sub(STORED);
        Self {
            batch: in_order(acks.open).collect(),
            recent: acks.recent.into_iter().skip(old).collect(),
        }
    }
}

#[cfg(test)]
#[path = "acks_tests.rs"]
mod tests;
