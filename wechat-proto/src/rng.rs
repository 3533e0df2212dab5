//! A seeded generator. The core never uses the generator of the operating system.

use alloc::string::{String, ToString as _};
use core::fmt;

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// The generator of `DeviceID`s, of the random digits of `ClientMsgId`s, and of the boundaries of
/// forms.
///
/// Not for secrets: no random value of the protocol is secret. The same seed produces the same
/// digits on every platform and in every version of this crate.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "[u64; 4]", into = "[u64; 4]")]
pub struct Generator {
    source: Xoshiro256PlusPlus,
    /// The last seed of the source.
    seed: [u64; 4],
}

impl Generator {
    /// Returns a generator with this seed.
    pub fn new(seed: [u8; 32]) -> Self {
        Self::from(words(seed))
    }

    /// Mixes `seed` into the state, which also depends on all earlier seeds and draws.
    ///
    /// A resumed session does this with fresh entropy, so that two copies of one stored session
    /// do not draw the same `DeviceID`s.
    pub fn mix(&mut self, seed: [u8; 32]) {
        *self = Self::from(words(seed).map(|word| word ^ self.source.next_u64()));
    }

    /// Mixes a seed that another generator draws into the state.
    pub(crate) fn mix_drawn(&mut self, other: &mut Self) {
        let mut seed = [0; 32];
        other.source.fill_bytes(&mut seed);
        self.mix(seed);
    }

    /// Returns a number below 10^`digits`.
    pub(crate) fn digits(&mut self, digits: u32) -> u64 {
        // The bias of the remainder is below 10^-4 for 15 digits: these are labels, not keys.
        self.source.next_u64() % 10_u64.pow(digits)
    }

    /// Returns random letters and digits.
    pub(crate) fn letters(&mut self, count: usize) -> String {
        // Two letters are twice as likely as others: these are labels, not keys.
        const LETTERS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB";
        let letter = |_| {
            LETTERS.get((self.source.next_u64() >> 58) as usize).map_or('0', |b| char::from(*b))
        };
        (0..count).map(letter).collect()
    }

    /// Returns `e` and 15 decimal digits, new for every request: `docs/protocol.md` §1.4.
    pub(crate) fn device_id(&mut self) -> String {
        // The first digit is replaced.
        let number = 10_u64.pow(15) + self.digits(15);
        let mut text = number.to_string();
        text.replace_range(..1, "e");
        text
    }
}

/// Returns a seed as words, in the order of their little-endian bytes.
fn words(seed: [u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(seed.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

impl From<[u64; 4]> for Generator {
    fn from(seed: [u64; 4]) -> Self {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(seed) {
            *chunk = word.to_le_bytes();
        }
        Self { source: Xoshiro256PlusPlus::from_seed(bytes), seed }
    }
}

impl From<Generator> for [u64; 4] {
    /// Returns a seed that continues this generator. It is drawn from a copy, so that storing a
    /// session twice without drawing in between produces the same bytes.
    fn from(mut generator: Generator) -> Self {
        core::array::from_fn(|_| generator.source.next_u64())
    }
}

impl Default for Generator {
    fn default() -> Self {
        Self::new([0; 32])
    }
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Generator")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_digits() {
        let (mut a, mut b) = (Generator::new([7; 32]), Generator::new([7; 32]));
        assert_eq!(a.device_id(), b.device_id());
        assert_eq!(a.device_id(), "e943851654580874");
    }

    #[test]
    fn a_device_id_is_e_and_15_digits() {
        let mut generator = Generator::default();
        for _ in 0..1000 {
            let id = generator.device_id();
            assert!(id.starts_with('e') && id.len() == 16);
            assert!(id[1..].bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn mixing_depends_on_both_seeds() {
        let mut a = Generator::new([1; 32]);
        let mut b = Generator::new([2; 32]);
        let mut c = Generator::new([1; 32]);
        a.mix([9; 32]);
        b.mix([9; 32]);
        c.mix([8; 32]);
        let (a, b, c) = (a.device_id(), b.device_id(), c.device_id());
        assert!(a != b && a != c && b != c);
    }

    #[test]
    fn a_stored_generator_does_not_repeat() {
        let mut generator = Generator::new([3; 32]);
        let first = generator.device_id();
        let stored = serde_json::to_string(&generator).unwrap();
        let mut again: Generator = serde_json::from_str(&stored).unwrap();
        assert_ne!(again.device_id(), first);
    }
}
