//! Decoding of gzip: <https://www.rfc-editor.org/rfc/rfc1952>.

use alloc::vec;
use alloc::vec::Vec;

use miniz_oxide::inflate::decompress_slice_iter_to_slice;

use crate::error::FailureKind;

/// The maximum number of decoded bytes per received byte: two bits encode up to 258 bytes.
const RATIO: usize = 1032;

/// Decodes a body of one member, of at most `limit` bytes when decoded.
///
/// # Errors
///
/// [`FailureKind::TooLarge`] if its trailer states a length above the limit, and
/// [`FailureKind::Encoding`] if the body is malformed or incomplete, or does not have the length and
/// the checksum that the trailer states.
pub(crate) fn decode(body: &[u8], limit: usize) -> Result<Vec<u8>, FailureKind> {
    let deflated = deflated(body).ok_or(FailureKind::Encoding)?;
    let (deflated, trailer) = deflated.split_last_chunk::<8>().ok_or(FailureKind::Encoding)?;
    let [a, b, c, d, length @ ..] = *trailer;
    let length = u32::from_le_bytes(length) as usize;
    if length > limit {
        return Err(FailureKind::TooLarge);
    }
    if length / RATIO > deflated.len() {
        return Err(FailureKind::Encoding);
    }
    let mut decoded = vec![0; length];
    let found = decompress_slice_iter_to_slice(&mut decoded, [deflated].into_iter(), false, true);
    if found == Ok(length) && crc32fast::hash(&decoded).to_le_bytes() == [a, b, c, d] {
        return Ok(decoded);
    }
    Err(FailureKind::Encoding)
}

/// Returns the body after its header.
fn deflated(body: &[u8]) -> Option<&[u8]> {
    const CHECKSUM: u8 = 1 << 1;
    const EXTRA: u8 = 1 << 2;
    const NAME: u8 = 1 << 3;
    const COMMENT: u8 = 1 << 4;

    let (&[0x1f, 0x8b, 8, flags, ..], mut rest) = body.split_first_chunk::<10>()? else {
        return None;
    };
    if flags & EXTRA != 0 {
        let (&length, after) = rest.split_first_chunk()?;
        rest = after.get(usize::from(u16::from_le_bytes(length))..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & CHECKSUM != 0 {
        rest = rest.get(2..)?;
    }
    // Reserved flags announce fields of unknown length.
    (flags >> 5 == 0).then_some(rest)
}

#[cfg(test)]
pub(crate) mod tests {
    use miniz_oxide::deflate::compress_to_vec;
    use proptest::prelude::*;

    use super::*;

    /// `printf content | gzip`, and with the name of a file.
    const CONTENT: [&[u8]; 2] = [
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03K\xce\xcf+I\xcd+\x01\0\xa90\xc5\xfe\x07\0\0\0",
        b"\x1f\x8b\x08\x08\x1c\x1c+i\0\x03a.txt\0K\xce\xcf+I\xcd+\x01\0\xa90\xc5\xfe\x07\0\0\0",
    ];

    pub(crate) fn encode(body: &[u8]) -> Vec<u8> {
        let mut encoded = CONTENT[0][..10].to_vec();
        encoded.extend(compress_to_vec(body, 1));
        encoded.extend(crc32fast::hash(body).to_le_bytes());
        encoded.extend((body.len() as u32).to_le_bytes());
        encoded
    }

    #[test]
    fn optional_fields_are_skipped() {
        for content in CONTENT {
            assert_eq!(decode(content, 7).unwrap(), b"content");
        }
        let with = |flags: u8, fields: &[u8]| {
            let mut body = CONTENT[0].to_vec();
            body[3] = flags;
            body.splice(10..10, fields.iter().copied());
            decode(&body, 7)
        };
        // Extra data, a name, a comment, and the checksum of the header.
        let all = b"\x03\0xyzname\0comment\0\x01\x02";
        assert_eq!(with(0b1_1110, all).unwrap(), b"content");
        assert_eq!(with(0b11_1110, all), Err(FailureKind::Encoding));
        assert_eq!(with(0b100, b"\xff\xff"), Err(FailureKind::Encoding));
        assert_eq!(with(0b1000, b"a"), Err(FailureKind::Encoding));
    }

    #[test]
    fn limit_is_of_the_decoded_body() {
        let body = encode(&[b'a'; 100_000]);
        assert_eq!(decode(&body, 100_000).unwrap().len(), 100_000);
        assert_eq!(decode(&body, 99_999), Err(FailureKind::TooLarge));
        assert_eq!(decode(&encode(b""), 0).unwrap(), b"");
        assert_eq!(decode(&encode(b"a"), 0), Err(FailureKind::TooLarge));
        // The stated length is neither trusted nor allocated.
        let stated = |length: u32| {
            let mut body = encode(&[b'a'; 100]);
            let place = body.len() - 4;
            body[place..].copy_from_slice(&length.to_le_bytes());
            decode(&body, usize::MAX)
        };
        assert_eq!(stated(100).unwrap(), [b'a'; 100]);
        for length in [0, 99, 101, u32::MAX] {
            assert_eq!(stated(length), Err(FailureKind::Encoding), "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_decoded(body in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(decode(&encode(&body), body.len()).unwrap(), body);
        }

        /// No truncated body is accepted, and no altered byte that changes the decoded body. Some
        /// bytes do not change it: fields of the header, unused bits after the last block, another
        /// distance to the same bytes.
        #[test]
        fn damage_is_detected(
            body in prop::collection::vec(any::<u8>(), 1..200),
            place in any::<prop::sample::Index>(),
            change in 1..=u8::MAX,
        ) {
            let whole = encode(&body);
            let place = place.index(whole.len());
            prop_assert!(decode(&whole[..place], usize::MAX).is_err());
            let mut altered = whole;
            altered[place] ^= change;
            if let Ok(decoded) = decode(&altered, 1000) {
                prop_assert_eq!(decoded, body);
            }
        }
    }
}
