//! Request bodies of shared segments, which are sent without copying them together.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::{Buf, Bytes};

/// The body of a request: up to three shared segments, read through [`bytes::Buf`].
///
/// A part of a form is a head, a slice of a file and a tail; no segment is copied to join the
/// others, and a clone (for a retry) increments three reference counts. The length is always known.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Body {
    segments: [Bytes; 3],
}

impl Body {
    /// Returns an empty body.
    pub const fn empty() -> Self {
        Self { segments: [Bytes::new(), Bytes::new(), Bytes::new()] }
    }

    /// Returns a body of three segments, sent one after the other.
    pub const fn framed(head: Bytes, slice: Bytes, tail: Bytes) -> Self {
        Self { segments: [head, slice, tail] }
    }

    /// Returns the number of bytes left to send.
    pub fn len(&self) -> usize {
        self.segments.iter().map(Bytes::len).sum()
    }

    /// Returns whether no bytes are left to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Body {
    /// Returns all bytes in one buffer. Copies only if the body has more than one nonempty segment,
    /// as the pieces of an upload have.
    pub fn into_bytes(mut self) -> Bytes {
        let mut full = self.segments.iter().filter(|segment| !segment.is_empty());
        match (full.next(), full.next()) {
            (Some(only), None) => only.clone(),
            _ => self.copy_to_bytes(self.len()),
        }
    }
}

impl Buf for Body {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self.segments.iter().find(|segment| !segment.is_empty()).map_or(&[], |segment| segment)
    }

    /// # Panics
    ///
    /// Panics if `count` is more than [`Buf::remaining`], as `Buf` requires.
    fn advance(&mut self, mut count: usize) {
        for segment in &mut self.segments {
            let step = count.min(segment.len());
            segment.advance(step);
            count -= step;
        }
        assert_eq!(count, 0, "advanced beyond the end of the body");
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
