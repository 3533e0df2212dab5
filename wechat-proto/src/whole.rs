//! Reading the whole body of a reply.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderMap, StatusCode};

use crate::error::{Failure, FailureKind, Sent};

/// A body that is read whole, within the limit of [`Want::Whole`](crate::flow::Want::Whole).
///
/// A driver adds the bytes as they arrive:
///
/// ```
/// # use wechat_proto::error::Failure;
/// # use wechat_proto::flow::{Response, WholeBody};
/// # use wechat_proto::http;
/// # fn next() -> Option<Vec<u8>> { None }
/// fn read(head: http::response::Parts, limit: usize) -> Result<Response, Failure> {
///     let mut body = WholeBody::new(&head, limit)?;
///     while let Some(chunk) = next() {
///         body.push(chunk.into())?;
///     }
///     Ok(Response::from_parts(head, body.end()?))
/// }
/// ```
#[derive(Debug)]
pub struct WholeBody {
    limit: usize,
    announced: Option<u64>,
    bytes: Bytes,
}

/// The maximum buffer that is allocated because of an announced length: `docs/threats.md` B2.
const MAX_ALLOCATION: u64 = 1 << 20;

impl WholeBody {
    /// Returns the empty body of a reply.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind [`Encoding`](FailureKind::Encoding) (see [`announced`]), or
    /// [`TooLarge`](FailureKind::TooLarge) if the head announces more than `limit` bytes.
    pub fn new(head: &Parts, limit: usize) -> Result<Self, Failure> {
        let announced = announced(&head.headers)?;
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        // These replies may announce a body that they do not have.
        let empty = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        Ok(Self { limit, announced: announced.filter(|_| !empty), bytes: Bytes::new() })
    }

    /// Adds received bytes.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind [`TooLarge`](FailureKind::TooLarge) if the body exceeds the limit.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), Failure> {
        if chunk.len() > self.limit - self.bytes.len() {
            return Err(too_large());
        }
        if self.bytes.is_empty() {
            // Most bodies consist of one chunk, which is not copied.
            self.bytes = chunk;
            return Ok(());
        }
        let mut bytes = BytesMut::from(core::mem::take(&mut self.bytes));
        let expected = self.announced.unwrap_or(0).min(MAX_ALLOCATION);
        bytes.reserve(usize::try_from(expected).unwrap_or(0).saturating_sub(bytes.len()));
        bytes.extend_from_slice(&chunk);
        self.bytes = bytes.freeze();
        Ok(())
    }

    /// Returns the body.
    ///
    /// # Errors
    ///
    /// A [`Failure`] of kind [`Truncated`](FailureKind::Truncated) if it is shorter than announced.
    pub fn end(self) -> Result<Bytes, Failure> {
        if self.announced.is_some_and(|length| length > self.bytes.len() as u64) {
            return Err(Failure::new(FailureKind::Truncated, Sent::Maybe));
        }
        Ok(self.bytes)
    }
}

/// Returns the body length announced by the head of a reply, if any. A driver calls this before it
/// reads the body.
///
/// # Errors
///
/// A [`Failure`] of kind [`Encoding`](FailureKind::Encoding) if the body has a content coding other
/// than `identity` or a transfer coding other than `chunked`, which no flow requests
/// (`docs/threats.md` B1).
pub fn announced(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    for (name, expected) in [(CONTENT_ENCODING, "identity"), (TRANSFER_ENCODING, "chunked")] {
        let mut codings = headers.get_all(name).iter().map(|coding| coding.as_bytes().trim_ascii());
        if !codings.all(|coding| coding.eq_ignore_ascii_case(expected.as_bytes())) {
            return Err(Failure::new(FailureKind::Encoding, Sent::Maybe));
        }
    }
    let length = headers.get(CONTENT_LENGTH);
    Ok(length.and_then(|length| length.to_str().ok()?.parse().ok()))
}

fn too_large() -> Failure {
    Failure::new(FailureKind::TooLarge, Sent::Maybe)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn read(
        status: u16,
        headers: &[(&'static str, &str)],
        limit: usize,
        chunks: &[&'static [u8]],
    ) -> Result<Bytes, FailureKind> {
        let mut reply = http::Response::new(());
        *reply.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            reply.headers_mut().insert(*name, value.parse().unwrap());
        }
        let read = || {
            let mut body = WholeBody::new(&reply.into_parts().0, limit)?;
            for chunk in chunks {
                body.push(Bytes::from_static(chunk))?;
            }
            body.end()
        };
        read().map_err(|failure| failure.kind)
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(read(200, &[], 0, &[]).unwrap(), "");
        assert_eq!(read(200, &[], 5, &[b"ab", b"", b"cde"]).unwrap(), "abcde");
        assert_eq!(read(200, &[("content-length", "3")], usize::MAX, &[b"abc"]).unwrap(), "abc");
        // The announced length is not trusted.
        let huge = [("content-length", "18446744073709551615")];
        assert_eq!(read(200, &huge, usize::MAX, &[b"a", b"b"]), Err(FailureKind::Truncated));
    }

    #[test]
    fn limits_and_lengths_are_checked() {
        let length = [("content-length", "3")];
        assert_eq!(read(200, &length, 2, &[]), Err(FailureKind::TooLarge));
        assert_eq!(read(200, &[], 4, &[b"ab", b"cde"]), Err(FailureKind::TooLarge));
        assert_eq!(read(200, &length, 9, &[b"ab"]), Err(FailureKind::Truncated));
        assert_eq!(read(304, &length, 9, &[]).unwrap(), "");
        assert_eq!(read(200, &[("content-encoding", "gzip")], 9, &[]), Err(FailureKind::Encoding));
    }

    /// A body in many chunks is not copied anew for each.
    #[test]
    fn many_chunks_are_joined_in_linear_time() {
        let chunks: Vec<&'static [u8]> = alloc::vec![&b"0123456789"[..]; 200_000];
        assert_eq!(read(200, &[], usize::MAX, &chunks).unwrap().len(), 2_000_000);
    }
}
