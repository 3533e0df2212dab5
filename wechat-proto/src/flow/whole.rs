//! Reading the whole body of a reply.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::error::{Failure, FailureKind, Sent};
use crate::flow::gzip;
use crate::flow::{Response, Want};

/// A body that is read whole, within the limit of [`Want::Whole`]. It may be compressed with gzip,
/// which the endpoint decodes.
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
        let announced = announced(&head.headers, Want::Whole { limit })?;
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
/// reads or streams the body.
///
/// # Errors
///
/// A [`Failure`] of kind [`Encoding`](FailureKind::Encoding) if the body has a content coding other
/// than `identity` or, with [`Want::Whole`], `gzip`, or a transfer coding other than `chunked`, which
/// no flow requests (`docs/threats.md` B1).
pub fn announced(headers: &HeaderMap, want: Want) -> Result<Option<u64>, Failure> {
    let codings: &[_] = match want {
        Want::Whole { .. } => &["identity", "gzip"],
        Want::Head { .. } => &["identity"],
    };
    for (name, allowed) in [(CONTENT_ENCODING, codings), (TRANSFER_ENCODING, &["chunked"])] {
        let mut found = headers.get_all(name).iter().map(|coding| coding.as_bytes().trim_ascii());
        let is = |found: &[u8], coding: &&str| found.eq_ignore_ascii_case(coding.as_bytes());
        if !found.all(|found| allowed.iter().any(|coding| is(found, coding))) {
            return Err(Failure::new(FailureKind::Encoding, Sent::Maybe));
        }
    }
    let length = headers.get(CONTENT_LENGTH);
    Ok(length.and_then(|length| length.to_str().ok()?.parse().ok()))
}

/// Decodes the body of a reply that is compressed with gzip, within the limit of its request. A
/// streamed body is not decoded.
///
/// # Errors
///
/// A [`Failure`] of kind [`Encoding`](FailureKind::Encoding) if the body is malformed, or
/// [`TooLarge`](FailureKind::TooLarge) if it exceeds the limit when decoded (`docs/threats.md` B1).
pub(crate) fn decoded(mut response: Response, want: Want) -> Result<Response, Failure> {
    let coding = response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    let is_gzip = coding.is_some_and(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"gzip"));
    let Want::Whole { limit } = want else { return Ok(response) };
    if is_gzip && !response.body().is_empty() {
        let body = gzip::decode(response.body(), limit);
        *response.body_mut() = body.map_err(|kind| Failure::new(kind, Sent::Maybe))?.into();
        response.headers_mut().remove(CONTENT_ENCODING);
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    Ok(response)
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
        assert_eq!(read(200, &[("content-encoding", "br")], 9, &[]), Err(FailureKind::Encoding));
        assert_eq!(read(200, &[("content-encoding", "Gzip")], 9, &[b"x"]).unwrap(), "x");
    }

    #[test]
    fn compressed_body_is_decoded_within_the_limit() {
        let reply = |coding: &str, body: Vec<u8>| {
            let reply = http::Response::builder().header("content-encoding", coding);
            reply.header("content-length", body.len()).body(Bytes::from(body)).unwrap()
        };
        let packed = gzip::tests::encode(b"abcde");
        let whole = |limit| Want::Whole { limit };
        let decode = |coding, body: &[u8], want| {
            decoded(reply(coding, body.to_vec()), want).map_err(|failure| failure.kind)
        };
        let found = decode(" GZIP ", &packed, whole(5)).unwrap();
        assert_eq!((&**found.body(), found.headers().len()), (&b"abcde"[..], 0));
        assert_eq!(decode("identity", b"ab", whole(2)).unwrap().headers().len(), 2);
        assert_eq!(decode("gzip", b"", whole(5)).unwrap().body(), "");
        assert_eq!(decode("gzip", &packed, whole(4)).unwrap_err(), FailureKind::TooLarge);
        assert_eq!(decode("gzip", b"abcde", whole(9)).unwrap_err(), FailureKind::Encoding);
        let head = Want::Head { idle: core::time::Duration::ZERO };
        assert_eq!(decode("gzip", &packed, head).unwrap().body(), &packed);
    }

    /// A body in many chunks is not copied anew for each.
    #[test]
    fn many_chunks_are_joined_in_linear_time() {
        let chunks: Vec<&'static [u8]> = alloc::vec![&b"0123456789"[..]; 200_000];
        assert_eq!(read(200, &[], usize::MAX, &chunks).unwrap().len(), 2_000_000);
    }
}
