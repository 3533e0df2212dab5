//! Tracking of acknowledged messages: `docs/threats.md` S4, S5.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize, Serializer};

use crate::ids::MsgId;
use crate::message::Message;
pub(crate) use crate::message::Place;
use crate::session::changes;
use crate::session::positions::Positions;
use crate::session::shared_map::SharedMap;
use crate::sync::SyncKey;

/// The ids of acknowledged messages, and the batches with pending acknowledgements.
///
/// All ids of an unfinished batch are kept: the stored key still points before it, so the service
/// will send it again. The last 512 of these ids are stored, as are the positions of all of them in
/// the batch. Positions are valid if the service sends the same ids again in the same order. Of the
/// ids of finished batches, the last 4,096 are kept and 512 are stored.
///
/// Copies share what they have in common: `docs/threats.md` W4.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Stored<MsgId, Positions>")]
pub(crate) struct Acks {
    /// Ids that the service will send again.
    open: SharedMap<MsgId, Order>,
    /// The ids of `open`, in order.
    in_order: SharedMap<Order, MsgId>,
    /// Ids of finished batches by their number, the oldest first.
    recent: SharedMap<u64, MsgId>,
    /// The ids of `recent`, for lookups.
    known: SharedMap<MsgId, ()>,
    /// Received batches, the oldest first. Not stored.
    parked: VecDeque<Parked>,
    /// The ids of all their unacknowledged messages.
    pending: SharedMap<MsgId, ()>,
    /// Batches that the service will send again after the received ones.
    resent: VecDeque<Positions>,
    /// The number of the newest batch.
    batches: u64,
    /// The number of acknowledged messages.
    count: u64,
    /// The number of ids of finished batches, including those that are no longer kept.
    finished: u64,
}

/// The last batch that contained an acknowledged message, 0 if it is unknown, and the message's
/// number in the order of acknowledgements.
type Order = (u64, u64);

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
    pending: Option<SharedMap<usize, MsgId>>,
    /// The acknowledged ones with an id.
    acked: Positions,
}

/// The number of ids of finished batches that are kept.
const RECENT: usize = 4096;
/// The number of ids that are stored, of unfinished and of finished batches.
const STORED: usize = 512;

#[derive(Deserialize, Serialize)]
struct Stored<Id, P> {
    batch: Vec<Id>,
    recent: Vec<Id>,
    /// Absent if `batch` has all ids of unfinished batches, as in older versions.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    positions: Vec<P>,
}

impl Acks {
    /// Records the keys of a received batch.
    pub(crate) fn park(&mut self, sync_key: Option<SyncKey>, sync_check_key: Option<SyncKey>) {
        self.batches += 1;
        let keys = Keys { sync_key, sync_check_key };
        let acked = Positions::default();
        if self.parked.is_empty() {
            // There is usually only one, and each account of a process has this memory.
            self.parked.reserve_exact(1);
        }
        self.parked.push_back(Parked { batch: self.batches, keys, pending: None, acked });
    }

