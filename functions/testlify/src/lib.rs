//! The source of Testlify's webhooks, both versions of them.
//!
//! Version 1 signs nothing and sets no header: a capability token in the path vouches for its calls. Version 2 is signed, and
//! has the path without a token. While both run, both tell the same things of the same attempts.

mod caller;
mod payload;
mod signature;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use shared::key::{EventKey, SourceName};
use shared::person::HashKey;
use shared::secrets::{self, SecretText};
use shared::source::{AuthenticCall, Call, Reading, Source, Unauthenticated, Unreadable};
use signature::{Signature, SigningKey};

/// The part of the path that holds the token of version 1, and that version 2 does not have.
const TOKEN: &str = "token";

/// Testlify.
#[derive(Clone, Copy, Debug, Default)]
pub struct Testlify;

/// The inbound secret. Either part may be empty: that version is then off.
#[derive(Clone, Debug, Deserialize)]
pub struct Credentials {
    #[serde(default)]
    token: SecretText,
    #[serde(default)]
    signing_secret: SecretText,
}

impl secrets::Credentials for Credentials {
    /// A signing secret that is no key lets nobody in either.
    fn is_empty(&self) -> bool {
        self.token.is_empty() && SigningKey::parse(&self.signing_secret).is_none()
    }
}

impl Source for Testlify {
    const NAME: SourceName = "testlify";

    /// An attempt is one person at one assessment, and only the address is in every payload.
    const HASHES_PEOPLE: bool = true;

    type Credentials = Credentials;

    fn authenticate(&self, call: &Call, credentials: &Credentials) -> Result<(), Unauthenticated> {
        match call.path(TOKEN) {
            token @ Some(_) => credentials.token.check(token),
            None => authenticate_v2(call, &credentials.signing_secret),
        }
    }

    fn event_key(&self, call: &AuthenticCall) -> EventKey {
        // On the path of version 1 nothing vouches for the headers.
        let signature = Signature::of(call).filter(|_| call.path(TOKEN).is_none());
        match signature {
            Some(signature) => EventKey::from_delivery_id(signature.id),
            None => EventKey::from_body(None, &call.body),
        }
    }

    fn read(&self, call: &AuthenticCall, people: &HashKey) -> Result<Reading, Unreadable> {
        payload::read(&call.body, people)
    }
}

fn authenticate_v2(call: &Call, secret: &SecretText) -> Result<(), Unauthenticated> {
    let key = SigningKey::parse(secret).ok_or(Unauthenticated::Off)?;
    let signature = Signature::of(call).ok_or(Unauthenticated::Absent)?;
    signature.verify(&key, &call.body, call.received)
}
