//! Generated ids, determined by a seed.

/// A splitmix64 generator. Ids must be distinct and reproducible, not secret.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number in `low..high`.
    pub(crate) const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(digits);
        text
    }

    pub(crate) fn base64(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(BASE64[(self.next() % 64) as usize])).collect()
    }

    /// Returns letters and digits, as in a `uuid` or a ticket.
    pub(crate) fn word(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(BASE64[(self.next() % 62) as usize])).collect()
    }

    /// Returns a number of `count` decimal digits.
    pub(crate) fn digits(&mut self, count: u32) -> u64 {
        let low = 10_u64.pow(count - 1);
        self.between(low, low * 9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_ids() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        assert_eq!(a.hex(64), b.hex(64));
        assert_eq!(a.base64(20).len(), 20);
        assert_eq!(b.digits(19).to_string().len(), 19);
        assert_ne!(Rng::new(1).next(), Rng::new(2).next());
    }
}