    /// Records the messages of the newest batch as pending, and sets their places. Drops messages
    /// that are already acknowledged or pending. Returns whether the batch advances the key.
    pub(crate) fn deliver(&mut self, messages: &mut Vec<Message>) -> bool {
        let Some(mut parked) = self.parked.pop_back() else { return false };
        parked.acked = Positions::new(messages.iter().map(|message| &message.id));
        self.recognise(messages, parked.batch);
        let (mut next, mut pending) = (0, SharedMap::default());
        messages.retain_mut(|message| {
            let position = next;
            next += 1;
            if message.id.is_usable() {
                let is_open = self.open.contains_key(&message.id);
                if is_open || self.known.contains_key(&message.id) {
                    parked.acked.insert(position);
                    if is_open {
                        // The message was sent again, so its id is kept as long as this batch is
                        // unfinished.
                        self.open(&message.id, parked.batch);
                    }
                    return false;
                }
                if self.pending.insert(message.id.clone(), ()).is_some() {
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

    /// Acknowledges the messages of a batch that were already acknowledged when the batch was
    /// received before the session was stored.
    fn recognise(&mut self, messages: &[Message], number: u64) {
        let mut rest = messages;
        while !rest.is_empty()
            && let Some(acked) = self.resent.pop_front()
        {
            // Several batches may be sent again as one.
            let Some((batch, others)) = rest.split_at_checked(acked.len()).filter(|(batch, _)| {
                Positions::new(batch.iter().map(|message| &message.id)).is_same_batch(&acked)
            }) else {
                return self.resent.clear();
            };
            for Message { id, .. } in acked.of(batch) {
                if id.is_usable() && !self.known.contains_key(id) {
                    self.open(id, number);
                }
            }
            rest = others;
        }
    }

    /// Adds an acknowledged id, or records that a newer batch contains it.
    fn open(&mut self, id: &MsgId, batch: u64) {
        let order = if let Some((before, number)) = self.open.get(id).copied() {
            self.in_order.remove(&(before, number));
            (batch, number)
        } else {
            self.count += 1;
            (batch, self.count)
        };
        self.open.insert(id.clone(), order);
        self.in_order.insert(order, id.clone());
    }

    /// Acknowledges a message by its id and place. Does nothing if the message is already
    /// acknowledged, or has neither.
    pub(crate) fn acknowledge(&mut self, id: &MsgId, place: Option<Place>) {
        let mut batch = 0;
        if let Some((parked, at)) = self.find(id, place) {
            batch = parked.batch;
            if let Some(pending) = &mut parked.pending {
                pending.remove(&at);
            }
            if id.is_usable() {
                parked.acked.insert(at);
            }
        }
        if id.is_usable() && !self.contains(id) {
            self.pending.remove(id);
            self.open(id, batch);
        }
    }

    /// Returns the batch and position at which a message is pending.
    fn find(&mut self, id: &MsgId, place: Option<Place>) -> Option<(&mut Parked, usize)> {
        let is_it = |parked: &Parked, at: usize| {
            parked.pending.as_ref().is_some_and(|pending| pending.get(&at) == Some(id))
        };
        let at_place = place.and_then(|(batch, at)| {
            let index = usize::try_from(batch.checked_sub(self.parked.front()?.batch)?).ok()?;
            is_it(self.parked.get(index)?, at).then_some((index, at))
        });
        // A message that was received twice or restored from storage is found by its id.
        let (index, at) = at_place.or_else(|| {
            if !self.pending.contains_key(id) {
                return None;
            }
            self.parked.iter().enumerate().find_map(|(index, parked)| {
                let mut pending = parked.pending.iter().flat_map(SharedMap::iter);
                pending.find(|(_, pending)| *pending == id).map(|(at, _)| (index, *at))
            })
        })?;
        Some((self.parked.get_mut(index)?, at))
    }

    /// Returns whether a message was acknowledged.
    pub(crate) fn contains(&self, id: &MsgId) -> bool {
        self.known.contains_key(id) || self.open.contains_key(id)
    }

    /// Removes the oldest received batch and returns its keys, if all of it is acknowledged. Its
    /// ids become recent ones, unless the service will send them again because the key does not
    /// advance.
    pub(crate) fn next_done(&mut self) -> Option<Keys> {
        if !self.parked.front()?.pending.as_ref()?.is_empty() {
            return None;
        }
        let Parked { batch, keys, acked, .. } = self.parked.pop_front()?;
        let moved = keys.sync_key.is_some();
        let (from, to) = if moved { ((0, 0), (batch + 1, 0)) } else { ((1, 0), (batch, 0)) };
        let done = self.in_order.from(&from).map(|(order, _)| *order);
        let done: Vec<_> = done.take_while(|order| *order < to).collect();
        for id in done.iter().filter_map(|order| self.in_order.remove(order)) {
            self.open.remove(&id);
            self.known.insert(id.clone(), ());
            self.recent.insert(self.finished, id);
            let oldest = self.finished.checked_sub(RECENT as u64);
            if let Some(id) = oldest.and_then(|oldest| self.recent.remove(&oldest)) {
                self.known.remove(&id);
            }
            self.finished += 1;
        }
        if !moved && self.parked.is_empty() && acked.len() > 0 {
            self.resent.push_front(acked);
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

    /// Discards the received messages.
    pub(crate) fn rewind(&mut self) {
        self.resent = self.sent_again().cloned().collect();
        self.parked.clear();
        self.pending = SharedMap::default();
    }

    /// Returns the batches that the service will send again.
    fn sent_again(&self) -> impl Iterator<Item = &Positions> {
        let newest = self.batches;
        self.parked
            .iter()
            // The next batch after one that does not advance the key repeats it.
            .filter(move |parked| parked.keys.sync_key.is_some() || parked.batch == newest)
            .map(|parked| &parked.acked)
            .chain(&self.resent)
            .filter(|acked| acked.len() > 0)
    }
}

impl From<Stored<MsgId, Positions>> for Acks {
    fn from(stored: Stored<MsgId, Positions>) -> Self {
        let mut acks = Self {
            known: stored.recent.iter().map(|id| (id.clone(), ())).collect(),
            finished: stored.recent.len() as u64,
            recent: (0..).zip(stored.recent).collect(),
            resent: stored.positions.into(),
            ..Self::default()
        };
        stored.batch.iter().for_each(|id| acks.open(id, 0));
        acks
    }
}

impl Acks {
    /// Returns the stored part. Copies no messages and no ids: `docs/threats.md` W4.
    fn stored(&self) -> Stored<&MsgId, &Positions> {
        let placed: Vec<_> = self.in_order.from(&(1, 0)).rev().take(STORED).collect();
        let mut positions: Vec<_> = self.sent_again().collect();
        let acked: usize = positions.iter().map(|acked| acked.count()).sum();
        if acked <= placed.len() {
            positions.clear();
        }
        // All ids whose position is unknown, and the last of the others.
        let unplaced = self.in_order.before(&(1, 0));
        let batch = unplaced.chain(placed.into_iter().rev()).map(|(_, id)| id).collect();
        let first = self.finished.saturating_sub(STORED as u64);
        let recent = self.recent.from(&first).map(|(_, id)| id).collect();
        Stored { batch, recent, positions }
    }

    /// Returns the changes of the stored part; `None` if it is the same.
    pub(crate) fn changes(&self, old: &Self) -> Option<String> {
        let [old, new] = [old.stored(), self.stored()];
        // Stored ids need no escapes.
        let ids = |old, new| changes::list(old, new, |id: &&MsgId| format!("\"{id}\""));
        let [before, after] = [old.positions, new.positions]
            .map(|positions| serde_json::to_string(&positions).expect("all keys are strings"));
        let fields = [
            ("batch", ids(&old.batch, &new.batch)),
            ("recent", ids(&old.recent, &new.recent)),
            ("positions", changes::value(&before, &after)),
        ];
        let mut fields =
            fields.into_iter().filter_map(|(name, change)| Some((name, change?))).peekable();
        fields.peek()?;
        Some(changes::object(fields))
    }
}

impl Serialize for Acks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.stored().serialize(serializer)
    }
}

#[cfg(test)]
#[path = "acks_tests.rs"]
pub(crate) mod tests;

#[cfg(test)]
#[path = "acks_order_tests.rs"]
mod order_tests;
