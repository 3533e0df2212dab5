//! Request bodies of shared segments, which are sent without copying them together.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Buf, Bytes};

/// The body of a request: up to three shared segments, read through [`bytes::Buf`].
///
/// A piece of an upload is a head, a slice of a file and a tail. They are sent without joining them
/// in a copy, and a clone (for a retry) increments three reference counts. The length is always
/// known.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Body {
    /// Boxed, because HTTP clients keep queues of requests. `None` if no bytes are left.
    segments: Option<Box<[Bytes; 3]>>,
}

impl Body {
    /// Returns an empty body.
    pub const fn empty() -> Self {
        Self { segments: None }
    }

    /// Returns a body of three segments, sent one after the other.
    pub fn framed(head: Bytes, slice: Bytes, tail: Bytes) -> Self {
        let segments = [head, slice, tail];
        let is_empty = segments.iter().all(Bytes::is_empty);
        Self { segments: (!is_empty).then(|| Box::new(segments)) }
    }

    /// Returns the number of bytes left to send.
    pub fn len(&self) -> usize {
        self.segments().map(Bytes::len).sum()
    }

    /// Returns whether no bytes are left to send.
    pub fn is_empty(&self) -> bool {
        self.segments.is_none()
    }

    /// Returns all bytes in one buffer. Copies only if the body has more than one nonempty segment,
    /// as the pieces of an upload have.
    pub fn into_bytes(mut self) -> Bytes {
        let only = {
            let mut full = self.segments();
            full.next().filter(|_| full.next().is_none()).cloned()
        };
        only.unwrap_or_else(|| self.copy_to_bytes(self.len()))
    }

    /// Returns the segments that are not empty.
    fn segments(&self) -> impl Iterator<Item = &Bytes> {
        self.segments.iter().flat_map(|all| all.iter()).filter(|segment| !segment.is_empty())
    }
}

impl Buf for Body {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self.segments().next().map_or(&[], |segment| segment)
    }

    /// # Panics
    ///
    /// Panics if `count` is more than [`Buf::remaining`], as `Buf` requires.
    fn advance(&mut self, mut count: usize) {
        for segment in self.segments.iter_mut().flat_map(|all| all.iter_mut()) {
            let step = count.min(segment.len());
            segment.advance(step);
            count -= step;
        }
        assert_eq!(count, 0, "advanced beyond the end of the body");
        if self.segments().next().is_none() {
            self.segments = None;
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::framed(bytes, Bytes::new(), Bytes::new())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

/// Shows only the length: bodies contain credentials.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn segments_do_not_affect_the_content(
            head in any::<Vec<u8>>(), slice in any::<Vec<u8>>(), tail in any::<Vec<u8>>(),
            step in 1_usize..40,
        ) {
            let whole = [head.clone(), slice.clone(), tail.clone()].concat();
            let mut body = Body::framed(head.into(), slice.into(), tail.into());
            prop_assert_eq!(body.len(), whole.len());
            prop_assert_eq!(body.clone().into_bytes(), whole.clone());
            let mut read = Vec::new();
            while body.has_remaining() {
                let chunk = body.chunk();
                let taken = chunk.len().min(step);
                read.extend_from_slice(&chunk[..taken]);
                body.advance(taken);
            }
            prop_assert_eq!(read, whole);
            prop_assert!(body.is_empty() && body.chunk().is_empty());
        }
    }

    #[test]
    fn bytes_of_one_segment_are_not_copied() {
        let bytes = Bytes::from_static(b"abc");
        assert_eq!(Body::from(bytes.clone()).into_bytes().as_ptr(), bytes.as_ptr());
        let framed = Body::framed(Bytes::new(), bytes.clone(), Bytes::new());
        assert_eq!(framed.into_bytes().as_ptr(), bytes.as_ptr());
    }

    #[test]
    #[should_panic(expected = "beyond the end")]
    fn advancing_beyond_the_end_panics() {
        Body::from(Bytes::from_static(b"abc")).advance(4);
    }
}
