//! The JSON of messages.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::wire::object::{Fields, elements};
use crate::wire::repair::repair;

/// The JSON that a message was read from: a slice of its batch.
///
/// The batch is kept as long as one of its messages is:
/// [`Message::detach`](super::Message::detach) lets go of it.
#[derive(Clone, Default)]
pub struct Raw {
    json: Bytes,
    /// Where in a batch the message is; without, `json` is all of it.
    place: Option<(Arc<[Place]>, usize)>,
}

impl Raw {
    /// The message's own JSON object, as the server wrote it; broken bytes and halves of
    /// surrogate pairs are mended, so that it can be read.
    pub fn json(&self) -> Cow<'_, str> {
        repair(self.bytes())
    }

    /// One message's own.
    pub(super) const fn of(json: Bytes) -> Self {
        Self { json, place: None }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }

    pub(super) fn detach(self) -> Self {
        Self::of(Bytes::copy_from_slice(self.bytes()))
    }

    /// The messages of a batch, as many as there are.
    ///
    /// They are looked for when one is asked for, all of them at once: most bots never ask.
    pub(super) fn all(batch: &Bytes, count: usize) -> impl Iterator<Item = Self> {
        let places: Arc<[Place]> = (0..count).map(|_| Place::default()).collect();
        (0..count)
            .map(move |index| Self { json: batch.clone(), place: Some((places.clone(), index)) })
    }

    fn bytes(&self) -> &[u8] {
        let Some((places, index)) = &self.place else { return &self.json };
        let Some(place) = places.get(*index) else { return &[] };
        let range = place.range().or_else(|| {
            self.look(places);
            place.range()
        });
        range.and_then(|(start, end)| self.json.get(start..end)).unwrap_or_default()
    }

    /// Finds the messages of the batch, in one pass.
    fn look(&self, places: &[Place]) {
        let text = core::str::from_utf8(&self.json).unwrap_or_default();
        let list = Fields::of(text).and_then(|fields| fields.get("AddMsgList"));
        for (place, element) in places.iter().zip(list.map(elements).unwrap_or_default()) {
            let start = element.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
            place.set(start, start.wrapping_add(element.len()));
        }
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.bytes().len())
    }
}

/// Where a message begins and ends in its batch; both are 0 before it was looked for.
///
/// Threads that look at the same time find the same, so that it does not matter who is first.
#[derive(Default)]
struct Place {
    start: AtomicUsize,
    end: AtomicUsize,
}

impl Place {
    fn range(&self) -> Option<(usize, usize)> {
        // The end is written last.
        let end = self.end.load(Ordering::Acquire);
        (end > 0).then(|| (self.start.load(Ordering::Relaxed), end))
    }

    fn set(&self, start: usize, end: usize) {
        self.start.store(start, Ordering::Relaxed);
        self.end.store(end, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::string::{String, ToString as _};
    use alloc::vec::Vec;
    use alloc::{format, vec};

    use proptest::prelude::*;

    use super::*;

    fn batch(list: &str) -> Bytes {
        format!("{{ \"Else\": [[7]], \"AddMsgList\" : [{list}]\n, \"Count\": 1 }}").into()
    }

    fn jsons(list: &str, count: usize) -> Vec<String> {
        Raw::all(&batch(list), count).map(|raw| raw.json().into_owned()).collect()
    }

    #[test]
    fn finds_each_message() {
        let list = "{\"a\": \"]}\"} ,\n{ }, 7, null, [{}]";
        assert_eq!(jsons(list, 5), ["{\"a\": \"]}\"}", "{ }", "7", "null", "[{}]"]);
        // Of what is not there, there is nothing.
        assert_eq!(jsons("1", 2), ["1", ""]);
        let none = Raw::all(&Bytes::from_static(b"no json"), 1).next().unwrap();
        assert_eq!((&*none.json(), &*format!("{none:?}")), ("", "Raw(0 bytes)"));
        assert_eq!(&*Raw::default().json(), "");
    }

    #[test]
    fn lets_go_of_its_batch() {
        let json = batch("1, {\"a\": 2}");
        let raw = Raw::all(&json, 2).nth(1).unwrap();
        let detached = raw.clone().detach();
        assert_eq!((&*raw.json(), &*detached.json()), ("{\"a\": 2}", "{\"a\": 2}"));
        assert_eq!(format!("{detached:?} {raw:?}"), "Raw(8 bytes) Raw(8 bytes)");
        assert!(detached.place.is_none() && detached.json.len() == 8);
    }

    /// Asked for from several threads at once, and in a long batch: one pass is enough for all.
    #[test]
    fn is_found_once() {
        let list = vec!["{\"a\": 1}"; 20_000].join(",");
        let raw: Vec<Raw> = Raw::all(&batch(&list), 20_000).collect();
        std::thread::scope(|scope| {
            for part in raw.chunks(5_000) {
                scope.spawn(move || assert!(part.iter().all(|raw| raw.json() == "{\"a\": 1}")));
            }
        });
    }

    proptest! {
        #[test]
        fn any_messages_are_found(texts in prop::collection::vec("\\PC{0,10}", 0..6)) {
            let list: Vec<_> = texts.iter().map(|text| serde_json::json!({ text: [text] }).to_string()).collect();
            prop_assert_eq!(jsons(&list.join(" , "), list.len()), list);
        }
    }
}
