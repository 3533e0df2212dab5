//! A sorted map that is cheap to copy: `docs/threats.md` W4.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

/// A sorted map whose copies share their entries, except those near a change.
///
/// Entries are in chunks. Copying a map of `n` entries copies `n / CHUNK` pointers, and the first
/// change after that copies the chunks that it changes.
#[derive(Clone, Debug)]
pub(crate) struct SharedMap<K, V>(Vec<Arc<Vec<(K, V)>>>);

/// The maximum number of entries in a chunk.
const CHUNK: usize = 64;

impl<K: Clone + Ord, V: Clone> SharedMap<K, V> {
    /// Inserts an entry, and returns the value that it replaces.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        let at = self.lower(&key);
        if at == self.0.len() && self.0.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            // Entries that arrive in order fill their chunks.
            self.0.push(Arc::new(Vec::from([(key, value)])));
            return None;
        }
        let at = at.min(self.0.len() - 1);
        let chunk = Arc::make_mut(self.0.get_mut(at)?);
        match chunk.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(found) => Some(mem::replace(&mut chunk.get_mut(found)?.1, value)),
            Err(place) => {
                chunk.insert(place, (key, value));
                if chunk.len() > CHUNK {
                    let rest = chunk.split_off(CHUNK / 2);
                    self.0.insert(at + 1, Arc::new(rest));
                }
                None
            }
        }
    }

    /// Removes an entry, and returns its value.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.lower(key);
        let found = self.0.get(at)?.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
        let chunk = Arc::make_mut(self.0.get_mut(at)?);
        let (_, value) = chunk.remove(found);
        // The last chunk stays, so that a map that is often empty allocates once.
        if chunk.is_empty() && self.0.len() > 1 {
            self.0.remove(at);
        }
        Some(value)
    }

    /// Returns a value.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let chunk = self.0.get(self.lower(key))?;
        let found = chunk.binary_search_by(|(other, _)| other.cmp(key)).ok()?;
        chunk.get(found).map(|(_, value)| value)
    }

    /// Returns whether there is an entry with this key.
    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// Returns whether the map is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.first().is_none_or(|chunk| chunk.is_empty())
    }

    /// Returns the number of entries.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|chunk| chunk.len()).sum()
    }

    /// Returns all entries in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.0.iter().flat_map(|chunk| chunk.iter()).map(|(key, value)| (key, value))
    }

    /// Returns the entries from `key` on.
    pub(crate) fn from(&self, key: &K) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let chunks = self.0.get(self.lower(key)..).unwrap_or_default();
        let chunks = chunks.iter().enumerate().flat_map(|(number, chunk)| {
            let skipped =
                if number == 0 { chunk.partition_point(|(other, _)| other < key) } else { 0 };
            chunk.get(skipped..).unwrap_or_default()
        });
        chunks.map(|(key, value)| (key, value))
    }

    /// Returns the entries before `key`.
    pub(crate) fn before(&self, key: &K) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        let whole = self.lower(key);
        let chunks = self.0.iter().enumerate().take(whole + 1).flat_map(move |(number, chunk)| {
            let count = if number == whole {
                chunk.partition_point(|(other, _)| other < key)
            } else {
                chunk.len()
            };
            chunk.get(..count).unwrap_or_default()
        });
        chunks.map(|(key, value)| (key, value))
    }

    /// Returns the index of the first chunk whose last key is not below this key.
    fn lower(&self, key: &K) -> usize {
        self.0.partition_point(|chunk| chunk.last().is_some_and(|(last, _)| last < key))
    }
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Clone + Ord, V: Clone> FromIterator<(K, V)> for SharedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The map equals a `BTreeMap`, and its copies do not change.
        #[test]
        fn a_map_has_the_entries_of_a_tree(
            steps in prop::collection::vec((any::<bool>(), 0..400_u16, any::<u8>()), 0..600),
            in_order in 0..300_u16, copied in 0..600_usize, at in 0..400_u16,
        ) {
            let mut map: SharedMap<u16, u8> = (0..in_order).map(|key| (key, 0)).collect();
            let mut tree: BTreeMap<u16, u8> = (0..in_order).map(|key| (key, 0)).collect();
            let mut copies = (map.clone(), tree.clone());
            for (number, (is_insert, key, value)) in steps.into_iter().enumerate() {
                if number == copied {
                    copies = (map.clone(), tree.clone());
                }
                if is_insert {
                    prop_assert_eq!(map.insert(key, value), tree.insert(key, value));
                } else {
                    prop_assert_eq!(map.remove(&key), tree.remove(&key));
                }
                prop_assert_eq!(map.get(&key), tree.get(&key));
                prop_assert!(map.0.iter().all(|chunk| chunk.len() <= CHUNK));
                prop_assert!(map.0.len() == 1 || map.0.iter().all(|chunk| !chunk.is_empty()));
            }
            for (map, tree) in [(&map, &tree), (&copies.0, &copies.1)] {
                prop_assert!(map.iter().eq(tree));
                prop_assert_eq!((map.len(), map.is_empty()), (tree.len(), tree.is_empty()));
                prop_assert!(map.from(&at).eq(tree.range(at..)));
                prop_assert!(map.before(&at).rev().eq(tree.range(..at).rev()));
            }
        }
    }

    /// A change after a copy copies one chunk.
    #[test]
    fn copies_share_chunks() {
        let mut map: SharedMap<usize, ()> = (0..10 * CHUNK).map(|key| (key, ())).collect();
        let copy = map.clone();
        map.remove(&0);
        map.insert(10 * CHUNK, ());
        let shared = map.0.iter().filter(|chunk| Arc::strong_count(chunk) == 2).count();
        assert_eq!((map.0.len(), shared, copy.len()), (11, 9, 10 * CHUNK));
    }
}
