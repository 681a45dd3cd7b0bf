//! Calls as they come in, and as the vendor would make them.

use http::{HeaderMap, HeaderName, HeaderValue};
use shared::caller::{Caller, CallerError, Delivery};
use shared::secrets::{Credentials, Versions};
use shared::source::Call;
use shared::timestamp::Timestamp;

/// What is asked for: a source has some of these versions at most, and must refuse the others.
const VERSIONS: [&str; 4] = ["", "v1", "v3", "finish"];

/// When the calls come in.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T10:00:00Z").expect("it is a time as it is written everywhere")
}

/// The secret, and none before it.
#[must_use]
pub fn versions<C: Credentials>(secret: &str) -> Versions<C> {
    Versions {
        current: serde_json::from_str(secret).expect("the secret is of its source's shape"),
        previous: None,
    }
}

/// A call that comes in now. A header may be there twice.
pub fn call<'a>(
    path: impl IntoIterator<Item = (&'a str, &'a str)>,
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    body: &[u8],
) -> Call {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("it is a header's name");
        map.append(
            name,
            HeaderValue::from_str(value).expect("it is a header's value"),
        );
    }
    let path = path
        .into_iter()
        .map(|(name, part)| (name.to_owned(), part.to_owned()));
    Call {
        headers: map,
        path: path.collect(),
        body: body.to_vec().into(),
        received: now(),
        correlation_id: "request".into(),
    }
}

/// A delivery that is made now.
#[must_use]
pub fn delivery(version: &str) -> Delivery<'_> {
    Delivery {
        version,
        body: b"{}",
        sent: now(),
        id: "delivery",
    }
}

/// `secret` opens every way in.
pub fn no_call_is_made_without_a_credential_or_of_an_unknown_version<S: Caller>(secret: &str) {
    let all = versions::<S::Credentials>(secret).current;
    let none = versions::<S::Credentials>("{}").current;
    assert!(S::endpoints(&none).is_empty());
    let endpoints = S::endpoints(&all);
    assert!(!endpoints.is_empty());
    for known in endpoints.iter().map(|endpoint| endpoint.version) {
        let call = S::call(&none, delivery(known));
        assert!(
            matches!(call, Err(CallerError::NoCredential { version, .. }) if version == known),
            "{known:?}"
        );
    }
    let is_known = |version| endpoints.iter().any(|endpoint| endpoint.version == version);
    for unknown in VERSIONS.into_iter().filter(|version| !is_known(*version)) {
        let call = S::call(&all, delivery(unknown));
        assert!(
            matches!(call, Err(CallerError::UnknownVersion { .. })),
            "{unknown:?}"
        );
    }
}
