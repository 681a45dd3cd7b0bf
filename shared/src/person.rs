//! People in keys and indexes: never by name or address, always by a keyed hash.

use crate::secrets::{Credentials, SecretText};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

/// The key that people's addresses are hashed with: the secret `{"key"}`. Generated once, never rotated, since what was
/// hashed with it would not be found again.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct HashKey {
    key: SecretText,
}

impl HashKey {
    /// The hash of an address or an id of a person: 32 hex digits. Case and surrounding space do not count.
    #[must_use]
    pub fn hash(&self, text: &str) -> String {
        self.digits(&[text.trim().to_lowercase().as_bytes()])
    }

    /// What tells whether a credential is still the same, where the credential itself must not stand: 32 hex digits, which
    /// say nothing to whoever does not have this key. Exact, and never the hash of a person.
    #[must_use]
    pub fn fingerprint(&self, credential: &str) -> String {
        // No address begins so.
        self.digits(&[b"credential\0", credential.as_bytes()])
    }

    fn digits(&self, parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(part);
        }
        let mut digits = hex::encode(mac.finalize().into_bytes());
        digits.truncate(32);
        digits
    }
}

impl From<SecretText> for HashKey {
    fn from(key: SecretText) -> Self {
        Self { key }
    }
}

impl Credentials for HashKey {
    fn is_empty(&self) -> bool {
        self.key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> HashKey {
        SecretText::from(text.to_owned()).into()
    }

    #[test]
    fn one_person_however_the_address_is_written() {
        let expected = key("k").hash("ada@example.com");
        assert_eq!(key("k").hash(" Ada@Example.COM "), expected);
        assert_ne!(key("k").hash("eve@example.com"), expected);
        assert_ne!(key("other").hash("ada@example.com"), expected);
        assert_eq!(expected.len(), 32);
    }

    #[test]
    fn a_fingerprint_is_exact_keyed_and_no_persons_hash() {
        let expected = key("k").fingerprint("S3cret");
        assert_eq!(key("k").fingerprint("S3cret"), expected);
        assert_eq!(expected.len(), 32);
        for other in [
            key("k").fingerprint("s3cret"),
            key("k").fingerprint("S3cret "),
            key("other").fingerprint("S3cret"),
            key("k").hash("S3cret"),
        ] {
            assert_ne!(other, expected);
        }
    }
}
