//! The source of Xobin's webhooks.
//!
//! Xobin sends the credential that it was registered with: HTTP Basic, or an API key in a header. Two of its three kinds of
//! body name no event, so that each kind has a path of its own.

mod auth;
mod caller;
mod payload;
#[cfg(test)]
mod tests;

pub use auth::{Auth, AuthType};

use serde::Deserialize;
use shared::event::Event;
use shared::key::{EventKey, SourceName};
use shared::lenient;
use shared::person::HashKey;
use shared::secrets::{self, SecretText};
use shared::source::{AuthenticCall, Call, Reading, Source, Unauthenticated, Unreadable};
use std::collections::HashMap;

/// What a report says, as Xobin's API has it: the same as a submission.
pub fn read_report(
    report: serde_json::Map<String, serde_json::Value>,
) -> Result<Event, Unreadable> {
    payload::submission(report)
}

/// The kinds of webhooks, by Xobin's words for them. Each has a path of its own.
pub const KINDS: [&str; 3] = ["start", "submission", "updates"];
/// The part of the path that names the kind.
const KIND: &str = "kind";
const BASIC_HEADER: &str = "authorization";
const BASIC_SCHEME: &str = "basic";
const DEFAULT_API_KEY_HEADER: &str = "x-api-key";

/// Xobin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Xobin;

/// The inbound secret: a user's name and password, an API key and its header, or both.
#[derive(Clone, Debug, Deserialize)]
pub struct Credentials {
    #[serde(default)]
    username: SecretText,
    #[serde(default)]
    password: SecretText,
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    api_key: SecretText,
}

impl Credentials {
    fn has_basic(&self) -> bool {
        !self.username.is_empty() && !self.password.is_empty()
    }

    fn has_api_key(&self) -> bool {
        !self.api_key.is_empty()
    }

    /// The name of the header that holds the API key.
    fn header(&self) -> &str {
        lenient::text_or(self.header.as_deref(), DEFAULT_API_KEY_HEADER)
    }
}

impl secrets::Credentials for Credentials {
    fn is_empty(&self) -> bool {
        !self.has_basic() && !self.has_api_key()
    }
}

impl Source for Xobin {
    const NAME: SourceName = "xobin";

    type Credentials = Credentials;

    /// Either way that is configured passes.
    fn authenticate(&self, call: &Call, credentials: &Credentials) -> Result<(), Unauthenticated> {
        let basic = authenticate_basic(call, credentials);
        let api_key = credentials.api_key.check(call.header(credentials.header()));
        match (basic, api_key) {
            (Ok(()), _) | (_, Ok(())) => Ok(()),
            (Err(basic), Err(api_key)) => Err(more_telling(basic, api_key)),
        }
    }

    /// Two kinds may have one body, and the path alone tells them apart.
    fn event_key(&self, call: &AuthenticCall) -> EventKey {
        EventKey::from_body(call.path(KIND), &call.body)
    }

    /// The key is that of the body under its kind.
    fn path_of_stored(&self, key: &EventKey, body: &[u8]) -> HashMap<String, String> {
        let kind = KINDS
            .into_iter()
            .find(|kind| EventKey::from_body(Some(kind), body) == *key);
        let kind = kind.map(|kind| (KIND.to_owned(), kind.to_owned()));
        kind.into_iter().collect()
    }

    fn read(&self, call: &AuthenticCall, _people: &HashKey) -> Result<Reading, Unreadable> {
        payload::read(call.path(KIND), &call.body).map(Reading::from)
    }
}

/// Of two causes, the one of the way that was configured, and then tried.
fn more_telling(basic: Unauthenticated, api_key: Unauthenticated) -> Unauthenticated {
    match basic {
        Unauthenticated::Off => api_key,
        Unauthenticated::Absent if api_key != Unauthenticated::Off => api_key,
        _ => basic,
    }
}

fn authenticate_basic(call: &Call, credentials: &Credentials) -> Result<(), Unauthenticated> {
    if !credentials.has_basic() {
        return Err(Unauthenticated::Off);
    }
    let header = call.header(BASIC_HEADER).ok_or(Unauthenticated::Absent)?;
    let (username, password) = basic(header).ok_or(Unauthenticated::Malformed)?;
    // `&`, not `&&`: how long it takes must not say which of the two was wrong.
    if credentials.username.matches(&username) & credentials.password.matches(&password) {
        Ok(())
    } else {
        Err(Unauthenticated::Wrong)
    }
}

/// The name and the password of a header of HTTP Basic. The password may hold colons, the name cannot.
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case(BASIC_SCHEME) {
        return None;
    }
    let decoded = lenient::base64(encoded.trim())?;
    let text = String::from_utf8(decoded).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}
