//! Xobin's part, played: each kind at a path of its own, with the credential that it was registered with.

use crate::{BASIC_HEADER, Credentials, Xobin};
use base64::engine::Engine;
use base64::prelude::BASE64_STANDARD;
use shared::caller::{Caller, CallerError, Delivery, Endpoint, VendorCall};
use shared::source::Source;
use std::collections::BTreeMap;

const VERSIONS: [&str; 3] = ["start", "submission", "updates"];

impl Caller for Xobin {
    fn endpoints(credentials: &Credentials) -> Vec<Endpoint> {
        let Some(headers) = headers(credentials) else {
            return Vec::new();
        };
        let endpoint = |version| Endpoint {
            version,
            path: path(version),
            headers: headers.clone(),
        };
        VERSIONS.map(endpoint).into()
    }

    fn call(credentials: &Credentials, delivery: Delivery<'_>) -> Result<VendorCall, CallerError> {
        let version = VERSIONS
            .into_iter()
            .find(|known| *known == delivery.version)
            .ok_or_else(|| CallerError::UnknownVersion {
                version: delivery.version.to_owned(),
                source_name: Self::NAME,
                known: "start, submission, updates",
            })?;
        let mut headers = headers(credentials).ok_or(CallerError::NoCredential {
            version,
            source_name: Self::NAME,
        })?;
        headers.insert("content-type".into(), "application/json".into());
        Ok(VendorCall {
            path: path(version),
            headers,
        })
    }
}

fn path(version: &str) -> String {
    format!("/webhooks/xobin/{version}")
}

/// The API key where there is one: it was set on purpose, where a name and a password are generated.
fn headers(credentials: &Credentials) -> Option<BTreeMap<String, String>> {
    let header = if credentials.has_api_key() {
        let name = credentials.header().to_owned();
        (name, credentials.api_key.expose().to_owned())
    } else if credentials.has_basic() {
        (BASIC_HEADER.to_owned(), basic(credentials))
    } else {
        return None;
    };
    Some(BTreeMap::from([header]))
}

fn basic(credentials: &Credentials) -> String {
    let (username, password) = (&credentials.username, &credentials.password);
    let text = format!("{}:{}", username.expose(), password.expose());
    format!("Basic {}", BASE64_STANDARD.encode(text))
}
