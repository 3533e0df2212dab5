//! Tracking of acknowledged messages: `docs/threats.md` S4, S5.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize, Serializer};

use crate::ids::MsgId;
use crate::message::Message;
pub(crate) use crate::message::Place;
use crate::sync::SyncKey;

/// The ids of acknowledged messages, and the batches with pending acknowledgements.
///
/// All ids of an unfinished batch are kept: the stored key still points before it, so the service
/// will send it again. Of the ids of finished batches, the last 4,096 are kept and 512 are stored.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Stored<MsgId>")]
pub(crate) struct Acks {
    /// Ids that the service will send again.
    open: BTreeMap<MsgId, Open>,
    /// Ids of finished batches, the oldest first.
    recent: VecDeque<MsgId>,
    /// The same, for look-ups.
    known: BTreeSet<MsgId>,
    /// Received batches, the oldest first. Not stored.
    parked: VecDeque<Parked>,
    /// The ids of all their unacknowledged messages.
    pending: BTreeSet<MsgId>,
    /// The number of the newest batch.
    batches: u64,
    /// The number of acknowledged messages.
    count: u64,
}

/// An acknowledged message.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// The last batch that contained it.
    batch: u64,
    /// Its position in the order of acknowledgements.
    order: u64,
}

/// The keys to which a finished batch advances the session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    /// `None` if the batch does not advance it.
    pub(crate) sync_key: Option<SyncKey>,
    pub(crate) sync_check_key: Option<SyncKey>,
}

/// A received batch.
#[derive(Clone, Debug)]
struct Parked {
    batch: u64,
    keys: Keys,
    /// The unacknowledged messages, by position; `None` before delivery.
    pending: Option<BTreeMap<usize, MsgId>>,
}

/// The number of ids of finished batches that are kept.
const RECENT: usize = 4096;
/// The number of them that are stored.
const STORED: usize = 512;

#[derive(Deserialize, Serialize)]
struct Stored<Id> {
    batch: Vec<Id>,
    recent: Vec<Id>,
}

impl Acks {
    /// Records the keys of a received batch.
    pub(crate) fn park(&mut self, sync_key: Option<SyncKey>, sync_check_key: Option<SyncKey>) {
        self.batches += 1;
        let keys = Keys { sync_key, sync_check_key };
        self.parked.push_back(Parked { batch: self.batches, keys, pending: None });
    }

    /// Records the messages of the newest batch as pending, and sets their places. Drops messages
    /// that are already acknowledged or pending. Returns whether the batch advances the key.
    pub(crate) fn deliver(&mut self, messages: &mut Vec<Message>) -> bool {
        let Some(mut parked) = self.parked.pop_back() else { return false };
        let mut position = 0;
        let mut pending = BTreeMap::new();
        messages.retain_mut(|message| {
            position += 1;
            if message.id.is_known() {
                if let Some(open) = self.open.get_mut(&message.id) {
                    // Sent again: stays open as long as this batch.
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

    /// Acknowledges a message by its id and place. Does nothing if the message is already
    /// acknowledged, or has neither.
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

    /// Returns the batch and position at which a message is pending.
    fn find(&mut self, id: &MsgId, place: Option<Place>) -> Option<(&mut Parked, usize)> {
        let is_it = |parked: &Parked, at: usize| {
            parked.pending.as_ref().is_some_and(|pending| pending.get(&at) == Some(id))
        };
        let at_place = place.and_then(|(batch, at)| {
            let index = self.parked.iter().position(|parked| parked.batch == batch)?;
            is_it(self.parked.get(index)?, at).then_some((index, at))
        });
        // A message that was received twice, or was restored from storage, is found by its id.
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

    /// Returns whether a message was acknowledged.
    pub(crate) fn contains(&self, id: &MsgId) -> bool {
        self.known.contains(id) || self.open.contains_key(id)
    }

    /// Removes the oldest received batch and returns its keys, if all of it is acknowledged. Its
    /// ids become recent ones, unless the service will send them again because the key does not
    /// advance.
    pub(crate) fn next_done(&mut self) -> Option<Keys> {
        if !self.parked.front()?.pending.as_ref()?.is_empty() {
            return None;
        }
        let Parked { batch, keys, .. } = self.parked.pop_front()?;
        let moved = keys.sync_key.is_some();
        let is_done = |of: &Open| if moved { of.batch <= batch } else { of.batch < batch };
        let (done, open): (BTreeMap<_, _>, _) =
            mem::take(&mut self.open).into_iter().partition(|(_, of)| is_done(of));
        self.open = open;
        for id in in_order(done.into_iter().map(|(id, open)| (id, open.order))) {
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

    /// Returns the key after all received batches, if any of them advances it.
    pub(crate) fn parked_key(&self) -> Option<&SyncKey> {
        self.parked.iter().rev().find_map(|parked| parked.keys.sync_key.as_ref())
    }

    pub(crate) fn parked_check_key(&self) -> Option<&SyncKey> {
        self.parked.iter().rev().find_map(|parked| parked.keys.sync_check_key.as_ref())
    }

    /// Returns whether received messages are not acknowledged yet.
    pub(crate) fn has_pending(&self) -> bool {
        !self.parked.is_empty()
    }

    /// Forgets what was received.
    pub(crate) fn rewind(&mut self) {
        self.parked.clear();
        self.pending.clear();
    }
}

/// Returns the ids in the order of their acknowledgement.
fn in_order<Id>(acknowledged: impl IntoIterator<Item = (Id, u64)>) -> Vec<Id> {
    let mut ids: Vec<_> = acknowledged.into_iter().collect();
    ids.sort_unstable_by_key(|(_, order)| *order);
    ids.into_iter().map(|(id, _)| id).collect()
}

impl From<Stored<MsgId>> for Acks {
    fn from(stored: Stored<MsgId>) -> Self {
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

/// Copies nothing, in particular not the messages that are still pending: `docs/threats.md` W4.
impl Serialize for Acks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let old = self.recent.len().saturating_sub(STORED);
        let batch = in_order(self.open.iter().map(|(id, open)| (id, open.order)));
        Stored { batch, recent: self.recent.iter().skip(old).collect() }.serialize(serializer)
    }
}

#[cfg(test)]
#[path = "acks_tests.rs"]
mod tests;
