//! The source of JobMojito's interview results.
//!
//! JobMojito sends static headers that its customer chooses with every call: one of them holds a token. A body is a snapshot
//! of the whole result, sent again on every change and with neither an event's name nor a time, so that its order is that of
//! its stage and of its coming.

mod caller;
mod payload;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use shared::key::SourceName;
use shared::lenient;
use shared::person::HashKey;
use shared::secrets::{self, SecretText};
use shared::source::{AuthenticCall, Call, Reading, Source, Unauthenticated, Unreadable};

const DEFAULT_HEADER: &str = "x-webhook-token";

/// JobMojito.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jobmojito;

/// The inbound secret.
#[derive(Clone, Debug, Deserialize)]
pub struct Credentials {
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    token: SecretText,
}

impl Credentials {
    /// The name of the header that holds the token.
    fn header(&self) -> &str {
        lenient::text_or(self.header.as_deref(), DEFAULT_HEADER)
    }
}

impl secrets::Credentials for Credentials {
    fn is_empty(&self) -> bool {
        self.token.is_empty()
    }
}

impl Source for Jobmojito {
    const NAME: SourceName = "jobmojito";

    type Credentials = Credentials;

    fn authenticate(&self, call: &Call, credentials: &Credentials) -> Result<(), Unauthenticated> {
        credentials.token.check(call.header(credentials.header()))
    }

    fn read(&self, call: &AuthenticCall, _people: &HashKey) -> Result<Reading, Unreadable> {
        payload::read(&call.body).map(Reading::from)
    }
}
