//! What a source of webhooks supplies: how its calls are authenticated and how its bodies are read. Everything else is
//! [`crate::ingest`]'s, written once.

use crate::event::Event;
use crate::key::{EventKey, SourceName};
use crate::person::HashKey;
use crate::secrets::{Credentials, SecretText, Stage, Versions};
use crate::store::Original;
use crate::timestamp::Timestamp;
use bytes::Bytes;
use http::HeaderMap;
use std::collections::HashMap;
use std::fmt;

/// A call as it came in, of which nothing is believed yet.
#[derive(Clone)]
pub struct Call {
    /// The headers, with lower-case names.
    pub headers: HeaderMap,
    /// The parts of the path that have a name in the route, decoded.
    pub path: HashMap<String, String>,
    /// The exact bytes of the body.
    pub body: Bytes,
    /// When it came.
    pub received: Timestamp,
    /// What follows it through the queue into the worker's logs: API Gateway's id of the request.
    pub correlation_id: String,
}

impl Call {
    /// The header, if it is there exactly once and is text. API Gateway joins repeated headers with a comma, which no
    /// credential survives.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The part of the path with this name in the route.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&str> {
        self.path.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.len();
        write!(formatter, "Call({bytes} bytes, {})", self.correlation_id)
    }
}

/// A call whose sender is known. Only [`Call::authenticate`] makes one, and [`AuthenticCall::of_stored`] makes it again.
#[derive(Debug)]
pub struct AuthenticCall {
    call: Call,
    /// Which version of the credentials vouches for it.
    pub vouched_by: Stage,
}

impl AuthenticCall {
    /// A call that was believed when it came, as far as the table keeps it: what its source reads it by. Nothing but the table
    /// makes an [`Original`].
    pub fn of_stored<S: Source>(source: &S, original: &Original) -> Self {
        let key = original.event.key.event_key();
        let path = key.map(|key| source.path_of_stored(&key, &original.body));
        Self {
            call: Call {
                headers: HeaderMap::new(),
                path: path.unwrap_or_default(),
                body: original.body.clone(),
                received: original.event.summary.first_received,
                correlation_id: String::new(),
            },
            // Which it was is not kept; no reader asks.
            vouched_by: Stage::Current,
        }
    }
}

impl Call {
    /// Believes the call if one of the versions of the source's credentials authenticates it.
    pub fn authenticate<S: Source>(
        self,
        source: &S,
        versions: &Versions<S::Credentials>,
    ) -> Result<AuthenticCall, Unauthenticated> {
        let mut cause = Unauthenticated::Wrong;
        for (vouched_by, credentials) in versions.iter() {
            match source.authenticate(&self, credentials) {
                Ok(()) => {
                    let call = self;
                    return Ok(AuthenticCall { call, vouched_by });
                }
                Err(refused) => cause = refused,
            }
        }
        Err(cause)
    }
}

impl std::ops::Deref for AuthenticCall {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

/// Why a call is not believed. For the operator: the caller reads one opaque text whatever the cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// The credential is not there.
    #[error("credential absent")]
    Absent,
    /// It is there, and not the right one.
    #[error("credential wrong")]
    Wrong,
    /// It cannot be read as what it should be.
    #[error("credential malformed")]
    Malformed,
    /// It was right once, or is not yet.
    #[error("timestamp out of tolerance")]
    Stale,
    /// This way in is not configured.
    #[error("not configured")]
    Off,
}

impl Unauthenticated {
    /// In one word, as metrics have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Wrong => "wrong",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Off => "off",
        }
    }
}

impl SecretText {
    /// Whether it is what the call presents, which may be nothing. An empty secret is a way in that is not configured.
    pub fn check(&self, presented: Option<&str>) -> Result<(), Unauthenticated> {
        match presented {
            _ if self.is_empty() => Err(Unauthenticated::Off),
            None | Some("") => Err(Unauthenticated::Absent),
            Some(text) if self.matches(text) => Ok(()),
            Some(_) => Err(Unauthenticated::Wrong),
        }
    }
}

/// What a body turned out to be.
#[derive(Debug, PartialEq)]
pub enum Reading {
    /// An event. One whose kind is [`Kind::Unknown`](crate::event::Kind::Unknown) is stored and changes no state.
    Event(Box<Event>),
    /// The vendor's test button.
    Ping,
}

impl From<Event> for Reading {
    fn from(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

/// An authentic body that cannot be read. It is kept all the same.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON, or JSON of another shape. The message may quote the body.
    #[error("the body is not the JSON that is expected: {0}")]
    Json(#[from] serde_json::Error),
    /// A field that is needed to tell what the body is about is absent or of no use.
    #[error("`{0}` is absent, empty or of no use")]
    Field(&'static str),
}

/// A source of webhooks.
pub trait Source: Send + Sync + 'static {
    /// Its name in keys, ids and logs.
    const NAME: SourceName;

    /// Whether reading a body needs the key that people's addresses are hashed with.
    const HASHES_PEOPLE: bool = false;

    /// The inbound secret.
    type Credentials: Credentials + 'static;

    /// Whether these credentials vouch for the call. Compares in constant time, over the raw bytes.
    fn authenticate(
        &self,
        call: &Call,
        credentials: &Self::Credentials,
    ) -> Result<(), Unauthenticated>;

    /// What tells the event from others and stays the same when it is repeated.
    fn event_key(&self, call: &AuthenticCall) -> EventKey {
        EventKey::from_body(None, &call.body)
    }

    /// The named parts of the path that [`Source::read`] goes by, of an event that is stored. Paths are not kept, since they hold
    /// tokens, so that the event's key has to tell; a source whose reader goes by the body alone needs none.
    fn path_of_stored(&self, _key: &EventKey, _body: &[u8]) -> HashMap<String, String> {
        HashMap::new()
    }

    /// What the body says. `people` hashes a person's address, where [`Source::HASHES_PEOPLE`].
    fn read(&self, call: &AuthenticCall, people: &HashKey) -> Result<Reading, Unreadable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_that_is_set_is_believed_and_only_when_it_is_presented() {
        for (secret, presented, expected) in [
            ("correct", Some("correct"), Ok(())),
            ("correct", Some("correc"), Err(Unauthenticated::Wrong)),
            ("correct", Some(""), Err(Unauthenticated::Absent)),
            ("correct", None, Err(Unauthenticated::Absent)),
            ("", Some("correct"), Err(Unauthenticated::Off)),
            ("", Some(""), Err(Unauthenticated::Off)),
            ("", None, Err(Unauthenticated::Off)),
        ] {
            let checked = SecretText::from(secret.to_owned()).check(presented);
            assert_eq!(checked, expected, "{secret:?} {presented:?}");
        }
    }
}
