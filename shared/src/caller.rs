//! The other end of the line: what a vendor must be given so that its calls are believed, and calls as it makes them, for
//! `hooks send`, the demo and the tests. No function calls this.

use crate::secrets::SecretText;
use crate::source::Source;
use crate::timestamp::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of a source that has one way in only.
pub const ONLY_VERSION: &str = "";

/// What a part of a path must not hold as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What a vendor must be told. Holds credentials in the clear.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Which of the source's ways in: `v1`, or the kind that the path names. Empty where there is only one.
    pub version: &'static str,
    /// The path, below the API's address.
    pub path: String,
    /// The headers that every call must carry.
    pub headers: BTreeMap<String, String>,
}

/// A delivery to be made.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// Which of the source's ways in: as in [`Endpoint::version`].
    pub version: &'a str,
    /// The exact body.
    pub body: &'a [u8],
    /// When the vendor sends it.
    pub sent: Timestamp,
    /// The delivery's id, for the vendors that give one.
    pub id: &'a str,
}

/// A delivery with its credentials.
#[derive(Clone)]
pub struct VendorCall {
    /// The path, below the API's address.
    pub path: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
}

/// The calls cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// There is no such way in.
    #[error("`{version}` is no version of {source_name}; there are: {known}")]
    UnknownVersion {
        /// What was asked for.
        version: String,
        /// Of which source.
        source_name: &'static str,
        /// What there is.
        known: &'static str,
    },
    /// The credential for it is not set.
    #[error("no credential is set for {source_name} {version}: set it with `hooks secrets set`")]
    NoCredential {
        /// Of which version.
        version: &'static str,
        /// Of which source.
        source_name: &'static str,
    },
}

/// What a call is made with where there is one way in only: the credential, if it is set and the delivery is for that way.
pub fn only_way<S: Source, T>(
    delivery: Delivery<'_>,
    credential: Option<T>,
) -> Result<T, CallerError> {
    if delivery.version != ONLY_VERSION {
        return Err(CallerError::UnknownVersion {
            version: delivery.version.to_owned(),
            source_name: S::NAME,
            known: "one without a name",
        });
    }
    credential.ok_or(CallerError::NoCredential {
        version: ONLY_VERSION,
        source_name: S::NAME,
    })
}

/// The path whose last part is the token; `None` if there is no token.
#[must_use]
pub fn token_path(path: &str, token: &SecretText) -> Option<String> {
    let encoded = utf8_percent_encode(token.expose(), ESCAPED);
    (!token.is_empty()).then(|| format!("{path}/{encoded}"))
}

/// A source whose vendor's part can be played.
pub trait Caller: Source {
    /// What the vendor must be given, for every way in that has a credential.
    fn endpoints(credentials: &Self::Credentials) -> Vec<Endpoint>;

    /// The call that the vendor would make.
    fn call(
        credentials: &Self::Credentials,
        delivery: Delivery<'_>,
    ) -> Result<VendorCall, CallerError>;
}
