//! Compression of replies, as by the proxies in front of the service.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response};

/// The minimum length of a body that is compressed, in bytes.
const SHORT: usize = 256;

/// Compresses a reply with gzip, if the client accepts that. Short replies and media stay as they are.
pub(crate) fn compress(request: &HeaderMap, mut reply: Response<Bytes>) -> Response<Bytes> {
    let text = |headers: &HeaderMap, name| {
        headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned)
    };
    let codings = text(request, ACCEPT_ENCODING).unwrap_or_default();
    let accepted = codings.split(',').any(|coding| coding.trim() == "gzip");
    let kind = text(reply.headers(), CONTENT_TYPE).unwrap_or_default();
    let is_text = ["text/", "application/json", "application/javascript"]
        .iter()
        .any(|start| kind.starts_with(start));
    if !accepted || !is_text || reply.body().len() < SHORT {
        return reply;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let Ok(body) = encoder.write_all(reply.body()).and_then(|()| encoder.finish()) else {
        return reply;
    };
    let headers = reply.headers_mut();
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    if headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    *reply.body_mut() = body.into();
    reply
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn compressed(codings: &str, kind: &str, length: usize) -> Response<Bytes> {
        let mut request = HeaderMap::new();
        request.insert(ACCEPT_ENCODING, codings.parse().unwrap());
        let reply =
            Response::builder().header("content-type", kind).header("content-length", length);
        compress(&request, reply.body(vec![b'a'; length].into()).unwrap())
    }

    #[test]
    fn long_texts_are_compressed_if_the_client_accepts_that() {
        let reply = compressed("gzip, deflate, br", "text/plain; charset=utf-8", 1000);
        assert_eq!(reply.headers()["content-encoding"], "gzip");
        assert_eq!(reply.headers()["content-length"], *reply.body().len().to_string());
        let mut text = String::new();
        GzDecoder::new(&**reply.body()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "a".repeat(1000));
        for (codings, kind, length) in [
            ("identity", "text/plain", 1000),
            ("deflate", "text/plain", 1000),
            ("gzip", "image/jpeg", 1000),
            ("gzip", "application/octet-stream", 1000),
            ("gzip", "text/plain", 255),
        ] {
            let reply = compressed(codings, kind, length);
            assert_eq!((reply.body().len(), reply.headers().len()), (length, 2), "{kind}");
        }
    }
}
