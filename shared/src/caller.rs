//! The other end of the line: what a vendor must be given so that its calls are believed, and calls as it makes them, for
//! `hooks send`, the demo and the tests. No function calls this.

use crate::source::Source;
use crate::timestamp::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

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
