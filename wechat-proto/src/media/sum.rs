//! The MD5 of a file.

use core::fmt;

use md5::{Digest as _, Md5};

/// The MD5 of a file, by which the service identifies it. Formatted as it is sent, in lower-case
/// hexadecimal digits.
///
/// It does not authenticate a file: MD5 is not collision-resistant.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "an MD5 has exactly 16 bytes")]
pub struct Md5Sum(pub [u8; 16]);

impl Md5Sum {
    /// Returns the MD5 of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Md5::digest(bytes).into())
    }

    /// Returns the MD5 of the bytes that were added, and resets the state.
    pub(super) fn end(sum: &mut Md5) -> Self {
        Self(sum.finalize_reset().into())
    }
}

impl fmt::Display for Md5Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Md5Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// The vectors of RFC 1321, appendix A.5.
    #[test]
    fn md5_matches_rfc_1321() {
        for (text, sum) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        ] {
            assert_eq!(Md5Sum::of(text.as_bytes()).to_string(), sum);
        }
    }

    proptest! {
        #[test]
        fn md5_in_pieces_equals_md5_of_the_whole(pieces in any::<Vec<Vec<u8>>>()) {
            let mut sum = Md5::default();
            pieces.iter().for_each(|piece| sum.update(piece));
            prop_assert_eq!(Md5Sum::end(&mut sum), Md5Sum::of(&pieces.concat()));
            prop_assert_eq!(Md5Sum::end(&mut sum), Md5Sum::of(b""));
        }
    }
}
