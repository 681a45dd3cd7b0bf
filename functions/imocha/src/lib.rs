//! The source of iMocha's callbacks.
//!
//! iMocha signs nothing and sets no header, so all that vouches for a call is a capability token in the path. Whoever
//! holds it can claim any result: it is to be treated as a password.

mod caller;
mod payload;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use shared::key::SourceName;
use shared::person::HashKey;
use shared::secrets::{self, SecretText};
use shared::source::{AuthenticCall, Call, Reading, Source, Unauthenticated, Unreadable};

/// The part of the path that holds the token.
const TOKEN: &str = "token";

/// iMocha.
#[derive(Clone, Copy, Debug, Default)]
pub struct Imocha;

/// The inbound secret.
#[derive(Clone, Debug, Deserialize)]
pub struct Credentials {
    #[serde(default)]
    token: SecretText,
}

impl secrets::Credentials for Credentials {
    fn is_empty(&self) -> bool {
        self.token.is_empty()
    }
}

impl Source for Imocha {
    const NAME: SourceName = "imocha";

    type Credentials = Credentials;

    fn authenticate(&self, call: &Call, credentials: &Credentials) -> Result<(), Unauthenticated> {
        credentials.token.check(call.path(TOKEN))
    }

    fn read(&self, call: &AuthenticCall, _people: &HashKey) -> Result<Reading, Unreadable> {
        payload::read(&call.body).map(Reading::from)
    }
}
