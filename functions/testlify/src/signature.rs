//! The signature of version 2: the scheme of [Standard Webhooks](https://www.standardwebhooks.com), which is also Svix's.
//!
//! It is written here, and the crate of that name checks it in the tests only: that one reads the system's clock, refuses a
//! body that is not UTF-8, knows one of the two families of headers, and takes an empty key.

use base64::engine::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::lenient;
use shared::secrets::SecretText;
use shared::source::{Call, Unauthenticated};
use shared::timestamp::Timestamp;
use subtle::{Choice, ConstantTimeEq};

/// How far the sender's clock and ours may be apart, and a delivery be on its way.
const TOLERANCE_SECONDS: u64 = 5 * 60;

/// Svix's names, and the ones without its brand.
const FAMILIES: [[&str; 3]; 2] = [
    HEADERS,
    ["webhook-id", "webhook-timestamp", "webhook-signature"],
];
/// The headers of a delivery's id, its time and its signatures.
pub(crate) const HEADERS: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];

const SECRET_PREFIX: &str = "whsec_";
const VERSION: &str = "v1";

/// The key that a secret holds.
pub(crate) struct SigningKey(Vec<u8>);

impl SigningKey {
    /// The key after `whsec_`, which may be missing. `None` if it is empty or no base64: with such a key nothing passes.
    pub(crate) fn parse(secret: &SecretText) -> Option<Self> {
        let text = secret.expose().trim();
        let text = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        let key = lenient::base64(text)?;
        (!key.is_empty()).then_some(Self(key))
    }

    /// The signature of a delivery, as the header holds it.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let signature = BASE64_STANDARD.encode(self.digest(id, timestamp, body));
        format!("{VERSION},{signature}")
    }

    fn digest(&self, id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// What a delivery's headers say of its signature.
pub(crate) struct Signature<'a> {
    /// The delivery's id, the same on every retry.
    pub(crate) id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

impl<'a> Signature<'a> {
    /// From the first family of which all headers are there. What is believed and what the event's key is made of are then
    /// the same id, also where a call has both families.
    pub(crate) fn of(call: &'a Call) -> Option<Self> {
        FAMILIES
            .into_iter()
            .find_map(|family| Self::of_family(call, family))
    }

    fn of_family(call: &'a Call, names: [&str; 3]) -> Option<Self> {
        let [id, timestamp, signatures] =
            names.map(|name| call.header(name).filter(|value| !value.is_empty()));
        Some(Self {
            id: id?,
            timestamp: timestamp?,
            signatures: signatures?,
        })
    }

    /// Whether one of the signatures is the body's, and the delivery is of now.
    pub(crate) fn verify(
        &self,
        key: &SigningKey,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Unauthenticated> {
        let sent: i64 = self
            .timestamp
            .parse()
            .map_err(|_| Unauthenticated::Malformed)?;
        if now.unix_seconds().abs_diff(sent) > TOLERANCE_SECONDS {
            return Err(Unauthenticated::Stale);
        }
        if self.any_is(&key.digest(self.id, self.timestamp, body)) {
            Ok(())
        } else {
            Err(Unauthenticated::Wrong)
        }
    }

    /// Looks at every signature, also when one was right: how long it takes says nothing of which.
    fn any_is(&self, expected: &[u8; 32]) -> bool {
        let none = Choice::from(0);
        let matched = self
            .signatures
            .split_whitespace()
            .filter_map(|entry| entry.strip_prefix(VERSION)?.strip_prefix(','))
            .filter_map(|text| BASE64_STANDARD.decode(text).ok())
            .fold(none, |matched, signature| {
                matched | signature.as_slice().ct_eq(expected)
            });
        bool::from(matched)
    }
}

#[cfg(test)]
mod tests;
