//! Encryption of stored data.

use std::collections::BTreeMap;
use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use wechat_proto::Error;
use wechat_proto::error::{StorageFailure, StorageKind};
use zeroize::Zeroizing;

/// The keys that encrypt sessions and queued texts. Each has a number, which is stored with the
/// data that it encrypted.
///
/// The newest key encrypts, and all keys decrypt. To replace a key, first add the new key to all
/// workers with [`Keys::with_older`], then make it their newest key, and finally re-encrypt the rows of
/// idle accounts with [`PostgresStore::rotate`](crate::PostgresStore::rotate).
///
/// The cipher is XChaCha20-Poly1305 with a random nonce. The account, and the place of a queued
/// text, are authenticated: a row copied to another account cannot be decrypted.
#[derive(Clone)]
pub struct Keys {
    newest: i32,
    ciphers: BTreeMap<i32, XChaCha20Poly1305>,
}

/// Encrypted data as it is stored.
pub(crate) struct Sealed {
    pub(crate) key: i32,
    /// The number of the format, the nonce, and the ciphertext with its tag.
    pub(crate) bytes: Vec<u8>,
}

const FORM: u8 = 1;
const NONCE: usize = 24;

impl Keys {
    /// Returns a set of one key. Its number must differ from those of all other keys, past and
    /// future.
    pub fn new(number: i32, key: &[u8; 32]) -> Self {
        let ciphers = BTreeMap::from([(number, XChaCha20Poly1305::new(key.into()))]);
        Self { newest: number, ciphers }
    }

    /// Adds a key that only decrypts.
    #[must_use]
    pub fn with_older(mut self, number: i32, key: &[u8; 32]) -> Self {
        self.ciphers.entry(number).or_insert_with(|| XChaCha20Poly1305::new(key.into()));
        self
    }

    /// Returns the number of the key that encrypts.
    pub const fn newest(&self) -> i32 {
        self.newest
    }

    /// Encrypts with the newest key. `place` is authenticated: `account` first.
    pub(crate) fn seal(&self, place: &[&str], plain: &[u8]) -> Result<Sealed, Error> {
        let mut nonce = [0; NONCE];
        let failed = |kind| StorageFailure::new(kind).at(place[0]);
        getrandom::fill(&mut nonce).map_err(|error| failed(StorageKind::Write).because(error))?;
        let payload = Payload { msg: plain, aad: &associated(place) };
        let sealed = self.ciphers[&self.newest].encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| failed(StorageKind::Write))?;
        let bytes = [&[FORM][..], &nonce, &sealed].concat();
        Ok(Sealed { key: self.newest, bytes })
    }

    /// Decrypts the result of [`seal`](Keys::seal) for the same place.
    pub(crate) fn open(
        &self,
        place: &[&str],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let failure = |kind| StorageFailure::new(kind).at(place[0]);
        let Sealed { key, bytes } = sealed;
        let Some(cipher) = self.ciphers.get(key) else {
            return Err(failure(StorageKind::Read).because(UnknownKey(*key)).into());
        };
        let (form, rest) = bytes.split_first().ok_or(failure(StorageKind::Damaged))?;
        if *form > FORM {
            return Err(failure(StorageKind::Newer).into());
        }
        let (nonce, sealed) =
            rest.split_first_chunk::<NONCE>().ok_or(failure(StorageKind::Damaged))?;
        let payload = Payload { msg: sealed, aad: &associated(place) };
        let plain = cipher.decrypt(&XNonce::from(*nonce), payload);
        let damaged = |_| failure(StorageKind::Damaged).because(NotAuthentic(*key));
        Ok(Zeroizing::new(plain.map_err(damaged)?))
    }
}

/// Joins the parts of a place. PostgreSQL's texts contain no NUL.
fn associated(place: &[&str]) -> Vec<u8> {
    place.join("\0").into_bytes()
}

/// Shows the numbers of the keys only.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("newest", &self.newest)
            .field("numbers", &self.ciphers.keys())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct UnknownKey(i32);

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is encrypted with key {}, which was not given", self.0)
    }
}

impl std::error::Error for UnknownKey {}

#[derive(Debug)]
struct NotAuthentic(i32);

impl fmt::Display for NotAuthentic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it was changed or moved, or key {} is not the one that encrypted it", self.0)
    }
}

impl std::error::Error for NotAuthentic {}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(result: Result<Zeroizing<Vec<u8>>, Error>) -> StorageKind {
        let Err(Error::Storage(failure)) = result else { panic!("{result:?}") };
        assert_eq!(failure.place(), Some("bot"));
        failure.kind
    }

    #[test]
    fn sealed_text_opens_only_in_its_place() {
        let keys = Keys::new(2, &[7; 32]);
        let place = ["bot", "session"];
        let sealed = keys.seal(&place, b"secret").unwrap();
        assert_eq!(&keys.open(&place, &sealed).unwrap()[..], b"secret");
        assert_eq!(sealed.bytes.len(), 1 + NONCE + 6 + 16);
        assert!(!sealed.bytes.windows(6).any(|window| window == b"secret"));
        // The nonce is random.
        assert_ne!(keys.seal(&place, b"secret").unwrap().bytes, sealed.bytes);
        assert_eq!(kind(keys.open(&["bot", "outbox"], &sealed)), StorageKind::Damaged);
        assert!(keys.open(&["other", "session"], &sealed).is_err());
        for at in 1..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= 1;
            let changed = Sealed { key: 2, bytes };
            assert_eq!(kind(keys.open(&place, &changed)), StorageKind::Damaged, "{at}");
        }
        for length in 0..sealed.bytes.len() {
            let cut = Sealed { key: 2, bytes: sealed.bytes[..length].to_vec() };
            assert_eq!(kind(keys.open(&place, &cut)), StorageKind::Damaged, "{length}");
        }
        let newer = Sealed { key: 2, bytes: [&[2], &sealed.bytes[1..]].concat() };
        assert_eq!(kind(keys.open(&place, &newer)), StorageKind::Newer);
    }

    #[test]
    fn older_keys_only_read() {
        let old = Keys::new(1, &[1; 32]);
        let sealed = old.seal(&["bot"], b"secret").unwrap();
        let keys = Keys::new(2, &[2; 32]).with_older(1, &[1; 32]);
        assert_eq!(&keys.open(&["bot"], &sealed).unwrap()[..], b"secret");
        assert_eq!(keys.seal(&["bot"], b"secret").unwrap().key, 2);
        let error = Keys::new(2, &[2; 32]).open(&["bot"], &sealed).unwrap_err();
        let shown = wechat_proto::error::Chain(&error).to_string();
        assert_eq!(
            shown,
            "the stored session at \"bot\" could not be read: it is encrypted with key 1, which was not given"
        );
        // The newest key is not replaced by an older one with its number.
        let same = Keys::new(1, &[1; 32]).with_older(1, &[9; 32]);
        assert!(same.open(&["bot"], &sealed).is_ok());
        assert_eq!(format!("{keys:?}"), "Keys { newest: 2, numbers: [1, 2], .. }");
    }
}
